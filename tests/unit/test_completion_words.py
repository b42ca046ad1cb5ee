"""What may stand at the cursor, from the words before it: tables over a small catalogue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.cli.completion.shape import Catalogue, OptionShape, TaskWords
from uvdock.cli.completion.words import candidates, joined

SERVICES = ["db", "web", "worker"]
NAMES = {"services": SERVICES, "dependencies": ["flask", "six"], "packages": ["click", "flask"], "groups": ["dev"]}
TASKS = [
    *(
        "build",
        "cmd",
        "completion",
        "config",
        "db.restore",
        "deps.install",
        "deps.upgrade",
        "deps.why",
        "lint",
        "shell",
    ),
    *("up", "uv"),
]


def option(*names: str, value: str = "no", values: list[str] | str | None = None) -> OptionShape:
    return {"names": list(names), "value": value, "help": f"help of {names[0]}", "values": values}


def task(
    *options: OptionShape,
    words: list[str] | str | None = None,
    positionals: tuple[list[str] | str | None, ...] = (),
    kind: str = "none",
) -> TaskWords:
    return {
        "help": "what it does",
        "options": list(options),
        "positionals": list(positionals),
        "words": words,
        "kind": kind,
    }


SERVICE = option("--service", "-s", value="yes", values="services")


def catalogue(*, bare: bool) -> Catalogue:
    return {
        "bare": bare,
        "core": [
            option("--echo", "-e"),
            option("--config", "-f", value="yes"),
            option("--list-format", "-F", value="yes", values=["flat", "json"]),
            option("--help", "-h", value="maybe", values="tasks"),
            option("--list", "-l", value="maybe", values="namespaces"),
        ],
        "tasks": {
            "build": task(option("--no-cache"), words="services", kind="names"),
            "cmd": task(SERVICE, option("--user", "-u", value="yes"), kind="command"),
            "completion": task(option("--inv"), positionals=(["bash", "zsh", "fish"],)),
            "config": task(),
            "db.restore": task(SERVICE, option("--yes", "-y"), positionals=(None,)),
            "deps.install": task(option("--no-build", "--build")),
            "deps.upgrade": task(
                option("--group", value="yes", values="groups"),
                option("--exclude", "-e", value="yes", values="dependencies"),
                words="dependencies",
                kind="names",
            ),
            "deps.why": task(option("--json"), positionals=("packages",)),
            "lint": task(kind="command"),
            "shell": task(SERVICE, words="services", kind="names"),
            "up": task(option("--wait"), words="services", kind="names"),
            "uv": task(SERVICE, words=["add", "lock"], kind="command"),
        },
        "aliases": {"lint.lint": "lint"},
        "namespaces": ["db", "deps"],
    }


def found(line: str, *, bare: bool = True) -> str:
    """The candidates at the end of a command line, as words."""
    words = line.split(" ")[1:]
    return " ".join(value for value, _ in candidates(words, catalogue(bare=bare), lambda kind: NAMES[kind]))


ALL = " ".join(TASKS)
#: What may follow another task under `uvdock`: nothing that takes words.
PLAIN = "config deps.install"
CORE = "--echo --config --list-format --help --list"
ON_SERVICES = "db web worker"
EVERYWHERE = [
    pytest.param("x ", ALL, id="first-word"),
    pytest.param("x de", ALL, id="beginning"),
    pytest.param("x -e ", ALL, id="after-a-core-option"),
    pytest.param("x -", CORE, id="core-options"),
    pytest.param("x --", CORE, id="core-options-long"),
    pytest.param("x -F ", "flat json", id="value-of-a-core-option"),
    pytest.param("x --list-format=", "--list-format=flat --list-format=json", id="value-after-equals"),
    pytest.param("x -F flat --", CORE, id="after-a-value"),
    pytest.param("x --help ", ALL, id="help-of-a-task"),
    pytest.param("x --help --", CORE, id="help-without-one"),
    pytest.param("x --list ", "db deps", id="list-of-a-namespace"),
    pytest.param("x --config ", "", id="files-after-an-option"),
    pytest.param("x --config=", "", id="files-after-equals"),
    pytest.param("x config deps.install --", "--no-build --help", id="options-of-the-last-task"),
    pytest.param("x cmd --", "--service --user --help --", id="options-of-a-task"),
    pytest.param("x cmd --service ", ON_SERVICES, id="service"),
    pytest.param("x cmd -s ", ON_SERVICES, id="service-by-its-short-name"),
    pytest.param("x cmd --service=w", "--service=db --service=web --service=worker", id="service-after-equals"),
    pytest.param("x cmd --user ", "", id="a-value-nobody-knows"),
    pytest.param("x cmd --nothing=", "", id="unknown-option"),
    pytest.param("x completion ", "bash zsh fish", id="choices"),
    pytest.param("x completion --inv ", "bash zsh fish", id="choices-after-an-option"),
    pytest.param("x db.restore ", "", id="a-file"),
    pytest.param("x db.restore --", "--service --yes --help", id="options-before-a-file"),
    pytest.param("x shell -- ", ON_SERVICES, id="services-after-the-separator"),
    pytest.param("x build -- web ", ON_SERVICES, id="more-services-after-the-separator"),
    pytest.param("x uv -- ", "add lock", id="subcommands-after-the-separator"),
    pytest.param("x uv -- add ", "", id="what-is-handed-on"),
    pytest.param("x uv -- --", "add lock", id="whatever-its-beginning"),
    pytest.param("x deps.upgrade --group ", "dev", id="groups"),
    pytest.param("x deps.upgrade -e ", "flask six", id="dependencies"),
    pytest.param("x deps.upgrade -- ", "flask six", id="dependencies-after-the-separator"),
    pytest.param("x deps.why ", "click flask", id="packages"),
    pytest.param("x deps.why --json ", "click flask", id="packages-after-an-option"),
    pytest.param("x -- ", "", id="separator-without-a-task"),
    pytest.param("x nothing ", "", id="no-task"),
    pytest.param("x lint.lint --", "--help --", id="other-name-of-a-task"),
]


@pytest.mark.parametrize("bare", [True, False], ids=["uvdock", "inv"])
@pytest.mark.parametrize(("line", "expected"), EVERYWHERE)
def test_the_same_under_both_programs(line: str, expected: str, bare: bool) -> None:
    assert found(line, bare=bare) == expected


@pytest.mark.parametrize(
    ("line", "uvdock", "inv"),
    [
        pytest.param("x shell ", ON_SERVICES, "--", id="service-without-separator"),
        pytest.param("x up --wait ", ON_SERVICES, "--", id="after-an-option"),
        pytest.param("x up web ", ON_SERVICES, "", id="another-service"),
        pytest.param("x up web --", "--wait --help --", "", id="an-option-after-a-service"),
        pytest.param("x up config ", ON_SERVICES, "", id="a-service-with-the-name-of-a-task"),
        pytest.param("x build ", ON_SERVICES, "--", id="build"),
        pytest.param("x deps.upgrade six ", "flask six", "", id="dependencies"),
        pytest.param("x uv ", "add lock", "--", id="uv"),
        pytest.param("x uv add ", "", "", id="what-is-uvs"),
        pytest.param("x uv add --", "", "", id="options-of-uvs"),
        pytest.param("x lint ", "", "--", id="a-program"),
        pytest.param("x cmd --user root python ", "", "", id="what-is-handed-on"),
        pytest.param("x config ", PLAIN, ALL, id="another-task"),
        pytest.param("x config shell ", "", "--", id="a-task-with-words-stands-alone"),
        pytest.param("x completion bash ", "", ALL, id="after-the-last-argument"),
        pytest.param("x db.restore config ", "", ALL, id="a-file-with-the-name-of-a-task"),
    ],
)
def test_without_a_separator(line: str, uvdock: str, inv: str) -> None:
    assert (found(line), found(line, bare=False)) == (uvdock, inv)


def test_names_are_looked_up_only_where_one_may_stand() -> None:
    def never(kind: str) -> list[str]:
        raise AssertionError(kind)

    for line in (["dep"], ["deps.install", "--"], ["cmd", "--user", ""], ["uv", "add", ""]):
        candidates(line, catalogue(bare=True), never)


def test_each_has_its_help() -> None:
    shown = dict(candidates([""], catalogue(bare=True), NAMES.__getitem__))
    assert shown["config"] == "what it does"
    assert dict(candidates(["cmd", "--"], catalogue(bare=True), NAMES.__getitem__))["--user"] == "help of --user"


@pytest.mark.parametrize(
    ("words", "expected", "split"),
    [
        pytest.param(["cmd", "--service", "=", "w"], ["cmd", "--service=w"], True, id="value"),
        pytest.param(["cmd", "--service", "="], ["cmd", "--service="], True, id="no-value-yet"),
        pytest.param(["--service", "=", "w", "x"], ["--service=w", "x"], False, id="earlier"),
        pytest.param(["cmd", "--service", ""], ["cmd", "--service", ""], False, id="nothing-to-join"),
        pytest.param(["cmd", "--service=w"], ["cmd", "--service=w"], False, id="bash-3"),
        pytest.param(["uv", "a", "=", "b"], ["uv", "a", "=", "b"], False, id="no-option"),
        pytest.param([""], [""], False, id="empty"),
    ],
)
def test_what_bash_takes_apart_is_put_together(words: list[str], expected: list[str], split: bool) -> None:
    assert joined(words) == (expected, split)


@given(
    st.lists(st.sampled_from([*TASKS, "--", "--help", "-F", "--service", "--list", "=", "-", "web", ""]), min_size=1)
)
def test_whatever_the_line_each_word_offered_is_one_that_there_is(words: list[str]) -> None:
    for bare in (True, False):
        known = catalogue(bare=bare)
        options = {name for one in [*known["core"], *(o for t in known["tasks"].values() for o in t["options"])]
                   for name in one["names"]}  # fmt: skip
        values = {*known["tasks"], *known["namespaces"], *(name for names in NAMES.values() for name in names)}
        values |= {"flat", "json", "bash", "zsh", "fish", "add", "lock"}

        offered = dict(found := candidates(words, known, lambda kind: NAMES[kind]))

        assert len(offered) == len(found)
        dashed = words[-1].startswith("-")
        assert all(value in values or value == "--" or (dashed and value in options) for value in offered)
