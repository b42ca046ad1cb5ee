"""What a plain call of a script means: where it runs, as whom, and its words, with the script's helpers put in.

A helper is any function that ends in ``"$@"``: ``cmd flask`` with ``cmd`` as ``_dc web "$@"`` and ``_dc`` as
``docker compose exec "$@"`` is ``docker compose exec web flask``, whatever the helpers are called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from uvdock.formats.shell.words import Word, WordPart
from uvdock.init.script import Function, Script, constant, is_dotenv
from uvdock.init.statements import Assign, Branch, Node, Reason, Simple

_MODES = frozenset(("exec", "run"))
_TTY = frozenset(("", "-T", "-t", "-i", "-it", "-ti", "--tty", "--interactive", "--no-tty", "--no-TTY"))
#: Programs that have no business in an app's container, so a script's call of them is for the host.
_HOST = frozenset(
    """
    actionlint ansible ansible-playbook apt apt-get awk aws az brew cat chmod chown cp curl cut date df diff dig docker
    doctl du echo env fly gcloud gh git go gpg grep gunzip gzip hadolint helm jq kubectl ln ls mkcert mkdir mv open
    openssl podman pre-commit printf rg rm rmdir rsync scp sed shellcheck shfmt skaffold sleep ssh sudo tail tar tee
    terraform touch tree trivy unzip wc wget which xargs xdg-open yamllint zip
    """.split()  # noqa: SIM905 - one a line would be a page of nothing
)
_BUILTINS = frozenset(
    """
    . : [ alias bg break cd continue dirs eval exit fg getopts hash jobs let mapfile popd pushd read readarray return
    set shift shopt source test trap type ulimit umask unalias unset wait
    """.split()  # noqa: SIM905 - as above
)
#: Variables of the shell itself, which no program finds in its environment.
_SHELLS = re.compile(
    r"BASH\w*|UID|EUID|GROUPS|RANDOM|SECONDS|LINENO|FUNCNAME|PIPESTATUS|HOSTNAME|OSTYPE|REPLY|IFS|PPID"
)
_ALLEXPORT = frozenset(("-a", "+a", "-o", "+o", "allexport", "-e", "errexit", "pipefail", "-eo", "-x", "+x"))
_DEEPEST = 20
_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./${}-]+")


class NotPlainError(Exception):
    """A call that uvdock's commands cannot say."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.reason = Reason(line, why)


@dataclass(frozen=True)
class ResolvedCall:
    """One call, resolved.

    Args:
        line: Its line in the file.
        words: What runs, without the further arguments.
        service: The Compose service; empty for the host.
        takes_rest: Whether further arguments follow.
        mode: ``exec``, ``run``, or ``auto`` for a script that looks itself which one it is to be.
        user: The user in the container.
        workdir: The folder in the container.
        env: Variables handed on by name.
        shell: Whether a shell has to read the words, for their patterns.
    """

    line: int
    words: tuple[Word, ...]
    service: str = ""
    takes_rest: bool = False
    mode: str = ""
    user: str = ""
    workdir: str = ""
    env: tuple[str, ...] = ()
    shell: bool = False

    @property
    def text(self) -> str:
        """The words as one text, which splits into the same words again."""
        return joined(self.words, shell=self.shell)

    @property
    def literal(self) -> bool:
        """Whether no word has a variable in it."""
        return all(word.literal is not None for word in self.words)


@dataclass(frozen=True)
class ScriptScope:
    """A script with what is needed to resolve its calls.

    Args:
        script: The script.
        functions: Its functions by name.
        itself: How the script calls itself: ``./run``, ``make``.
        everywhere_host: Whether there is no Compose file, so that every call is for the host.
    """

    script: Script
    functions: Mapping[str, Function]
    itself: tuple[str, ...]
    everywhere_host: bool

    def plain(self, function: Function) -> tuple[Node, ...]:
        """The function's statements without those that only choose a terminal or read `.env`.

        Raises:
            NotPlainError: The function could not be read.
        """
        if function.refused is not None:
            raise NotPlainError(function.refused.line, function.refused.why)
        return tuple(node for node in function.nodes if not self._is_nothing(node))

    def resolve(self, simple: Simple) -> ResolvedCall:
        """Where a call runs and what it runs, with the script's own functions put in.

        Raises:
            NotPlainError: It is none that a command of uvdock can say.
        """
        chosen = {word.assigned: frozenset((self._choice(word),)) for word in simple.assigns}
        words = self._put_in(simple.words, simple.line, chosen, ())
        if unused := chosen.keys() - {part.text for word in words for part in word.parts if part.kind == "variable"}:
            raise NotPlainError(simple.line, f"a variable set for one command ({min(unused)})")
        if words[0].literal in ("exec", "command") and len(words) > 1:
            words = words[1:]
        program = words[0].literal
        compose = _after_compose(words)
        if compose is not None and compose[:1] and self._mode(compose[0], chosen):
            return self._in_service(simple.line, compose, chosen)
        if chosen:
            raise NotPlainError(simple.line, f"a variable set for one command ({min(chosen)})")
        if program is None or program in _BUILTINS:
            raise NotPlainError(simple.line, f"the shell's own {program}" if program else "a program in a variable")
        if compose is not None:
            words = (Word.of("docker", simple.line), Word.of("compose", simple.line), *compose)
        elif not self.everywhere_host and program not in _HOST and not _is_own_script(program):
            raise NotPlainError(simple.line, f"it is not clear where {program} runs: on the host or in a container")
        return self._checked(ResolvedCall(simple.line, words))

    def calls(self, simple: Simple) -> str:
        """The function of the script that a statement calls, or an empty text."""
        name = self._called(simple.words)[0].literal or ""
        return name if name in self.functions else ""

    def _called(self, words: tuple[Word, ...]) -> tuple[Word, ...]:
        """The words without the script's own name at their front: `./run lint` is `lint`."""
        own = len(words) > 1 and words[0].literal in self.itself and words[1].literal in self.functions
        return words[1:] if own else words

    def _is_nothing(self, node: Node) -> bool:
        if isinstance(node, Assign):
            return all(self._harmless(word.assigned or word.bare) for word in node.words[_declares(node) :])
        if isinstance(node, Branch):
            return all(
                isinstance(inner, Assign) and self._is_nothing(inner) for _, body in node.bodies for inner in body
            )
        words = node.words
        if words[0].bare in (".", "source"):
            return len(words) == 2 and is_dotenv(words[1])
        return words[0].bare == "set" and len(words) > 1 and all(word.bare in _ALLEXPORT for word in words[1:])

    def _harmless(self, name: str) -> bool:
        """Whether a variable only ever chooses between exec and run, or about a terminal."""
        if name.startswith("-"):
            return True
        values = self.script.variables.get(name)
        return bool(values) and (values or frozenset()) <= _TTY | _MODES

    def _choice(self, word: Word) -> str:
        value = constant(word.value)
        if value is None or value not in _TTY | _MODES:
            raise NotPlainError(word.line, f"a variable set for one command ({word.assigned})")
        return value

    def _put_in(
        self, words: tuple[Word, ...], line: int, chosen: dict[str, frozenset[str]], inside: tuple[str, ...]
    ) -> tuple[Word, ...]:
        """The words with the script's function at their front replaced by what it runs."""
        words = self._called(words)
        name = words[0].literal
        if name is None or name not in self.functions:
            return words
        if name in inside or len(inside) > _DEEPEST:
            raise NotPlainError(line, f"{name} calls itself")
        try:
            body = self.plain(self.functions[name])
        except NotPlainError as problem:
            raise NotPlainError(
                line, f"{name} is not plain (line {problem.reason.line}: {problem.reason.why})"
            ) from None
        if len(body) != 1 or not isinstance(body[0], Simple):
            raise NotPlainError(line, f"{name} is more than one call")
        for word in body[0].assigns:
            chosen.setdefault(word.assigned, frozenset((self._choice(word),)))
        own = body[0].words
        if any(word.is_rest for word in own[:-1]):
            raise NotPlainError(line, f'{name} has "$@" in its middle')
        if own[-1].is_rest:
            own = (*own[:-1], *words[1:])
        elif any(not word.is_rest for word in words[1:]):
            raise NotPlainError(line, f"{name} takes no arguments")
        return self._put_in(own, line, chosen, (*inside, name))

    def _values(self, word: Word, chosen: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
        """The texts that a word of one variable may be, where the script says them all."""
        parts = [part for part in word.parts if part.kind != "text" or part.text]
        if len(parts) != 1 or parts[0].kind != "variable":
            return None if word.literal is None else frozenset((word.literal,))
        name, default = parts[0].text, parts[0].default
        if name in chosen:
            return chosen[name]
        known = self.script.variables.get(name, frozenset())
        if known is None or (not known and default is None):
            return None
        return known | (frozenset() if default is None else {default})

    def _mode(self, word: Word, chosen: Mapping[str, frozenset[str]]) -> str:
        values = self._values(word, chosen)
        if not values or not values <= _MODES:
            return ""
        return "auto" if len(values) > 1 else next(iter(values))

    def _in_service(self, line: int, compose: tuple[Word, ...], chosen: Mapping[str, frozenset[str]]) -> ResolvedCall:
        call = ResolvedCall(line, (), mode=self._mode(compose[0], chosen))
        words = list(compose[1:])
        while words:
            values = self._values(words[0], chosen)
            if values is not None and values <= _TTY:
                words.pop(0)
            elif (words[0].literal or "").startswith("-"):
                call = _option(call, words)
            else:
                break
        if words and words[0].is_rest and len(words) == 1:
            raise NotPlainError(line, "the service is an argument")
        service = words.pop(0).literal if words else None
        if not service:
            raise NotPlainError(line, "the service is in a variable" if words else "no service is named")
        return self._checked(replace(call, words=tuple(words), service=service))

    def _checked(self, call: ResolvedCall) -> ResolvedCall:
        """The call with its ``"$@"`` taken off, once every word is one that the table can say."""
        words = call.words
        rest = bool(words) and words[-1].is_rest
        words = words[:-1] if rest else words
        shell = False
        for word in words:
            self._check(word)
            if expands := word.expands():
                if expands == "pattern" and not call.service:
                    shell = True
                else:
                    raise NotPlainError(call.line, {"~": "a ~"}.get(expands, f"a {expands.rstrip('s')} of file names"))
        return replace(call, words=words, takes_rest=rest, shell=shell)

    def _check(self, word: Word) -> None:
        for part in word.parts:
            if part.kind == "bad":
                raise NotPlainError(word.line, part.text)
            if part.kind == "rest":
                raise NotPlainError(word.line, '"$@" in the middle')
            if part.kind == "text" and ("${" in part.text or "\0" in part.text):
                raise NotPlainError(word.line, "a ${…} that is to stay as it is")
            if part.kind == "variable":
                self._check_variable(part, word.line)

    def _check_variable(self, part: WordPart, line: int) -> None:
        if part.text.isdigit():
            raise NotPlainError(line, f"the argument ${part.text}")
        if part.text in self.script.variables:
            raise NotPlainError(line, f"a variable set in the script (${part.text})")
        if _SHELLS.fullmatch(part.text):
            raise NotPlainError(line, f"the shell's own ${part.text}")
        if part.default == "" and not part.quoted:
            raise NotPlainError(line, f"a word that may be empty (${part.text})")


def first_argument(branch: Branch) -> dict[str, tuple[Node, ...]] | None:
    """What runs for which first argument, where that is all an ``if`` or a ``case`` asks for."""
    if branch.kind == "case":
        if not _is_first(branch.condition[0]):
            return None
        return {answer: body for answer, body in branch.bodies if body or answer != "*"}
    words = branch.condition
    if len(branch.bodies) != 1 or len(words) != 5 or words[0].bare not in ("[", "[["):
        return None
    if words[2].bare not in ("=", "==") or words[4].bare not in ("]", "]]"):
        return None
    for asked, answer in ((words[1], words[3]), (words[3], words[1])):
        if _is_first(asked) and answer.literal:
            return {answer.literal: branch.bodies[0][1]}
    return None


def _is_first(word: Word) -> bool:
    return [part.text for part in word.parts if part.kind != "text" or part.text] == ["1"] and word.literal is None


def _is_own_script(program: str) -> bool:
    """Whether a program is one of the repo's own scripts for the host: `./bin/deploy`, but not `./manage.py`."""
    return program.startswith("./") and not program.endswith(".py")


def _declares(node: Assign) -> int:
    return 0 if node.words[0].assigned else 1


def _after_compose(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    if words[0].literal == "docker-compose":
        return words[1:]
    return words[2:] if [word.literal for word in words[:2]] == ["docker", "compose"] else None


def _option(call: ResolvedCall, words: list[Word]) -> ResolvedCall:
    """Take one option of ``docker compose exec`` or ``run`` from ``words``, which change."""
    name, equals, text = (words[0].literal or "").partition("=")
    line = words.pop(0).line
    if name in ("--rm", "--no-deps", "--quiet-pull"):
        return call
    if name not in ("-e", "--env", "-u", "--user", "-w", "--workdir"):
        raise NotPlainError(line, f"docker compose {call.mode} with {name}")
    value = Word.of(text, line) if equals else words.pop(0) if words else None
    if value is None:
        raise NotPlainError(line, f"{name} without its value")
    if name in ("-e", "--env"):
        return replace(call, env=(*call.env, _by_name(value, line)))
    if not value.literal:
        raise NotPlainError(line, f"a variable as the value of {name}")
    return replace(call, user=value.literal) if name in ("-u", "--user") else replace(call, workdir=value.literal)


def _by_name(value: Word, line: int) -> str:
    """The variable that is handed on: ``NAME``, or ``NAME=${NAME}``, which is the same."""
    if value.literal and value.literal.isidentifier():
        return value.literal
    parts = [part for part in value.parts if part.text]
    if len(parts) == 2 and parts[1].kind == "variable" and parts[1].default is None:
        name = parts[1].text
        if parts[0].kind == "text" and parts[0].text == f"{name}=":
            return name
    raise NotPlainError(line, "a variable with a value of its own (-e NAME=…)")


def joined(words: Sequence[Word], *, shell: bool = False) -> str:
    """Words as one text of the commands table, which splits into them again; for a shell with their patterns."""
    if shell:
        return " ".join("".join(_for_shell(part) for part in word.parts) or "''" for word in words)
    return " ".join(_quoted(word) for word in words)


def _quoted(word: Word) -> str:
    text = "".join(_shown(part) for part in word.parts)
    if _SAFE.fullmatch(text):
        return text
    if "'" not in text and word.literal is not None:
        return f"'{text}'"
    # Not single quotes: a person who reads ${NAME} in them expects that it stays as it is.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _for_shell(part: WordPart) -> str:
    if part.kind == "variable":
        return f'"{_shown(part)}"'
    if not part.text or (not part.quoted and re.fullmatch(r"[\w@%+=:,./*?\[\]-]*", part.text)):
        return part.text
    return "'" + part.text.replace("'", "'\"'\"'") + "'"


def _shown(part: WordPart) -> str:
    if part.kind != "variable":
        return part.text
    return f"${{{part.text}}}" if part.default is None else f"${{{part.text}:-{part.default}}}"
