"""What `init` understands of Makefiles and justfiles, and why it leaves the rest."""

from __future__ import annotations

import pytest

from uvdock.init import just, make
from uvdock.init.carry import Rules, carry

RULES = Rules(frozenset(("uv", "cmd", "build")), service="web")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a:\n\tgit status\n", {"run": "git status", "backend": "host"}, id="plain"),
        pytest.param("a: ; git status\n", {"run": "git status", "backend": "host"}, id="on-one-line"),
        pytest.param("a:\n\t@docker compose exec web x $(ARGS)\n", "x", id="quiet-with-arguments"),
        pytest.param("a:\n\tdocker compose exec web x ${args}\n", "x", id="other-brackets"),
        pytest.param("ARGS ?=\na:\n\tdocker compose exec web x $(ARGS)\n", "x", id="declared-arguments"),
        pytest.param("W = docker compose exec web\na:\n\t$(W) x\n", "x", id="variable"),
        pytest.param("C := docker compose\nW := $(C) exec web\na:\n\t$W x\n", "x", id="variable-in-a-variable"),
        pytest.param("a:\n\tdocker compose exec web x \\\n\t\ty\n", "x y", id="continued"),
        pytest.param("a:\n\tdocker compose exec web x $$Y $(Z)\n", "x ${Y} ${Z}", id="environment"),
        pytest.param("a: # no help\n\tdocker compose exec web x # y\n", "x", id="comments"),
        pytest.param("a: ## Help\n\tdocker compose exec web x\n", {"run": "x", "help": "Help"}, id="help"),
        pytest.param("## Help\na:\n\tdocker compose exec web x\n", {"run": "x", "help": "Help"}, id="help-above"),
        pytest.param(
            "a:\n\tdocker compose exec web x\n\tdocker compose exec web y\n", ["cmd -- x", "cmd -- y"], id="two"
        ),
        pytest.param("a: b\nb:\n\tdocker compose exec web x\n", ["b"], id="only-needs"),
        pytest.param("a: b | c\n\tmake c\nb c:\n\tdocker compose exec web x\n", ["b", "c", "c"], id="needs"),
        pytest.param("a:\n\t$(MAKE) b\nb:\n\tdocker compose exec web x\n", "x", id="calls-itself"),
        pytest.param("a: b\na: c\nb c:\n\tgit x\n", ["b", "c"], id="needs-of-two-rules"),
        pytest.param(
            "a: b\na: ; $(C) x\nb:\n\t$(C) y\nC = docker compose exec web\n",
            ["b", "cmd -- x"],
            id="recipe-of-the-second-rule",
        ),
        pytest.param(".PHONY: a \\\n  b\na: b \\\n  c\nb c:\n\tgit x\n", ["b", "c"], id="continued-needs"),
        pytest.param("W = docker compose \\\n  exec web\na:\n\t$(W) x\n", "x", id="continued-variable"),
    ],
)
def test_a_target(text: str, expected: object) -> None:
    found = carry(make.read(text), "Makefile", ("make",), RULES)

    assert found[0].name == "a"
    assert (found[0].why, found[0].commands) == ("", {"a": expected})


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        pytest.param("a:\n\t-git x\n", 2, "a failure that is ignored (-)", id="ignored"),
        pytest.param("a:\n\tgit x | y\n", 2, "a pipe", id="pipe"),
        pytest.param("a:\n\tgit x\n\tcd y && z\n", 3, "the shell's own cd", id="cd"),
        pytest.param("a:\n\tgit x $@\n", 2, "make's own $@", id="own"),
        pytest.param("a:\n\tgit x $(shell y)\n", 2, "make's own $(shell y)", id="function"),
        pytest.param("a:\n\tgit $(MAKEFILE_LIST)\n", 2, "make's own $(MAKEFILE_LIST)", id="own-variable"),
        pytest.param("A := $(A)\na:\n\tgit $(A)\n", 3, "the variable A of the Makefile means itself", id="itself"),
        pytest.param("X += y\na:\n\tgit $(X)\n", 3, "the variable X, whose value depends on something", id="appended"),
        pytest.param("ARGS = -x\na:\n\tgit y $(ARGS)\n", 3, "arguments with a default (ARGS)", id="default"),
        pytest.param("a: b.txt\n\tgit x\n", 1, "it needs b.txt, which is no task of this file", id="file"),
        pytest.param("a: X = y\na:\n\tgit x\n", 1, "a variable for this target only (X)", id="target-variable"),
        pytest.param("ifdef X\na:\n\tgit x\nendif\n", 2, "an ifeq or ifdef around it", id="ifdef"),
        pytest.param("a%: b\n\tgit x\n", 1, "a pattern rule", id="pattern"),
        pytest.param("a.txt:\n\tgit x\n", 1, "it makes a file", id="makes-a-file"),
        pytest.param("a:\n\tx=1; git y\n", 2, "a variable set in the script ($x)", id="shell-variable"),
        pytest.param(
            "a:\n\tpytest\n", 2, "it is not clear where pytest runs: on the host or in a container", id="where"
        ),
        pytest.param("a:\n", 1, "it runs nothing", id="nothing"),
        pytest.param("a: b\nb: a\n", 1, "it calls b, which is not carried over", id="circle"),
    ],
)
def test_a_target_that_is_left(text: str, line: int, why: str) -> None:
    found = carry(make.read(text), "Makefile", ("make",), RULES)[0]

    assert (found.state, found.at, found.why) == ("left", line, why)


