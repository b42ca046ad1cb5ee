"""Which files and variables Compose reads: none too few."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from uvdock.engine.composefiles import Read, read_by_compose


def read(root: Path, files: dict[str, str], **values: str) -> Read | None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    found = read_by_compose([str(root / "compose.yaml")], str(root), {"NOTHING": "", **values})
    return found and Read(frozenset(name.removeprefix(f"{root}/") for name in found.files), found.variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("include: a.yaml", {"a.yaml"}, id="one"),
        pytest.param("{s: {\nx: {env_file: a\nb}}}", {"a", "b", "a b"}, id="goes on at no indent within brackets"),
        pytest.param(
            "include:\n  - a.yaml\n  - path: [b.yaml, 'c d.yaml']\n    env_file: e",
            {"a.yaml", "b.yaml", "c d.yaml", "e"},
            id="list",
        ),
        pytest.param("include:\n- a.yaml\n- sub/b.yaml\nx: y.yaml", {"a.yaml", "sub/b.yaml"}, id="no-indent"),
        pytest.param("s: {extends: {file: a.yaml, service: x}}", {"a.yaml"}, id="flow"),
        pytest.param('{"s": {"env_file": ["a.env",\n"b.env"\n]}}', {"a.env", "b.env"}, id="json"),
        pytest.param("s:\n  env_file: # one\n    - my file.env # two\n", {"my file.env"}, id="blanks-and-comments"),
        pytest.param("s:\n  env_file:\n    - path: a.env\n      required: false", {"a.env"}, id="long-form"),
        pytest.param("x: &e [a.env]\ns:\n  env_file: *e\n", {"a.env"}, id="alias"),
        pytest.param("s:\n  'label_file': ./l\n", {"l"}, id="quoted-key"),
        pytest.param("s:\n  env_file: ${DIR}/a.env\n", {"here/a.env"}, id="variable"),
        pytest.param("s:\n  env_file: ${NONE:-b.env}\n", {"b.env"}, id="default"),
        pytest.param("s:\n  env_file: ${NOTHING:-b.env}\n", {"b.env"}, id="default-of-an-empty-one"),
    ],
)
def test_what_a_compose_file_names(tmp_path: Path, text: str, expected: set[str]) -> None:
    found = read(tmp_path, {"compose.yaml": text}, DIR="here")
    assert found is not None
    assert expected | {"compose.yaml", ".env"} <= found.files


@pytest.mark.parametrize(
    "text",
    [
        "include: oci://example.com/x",
        "include: git@example.com:x",
        "s:\n  env_file: ${A:+x}\n",
        "s:\n  env_file: ${A:-${B}}\n",
    ],
)
def test_what_cannot_be_followed_has_no_answer(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, {"compose.yaml": text}) is None


def test_what_included_files_name_counts_too(tmp_path: Path) -> None:
    files = {
        "compose.yaml": "include:\n  - path: a/one.yaml\n    project_directory: b\ns: {image: $TAG}",
        "a/one.yaml": "s:\n  extends: {file: two.yaml, service: x}\n  x: ${INSIDE}\n",
        "b/two.yaml": "s:\n  env_file: three.env\n",
        "b/three.env": "A=$FAR\n",
    }
    found = read(tmp_path, files)
    assert found is not None
    assert {*files, "a/.env", "b/.env", ".env"} <= found.files
    assert found.variables == {"TAG", "INSIDE", "FAR"}


def test_a_variable_in_an_included_file_has_no_answer(tmp_path: Path) -> None:
    files = {"compose.yaml": "include: a.yaml", "a.yaml": "s:\n  env_file: $X\n"}
    assert read(tmp_path, files, X="y") is None


def test_what_only_looks_like_it_is_none(tmp_path: Path) -> None:
    text = "s:\n  image: a.yaml\n  command: cat b.env\n  volumes: ['./c:/d']\n  my_env_file: e\n# include: f\n"
    found = read(tmp_path, {"compose.yaml": text})
    assert found is not None
    assert found.files == {"compose.yaml", ".env"}


names = st.from_regex(r"[a-z]( ?[a-z]){1,5}(\.ya?ml|\.env)?", fullmatch=True)
services = st.fixed_dictionaries(
    {"image": names},
    optional={
        "env_file": names | st.lists(names | st.fixed_dictionaries({"path": names, "required": st.booleans()})),
        "extends": st.fixed_dictionaries({"file": names, "service": names}),
        "label_file": names | st.lists(names),
        "environment": st.dictionaries(names, names, max_size=2),
    },
)
composes = st.fixed_dictionaries(
    {"services": st.dictionaries(names, services, min_size=1, max_size=3)},
    optional={"include": st.lists(names | st.fixed_dictionaries({"path": names | st.lists(names)}))},
)


def paths(value: object, *, inside: bool = False) -> set[str]:
    """What the keys that name files name, in plain data."""
    if isinstance(value, dict):
        keys = ("include", "env_file", "label_file", "extends")
        return {
            path
            for key, item in value.items()
            if key != "service"
            for path in paths(item, inside=inside or key in keys)
        }
    if isinstance(value, list):
        return {path for item in value for path in paths(item, inside=inside)}
    return {value} if inside and isinstance(value, str) else set()


@settings(max_examples=min(settings().max_examples, 40))
@given(data=composes, flow=st.booleans(), width=st.sampled_from([20, 4000]))
def test_however_it_is_written_every_file_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object], flow: bool, width: int
) -> None:
    yaml, out = YAML(typ="safe", pure=True), io.StringIO()
    yaml.default_flow_style, yaml.width = flow, width
    yaml.dump(data, out)
    found = read(tmp_path_factory.mktemp("app"), {"compose.yaml": out.getvalue()})
    assert found is None or paths(data) <= found.files
    assert found is not None or "$" in out.getvalue()
