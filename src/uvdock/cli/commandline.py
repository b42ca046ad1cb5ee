"""The command line of `uvdock`: which of its words are options, tasks, and words of a task. Pure.

One rule: after a task that takes words, every word is its own, whatever it is called. Options of the task stand
anywhere before ``--``; where the words are a command line, its first word ends them. Several tasks stand in one call
only where none takes words.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Literal, NamedTuple, NoReturn

from uvdock.errors import UvdockError, nearest

#: What the words of a task are: none, names (of services, packages, files), or a command line.
Kind = Literal["none", "names", "command"]
#: What stands before words that begin with a dash, and the file that is standard input or output.
SEPARATOR, STANDARD = "--", "-"
HELP = "--help"
LIST = "--list"


class Option(NamedTuple):
    """An option: its long name, whether a value follows (``no``, ``yes``, ``maybe``), and whether that is a number."""

    name: str
    value: str = "no"
    number: bool = False


class Shape(NamedTuple):
    """What may follow a task.

    Args:
        options: Its options, by each of their names.
        words: What its words are.
        positionals: The names of the arguments that it must have.
        strict: Whether an option that nobody knows is refused; else it is a word like any other.
        helps: Whether ``--help`` is the task's; else it is a word too.
    """

    options: Mapping[str, Option]
    words: Kind = "none"
    positionals: tuple[str, ...] = ()
    strict: bool = True
    helps: bool = True


class TaskCall(NamedTuple):
    """One task: its options as Invoke takes them, the values of its positional arguments, and its words."""

    name: str
    options: tuple[str, ...] = ()
    positionals: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()


class CommandLine(NamedTuple):
    """A command line that was understood: the program's own options, and the tasks in order."""

    core: tuple[str, ...]
    calls: tuple[TaskCall, ...]

    def tokens(self) -> list[str]:
        """The same for Invoke, whose parser has no choice left: options, tasks, and one ``--`` before the words."""
        found = list(self.core)
        for call in self.calls:
            found.append(call.name)
            for name, value in call.positionals:
                found += [f"--{name}", value] if value[:1] == "-" != value else [value]
            found += call.options
        words = [word for call in self.calls for word in call.words]
        return [*found, "--", *words] if words else found


class _Found(NamedTuple):
    """One token's options: what Invoke is given for them, where the next token is, and what is wrong with them.

    With ``unknown``, a letter among several is no option.
    """

    given: tuple[str, ...]
    at: int
    options: tuple[Option, ...]
    problem: str = ""
    unknown: bool = False


class Grammar:
    """The tasks and options that there are.

    Args:
        program: The program's name, for what a person is told to type.
        core: The program's own options.
        names: Every name of a task.
        shape: What may follow a task of that name.
        no_task: The error for a word that is no task, by its place in the tokens.
    """

    def __init__(
        self,
        program: str,
        core: Mapping[str, Option],
        names: Container[str],
        shape: Callable[[str], Shape],
        no_task: Callable[[int, Sequence[str]], UvdockError] | None = None,
    ) -> None:
        self.program = program
        self.core = core
        self.names = names
        self.shape = shape
        self.no_task = no_task

    def read(self, tokens: Sequence[str]) -> CommandLine:
        """Understand a command line.

        Args:
            tokens: The arguments after the program's name.

        Raises:
            UvdockError: It cannot be understood, or may be meant in two ways; with the line to type.
        """
        return _LineReader(self, tokens).line()

    def undecided(self, tokens: Sequence[str]) -> tuple[int, int] | None:
        """Where `inv` cannot tell a word of a task from another task, or from an option: for want of a ``--``.

        Invoke's own rules hold there: what is not after ``--`` is an option or a task.

        Returns:
            The places of the task and of the word; ``None`` where there is nothing to tell apart.
        """
        before = tokens[: tokens.index("--")] if "--" in tokens else tokens
        at = _skip(before, 0, self.core)
        while at < len(before) and before[at] in self.names:
            task, shape = at, self.shape(before[at])
            # Of the program's own, those that make sense here: `uv --version` is uv's.
            own = self.core if shape.words != "command" else _some(self.core, HELP, "--echo", "--dry")
            at = _skip(before, at + 1, {**own, **shape.options})
            for _ in shape.positionals:
                at = _skip(before, at + 1, {**own, **shape.options})
            if at < len(before) and shape.words != "none":
                is_option = before[at].startswith("-")
                return None if is_option and shape.words == "names" else (task, at)
        return None


