"""Where a project is in a container, and when uv there may write the host's files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.backends.mounts import Mount, Mounts
from uvdock.backends.place import ContainerFacts, find_folder, home_files, may_write, needs_aside
from uvdock.deps import manifest
from uvdock.engine.users import host_uid
from uvdock.project import Project

MEMBERS = ("apps/api", "apps/worker", "packages/shared")


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with its members, a package's folder, and a folder that is none of its."""
    root = tmp_path_factory.mktemp("place").resolve() / "repo"
    for name in (*MEMBERS, "app", "docs"):
        (root / name).mkdir(parents=True)
    (root / "pyproject.toml").write_text(
        '[project]\nname = "acme"\nversion = "1"\n\n[tool.uv.workspace]\nmembers = ["apps/*", "packages/*"]\n'
    )
    (root / "uv.lock").write_text("version = 1\n")
    for name in MEMBERS:
        (root / name / "pyproject.toml").write_text(f'[project]\nname = "{Path(name).name}"\nversion = "1"\n')
    return root


def mounts(repo: Path, *volumes: str) -> Mounts:
    """Mounts as Compose writes them; without a source it is a volume."""
    found = []
    for volume in volumes:
        source, _, rest = volume.partition(":")
        target, _, mode = rest.partition(":")
        found.append(
            Mount(Path(os.path.normpath(repo / source)) if source else None, PurePosixPath(target), mode != "ro")
        )
    return Mounts(tuple(found))


def reader(repo: Path, image: Mapping[str, str], found: Mounts) -> Any:
    """Reads manifests as the container has them: through its mounts, else of the image."""

    def read(folder: PurePosixPath) -> bytes | None:
        path = folder / "pyproject.toml"
        there = found.host_path(path)
        if there is None and found.nearest(path) is None and str(folder) in image:
            return (repo / image[str(folder)] / "pyproject.toml").read_bytes()
        return there.read_bytes() if there is not None and there.is_file() else None

    return read


WHOLE = {"/app": "", "/app/apps/worker": "apps/worker", "/app/apps/api": "apps/api"}


@pytest.mark.parametrize(
    ("volumes", "image", "workdir", "built_in", "expected"),
    [
        pytest.param([".:/app"], {}, "/app", None, "/app", id="mounted"),
        pytest.param([".:/app"], {}, "/app/apps/worker", None, "/app", id="mounted, working in a member"),
        pytest.param([".:/app"], {}, "/", None, "/app", id="mounted, working elsewhere"),
        pytest.param(["..:/code"], {}, "/code/repo", None, "/code/repo", id="a folder above is mounted"),
        pytest.param(["apps/worker:/app/apps/worker"], WHOLE, "/app/apps/worker", "/app", "/app", id="only the member"),
        pytest.param(
            ["apps/worker:/app/apps/worker"], {}, "/app/apps/worker", "/app/apps/worker", "/app",
            id="only the member, and the image synced there",
        ),
        pytest.param(["apps/worker:/srv"], {"/app": ""}, "/srv", "/app", "/app", id="the member in another place"),
        pytest.param([], WHOLE, "/app/apps/worker", None, "/app", id="nothing mounted, working in a member"),
        pytest.param([], {"/app/apps/api": "apps/api"}, "/app/apps/api", None, "/app", id="no root in the image"),
        pytest.param([], {"/app": ""}, "/app/src", None, "/app", id="working below"),
        pytest.param([], {}, "/srv", "/app", "/app", id="no manifest in the image"),
        pytest.param([], {}, "/srv", None, "/srv", id="nothing known"),
        pytest.param(["app:/app"], {}, "/app", "/app", "/app", id="the package's folder over the project's"),
        pytest.param(["app:/app/app"], {"/app": ""}, "/app/app", "/app", "/app", id="the package's folder in it"),
        pytest.param([".:/repo:ro"], {"/app": ""}, "/app", "/app", "/app", id="mounted elsewhere, to be looked at"),
        pytest.param([".:/app", ":/app/.venv"], {}, "/app", "/app", "/app", id="a volume over the environment"),
        pytest.param([".:/app", "docs:/app/apps"], {}, "/app", "/app", "/app", id="another folder over a part"),
    ],
)  # fmt: skip
def test_the_folder_is_where_uv_finds_it(
    repo: Path, *, volumes: list[str], image: dict[str, str], workdir: str, built_in: str | None, expected: str
) -> None:
    found = mounts(repo, *volumes)
    at = find_folder(
        Project(repo),
        found,
        PurePosixPath(workdir),
        reader(repo, image, found),
        PurePosixPath(built_in) if built_in else None,
    )
    assert str(at) == expected


class Rootful:
    """What an engine says of itself."""

    address = "unix:///nowhere/docker.sock"
    security: ClassVar[list[str]] = ["name=seccomp,profile=builtin", "name=cgroupns"]


ROOTFUL: Any = Rootful()


def place_of(found: Mounts, folder: str = "/app") -> ContainerFacts:
    return ContainerFacts("box", os.getuid(), os.getgid(), PurePosixPath(folder), "uv", {}, found, same_manifest=True)


