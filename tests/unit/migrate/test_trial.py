"""What a comparison of images makes of names, Dockerfiles and times, without an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvdock.errors import UvdockError
from uvdock.migrate.verify import compare_images, image_builder, image_contents
from uvdock.migrate.verify.compare_images import BuiltImage, Checked, Image, ImageComparison


def test_packages_by_the_folders_that_installers_leave() -> None:
    folders = [
        "Flask_Login-0.6.3.dist-info",
        "ruamel.yaml-0.18.egg-info",
        "six-1.0-py3.11.egg-info",
        "six-1.1.dist-info",
    ]
    assert image_contents.named(folders) == {"flask-login": "0.6.3", "ruamel-yaml": "0.18", "six": "1.0, 1.1"}


@pytest.mark.parametrize(
    ("before", "after", "caches"),
    [
        (
            "RUN --mount=type=cache,target=/root/.cache/pip pip install x\n",
            "RUN --mount=type=cache,id=M-root-cache-pip,target=/root/.cache/pip pip install x\n",
            {"--mount=type=cache,id=M-root-cache-pip"},
        ),
        (
            "RUN --mount=type=cache,id=apt,sharing=locked,target=/var/cache \\\n --mount=type=secret,id=a x\n",
            "RUN --mount=type=cache,id=M-apt,sharing=locked,target=/var/cache \\\n --mount=type=secret,id=a x\n",
            {"--mount=type=cache,id=M-apt,sharing=locked"},
        ),
        ("FROM x\r\nRUN caf\xe9\r\n", "FROM x\r\nRUN caf\xe9\r\n", set()),
    ],
    ids=["by-its-target", "by-its-id", "none"],
)
def test_cache_mounts_get_names_of_their_own(tmp_path: Path, before: str, after: str, caches: set[str]) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(before.encode("latin-1"))
    made = image_builder.ImageBuilder(None, "mark")
    made.own_caches(path, "M")
    assert path.read_bytes() == after.encode("latin-1")
    # Where they were mounted does not matter to empty them; what else is asked of them does.
    assert made.caches == caches


@pytest.mark.parametrize(
    ("copied", "context"),
    [
        ("COPY requirements.txt ./", "api"),
        ("COPY --chown=1:1 api/requirements.txt /srv/", "."),
        ("COPY --from=other /nowhere /x", "api"),
        ('COPY ["nothing", "/x"]\nADD https://example.com/x *.py $DIR ./', "api"),
    ],
)
def test_the_context_of_a_dockerfile_is_where_its_files_are(tmp_path: Path, copied: str, context: str) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "requirements.txt").write_text("")
    (tmp_path / "api" / "Dockerfile").write_text(f"FROM x\n{copied}\n")
    (build,) = image_builder.builds(tmp_path, (), image_builder.ImageBuilder(None, "mark")).values()
    assert build.section["context"] == str(tmp_path / context)
    assert build.dockerfile == "api/Dockerfile"


def test_a_copy_is_the_repo_with_some_files_replaced(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    for name in ("a", "sub/b", ".env", "run"):
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(name)
    (repo / "run").chmod(0o755)
    (repo / "link").symlink_to("a")
    image_builder.copy(repo, tmp_path / "copy", {Path("a"): None, Path("new/c"): b"c", Path("sub/b"): b"changed"})
    copied = {
        path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*") if not path.is_dir()
    }
    assert copied == {"sub/b", ".env", "run", "link", "new/c"}
    assert (tmp_path / "copy" / "sub/b").read_text() == "changed"
    assert (tmp_path / "copy" / "run").stat().st_mode & 0o111
    assert (repo / "sub/b").read_text() == "sub/b"


def measured(cold: float, packages: dict[str, str], code: int = 0) -> BuiltImage:
    return BuiltImage(cold, cold / 2, 100_000_000, packages, (Checked("true", code, "why"),))


@pytest.mark.parametrize(
    ("after", "code", "passed", "told"),
    [
        ({"six": "1"}, 0, True, "proved: the same packages, and every check passes"),
        ({"six": "1", "uv": "0.13"}, 0, True, "web: installers' own packages, not counted: uv (none) → 0.13"),
        ({"six": "2"}, 0, False, "web: six 1 → 2"),
        ({}, 0, False, "web: six 1 → (none)"),
        ({"six": "1"}, 3, False, "web: `true` left 3: why"),
    ],
    ids=["same", "installer", "version", "gone", "check"],
)
def test_the_verdict(after: dict[str, str], code: int, passed: bool, told: str) -> None:
    proof = ImageComparison((Image("web", measured(10, {"six": "1"}), measured(3, after, code)),))
    lines = compare_images.verdict(proof)
    assert proof.passed == passed
    assert told in lines
    assert "web: without cache, time down by 70 %: 70 % or more is met" in lines
    assert lines[-1].startswith("proved" if passed else "not proved")


def test_the_rows_of_the_table() -> None:
    image = Image("web", measured(10, {"six": "1", "pip": "25"}), measured(4, {"six": "1"}, 2))
    assert compare_images.rows(image) == [
        ("build without cache", "10.0 s", "4.0 s", "-60 % (70 % not met)"),
        ("build after a change of dependencies", "5.0 s", "2.0 s", "-60 % (70 % not met)"),
        ("size", "100 MB", "100 MB", "0 %"),
        ("packages", "1", "1", "the same"),
        ("check: true", "passes", "fails (2)", "must pass"),
    ]


def test_each_environment_keeps_its_own() -> None:
    app = {"flask": "3", "pip": "25"}

    def image(**environments: dict[str, str]) -> BuiltImage:
        contents = image_contents.ImageContents(environments=environments)
        command = environments.get("venv", environments["local"])
        imports = {name: name for name in command if name != "six"}
        return BuiltImage(1, 1, 1, contents.packages, environments=environments, command=command, imports=imports)

    before = image(local={"six": "1"}, venv=app)
    assert Image("web", before, image(local={"six": "1"}, venv={"flask": "3", "pip": "25"})).passed
    swapped = Image("web", before, image(local={"six": "1", "flask": "3"}, venv={"pip": "25", "other": "1"}))
    assert swapped.differences == (
        ("other", "", "1"), ("flask in the command's Python", "3", ""), ("flask in venv", "3", "")
    )  # fmt: skip
    assert (swapped.lost, swapped.passed) == (("flask",), False)
    # An environment that moved whole is no loss, and nor is an installer.
    assert Image("web", image(local=app), image(local={"pip": "25"}, venv={"flask": "3"})).passed


@pytest.mark.parametrize("check", ["", "  ", "'open"])
def test_a_check_that_is_no_command_is_refused(check: str) -> None:
    with pytest.raises(UvdockError, match="the check command cannot be read") as caught:
        compare_images.words_of(check)
    assert caught.value.code == 2


def test_what_only_installers_need_is_theirs() -> None:
    needs = image_contents.needed(
        {
            "pipenv-2026.1.dist-info": ["virtualenv>=20", "certifi", "packaging>=22 ; python_version > '3'"],
            "virtualenv-21.0.dist-info": ["distlib<1", "platformdirs"],
            "gunicorn-23.0.0.dist-info": ["packaging"],
            "Some_App-1.egg-info": ["platformdirs[x]>=1"],
        }
    )
    assert needs["some-app"] == {"platformdirs"}
    assert compare_images.brought(needs) == ("certifi", "distlib")


def test_what_an_installer_brought_goes_with_it_and_never_changes() -> None:
    old = BuiltImage(1, 1, 1, {"pipenv": "1", "distlib": "0.4", "six": "1"}, (), ("distlib",))
    gone = Image("web", old, BuiltImage(1, 1, 1, {"six": "1"}))
    assert (gone.differences, gone.passed) == ((), True)
    assert [name for name, *_ in gone.tools] == ["distlib", "pipenv"]
    other = Image("web", old, BuiltImage(1, 1, 1, {"six": "1", "distlib": "0.5"}))
    assert other.differences == (("distlib", "0.4", "0.5"),)