def test_lines_of_a_makefile_that_are_no_targets() -> None:
    script = make.read(
        "include .env\ninclude x.mk\nexport A\ndefine d\nb: c\nendef\n.PHONY: a\n.DEFAULT_GOAL := a\n???\na:\n\tgit x\n"
    )

    assert [function.name for function in script.functions] == ["a"]
    assert [(note.line, note.why) for note in script.notes] == [
        (2, "targets of x.mk are not looked at"),
        (9, "this line is not understood"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a:\n  git status\n", {"run": "git status", "backend": "host"}, id="plain"),
        pytest.param("a *args:\n  docker compose exec web x {{args}}\n", "x", id="arguments"),
        pytest.param("a +more:\n  docker compose exec web x {{ more }}\n", "x", id="at-least-one"),
        pytest.param("a args='':\n  @docker compose exec web x {{args}}\n", "x", id="empty-default"),
        pytest.param("w := 'docker compose exec web'\na:\n  {{w}} x\n", "x", id="variable"),
        pytest.param("# Help\na:\n  docker compose exec web x\n", {"run": "x", "help": "Help"}, id="help"),
        pytest.param(
            "# Help\n[group('b')]\n@a:\n  docker compose exec web x\n", {"run": "x", "help": "Help"}, id="attribute"
        ),
        pytest.param(
            "[doc('Help')]\na:\n  docker compose exec web x\n", {"run": "x", "help": "Help"}, id="doc-attribute"
        ),
        pytest.param("a: b\n  just b\nb:\n  docker compose exec web x\n", ["b", "b"], id="needs"),
        pytest.param('a:\n  docker compose exec web x "$Y"\n', "x ${Y}", id="environment"),
    ],
)
def test_a_recipe(text: str, expected: object) -> None:
    found = carry(just.read(text), "justfile", ("just",), RULES)

    assert found[0].name == "a"
    assert (found[0].why, found[0].commands) == ("", {"a": expected})


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        pytest.param("a x:\n  git {{x}}\n", 2, "the argument x", id="argument"),
        pytest.param("a *x='-y':\n  git z {{x}}\n", 1, "arguments with a default (x)", id="default"),
        pytest.param("a:\n  #!/bin/sh\n  x\n", 1, "a script of its own (#!)", id="script"),
        pytest.param("a:\n  git {{arch()}}\n", 2, "just's own {{arch()}}", id="function"),
        pytest.param("v := `x`\na:\n  git {{v}}\n", 3, "just's own {{v}}", id="command"),
        pytest.param("a: (b 'c')\n  git x\n", 1, "what it depends on is more than names", id="needs"),
        pytest.param("[private]\na:\n  git x\n", 2, "the attribute [private]", id="private"),
        pytest.param("alias a := b\n", 1, "an alias of b", id="alias"),
        pytest.param("a:\n  -git x\n", 2, "a failure that is ignored (-)", id="ignored"),
        pytest.param("a:\n  git x > y\n", 2, "a redirect", id="redirect"),
        pytest.param("a (b):\n  git x\n", 1, "its parameters are not understood", id="parameters"),
    ],
)
def test_a_recipe_that_is_left(text: str, line: int, why: str) -> None:
    found = carry(just.read(text), "justfile", ("just",), RULES)[0]

    assert (found.state, found.at, found.why) == ("left", line, why)


def test_lines_of_a_justfile_that_are_no_recipes() -> None:
    script = just.read("set shell := ['sh']\nimport 'b.just'\n  stray\nexport A := 'x'\n???\na:\n  git x\n")

    assert [function.name for function in script.functions] == ["a"]
    assert [(note.line, note.why) for note in script.notes] == [
        (2, "recipes of 'b.just' are not looked at"),
        (3, "this line is not understood"),
        (5, "this line is not understood"),
    ]