class _LineReader:
    """One command line on its way from tokens to a `CommandLine`."""

    def __init__(self, grammar: Grammar, tokens: Sequence[str]) -> None:
        self.grammar = grammar
        self.tokens = tokens
        self.core: list[str] = []
        self.calls: list[TaskCall] = []
        self.asked: CommandLine | None = None

    def line(self) -> CommandLine:
        tokens, at = self.tokens, 0
        while at < len(tokens) and self.asked is None:
            found = None if tokens[at] == "--" else _options(tokens, at, self.grammar.core)
            if found is None:
                break
            self.take_core(found, "")
            at = found.at
        while at < len(tokens) and self.asked is None:
            at = self.call(at)
        return self.asked or CommandLine(tuple(self.core), tuple(self.calls))

    def call(self, at: int) -> int:
        """Read one task with all that is its own; the place after it."""
        name = self.tokens[at]
        if name not in self.grammar.names:
            self.refuse_word(at)
        shape = self.grammar.shape(name)
        takes_words = shape.words != "none" or shape.positionals
        if self.calls and takes_words:
            self.refuse_second(at)
        if shape.words == "command":
            return self.command(at, shape)
        given, places, end = self.scattered(at, shape)
        if self.asked is None and shape.words == "names":
            self.calls.append(TaskCall(name, tuple(given), words=tuple(self.tokens[place] for place in places)))
        elif self.asked is None:
            self.calls.append(TaskCall(name, tuple(given), self.fill(name, shape, given, places)))
        return end

    def command(self, at: int, shape: Shape) -> int:
        """A task whose words are a command line: its options, and all that follows the last of them."""
        name, tokens = self.tokens[at], self.tokens
        stop = tokens.index("--", at) if "--" in tokens[at:] else None
        every = {**self.grammar.core, **shape.options}
        helps = _some(self.grammar.core, HELP, short=shape.strict) if shape.helps else {}
        # With nothing but options before a --, all of them are ours.
        whole = stop is not None and _skip(tokens, at + 1, every) == stop
        known = every if whole or shape.strict else {**helps, **shape.options}
        given: list[str] = []
        end = at + 1
        while end < len(tokens) and tokens[end] != "--" and self.asked is None:
            found = _options(tokens, end, known, every, lenient=not shape.strict)
            if found is None:
                break
            given += self.take(found, name, shape)
            end = found.at
        if self.asked is None:
            first = tokens[end] if end < len(tokens) else ""
            if shape.strict and first.startswith("-") and first != "--":
                self.refuse_option(first, name, known)
            words = tokens[end + 1 :] if first == "--" else tokens[end:]
            if shape.strict and not words:
                self.refuse(f"{name} needs a command to run", f"type {self.grammar.program} {name} COMMAND…")
            self.calls.append(TaskCall(name, tuple(given), words=tuple(words)))
        return len(tokens)

    def scattered(self, at: int, shape: Shape) -> tuple[list[str], list[int], int]:
        """A task whose options and words stand in any order: the options, the words' places, the place after them."""
        name, tokens = self.tokens[at], self.tokens
        known = {**self.grammar.core, **shape.options}
        takes_words = shape.words != "none" or shape.positionals
        given: list[str] = []
        places: list[int] = []
        at += 1
        while at < len(tokens) and self.asked is None:
            token = tokens[at]
            if token == SEPARATOR:
                if not takes_words and tokens[at + 1 :]:
                    self.refuse(
                        f"{tokens[at + 1]} is a word too many: {name} takes none",
                        f"type {self.typed(tokens[:at])}",
                    )
                return given, [*places, *range(at + 1, len(tokens))], len(tokens)
            found = _options(tokens, at, known, lenient=not shape.strict)
            if found is not None:
                given += self.take(found, name, shape)
                at = found.at
            elif token.startswith("-") and token != STANDARD and (shape.strict or _mistyped(token, shape.options)):
                self.refuse_option(token, name, known)
            elif not takes_words:
                break
            else:
                places.append(at)
                at += 1
        return given, places, at

    def take(self, found: _Found, name: str, shape: Shape) -> list[str]:
        """What a token's options give the task; those of the program itself go before it."""
        if found.options[0].name in {option.name for option in shape.options.values()}:
            if found.problem:
                self.refuse(found.problem, f"`{self.grammar.program} --help {name}` shows what it takes")
            return list(found.given)
        self.take_core(found, name)
        return []

    def take_core(self, found: _Found, task: str) -> None:
        """Take the program's own options; with ``--help`` or ``--list``, nothing else matters."""
        if found.problem:
            self.refuse(found.problem, f"`{self.grammar.program} --help` shows what it takes")
        last = found.options[-1].name
        if last == HELP:
            about = task or (found.given[-1].removeprefix(f"{HELP}=") if found.given[-1] not in (HELP, "-h") else "")
            self.asked = CommandLine((*self.core, HELP, *([about] if about else [])), ())
        elif last == LIST and task:
            self.asked = CommandLine((*self.core, LIST), ())
        else:
            self.core += found.given

    def fill(self, name: str, shape: Shape, given: Sequence[str], places: Sequence[int]) -> tuple[tuple[str, str], ...]:
        """The positional arguments with their values, in order; those that were given as options aside.

        Raises:
            UvdockError: A value is missing, is one too many, or would be read as an option.
        """
        seen = {shape.options[key].name for option in given if (key := option.partition("=")[0]) in shape.options}
        wanted = [item for item in shape.positionals if f"--{item}" not in seen]
        words = [self.tokens[place] for place in places]
        usage = " ".join([self.grammar.program, name, *(item.upper() for item in shape.positionals)])
        if len(words) < len(wanted):
            self.refuse(f"{name} needs {wanted[len(words)].upper()}", f"type {usage}")
        if len(words) > len(wanted):
            takes = f"{name} takes {' '.join(wanted).upper() or 'no more words'}"
            self.refuse_surplus(places[len(wanted)], takes, usage)
        if mistaken := next((word for word in words if word in shape.options), ""):
            self.refuse(f"{mistaken} is an option of {name}, and cannot be its {wanted[0].upper()}", f"type {usage}")
        return tuple(zip(wanted, words, strict=True))

    def refuse_surplus(self, place: int, takes: str, usage: str) -> NoReturn:
        """A word more than a task takes; where it is a task, the line that runs both."""
        word, before = self.tokens[place], [token for token in self.tokens[:place] if token != SEPARATOR]
        both = f"{self.typed(before)} && {self.typed(self.tokens[place:])}"
        self.refuse(f"{word} is a word too many: {takes}", f"type {both if word in self.grammar.names else usage}")

    def refuse_second(self, at: int) -> NoReturn:
        """A task that takes words, after another one."""
        name, first = self.tokens[at], self.calls[0].name
        self.refuse(
            f"{name} takes words, so it cannot follow {first} in one call",
            f"type {self.typed(self.tokens[:at])} && {self.typed(self.tokens[at:])}",
        )

    def refuse_word(self, at: int) -> NoReturn:
        if self.tokens[at] == "--":
            program = self.grammar.program
            self.refuse("there is no task before --", f"type {program} TASK -- WORD …; `{program} --list` lists them")
        if self.tokens[at].startswith("-") and not self.calls:
            self.refuse_option(self.tokens[at], "", self.grammar.core)
        if self.grammar.no_task is not None:
            problem = self.grammar.no_task(at, self.tokens)
            if self.calls and "(" not in problem.what:
                problem.what += f", and {self.calls[-1].name} takes no words"
            raise problem
        self.refuse(f"there is no task {self.tokens[at]}", f"`{self.grammar.program} --list` shows every task")

    def refuse_option(self, token: str, name: str, known: Mapping[str, Option]) -> NoReturn:
        """An option that nobody knows, of a task or of the program itself."""
        word, program = token.partition("=")[0], self.grammar.program
        fix = f"`{program} --help {name}` shows its options"
        if not name:
            fix = f"`{program} --list` shows every task, `{program} --help` the options"
        if name and self.grammar.shape(name).words == "names":
            fix += "; what else begins with - goes after --"
        self.refuse(f"{name or program} has no option {word}{nearest(word, list(known))}", fix)

    def refuse(self, what: str, fix: str) -> NoReturn:
        raise UvdockError(what, where=self.typed(self.tokens), fix=fix, code=2)

    def typed(self, tokens: Sequence[str]) -> str:
        return shlex.join([self.grammar.program, *tokens])


