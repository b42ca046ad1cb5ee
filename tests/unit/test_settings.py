"""Each setting from each of its sources: its type, which source wins, and what is said of a wrong one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from uvdock import settings
from uvdock.errors import SettingsError, UvdockError
from uvdock.settings import KEYS, Settings


@dataclass(frozen=True)
class Case:
    """One value of one key as each source writes it, and what it becomes or what is allowed instead."""

    key: str
    toml: str
    invoke: Any
    variable: str | None
    expected: Any


CACHES = ("type=gha", "h:5000/a:b")
GOOD = [
    pytest.param(Case("backend", '"host"', "host", "host", "host"), id="backend"),
    pytest.param(Case("service", '"web"', "web", "web", "web"), id="service"),
    pytest.param(Case("js_service", '"web"', "web", "web", "web"), id="js_service"),
    pytest.param(Case("projects", '["a", "b"]', ["a", "b"], os.pathsep.join("ab"), ("a", "b")), id="projects"),
    pytest.param(Case("projects", '"apps/api"', "apps/api", "apps/api", ("apps/api",)), id="projects-one-text"),
    pytest.param(Case("projects", "[]", [], "", ()), id="projects-none"),
    pytest.param(
        Case("doctor_ignore", '["no-bytecode"]', ["no-bytecode"], "no-bytecode", ("no-bytecode",)), id="doctor-ignore"
    ),
    pytest.param(
        Case("ci", '["lint", "test -- -x"]', ["lint", "test -- -x"], "lint:test -- -x", ("lint", "test -- -x")), id="ci"
    ),
    pytest.param(Case("compose_files", '["c.yaml"]', ["c.yaml"], "c.yaml", ("c.yaml",)), id="compose_files"),
    pytest.param(Case("context", '"far"', "far", "far", "far"), id="context"),
    pytest.param(Case("cache_volume", '"cache"', "cache", "cache", "cache"), id="cache_volume"),
    pytest.param(Case("cache_volume", '""', "", "", ""), id="cache_volume-none"),
    pytest.param(Case("sync", '"volume"', "volume", "volume", "volume"), id="sync"),
    pytest.param(Case("cooldown", '"7 days"', "7 days", "7 days", "7 days"), id="cooldown"),
    pytest.param(Case("builder", '"far"', "far", "far", "far"), id="builder"),
    pytest.param(
        Case("cache_from", '["type=gha", "h:5000/a:b"]', ["type=gha", "h:5000/a:b"], "type=gha\nh:5000/a:b", CACHES),
        id="cache_from",
    ),
    pytest.param(Case("cache_to", '"type=gha"', "type=gha", " type=gha ", ("type=gha",)), id="cache_to-one-text"),
    pytest.param(Case("tty", "true", True, "true", True), id="tty-true"),
    pytest.param(Case("tty", "false", False, "false", False), id="tty-false"),
]
BAD = [
    pytest.param(Case("backend", '"docker"', "docker", "docker", "auto, host, compose"), id="backend-other-word"),
    pytest.param(Case("backend", "true", True, "", "auto, host, compose"), id="backend-no-word"),
    pytest.param(Case("service", "1", 1, "", "a text"), id="service-no-text"),
    pytest.param(Case("js_service", "1", 1, "", "a text"), id="js-service-no-text"),
    pytest.param(Case("service", '""', "", "", "a text"), id="service-empty"),
    pytest.param(Case("js_service", '""', "", "", "a text"), id="js-service-empty"),
    pytest.param(Case("projects", "[1]", [1], None, "a list of texts"), id="projects-numbers"),
    pytest.param(Case("projects", '["a", ""]', ["a", ""], None, "a list of texts"), id="projects-with-empty"),
    pytest.param(Case("compose_files", "{}", {}, None, "a list of texts"), id="compose_files-table"),
    pytest.param(Case("context", "[]", [], "", "a text"), id="context-list"),
    pytest.param(Case("cache_volume", "false", False, None, "a text"), id="cache_volume-flag"),
    pytest.param(Case("sync", '"copy"', "copy", "copy", "auto, bind, volume"), id="sync-other-word"),
    pytest.param(Case("tty", '"false"', "false", "maybe", "true or false"), id="tty-text"),
    pytest.param(Case("tty", "0", 0, "", "true or false"), id="tty-number"),
    pytest.param(Case("cooldown", "7", 7, None, "a text"), id="cooldown-number"),
    pytest.param(Case("builder", '""', "", "", "a text"), id="builder-empty"),
    pytest.param(Case("cache_from", "5", 5, None, "as buildx has them"), id="cache_from-number"),
    pytest.param(Case("cache_to", '[""]', [""], None, "separated by blanks"), id="cache_to-empty"),
    pytest.param(Case("ci", "5", 5, None, "a list of texts"), id="ci-number"),
    pytest.param(Case("doctor_ignore", "5", 5, None, "a list of texts"), id="doctor-ignore-number"),
]


def toml(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(text)


def variable(key: str) -> str:
    return f"UVDOCK_{key.upper()}"


def same(found: object, expected: object) -> bool:
    """Equal and of one type: ``0`` is no ``False`` here."""
    return found == expected and type(found) is type(expected)


def test_every_key_is_in_both_tables() -> None:
    for table in (GOOD, BAD):
        cases = [case for item in table for case in item.values if isinstance(case, Case)]
        assert {case.key for case in cases} == set(KEYS)


def test_without_any_source_everything_is_the_default(tmp_path: Path) -> None:
    loaded = settings.load(tmp_path, environ={})
    assert loaded._replace(sources={}) == Settings()
    assert loaded.sources == dict.fromkeys(KEYS, "default")


@pytest.mark.parametrize("case", GOOD)
def test_a_key_from_each_source(tmp_path: Path, case: Case) -> None:
    assert case.variable is not None
    from_variable = settings.load(tmp_path, environ={variable(case.key): case.variable})
    from_invoke = settings.load(tmp_path, {case.key: case.invoke}, {})
    toml(tmp_path, f"[tool.uvdock]\n{case.key} = {case.toml}\n")
    from_toml = settings.load(tmp_path, environ={})
    for loaded, source in (
        (from_toml, "pyproject.toml [tool.uvdock]"),
        (from_invoke, "Invoke's configuration (uvdock)"),
        (from_variable, variable(case.key)),
    ):
        assert same(getattr(loaded, case.key), case.expected)
        assert loaded.sources == {**dict.fromkeys(KEYS, "default"), case.key: source}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_value_names_key_place_and_what_is_allowed(tmp_path: Path, case: Case) -> None:
    def refused(place: str, invoke: dict[str, Any] | None, environ: dict[str, str]) -> None:
        with pytest.raises(SettingsError) as caught:
            settings.load(tmp_path, invoke, environ)
        assert caught.value.what.startswith(f"{case.key} may not be ")
        assert place in caught.value.where
        assert case.expected in caught.value.fix
        assert caught.value.code == 2

    (tmp_path / "invoke.yaml").touch()
    refused("invoke.yaml", {case.key: case.invoke}, {})
    if case.variable is not None:
        refused(variable(case.key), None, {variable(case.key): case.variable})
    toml(tmp_path, f"[tool.uvdock]\n{case.key} = {case.toml}\n")
    refused(f"{tmp_path / 'pyproject.toml'} [tool.uvdock]", None, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(pytest.param(text, True, id=text) for text in ("true", "TRUE", "1", "yes", "on")),
        *(pytest.param(text, False, id=text) for text in ("false", "False", "0", "no", "off")),
    ],
)
def test_flags_in_variables(tmp_path: Path, text: str, expected: bool) -> None:
    assert settings.load(tmp_path, environ={"UVDOCK_TTY": text}).tty is expected


@pytest.mark.parametrize(
    ("invoke", "environ", "expected"),
    [
        pytest.param(None, {}, ("toml", "pyproject.toml [tool.uvdock]"), id="toml"),
        pytest.param({"service": "invoke"}, {}, ("invoke", "invoke.yaml (uvdock)"), id="invoke-over-toml"),
        pytest.param(
            {"service": "invoke"}, {"UVDOCK_SERVICE": "env"}, ("env", "UVDOCK_SERVICE"), id="variable-over-both"
        ),
        pytest.param(None, {"UVDOCK_SERVICE": "env"}, ("env", "UVDOCK_SERVICE"), id="variable-over-toml"),
    ],
)
def test_precedence(
    tmp_path: Path, invoke: dict[str, Any] | None, environ: dict[str, str], expected: tuple[str, str]
) -> None:
    toml(tmp_path, '[tool.uvdock]\nservice = "toml"\nbackend = "host"\n')
    (tmp_path / "invoke.yaml").touch()
    loaded = settings.load(tmp_path, invoke, environ)
    assert (loaded.service, loaded.sources["service"]) == expected
    assert (loaded.backend, loaded.sources["backend"]) == ("host", "pyproject.toml [tool.uvdock]")


def test_a_file_of_its_own_and_the_table_beside_it(tmp_path: Path) -> None:
    toml(tmp_path, '[tool.uvdock]\nservice = "web"\n[tool.uvdock.commands]\na = "x"\n')
    (tmp_path / "uvdock.toml").write_text('backend = "host"\n[commands]\nb = "y"\n')
    loaded = settings.load(tmp_path, environ={})
    assert (loaded.service, loaded.sources["service"]) == ("web", "pyproject.toml [tool.uvdock]")
    assert (loaded.backend, loaded.sources["backend"]) == ("host", "uvdock.toml")
    table, place = settings.own_commands(tmp_path)
    assert table == {"a": "x", "b": "y"}
    pyproject = f"{tmp_path / 'pyproject.toml'} [tool.uvdock.commands]"
    assert place == f"{tmp_path / 'uvdock.toml'} [commands] and {pyproject}"


def test_the_file_of_its_own_is_as_strict(tmp_path: Path) -> None:
    (tmp_path / "uvdock.toml").write_text('servce = "x"\n')
    with pytest.raises(SettingsError, match="did you mean service") as raised:
        settings.load(tmp_path, environ={})
    assert raised.value.where == str(tmp_path / "uvdock.toml")


@pytest.mark.parametrize(
    ("own", "table", "key"),
    [
        pytest.param('service = "a"', 'service = "a"', "service", id="a-setting"),
        pytest.param("[commands]\nmy-x = 'a'", "commands.my_x = 'b'", "my-x", id="a-command"),
    ],
)
def test_what_both_files_set_is_refused(tmp_path: Path, own: str, table: str, key: str) -> None:
    toml(tmp_path, f"[tool.uvdock]\n{table}\n")
    (tmp_path / "uvdock.toml").write_text(own)
    ask = settings.own_commands if "commands" in own else settings.load
    with pytest.raises(SettingsError, match=f"{key} is set twice") as raised:
        ask(tmp_path)
    assert str(tmp_path / "uvdock.toml") in raised.value.where
    assert f"{tmp_path / 'pyproject.toml'} [tool.uvdock" in raised.value.where


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, "uvdock.toml", id="nowhere-yet"),
        pytest.param({"pyproject.toml": "[tool.x]"}, "uvdock.toml", id="a-pyproject-without"),
        pytest.param({"pyproject.toml": "[tool.uvdock]"}, "[tool.uvdock] of pyproject.toml", id="the-table"),
        pytest.param({"pyproject.toml": "[tool.uvdock]", "uvdock.toml": ""}, "uvdock.toml", id="both"),
    ],
)
def test_where_a_person_is_to_write_a_setting(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    assert settings.own_place(tmp_path) == expected


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [
        pytest.param("servce", " (did you mean service?)", id="letter-missing"),
        pytest.param("project", " (did you mean projects?)", id="singular"),
        pytest.param("cache-volume", " (did you mean cache_volume?)", id="hyphen"),
        pytest.param("zzz", "", id="nothing-like-it"),
    ],
)
def test_an_unknown_key_in_a_file_is_refused_with_the_nearest(tmp_path: Path, word: str, suggestion: str) -> None:
    with pytest.raises(SettingsError) as in_invoke:
        settings.load(tmp_path, {word: "x"}, {})
    toml(tmp_path, f'[tool.uvdock]\n{word} = "x"\n')
    with pytest.raises(SettingsError) as in_toml:
        settings.load(tmp_path, environ={})
    for problem, place in ((in_invoke.value, "Invoke's configuration"), (in_toml.value, "pyproject.toml")):
        assert problem.what == f"unknown setting {word!r}{suggestion}"
        assert place in problem.where
        assert problem.fix == f"allowed: {', '.join(KEYS)}"
        assert problem.code == 2


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("UVDOCK_SERVCE", "UVDOCK_SERVICE", id="letter-missing"),
        pytest.param("UVDOCK_BACKENDS", "UVDOCK_BACKEND", id="letter-more"),
        pytest.param("UVDOCK_PROJECT", "UVDOCK_PROJECTS", id="singular"),
        pytest.param("UVDOCK_COMPOSE_FILE", "UVDOCK_COMPOSE_FILES", id="composes-own-name"),
    ],
)
def test_a_mistyped_variable_is_refused(tmp_path: Path, name: str, near: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(tmp_path, environ={name: "x"})
    assert caught.value.what == f"unknown setting {name} (did you mean {near}?)"
    assert name in caught.value.where
    assert "UVDOCK_BACKEND, UVDOCK_SERVICE" in caught.value.fix


@pytest.mark.parametrize(
    "name", ["UVDOCK_REQUIRE_ENGINE", "UVDOCK_DATABASE_URL", "UVDOCK_", "_UVDOCK_TTY", "UVDOCKTTY"]
)
def test_a_far_off_name_belongs_to_someone_else(tmp_path: Path, name: str) -> None:
    assert settings.load(tmp_path, environ={name: "x"})._replace(sources={}) == Settings()


@pytest.mark.parametrize("table", ['"host"', "1", '["host"]', "[]"])
def test_settings_that_are_no_table_are_refused(tmp_path: Path, table: str) -> None:
    toml(tmp_path, f"[tool]\nuvdock = {table}\n")
    with pytest.raises(SettingsError, match="must be a table") as caught:
        settings.load(tmp_path, environ={})
    assert "backend" in caught.value.fix


def test_broken_toml_gives_file_line_and_column(tmp_path: Path) -> None:
    toml(tmp_path, '[project]\nname = "app"\nversion 1\n')
    with pytest.raises(UvdockError) as caught:
        settings.load(tmp_path, environ={})
    assert caught.value.where == str(tmp_path / "pyproject.toml")
    assert "pyproject.toml is not valid TOML" in caught.value.what
    assert "line 3, column 9" in caught.value.what


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["no-utf-8", "folder"])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "pyproject.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(UvdockError) as caught:
        settings.read_toml(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json", "py"])
def test_invokes_file_is_named_as_it_is_there(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"invoke.{suffix}").touch()
    assert settings.load(tmp_path, {"tty": False}, {}).sources["tty"] == f"invoke.{suffix} (uvdock)"


def test_rows_show_every_key_its_value_and_its_source(tmp_path: Path) -> None:
    environ = {"UVDOCK_TTY": "off", "UVDOCK_PROJECTS": os.pathsep.join(("a", "b"))}
    shown = settings.rows(settings.load(tmp_path, {"backend": "host"}, environ))
    assert [key for key, _, _ in shown] == list(KEYS)
    assert ("backend", "host", "Invoke's configuration (uvdock)") in shown
    assert ("projects", "a, b", "UVDOCK_PROJECTS") in shown
    assert ("tty", "false", "UVDOCK_TTY") in shown
    assert ("service", "–", "default") in shown


def test_rows_show_what_looking_found_where_nothing_was_set() -> None:
    loaded = Settings(backend="host", sources={**dict.fromkeys(KEYS, "default"), "backend": "invoke.yaml (uvdock)"})
    shown = settings.rows(loaded, {"backend": "compose", "service": "web"})
    assert ("backend", "host", "invoke.yaml (uvdock)") in shown
    assert ("service", "web", "found by looking") in shown


def test_every_key_explains_itself() -> None:
    assert all(item.help for item in KEYS.values())


def test_what_is_empty_is_shown_as_nothing(tmp_path: Path) -> None:
    shown = {key: value for key, value, _ in settings.rows(settings.load(tmp_path, {"cache_volume": ""}, {}))}
    assert [shown[key] for key in ("cooldown", "cache_volume", "ci", "tty")] == ["–"] * 4
    assert shown["sync"] == "auto"


@pytest.mark.parametrize("key", ["cache_from", "cache_to"])
@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("type=gha,token=hunter2", "token"),
        ("type=gha,scope=a,GHTOKEN=hunter2", "GHTOKEN"),
        ("type=s3,bucket=a,access_key_id=hunter2", "access_key_id"),
        ("type=s3,bucket=a,secret_access_key=hunter2", "secret_access_key"),
        ("type=s3,bucket=a,session_token=hunter2", "session_token"),
        ('type=x,"password=hunter2"', "password"),
        ("type=azblob,account_url=https://me:hunter2@azure.example", "a password in an address"),
        ("type=azblob,account_url=https://azure.example/?sp=r&sig=hunter2", "a password in an address"),
    ],
)
def test_a_cache_with_a_secret_is_refused_without_telling_it(tmp_path: Path, key: str, value: str, named: str) -> None:
    toml(tmp_path, f"[tool.uvdock]\n{key} = {value!r}\n")
    loads: list[Callable[[], Settings]] = [
        lambda: settings.load(tmp_path, environ={}),
        lambda: settings.load(tmp_path / "none", environ={variable(key): value}),
        lambda: settings.with_options(Settings(), {key: ["type=inline", value]}),
    ]
    for load in loads:
        with pytest.raises(SettingsError) as caught:
            load()
        assert caught.value.what == f"{key} holds a secret: {named}"
        assert "hunter2" not in "".join(caught.value.lines())


@pytest.mark.parametrize("value", ["type=registry,ref=token/app:secret", "me/app@sha256:aa", "type=gha,scope=my-token"])
def test_a_word_in_a_value_is_no_secret(value: str) -> None:
    assert settings.with_options(Settings(), {"cache_to": [value]}).cache_to == (value,)
