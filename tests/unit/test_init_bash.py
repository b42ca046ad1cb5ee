"""What `init` understands of bash: its functions and plain calls, exactly; and everything else with its reason."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock import commands
from uvdock.errors import UvdockError
from uvdock.formats.shell.lexer import tokens
from uvdock.formats.shell.words import Broken, Word
from uvdock.init import just, make, script
from uvdock.init.carry import CarriedFunction, Rules, carry, default_service
from uvdock.init.plan import SOURCES, State, plan

TASKS = frozenset(("uv", "cmd", "shell", "build", "deps.install", "deps.outdated", "clean", "config"))
HELPERS = """
DC="${DC:-exec}"
TTY=""
[ -t 1 ] || TTY="-T"
_dc() { docker compose "${DC}" ${TTY} "$@"; }
_once() { DC=run _dc --rm "$@"; }
cmd() { _dc web "$@"; }
other() { cmd other "$@"; }
several() { cmd a; cmd b; }
piped() { cmd a | b; }
"""


def became(body: str, name: str = "it", **rules: Any) -> CarriedFunction:
    """What becomes of a function with this body, with the usual helpers before it."""
    text = f"{HELPERS}{name}() {{\n{body}\n}}\n"
    given = {"tasks": TASKS, "service": "web", **rules}
    return next(item for item in carry(script.read(text), "run", ("./run",), Rules(**given)) if item.name == name)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param('cmd flask "$@"', "flask", id="further-arguments"),
        pytest.param('cmd flask "${@}"', "flask", id="in-braces"),
        pytest.param("cmd flask $@", "flask", id="unquoted"),
        pytest.param("cmd flask routes", "flask routes", id="without"),
        pytest.param("cmd flask routes;", "flask routes", id="semicolon"),
        pytest.param("other db upgrade", "other db upgrade", id="through-another-function"),
        pytest.param("./run other x", "other x", id="through-the-script-itself"),
        pytest.param("cmd a \\\n  b \\\n  c", "a b c", id="continued"),
        pytest.param("cmd a 'b c' \"d e\" f\\ g", "a 'b c' 'd e' 'f g'", id="quotes"),
        pytest.param('cmd a "it\'s"', 'a "it\'s"', id="apostrophe"),
        pytest.param("cmd a ''", "a ''", id="empty-word"),
        pytest.param('cmd a "${NAME}" $OTHER', "a ${NAME} ${OTHER}", id="variables"),
        pytest.param('cmd a "${NAME} b"', 'a "${NAME} b"', id="variable-in-a-quote"),
        pytest.param('cmd a "${NAME:-b}"', "a ${NAME:-b}", id="default"),
        pytest.param('cmd a "--x=${NAME}"', "a --x=${NAME}", id="variable-in-a-word"),
        pytest.param("cmd a # b", "a", id="comment-behind"),
        pytest.param("cmd x a#b", "x 'a#b'", id="no-comment"),
        pytest.param("cmd a 'x*'", "a 'x*'", id="quoted-pattern"),
        pytest.param(". .env\ncmd a", "a", id="reads-env"),
        pytest.param("set -a; source ./.env; set +a\ncmd a", "a", id="exports-env"),
        pytest.param("_dc redis redis-cli", {"run": "redis-cli", "service": "redis"}, id="service"),
        pytest.param('_once web a "$@"', {"run": "a", "one_off": True}, id="one-off"),
        pytest.param('DC="run" _dc --rm web a', {"run": "a", "one_off": True}, id="one-off-by-variable"),
        pytest.param("docker-compose exec -T db a", {"run": "a", "service": "db"}, id="the-old-compose"),
        pytest.param("docker compose run --rm --no-deps web a", {"run": "a", "one_off": True}, id="run"),
        pytest.param("_dc -u root web a", {"run": "a", "user": "root"}, id="user"),
        pytest.param("_dc --user=1:2 web a", {"run": "a", "user": "1:2"}, id="user-in-one"),
        pytest.param("_dc -w /x web a", {"run": "a", "workdir": "/x"}, id="workdir"),
        pytest.param("_dc -e A -e B web a", {"run": "a", "env": ["A", "B"]}, id="variables-by-name"),
        pytest.param('_dc -e "A=${A}" web a', {"run": "a", "env": ["A"]}, id="variable-as-itself"),
        pytest.param("docker compose up -d", {"run": "docker compose up -d", "backend": "host"}, id="host"),
        pytest.param("exec git status", {"run": "git status", "backend": "host"}, id="exec"),
        pytest.param("rm -rf a/*.b", {"run": "rm -rf a/*.b", "backend": "host", "shell": True}, id="host-pattern"),
        pytest.param(
            "rm -rf 'a b'/* \"${X}\"",
            {"run": "rm -rf 'a b'/* \"${X}\"", "backend": "host", "shell": True},
            id="host-pattern-with-quotes",
        ),
        pytest.param("cmd a\ncmd b c", ["cmd -- a", "cmd -- b c"], id="sequence"),
        pytest.param("cmd a && cmd b", ["cmd -- a", "cmd -- b"], id="and"),
        pytest.param("other; other x 'y z'", ["other", "other -- x 'y z'"], id="calls-of-tasks"),
        pytest.param("several", ["several"], id="one-call-of-several"),
        pytest.param("deps:install() { x; }; cmd a", None, id="function-inside"),
        pytest.param(
            'if [ "$1" = test ]; then cmd a; fi\ncmd m "$@"', {"run": "m", "before": {"test": "a"}}, id="if-first"
        ),
        pytest.param(
            'if [[ "${1:-}" == "test" ]]; then\n cmd a\nfi\ncmd m "$@"',
            {"run": "m", "before": {"test": "a"}},
            id="if-first-in-double-brackets",
        ),
        pytest.param(
            'case "$1" in a|b) cmd x;; c) cmd y ;; *) ;; esac; cmd m "$@"',
            {"run": "m", "before": {"a": "x", "b": "x", "c": "y"}},
            id="case",
        ),
    ],
)
def test_carried_over(body: str, expected: object) -> None:
    found = became(body)

    if expected is None:
        assert found.state == "left"
    else:
        assert (found.why, dict(found.commands)) == ("", {"it": expected})


@pytest.mark.parametrize(
    ("body", "line", "why"),
    [
        pytest.param("cmd a | cmd b", 0, "a pipe", id="pipe"),
        pytest.param("cmd a\ncmd b > c", 1, "a redirect", id="redirect"),
        pytest.param("cmd a <<X\n}\nX", 0, "a redirect", id="here-document"),
        pytest.param("cmd a || cmd b", 0, "a choice (||)", id="or"),
        pytest.param("cmd a &", 0, "a process in the background (&)", id="background"),
        pytest.param("(cmd a)", 0, "a subshell", id="subshell"),
        pytest.param("{ cmd a; }", 0, "a group ({ … })", id="group"),
        pytest.param("if x; then cmd a; fi", 0, "an if", id="if"),
        pytest.param('if x; then cmd a; fi\ncmd b "$@"', 0, "an if", id="another-if"),
        pytest.param('case "$2" in a) cmd b;; esac\ncmd b "$@"', 0, "a case", id="another-case"),
        pytest.param('case "$1" in a) cmd b;; *) cmd c;; esac\ncmd b "$@"', 0, "a case", id="case-of-all"),
        pytest.param('case "$1" in a*) cmd b;; esac\ncmd b "$@"', 0, "a case", id="case-of-a-pattern"),
        pytest.param("for x in a; do cmd b; done", 0, "a for loop", id="for"),
        pytest.param("while x; do cmd b; done", 0, "a while loop", id="while"),
        pytest.param("[[ a ]] && cmd b", 0, "a condition ([[)", id="condition"),
        pytest.param("[ -f a ] && cmd b", 0, "the shell's own [", id="test"),
        pytest.param("! cmd b", 0, "a negation (!)", id="negation"),
        pytest.param("((x++))", 0, "arithmetic", id="arithmetic"),
        pytest.param("cd a && cmd b", 0, "the shell's own cd", id="cd"),
        pytest.param("local x=1\ncmd b", 0, "a variable set in the script ($x)", id="local"),
        pytest.param("cmd b\nx=1", 1, "a variable set in the script ($x)", id="assignment"),
        pytest.param('cmd "${DC}"', 0, "a variable set in the script ($DC)", id="variable-of-the-script"),
        pytest.param("X=1 cmd b", 0, "a variable set for one command (X)", id="variable-for-one"),
        pytest.param("cmd a $(b)", 0, "a command substitution", id="substitution"),
        pytest.param('cmd a "`b`"', 0, "a command substitution", id="backticks"),
        pytest.param("cmd a $((1))", 0, "arithmetic", id="arithmetic-expansion"),
        pytest.param("cmd a <(b)", 0, "a process substitution", id="process-substitution"),
        pytest.param("cmd a ${x%y}", 0, "${x%y}", id="other-expansion"),
        pytest.param("cmd a $1", 0, "the argument $1", id="positional"),
        pytest.param("cmd a $#", 0, "$#", id="special"),
        pytest.param("cmd a $'x'", 0, "a text with escapes ($'…')", id="escapes"),
        pytest.param('cmd "$@" a', 0, '"$@" in the middle', id="arguments-in-the-middle"),
        pytest.param('cmd a "x$@"', 0, '"$@" in the middle', id="arguments-in-a-word"),
        pytest.param('cmd a "$@"\ncmd b', 0, '"$@" in one of several calls', id="arguments-of-one"),
        pytest.param("cmd ls *", 0, "a pattern of file names", id="pattern"),
        pytest.param("cmd ls {a,b}", 0, "a brace of file names", id="braces"),
        pytest.param("cmd ls ~/x", 0, "a ~", id="home"),
        pytest.param("cmd a '${X}'", 0, "a ${…} that is to stay as it is", id="literal-reference"),
        pytest.param("cmd a $UID", 0, "the shell's own $UID", id="shell-variable"),
        pytest.param("cmd a ${X:-}", 0, "a word that may be empty ($X)", id="perhaps-empty"),
        pytest.param("pytest -x", 0, "it is not clear where pytest runs: on the host or in a container", id="where"),
        pytest.param("$TOOL x", 0, "a program in a variable", id="program"),
        pytest.param("_dc -d web a", 0, "docker compose exec with -d", id="option"),
        pytest.param("docker compose run -p 1:1 web a", 0, "docker compose run with -p", id="run-option"),
        pytest.param("_dc -e A=1 web a", 0, "a variable with a value of its own (-e NAME=…)", id="value"),
        pytest.param('_dc -u "${X}" web a', 0, "a variable as the value of -u", id="user-in-a-variable"),
        pytest.param('_dc "${X}" a', 0, "the service is in a variable", id="service-in-a-variable"),
        pytest.param('docker compose exec "$@"', 0, "the service is an argument", id="service-as-an-argument"),
        pytest.param("docker compose exec -T", 0, "no service is named", id="no-service"),
        pytest.param("docker compose exec web", 0, "it runs nothing", id="no-command"),
        pytest.param("several x", 0, "several is more than one call", id="arguments-for-several"),
        pytest.param("piped", 0, "it calls piped, which is not carried over", id="calls-what-is-left"),
        pytest.param("cmd a\npiped", 1, "it calls piped, which is not carried over", id="step-that-is-left"),
        pytest.param('it "$@"', 0, "it calls itself", id="itself"),
        pytest.param("", -1, "it runs nothing", id="empty"),
        pytest.param("cmd 'a", 0, "a quote that is never closed", id="open-quote"),
        pytest.param("cmd $(a", 0, "a ( that is never closed", id="open-parenthesis"),
    ],
)
def test_left_with_its_reason(body: str, line: int, why: str) -> None:
    found = became(body)

    first = HELPERS.count("\n") + 2
    assert (found.state, found.why, found.at - first) == ("left", why, line)
    assert found.commands == {}


@pytest.mark.parametrize(
    ("name", "body", "state", "task"),
    [
        pytest.param("lint:docker_file", "cmd a", "carried", "lint.docker-file", id="name"),
        pytest.param("pip3:install", "piped", "has", "deps.install", id="another-name"),
        pytest.param("uv:outdated", "cmd uv tree", "has", "deps.outdated", id="outdated"),
        pytest.param("build", "docker compose build", "has", "build", id="build"),
        pytest.param("build", "cmd python -m build", "left", "", id="another-build"),
        pytest.param("shell", "cmd bash", "has", "shell", id="shell"),
        pytest.param("shell", "cmd python manage.py shell", "left", "", id="another-shell"),
        pytest.param("config", "cmd a", "left", "", id="another-task-of-that-name"),
        pytest.param("help", "cmd a | b", "has", "--list", id="help"),
        pytest.param("lint", "cmd a | b", "has", "lint", id="ready"),
        pytest.param("lint", "cmd a", "carried", "lint", id="ready-but-plain"),
        pytest.param("psql", "cmd a | b", "has", "db.shell", id="ready-by-another-name"),
        pytest.param("mine", "cmd a", "left", "", id="in-tasks-py"),
        pytest.param("there", "cmd a", "kept", "there", id="in-the-table"),
        pytest.param("a::b", "cmd a", "left", "", id="no-name-for-a-task"),
        pytest.param("_x", "cmd a", "left", "", id="helper"),
    ],
)
def test_what_there_is_already(name: str, body: str, state: str, task: str) -> None:
    ready = frozenset(("lint", "db.shell"))
    found = became(body, name, ready=ready, own={"mine": "tasks.py"}, commands=frozenset(("there",)))

    assert (found.state, found.task) == (state, task)
    assert bool(found.commands) == (state == "carried")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("f() {\n  # Inside\n  x\n}", "Inside", id="inside"),
        pytest.param("# Above\nf() { x; }", "Above", id="above"),
        pytest.param("# Above\nf() {\n# Inside\n x; }", "Inside", id="inside-wins"),
        pytest.param("f() { # Behind\n x; }", "Behind", id="behind-the-brace"),
        pytest.param("# One\n# two\nf() { x; }", "One two", id="lines"),
        pytest.param("f() {\n # One\n # two\n\n # three\n x; }", "One two", id="up-to-a-gap"),
        pytest.param("# Far\n\nf() { x; }", "", id="too-far"),
        pytest.param("# Title\n# -----\nf() { x; }", "", id="ruler"),
        pytest.param("#!/bin/bash\nf() { x; }", "", id="shebang"),
        pytest.param("f() {\n # shellcheck disable=SC1\n x; }", "", id="directive"),
        pytest.param("f() {\n x # Not\n}", "", id="behind-a-call"),
    ],
)
def test_the_help(text: str, expected: str) -> None:
    assert [function.help for function in script.read(text).functions] == [expected]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("function a { x; }\nb() { x; }\nfunction c() { x; }", ["a", "b", "c"], id="forms"),
        pytest.param("function a\n{\nx\n}\nb ( )\n\n{ x; }", ["a", "b"], id="brace-below"),
        pytest.param("a() { b() { x; }; }; c() { x; }", ["a", "c"], id="inner"),
        pytest.param("if x; then a() { x; }; fi", ["a"], id="in-an-if"),
        pytest.param("cat <<X\na() { x; }\nX\nb() { x; }", ["b"], id="here-document"),
        pytest.param("cat <<-'X' <<Y\na() {\n\tX\nY\nb() { x; }", ["b"], id="two-here-documents"),
        pytest.param("x '\na() { x; }\n'\nb() { x; }", ["b"], id="quote"),
        pytest.param("# a() { x; }\nb() { x; }", ["b"], id="comment"),
        pytest.param("a() { echo }; }\nb() { x; }", ["a", "b"], id="brace-as-a-word"),
        pytest.param("a() { x ${b:-{}; }\nc() { x; }", ["a", "c"], id="brace-in-an-expansion"),
        pytest.param("a() {\n x\nb() { x; }\n", ["a", "b"], id="no-end"),
        pytest.param("a() { x; }\nb() { x 'y; }\nc() {\n x; }\nfunction d {", ["a", "b", "c", "d"], id="open-quote"),
        pytest.param("x 'y\nc() {\n x; }", ["c"], id="open-quote-outside"),
        pytest.param("a() { x; }\r\nb() {\r\n x\r\n}\r\n", ["a", "b"], id="windows"),
        pytest.param("a() (x)\nb() [[ x ]]\nc() { x; }", ["a", "b", "c"], id="other-bodies"),
        pytest.param("a() { x; }\na() { y; }", ["a", "a"], id="twice"),
        pytest.param("x=(a b)\nf() { x; }", ["f"], id="array"),
        pytest.param("(( x << 2 ))\nf() { x; }", ["f"], id="shift"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_every_function_is_found(text: str, names: list[str]) -> None:
    assert [function.name for function in script.read(text).functions] == names


@pytest.mark.parametrize(
    ("cmd", "expected"),
    [
        pytest.param('_dc() { docker compose exec "$@"; }\ncmd() { _dc web "$@"; }', "web", id="helper"),
        pytest.param('cmd() { docker compose run --rm app "$@"; }', "app", id="run"),
        pytest.param("cmd() { docker compose exec web bash; }", "", id="not-any-command"),
        pytest.param('cmd() { if x; then docker compose exec web "$@"; fi; }', "", id="not-plain"),
        pytest.param("web() { x; }", "", id="none"),
    ],
)
def test_the_service_of_cmd(cmd: str, expected: str) -> None:
    assert default_service(script.read(cmd)) == expected


def test_what_is_outside_of_functions_is_told() -> None:
    notes = script.read('export A=1 B\nsource lib.sh\n. .env\nf() { export C=1; }\ncd "x').notes

    assert [(note.line, note.why) for note in notes] == [
        (2, "functions of lib.sh are not looked at"),
        (1, "A is set for every command; for uvdock it belongs in .env"),
        (5, "a quote that is never closed: from here on nothing is understood"),
    ]


def test_without_a_compose_file_everything_is_for_the_host() -> None:
    assert became("pytest -x", compose=False).commands == {"it": "pytest -x"}


SNIPPETS = st.sampled_from(
    [
        *"{}()[]'\"`$\\#;&|<>\n \t=@*:-~!",
        *(
            "function ",
            "a() {",
            "}\n",
            "if ",
            "then ",
            "fi\n",
            "case ",
            " in ",
            "esac\n",
            ";;",
            "<<X\n",
            "$(",
            "${",
            "$((",
            '"$@"',
        ),
        *(
            "cmd ",
            "_dc ",
            "docker compose exec ",
            "web ",
            "a",
            "x=1",
            "DC=run ",
            "[[ ",
            "]] ",
            "local ",
            ". .env\n",
            "for ",
        ),
        *(
            "b: a\n",
            "\t$(ARGS)\n",
            "{{args}}",
            " *args:\n",
            "define x\n",
            "ifeq (a,b)\n",
            "A := $(A)\n",
            "# x\n",
            "\t@a\n",
        ),
    ]
)
ANY_TEXT = st.lists(SNIPPETS | st.text(max_size=3), max_size=40).map("".join)


@given(text=ANY_TEXT, source=st.sampled_from(["run", "Makefile", "justfile"]), helpers=st.booleans())
def test_no_text_is_too_much(text: str, source: str, helpers: bool) -> None:
    text = HELPERS + text if helpers and source == "run" else text
    try:
        made = plan(State({source: text}, TASKS))
    except UvdockError:
        return
    read = {"run": script.read, "Makefile": make.read, "justfile": just.read}[source](text)
    if not text.startswith("#!"):
        assert [(item.name, item.line) for item in made.found] == [(item.name, item.line) for item in read.functions]
    for item in made.found:
        assert bool(item.why) >= (item.state == "left")
        assert bool(item.commands) == (item.state == "carried")
        assert (item.task in item.commands) == (item.state == "carried")


NAMES = st.from_regex(r"[a-z]{1,3}([:_-][a-z]{1,3})?", fullmatch=True)
BODIES = st.sampled_from(
    ["cmd a", 'cmd b "$@"', "x | y", "if x; then y; fi", "cat <<E\n}\nE", "other", "'}'", "# }\nx"]
)


@given(functions=st.lists(st.tuples(NAMES, BODIES), max_size=8))
def test_every_function_is_reported_once(functions: list[tuple[str, str]]) -> None:
    reserved = {"if", "do", "fi", "in", "for"}
    functions = [(f"f{name}" if name in reserved else name, body) for name, body in functions]
    text = "".join(f"{name}() {{\n{body}\n}}\n" for name, body in functions)

    made = plan(State({"run": text}, TASKS))

    assert [item.name for item in made.found] == [name for name, _ in functions]


WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), min_size=1, max_size=5)


@given(words=WORDS)
def test_words_arrive_as_bash_would_have_them(words: list[str]) -> None:
    words = ["web-server", *words]
    found = became(f"cmd {shlex.join(words)}")
    if any("${" in word for word in words):
        assert found.why == "a ${…} that is to stay as it is"
        return

    value = found.commands["it"]
    command = commands.parse({"it": value}, "")["it"]
    assert commands.plan(command, ["x y"], {})[0].argv == (*(word.replace("\r\n", "\n") for word in words), "x y")


@given(text=ANY_TEXT)
def test_tokens_end_at_the_end(text: str) -> None:
    found = tokens(text)

    assert all(not isinstance(token, Broken) for token in found[:-1])
    lines = [token.line for token in found if isinstance(token, Word)]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("a" * 50_000, "its end is not found", id="long"),
        pytest.param("if " * 1000, "a condition that is not understood (then)", id="conditions"),
        pytest.param("$(" * 5000, "substitutions in substitutions", id="substitutions"),
        pytest.param("f() { " * 1000, "its end is not found", id="functions"),
        pytest.param("case x in " * 1000, "its end is not found", id="cases"),
    ],
)
def test_long_and_deep_texts_stay_and_hide_nothing_before_them(text: str, why: str) -> None:
    made = plan(State({"run": f"before() {{ docker compose exec web a; }}\nx() {{ {text} }}"}, TASKS))

    before, deep, *_ = made.found
    assert (before.name, before.commands) == ("before", {"before": {"run": "a", "service": "web"}})
    assert (deep.name, deep.commands, deep.why) == ("x", {}, why)


def test_a_long_chain_of_calls() -> None:
    text = "".join(f"f{number}() {{ f{number + 1}; x; }}\n" for number in range(2000))
    made = plan(State({"run": text}, TASKS))

    assert len(made.found) == 2000


def test_every_source_has_a_reader() -> None:
    assert {"run", "Makefile", "justfile"} <= SOURCES.keys()