def _options(
    tokens: Sequence[str],
    at: int,
    known: Mapping[str, Option],
    every: Mapping[str, Option] | None = None,
    *,
    lenient: bool = False,
) -> _Found | None:
    """The options that a token stands for, with the token after it where that is the value.

    Args:
        tokens: All tokens.
        at: The token's place.
        known: The options it may be.
        every: All that are no value of one, if these are more: Invoke looks for options first, wherever one stands.
        lenient: Whether short options in one token are none of ours when one of them is unknown.

    Returns:
        ``None`` where the token is none of them.
    """
    token = tokens[at]
    if token.startswith("--"):
        return _long(tokens, at, known, every or known)
    found = _letters(tokens, at, known, every or known) if token[:1] == "-" and token[:2] in known else None
    return None if found is not None and lenient and found.unknown else found


def _long(tokens: Sequence[str], at: int, known: Mapping[str, Option], every: Mapping[str, Option]) -> _Found | None:
    name, equals, value = tokens[at].partition("=")
    option = known.get(name)
    if option is None:
        return None
    if not equals:
        return _Found((name,), at + 1, (option,)) if option.value == "no" else _valued(tokens, at, name, option, every)
    problem = f"{name} takes no value, and {value!r} is one" if option.value == "no" else ""
    return _Found((tokens[at],), at + 1, (option,), problem or _wrong(option, name, value, every))


