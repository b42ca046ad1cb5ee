"""The command line of `uvdock`: every word after a task that takes words is its own, wherever its options stand."""

from __future__ import annotations

import shlex
from contextvars import copy_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.collection import Collection
from invoke.parser import Parser

from uvdock.cli.argv import remainder_list
from uvdock.cli.commandline import Grammar, Option, Shape
from uvdock.cli.program import UvdockProgram
from uvdock.errors import UvdockError
from uvdock.tasks import namespace
from uvdock.tasks.collection import every_name, listed_names

ECHO, CONFIG, TIMEOUT = Option("--echo"), Option("--config", "yes"), Option("--command-timeout", "yes", number=True)
HELP, LIST, DRY = Option("--help", "maybe"), Option("--list", "maybe"), Option("--dry")
CORE = {
    **dict.fromkeys(("--echo", "-e"), ECHO),
    **dict.fromkeys(("--config", "-f"), CONFIG),
    **dict.fromkeys(("--help", "-h"), HELP),
    **dict.fromkeys(("--list", "-l"), LIST),
    **dict.fromkeys(("--dry", "-R"), DRY),
    **dict.fromkeys(("--command-timeout", "-T"), TIMEOUT),
}
SERVICE = {"--service": Option("--service", "yes"), "-s": Option("--service", "yes")}
PULL, TAIL, JSON = Option("--pull"), Option("--tail", "yes", number=True), Option("--json")
GROUP, EXCLUDE = Option("--group", "yes"), Option("--exclude", "yes")
SHAPES = {
    "uv": Shape(SERVICE, "command", strict=False, helps=False),
    "flask": Shape({}, "command", strict=False, helps=False),
    "lint": Shape({}, "command", strict=False),
    "format.shell": Shape({"--diff": Option("--diff"), "-d": Option("--diff")}, "command", strict=False),
    "cmd": Shape({**SERVICE, "--user": Option("--user", "yes"), "-u": Option("--user", "yes")}, "command"),
    "build": Shape({"--pull": PULL, "-p": PULL, "--no-cache": Option("--no-cache")}, "names", strict=False),
    "up": Shape({"--wait": Option("--wait"), "-w": Option("--wait")}, "names"),
    "logs": Shape({"--tail": TAIL, "-t": TAIL, "--follow": Option("--follow"), "-f": Option("--follow")}, "names"),
    "deps.upgrade": Shape(
        {
            **dict.fromkeys(("--patch", "-p"), Option("--patch")),
            **dict.fromkeys(("--group", "-g"), GROUP),
            **dict.fromkeys(("--exclude", "-e"), EXCLUDE),
            "--test": Option("--test", "yes"),
            "--json": JSON,
        },
        "names",
    ),
    "deps.why": Shape({"--package": Option("--package", "yes"), "--json": JSON, "-j": JSON}, positionals=("package",)),
    "db.restore": Shape({"--file": Option("--file", "yes"), "--yes": Option("--yes")}, positionals=("file",)),
    "config": Shape({}),
    "deps.lock": Shape({}),
    "deps.install": Shape({"--build": Option("--build"), "--no-build": Option("--no-build")}),
}


def no_task(at: int, tokens: object) -> UvdockError:
    assert isinstance(tokens, list)
    return UvdockError(f"there is no task {tokens[at]}", where="", fix="", code=2)