@pytest.mark.parametrize(
    ("volumes", "writes", "aside"),
    [
        pytest.param([".:/app"], True, False, id="mounted"),
        pytest.param(["..:/code", ".:/app"], True, False, id="mounted twice"),
        pytest.param([".:/app", ":/app/.venv"], True, False, id="a volume over the environment"),
        pytest.param([".:/app", "apps/api:/app/apps/api"], True, False, id="a part mounted in its place once more"),
        pytest.param([".:/app:ro"], False, False, id="read-only"),
        pytest.param([".:/app", "apps/api:/app/apps/api:ro"], False, False, id="a part read-only"),
        pytest.param([".:/app", ":/app/apps"], False, False, id="a volume over a part"),
        pytest.param([".:/app", "docs:/app/apps/api"], False, True, id="another folder over a part"),
        pytest.param([".:/app", "uv.lock:/app/uv.lock"], False, True, id="the lock on its own"),
        pytest.param(["uv.lock:/app/uv.lock"], False, True, id="only the lock"),
        pytest.param([".:/app", "apps/api/pyproject.toml:/app/apps/api/pyproject.toml"], False, True, id="a manifest"),
        pytest.param(["apps/worker:/app/apps/worker"], False, False, id="only a member"),
        pytest.param(["apps/worker:/app"], False, True, id="a member in the root's place"),
        pytest.param(["docs:/app"], False, True, id="another folder in its place"),
        pytest.param([":/app"], False, False, id="a volume in its place"),
        pytest.param([], False, False, id="nothing"),
    ],
)
def test_uv_writes_only_the_hosts_own_files(repo: Path, volumes: list[str], writes: bool, aside: bool) -> None:
    project = Project(repo)
    found = place_of(mounts(repo, *volumes))
    manifests = manifest.collect(project)
    assert may_write(found, project, ROOTFUL, manifests) is writes
    assert needs_aside(found, project, home_files(project, manifests), ROOTFUL) is aside


VOLUME = st.builds(
    lambda source, target, mode: f"{source}:{target}{mode}",
    st.sampled_from(["", ".", "..", "apps", "apps/api", "apps/worker", "packages", "docs", "app", "uv.lock"]),
    st.sampled_from(["/app", "/app/apps", "/app/apps/api", "/app/apps/worker", "/app/uv.lock", "/srv", "/app/.venv"]),
    st.sampled_from(["", ":ro"]),
)


@given(st.lists(VOLUME, max_size=4), st.sampled_from(["/app", "/app/apps/worker", "/app/apps/api", "/srv", "/"]))
def test_whatever_is_mounted_no_other_file_of_the_host_is_written(repo: Path, volumes: list[str], workdir: str) -> None:
    project = Project(repo)
    found = mounts(repo, *{volume.split(":")[1]: volume for volume in volumes}.values())
    folder = find_folder(project, found, PurePosixPath(workdir), reader(repo, WHOLE, found), PurePosixPath("/app"))
    place = place_of(found, str(folder))
    manifests = manifest.collect(project)
    home = home_files(project, manifests)
    if may_write(place, project, ROOTFUL, manifests):
        # uv writes in place: each file is the project's own, through a mount that may be written.
        for name in home:
            assert found.host_path(folder / name) == repo / name
            mount = found.nearest(folder / name)
            assert mount is not None
            assert mount.writable
    if not needs_aside(place, project, home, ROOTFUL):
        # What is put into the container goes into the container, or is the very file of the host.
        assert all(found.host_path(folder / name) in (None, repo / name) for name in home)


@pytest.mark.parametrize(
    ("security", "uid", "expected"),
    [
        ([], 0, 0),
        ([], 1000, 1000),
        (["name=seccomp,profile=builtin"], 1000, 1000),
        (["name=seccomp,profile=builtin", "name=rootless"], 0, "the engine's"),
        (["name=rootless"], 1000, None),
        (["name=userns"], 0, None),
        (["name=userns", "name=seccomp,profile=builtin"], 1000, None),
    ],
)
def test_a_user_on_the_host(tmp_path: Path, security: list[str], uid: int, expected: int | str | None) -> None:
    socket = tmp_path / "docker.sock"
    socket.touch()
    wanted = socket.stat().st_uid if isinstance(expected, str) else expected
    assert host_uid(uid, security, f"unix://{socket}") == wanted


@pytest.mark.parametrize("security", ["name=rootless", "name=userns"])
def test_the_same_number_is_another_user_where_users_are_mapped(repo: Path, security: str) -> None:
    mapped: Any = Rootful()
    mapped.security, mapped.address = [security], "tcp://127.0.0.1:1"
    project = Project(repo)
    place = place_of(mounts(repo, ".:/app"))
    assert place.uid == (repo / "uv.lock").stat().st_uid
    # But root, which a rootless engine maps to who runs it.
    is_engines_own = security == "name=rootless" and place.uid == 0
    assert may_write(place, project, mapped, manifest.collect(project)) is is_engines_own