def _letters(tokens: Sequence[str], at: int, known: Mapping[str, Option], every: Mapping[str, Option]) -> _Found:
    """The options of one dash: ``-n``, ``-np``, ``-sweb``, ``-s=web``."""
    token = tokens[at]
    given: list[str] = []
    seen: list[Option] = []
    for place, letter in enumerate(token[1:], 1):
        name = f"-{letter}"
        option = known.get(name)
        if option is None:
            return _Found(tuple(given), at + 1, tuple(seen), f"there is no option {name} (in {token})", unknown=True)
        seen.append(option)
        rest = token[place + 1 :].removeprefix("=")
        if option.value != "no" and rest:
            return _Found((*given, name, rest), at + 1, tuple(seen), _wrong(option, name, rest, every))
        if option.value != "no":
            found = _valued(tokens, at, name, option, every)
            return found._replace(given=(*given, *found.given), options=tuple(seen))
        given.append(name)
    return _Found(tuple(given), at + 1, tuple(seen))


def _valued(tokens: Sequence[str], at: int, name: str, option: Option, every: Mapping[str, Option]) -> _Found:
    """An option whose value is the next token."""
    value = tokens[at + 1] if at + 1 < len(tokens) else "--"
    is_option = value == "--" or _names_option(value, every)
    if option.value == "maybe" and (is_option or value.startswith("-")):
        return _Found((name,), at + 1, (option,))
    if is_option:
        return _Found((name,), at + 1, (option,), f"{name} needs a value")
    return _Found((name, value), at + 2, (option,), _wrong(option, name, value, every))


def _wrong(option: Option, name: str, value: str, every: Mapping[str, Option]) -> str:
    """What is wrong with a value."""
    if option.number and not _is_number(value):
        return f"{name} needs a number, and {value!r} is none"
    return f"{name} needs a value, and {value} is an option" if value in every else ""


def _mistyped(token: str, known: Mapping[str, Option]) -> bool:
    """Whether an option that nobody knows looks like one that is known."""
    import difflib

    long = [name for name in known if name.startswith("--")]
    return bool(difflib.get_close_matches(token.partition("=")[0], long, n=1, cutoff=0.8))


def _is_number(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def _names_option(token: str, known: Mapping[str, Option]) -> bool:
    return token.partition("=")[0] in known


def _skip(tokens: Sequence[str], at: int, known: Mapping[str, Option]) -> int:
    """The place of the first token that is no option."""
    while at < len(tokens) and tokens[at] != "--":
        found = _options(tokens, at, known)
        if found is None:
            break
        at = found.at
    return at


def _some(core: Mapping[str, Option], *names: str, short: bool = True) -> dict[str, Option]:
    """Those of the program's own options that have one of these names."""
    return {key: option for key, option in core.items() if option.name in names and (short or key.startswith("--"))}