GRAMMAR = Grammar("uvdock", CORE, SHAPES, SHAPES.__getitem__, no_task)
INV = Grammar("inv", CORE, SHAPES, SHAPES.__getitem__)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("uv add flask", "uv -- add flask", id="left-out"),
        pytest.param("uv -- add flask", "uv -- add flask", id="already-there"),
        pytest.param("uv run -- pytest -q", "uv -- run -- pytest -q", id="one-for-uv-itself"),
        pytest.param("uv --version", "uv -- --version", id="option-of-uv"),
        pytest.param("uv --help", "uv -- --help", id="help-of-uv"),
        pytest.param("flask --help", "flask -- --help", id="help-of-an-own-command"),
        pytest.param("lint --help", "--help lint", id="help-of-a-task"),
        pytest.param("lint -- --help", "lint -- --help", id="help-of-its-program"),
        pytest.param("lint --fix src", "lint -- --fix src", id="option-of-its-program"),
        pytest.param("format.shell -d -i 4", "format.shell -d -- -i 4", id="own-option-then-the-programs"),
        pytest.param("format.shell -di 4", "format.shell -- -di 4", id="letters-of-the-program"),
        pytest.param("uv --service web add x", "uv --service web -- add x", id="option-of-the-task"),
        pytest.param("uv --service=web add x", "uv --service=web -- add x", id="option-with-equals"),
        pytest.param("uv -sweb add x", "uv -s web -- add x", id="letter-with-its-value"),
        pytest.param("uv -s web -s api add x", "uv -s web -s api -- add x", id="options-of-the-task"),
        pytest.param("uv add x --service web", "uv -- add x --service web", id="same-option-after-the-words"),
        pytest.param("uv --echo add x", "uv -- --echo add x", id="programs-option-is-the-commands"),
        pytest.param("uv --echo -- add x", "--echo uv -- add x", id="but-not-right-before-the-separator"),
        pytest.param("cmd --echo ls", "--echo cmd -- ls", id="no-command-begins-with-a-dash"),
        pytest.param("cmd -u root ls -u", "cmd -u root -- ls -u", id="command"),
        pytest.param("cmd ls -- -x", "cmd -- ls -- -x", id="separator-of-the-command"),
        pytest.param("cmd --help", "--help cmd", id="help-of-cmd"),
        pytest.param("cmd -h ls", "--help cmd", id="short-help-of-cmd"),
        pytest.param("cmd ls --help", "cmd -- ls --help", id="help-after-words-is-the-commands"),
        pytest.param("uv", "uv", id="no-words"),
        pytest.param("uv --", "uv", id="nothing-after-the-separator"),
        pytest.param("uv --service web", "uv --service web", id="only-options"),
        pytest.param("-e uv add", "-e uv -- add", id="option-of-the-program"),
        pytest.param("-f repo uv add", "-f repo uv -- add", id="program-option-with-value"),
        pytest.param("--config=repo uv add", "--config=repo uv -- add", id="program-option-with-equals"),
        pytest.param("-f uv config", "-f uv config", id="task-name-as-a-value"),
        pytest.param("uv build", "uv -- build", id="word-that-is-a-task-too"),
        pytest.param("build web", "build -- web", id="name"),
        pytest.param("build config", "build -- config", id="name-that-is-a-task-too"),
        pytest.param("build deps.install up", "build -- deps.install up", id="names-that-are-tasks-too"),
        pytest.param("logs up", "logs -- up", id="another-one"),
        pytest.param("deps.upgrade --patch flask", "deps.upgrade --patch -- flask", id="a-package-that-is-a-task-too"),
        pytest.param("build web --no-cache", "build --no-cache -- web", id="option-after-a-name"),
        pytest.param("build web --pull api", "build --pull -- web api", id="option-between-names"),
        pytest.param("build web --pull -- --progress x", "build --pull -- web --progress x", id="composes-after-it"),
        pytest.param("build --progress plain web", "build -- --progress plain web", id="composes-without-it"),
        pytest.param("up -- --wait", "up -- --wait", id="option-after-the-separator"),
        pytest.param("up web --wait -e", "-e up --wait -- web", id="programs-option-after-a-name"),
        pytest.param("up web --dry", "--dry up -- web", id="dry-after-a-name"),
        pytest.param("up web -f x.yaml", "-f x.yaml up -- web", id="programs-option-with-a-value"),
        pytest.param("logs -f web", "logs -f -- web", id="the-tasks-own-of-the-same-letter"),
        pytest.param("logs -ft 5 web", "logs -f -t 5 -- web", id="letters-in-one"),
        pytest.param("logs -t5 web", "logs -t 5 -- web", id="letter-and-number"),
        pytest.param("logs --tail -1 web", "logs --tail -1 -- web", id="number-below-zero"),
        pytest.param("up web --help", "--help up", id="help-after-a-name"),
        pytest.param("--help up web", "--help up", id="help-before-it"),
        pytest.param("--help=up", "--help up", id="help-with-equals"),
        pytest.param("-h", "--help", id="help"),
        pytest.param("config --list", "--list", id="list-after-a-task"),
        pytest.param(
            "deps.upgrade redis --test 'pytest -q'", "deps.upgrade --test 'pytest -q' -- redis", id="value-with-blanks"
        ),
        pytest.param("deps.upgrade --test lint x", "deps.upgrade --test lint -- x", id="value-that-is-a-task-too"),
        pytest.param("deps.upgrade -g a x -g b", "deps.upgrade -g a -g b -- x", id="option-twice"),
        pytest.param("deps.upgrade -e a --group=b", "deps.upgrade -e a --group=b", id="only-options-of-names"),
        pytest.param("deps.upgrade 'foo[bar]>=1' '' 'a b'", "deps.upgrade -- 'foo[bar]>=1' '' 'a b'", id="odd-names"),
        pytest.param("deps.why six --json", "deps.why six --json", id="positional-first"),
        pytest.param("deps.why --json six", "deps.why six --json", id="positional-last"),
        pytest.param("deps.why --echo six", "--echo deps.why six", id="positional-after-the-programs-option"),
        pytest.param("deps.why config", "deps.why config", id="positional-that-is-a-task-too"),
        pytest.param("deps.why -- six", "deps.why six", id="positional-after-the-separator"),
        pytest.param("deps.why --package six", "deps.why --package six", id="positional-as-an-option"),
        pytest.param("deps.why --package=six -j", "deps.why --package=six -j", id="positional-with-equals"),
        pytest.param("db.restore - --yes", "db.restore - --yes", id="standard-input"),
        pytest.param("db.restore -- -x.sql", "db.restore --file -x.sql", id="a-file-that-begins-with-a-dash"),
        pytest.param("deps.why --help", "--help deps.why", id="help-instead-of-a-positional"),
        pytest.param("config deps.lock", "config deps.lock", id="two-tasks"),
        pytest.param("deps.lock deps.install --no-build -e", "-e deps.lock deps.install --no-build", id="with-options"),
        pytest.param("config --", "config", id="separator-for-nothing"),
        pytest.param("--list", "--list", id="no-task"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_line_as_invoke_gets_it(typed: str, expected: str) -> None:
    tokens = shlex.split(typed)
    assert shlex.join(GRAMMAR.read(tokens).tokens()) == expected
    assert tokens == shlex.split(typed)


@pytest.mark.parametrize(
    ("typed", "what", "fix"),
    [
        pytest.param("config uv add x", "uv takes words", "uvdock config && uvdock uv add x", id="words-task-second"),
        pytest.param(
            "deps.lock build", "build takes words", "uvdock deps.lock && uvdock build", id="without-words-too"
        ),
        pytest.param("config deps.why x", "deps.why takes words", "&& uvdock deps.why x", id="positional-second"),
        pytest.param("deps.why a b", "b is a word too many: deps.why takes PACKAGE", "deps.why PACKAGE", id="many"),
        pytest.param("deps.why a config", "too many", "type uvdock deps.why a && uvdock config", id="many-and-a-task"),
        pytest.param("deps.why config config", "too many", "deps.why config && uvdock config", id="twice-the-same"),
        pytest.param("deps.why --package a b", "deps.why takes no more words", "PACKAGE", id="given-already"),
        pytest.param("deps.why", "deps.why needs PACKAGE", "type uvdock deps.why PACKAGE", id="missing"),
        pytest.param("db.restore --yes", "db.restore needs FILE", "type uvdock db.restore FILE", id="missing-file"),
        pytest.param("deps.why -- --json", "--json is an option of deps.why", "PACKAGE", id="option-for-a-positional"),
        pytest.param("cmd", "cmd needs a command to run", "type uvdock cmd COMMAND…", id="no-command"),
        pytest.param("cmd --user root --", "cmd needs a command to run", "COMMAND…", id="no-command-after-options"),
        pytest.param(
            "cmd --usr root id", "no option --usr (did you mean --user?)", "--help cmd", id="before-a-command"
        ),
        pytest.param(
            "build --no-cahe", "no option --no-cahe (did you mean --no-cache?)", "--help build", id="mistyped"
        ),
        pytest.param("up web --wiat", "up has no option --wiat (did you mean --wait?)", "after --", id="after-a-name"),
        pytest.param("up -x", "up has no option -x", "--help up", id="letter"),
        pytest.param("logs -fx", "there is no option -x (in -fx)", "--help logs", id="letter-of-several"),
        pytest.param("uv --service", "--service needs a value", "--help uv", id="value-missing"),
        pytest.param("uv --service -- add", "--service needs a value", "--help uv", id="separator-for-a-value"),
        pytest.param("deps.upgrade --test --json", "--test needs a value", "deps.upgrade", id="option-for-a-value"),
        pytest.param("deps.upgrade --test=--json", "--json is an option", "deps.upgrade", id="option-with-equals"),
        pytest.param("deps.upgrade --json=1", "--json takes no value, and '1' is one", "deps.upgrade", id="no-value"),
        pytest.param("logs --tail web", "--tail needs a number, and 'web' is none", "--help logs", id="number"),
        pytest.param("-T x config", "-T needs a number, and 'x' is none", "uvdock --help", id="core-number"),
        pytest.param("--confg x", "uvdock has no option --confg (did you mean --config?)", "--list", id="core-option"),
        pytest.param("--list deps -F", "uvdock has no option -F", "uvdock --help", id="core-letter"),
        pytest.param("-f", "-f needs a value", "uvdock --help", id="core-value"),
        pytest.param("config nothing", "there is no task nothing", "", id="no-such-task-after-one"),
        pytest.param("config -- x", "x is a word too many: config takes none", "type uvdock config", id="no-words"),
        pytest.param("-- uv add", "there is no task before --", "TASK -- WORD", id="separator-first"),
        pytest.param("'' up", "there is no task", "", id="empty"),
    ],
)
def test_what_cannot_be_understood_is_refused(typed: str, what: str, fix: str) -> None:
    with pytest.raises(UvdockError) as caught:
        GRAMMAR.read(shlex.split(typed))
    assert caught.value.code == 2
    assert what in caught.value.what
    assert fix in caught.value.fix
    if caught.value.where:
        assert caught.value.where == f"uvdock {typed}"


TOKENS = st.sampled_from(
    [*CORE, *SHAPES, "--service", "-s", "--pull", "--json", "--package", "--tail", "-t", "--", "-", "", "web", "a b"]
)


@given(st.lists(TOKENS))
def test_what_was_understood_reads_the_same_again(tokens: list[str]) -> None:
    try:
        found = GRAMMAR.read(tokens)
    except UvdockError:
        return
    again = GRAMMAR.read(found.tokens())
    assert [call.words for call in again.calls] == [call.words for call in found.calls]
    assert again.tokens() == found.tokens()
    assert len(found.calls) == 1 or not any(call.words or call.positionals for call in found.calls)


@pytest.mark.parametrize("value", [["--service", "--echo"], ["--service=--echo"], ["-s", "--echo"], ["-s--echo"]])
def test_an_option_of_the_program_is_no_value(value: list[str]) -> None:
    """Invoke looks for options first, wherever one stands: it would take the value for its own option."""
    with pytest.raises(UvdockError, match="needs a value"):
        GRAMMAR.read(["uv", *value, "lock"])


@given(st.sampled_from(["up", "build", "deps.upgrade", "logs"]), st.lists(st.sampled_from([*SHAPES, "web", ""])))
def test_names_are_never_tasks(task: str, words: list[str]) -> None:
    (call,) = GRAMMAR.read([task, *words]).calls
    assert (call.name, list(call.words)) == (task, words)


@given(
    st.sampled_from(["uv", "flask", "lint", "cmd"]), st.text().filter(lambda word: word[:1] != "-"), st.lists(st.text())
)
def test_a_command_line_is_never_looked_into(task: str, first: str, rest: list[str]) -> None:
    (call,) = GRAMMAR.read([task, first, *rest]).calls
    assert list(call.words) == [first, *rest]


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        pytest.param("deps.upgrade --patch flask", "flask", id="package-that-is-a-task"),
        pytest.param("deps.upgrade --exclude a flask", "flask", id="after-a-value"),
        pytest.param("build deps.install", "deps.install", id="two-tasks-or-one"),
        pytest.param("up web", "web", id="service"),
        pytest.param("config uv add", "add", id="second-task"),
        pytest.param("deps.why six uv lock", "lock", id="after-a-positional"),
        pytest.param("uv --version", "--version", id="option-of-uv"),
        pytest.param("uv -e run -- x", "run", id="before-a-later-separator"),
        pytest.param("lint --fix", "--fix", id="option-of-a-program"),
        pytest.param("-e -f x uv add", "add", id="after-core-options"),
        pytest.param("uv", "", id="alone"),
        pytest.param("uv -- add", "", id="separated"),
        pytest.param("up --wait --echo -- web", "", id="options-and-separated"),
        pytest.param("up --unknown", "", id="invoke-says-so-itself"),
        pytest.param("uv --help", "", id="help"),
        pytest.param("config deps.lock", "", id="no-words"),
        pytest.param("deps.why six config", "", id="a-task-after-a-positional"),
        pytest.param("nothing uv add", "", id="unknown"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_inv_cannot_tell(typed: str, word: str) -> None:
    tokens = typed.split()
    found = INV.undecided(tokens)
    assert (tokens[found[1]] if found else "") == word


@pytest.fixture(scope="module")
def tasks(everything: Path) -> Collection:
    """All tasks of uvdock, and commands with the names of packages and services."""
    return namespace(everything)


@pytest.fixture
def program(tasks: Collection, monkeypatch: pytest.MonkeyPatch) -> UvdockProgram:
    monkeypatch.setattr("uvdock.tasks.collection.ns", tasks)
    monkeypatch.chdir(Path("/"))
    return UvdockProgram(namespace=tasks)


#: Words that could be anything else: tasks, options after --, what a shell or Invoke would change.
WORDS = ["flask", "web", "deps.lock", "up", "deps", "foo[bar]>=1", "a b", "", "x\ny", "--echo", "--", "-x", "--x=y"]
PLAIN = [word for word in WORDS if not word.startswith("-")]


def parsed(program: UvdockProgram, typed: list[str]) -> tuple[list[str], list[str]]:
    """The tasks that Invoke finds on a line, and the words that the last of them is handed."""

    def read() -> tuple[list[str], list[str]]:
        program.create_config()
        program.parse_core(["uvdock", *typed])
        program.parse_collection()
        program.parse_tasks()
        words = remainder_list(program.core.remainder, program.argv)
        return [str(context.name) for context in program.tasks], words

    return copy_context().run(read)


@pytest.mark.slow
def test_each_task_has_its_words_wherever_they_stand(program: UvdockProgram, tasks: Collection) -> None:
    from uvdock.tasks import grammar

    seen: dict[str, int] = {"none": 0, "names": 0, "command": 0}
    for name in listed_names(tasks):
        shape = grammar.shape(tasks[name])
        seen[shape.words] += 1
        flag = next((key for key, option in shape.options.items() if option.value == "no" and key[:2] == "--"), "")
        valued = next((key for key, option in shape.options.items() if option.value == "yes" and key[:2] == "--"), "")
        number = bool(valued and shape.options[valued].number)
        own = [*([flag] if flag else []), *([valued, "7" if number else "web"] if valued else [])]
        if shape.words == "none":
            if not shape.positionals:
                for word in ("nothing", "uv", "deps.why"):
                    with pytest.raises(UvdockError):
                        parsed(program, [name, *own, word])
            continue
        for words in ([word] for word in WORDS) if shape.words == "names" else ([word, *WORDS] for word in PLAIN):
            lines = [[name, *own, "--", *words]]
            if shape.words == "command":
                lines.append([name, *own, *words])
            elif not words[0].startswith("-"):
                lines += [[name, *words, *own], [name, *own, *words], [name, *own, *words, "--", "--x"]]
            for line in lines:
                expected = [*words, "--x"] if line[-1] == "--x" and words[-1] != "--x" else words
                called, found = parsed(program, line)
                assert len(called) == 1, line
                assert found == expected, line
    assert all(seen.values()), seen
    assert sum(seen.values()) > 30


def test_inv_is_told_the_separator_for_each_task_with_words(tasks: Collection) -> None:
    from uvdock.tasks import grammar

    known = Grammar("inv", CORE, set(every_name(tasks)), lambda name: grammar.shape(tasks[name]))
    parser = Parser(contexts=tasks.to_contexts())
    for name in listed_names(tasks):
        if known.shape(name).words == "none":
            assert known.undecided([name, "flask"]) is None
            continue
        flag = next((key for key, option in known.shape(name).options.items() if option.value == "no"), "")
        for word in PLAIN:
            for line in ([name, word], [name, *([flag] if flag else []), word], [name, word, "--", "x"]):
                assert known.undecided(line) == (0, line.index(word, 1)), line
            separated = [name, *([flag] if flag else []), "--", word]
            assert known.undecided(separated) is None
            found = parser.parse_argv(separated)
            assert (len(found), remainder_list(found.remainder, ["inv", *separated])) == (1, [word])


@pytest.mark.parametrize("value", ["flask", "deps.lock", "-", "a b", "foo[bar]>=1", ""])
def test_a_positional_argument_takes_any_word(program: UvdockProgram, value: str) -> None:
    for line in (["deps.why", value, "--json"], ["deps.why", "--json", value], ["deps.why", "--json", "--", value]):

        def read(line: list[str] = line) -> object:
            program.create_config()
            program.parse_core(["uvdock", *line])
            program.parse_collection()
            program.parse_tasks()
            (context,) = program.tasks
            return context.as_kwargs

        assert copy_context().run(read) == {"package": value, "json": True}


def test_every_name_of_a_task_is_known(tasks: Collection) -> None:
    names = every_name(tasks)
    assert {"lint", "lint.lint", "lint.shell", "flask"} <= set(names)
    assert Parser(contexts=tasks.to_contexts()).contexts.keys() <= set(names)
