"""Lock sync: whatever the mounts and users, the host's manifests come back whole, with their owner and mode."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.conftest import hashes, uv
from tests.engine.conftest import IMAGE_UID, Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]
LONG = pytest.mark.long

Small = Callable[..., Stack]

MOUNTED: dict[str, object] = {"volumes": [".:/app"], "owner": IMAGE_UID}
PLAIN: dict[str, object] = {"owner": 4321}
SHAPES = [
    pytest.param(MOUNTED, id="folder mounted, its owner is the image's user", marks=LONG),
    pytest.param({"volumes": [".:/app"], "owner": 4321}, id="folder mounted, another owner", marks=LONG),
    pytest.param(
        {"volumes": [".:/app"], "owner": IMAGE_UID, "user": "root"}, id="folder mounted, root in the container"
    ),
    pytest.param({"volumes": [".:/app:ro"], "owner": IMAGE_UID}, id="folder mounted read-only", marks=LONG),
    pytest.param({"volumes": ["./uv.lock:/app/uv.lock"], "owner": IMAGE_UID}, id="only the lock mounted", marks=LONG),
    pytest.param(PLAIN, id="nothing mounted"),
    pytest.param(
        {"owner": 4321, "user": "5555:5555"}, id="nothing mounted, a user the image does not know", marks=LONG
    ),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_manifests_come_back_owned_by_their_owner(small: Small, shape: dict[str, object]) -> None:
    stack = small(**shape)
    stack.pyproject.chmod(0o640)
    stack.uvdock("deps.lock")
    stack.lock.chmod(0o664)
    expected = {(shape["owner"], 0o640), (shape["owner"], 0o664)}
    assert {path.stat().st_uid for path in (stack.pyproject, stack.lock)} == {shape["owner"]}

    stack.uvdock("build")
    stack.uvdock("uv", "add", "six")
    assert "six" in stack.pyproject.read_text()
    assert 'name = "six"' in stack.lock.read_text()
    assert stack.owners() == expected

    stack.up()
    # The environment's owner installs, also where the container's user may not, or is unknown to the image.
    stack.uvdock("uv", "add", "iniconfig")
    assert 'name = "iniconfig"' in stack.lock.read_text()
    assert stack.owners() == expected
    assert not (stack.root / ".venv").exists()
    assert stack.in_container("python", "-c", "import six, iniconfig; print('there')") == "there"

    stack.uvdock("uv", "remove", "iniconfig")
    assert "iniconfig" not in stack.lock.read_text()
    assert stack.owners() == expected
    assert sorted(path.name for path in stack.root.iterdir()) == [
        "Dockerfile", "compose.yaml", "pyproject.toml", "tasks.py", "uv.lock",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "running"), [pytest.param(MOUNTED, True, marks=LONG), (PLAIN, False)], ids=["running", "one-off"]
)
def test_nothing_changes_when_uv_fails(small: Small, shape: dict[str, object], running: bool) -> None:
    stack = small(**shape)
    stack.install()
    if running:
        stack.up()
    before = hashes(stack.root)
    for args in (["add", "idna<0"], ["add", "no-such-package-uvdock-asks-for"], ["remove", "six"], ["lock", "--bad"]):
        ran = stack.uvdock("uv", *args, ok=False)
        assert ran.code != 0
        assert ran.err.splitlines()[-1].startswith(" next: ")
        assert "are as they were" in ran.err
        assert hashes(stack.root) == before


@pytest.mark.parametrize("shape", [PLAIN, pytest.param(MOUNTED, marks=LONG)], ids=["nothing mounted", "folder mounted"])
def test_uv_needs_no_home_in_the_running_container(small: Small, shape: dict[str, object]) -> None:
    """A user has none, or it is root's, since the build made it for a cache mount."""
    stack = small(**shape)
    dockerfile = stack.root / "Dockerfile"
    text = dockerfile.read_text().replace("--create-home", "--no-create-home --home-dir /nonexistent")
    dockerfile.write_text(text.replace("RUN uv sync", "RUN UV_NO_CACHE=1 uv sync"))
    stack.install()
    stack.up()

    stack.uvdock("uv", "add", "six")

    assert 'name = "six"' in stack.lock.read_text()
    assert stack.in_container("python", "-c", "import six; print('there')") == "there"
    assert "No such file" in stack.compose("exec", "-T", "web", "sh", "-c", "ls /nonexistent 2>&1 || true")


# With several projects test_install has it.
@pytest.mark.long
def test_a_failing_build_leaves_the_running_service_and_the_image(small: Small) -> None:
    stack = small()
    stack.install()
    stack.up()
    container, image = stack.container(), docker("images", "--quiet", "--no-trunc", f"{stack.name}-web")
    dockerfile = stack.root / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "RUN exit 9\n")
    stack.pyproject.write_text(stack.pyproject.read_text().replace("idna==3.10", "idna==3.9"))
    stack.uvdock("deps.lock")
    before = hashes(stack.root)

    ran = stack.uvdock("deps.install", ok=False)

    assert ran.code != 0
    assert "the image could not be built" in ran.err
    # What runs came first, so it need not wait for an image.
    assert stack.in_container("python", "-c", "import idna; print(idna.__version__)") == "3.9"
    assert stack.container() == container
    assert docker("images", "--quiet", "--no-trunc", f"{stack.name}-web") == image
    assert hashes(stack.root) == before


def test_what_runs_and_cannot_be_brought_up_to_date_waits_for_the_image(small: Small) -> None:
    stack = small()
    stack.install()
    stack.up()
    lines = "'#!/bin/sh' '[ $1 = sync ] && exit 3' 'exec real-uv $@'"
    script = f"cd /usr/local/bin && mv uv real-uv && printf '%s\\n' {lines} > uv"
    docker("exec", "--user", "root", stack.container(), "sh", "-c", f"{script} && chmod +x uv")
    stack.pyproject.write_text(stack.pyproject.read_text().replace("idna==3.10", "idna==3.9"))

    ran = stack.uvdock("deps.install")

    assert "keeps its packages until the new image is built" in ran.err
    assert stack.in_container("python", "-c", "import idna; print(idna.__version__)") == "3.9"


def test_an_image_with_another_lock_is_not_taken_for_proved(small: Small) -> None:
    stack = small(final="RUN echo '# another' >> /app/uv.lock")
    ran = stack.uvdock("deps.install", ok=False)
    assert ran.code == 1
    assert "the image does not match uv.lock: it holds another uv.lock" in ran.err


def test_two_adds_at_the_same_time_are_both_kept(small: Small) -> None:
    stack = small()
    stack.install()
    both = [stack.program.start("uv", "add", name, cwd=stack.root) for name in ("six", "iniconfig")]
    for process in both:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
    for name in ("six", "iniconfig"):
        assert f'"{name}' in stack.pyproject.read_text()
        assert f'name = "{name}"' in stack.lock.read_text()


def test_a_host_file_edited_meanwhile_is_not_overwritten(small: Small) -> None:
    stack = small(uv=SLOW_UV)
    uv("lock", cwd=stack.root)
    process = stack.program.start("uv", "add", "six", cwd=stack.root)
    _wait_for(stack, "sleep 7")
    edited = stack.pyproject.read_text() + "# a person's own line\n"
    stack.pyproject.write_text(edited)
    lock = stack.lock.read_bytes()

    _, err = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "was changed on the host while uv ran" in err.decode()
    assert stack.pyproject.read_text() == edited
    assert stack.lock.read_bytes() == lock


#: A uv that waits before `add`, so that a test can do something meanwhile.
SLOW_UV = r"""COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /usr/local/bin/real-uv
RUN printf '#!/bin/sh\n[ "$1" = add ] && sleep 7\nexec real-uv "$@"\n' > /usr/local/bin/uv \
 && chmod +x /usr/local/bin/uv && uv --version"""


def test_stopping_uvdock_in_the_middle_leaves_everything(small: Small) -> None:
    stack = small(uv=SLOW_UV)
    uv("lock", cwd=stack.root)
    before = hashes(stack.root)
    process = stack.program.start("uv", "add", "six", cwd=stack.root)
    container = _wait_for(stack, "sleep 7")
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert hashes(stack.root) == before
    assert container not in docker("ps", "--all", "--quiet", "--no-trunc").split()


def test_a_full_disk_leaves_everything(small: Small, request: pytest.FixtureRequest) -> None:
    stack = small(dependencies=["sqlalchemy==2.0.30"])
    uv("lock", cwd=stack.root)
    size = sum(path.stat().st_size for path in stack.root.iterdir())
    kept = {path.name: path.read_bytes() for path in stack.root.iterdir()}
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size + 16_384}", "tmpfs", str(stack.root)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount")
    request.addfinalizer(lambda: subprocess.run(["umount", "--lazy", str(stack.root)], check=True))
    for name, content in kept.items():
        (stack.root / name).write_bytes(content)
    before = hashes(stack.root)

    ran = stack.uvdock("uv", "add", "flask", ok=False)

    assert ran.code == 1
    assert "could not be written" in ran.err
    assert "every file is as it was" in ran.err
    assert hashes(stack.root) == before


def test_what_uv_writes_beside_the_manifests_comes_back_too(small: Small) -> None:
    stack = small(owner=4321)
    (stack.root / "requirements.txt").write_text("six==1.17.0\n")
    uv("lock", cwd=stack.root)
    stack.uvdock("uv", "add", "-r", "requirements.txt")
    stack.uvdock("uv", "export", "--quiet", "--no-hashes", "-o", "exported.txt")
    assert "six==1.17.0" in (stack.root / "exported.txt").read_text()
    assert (stack.root / "exported.txt").stat().st_uid == 4321


@pytest.mark.parametrize(
    ("shape", "uv"), [(MOUNTED, "0.6.17"), pytest.param(PLAIN, "0.13.8", marks=LONG)], ids=["mounted", "plain"]
)
def test_an_image_that_forbids_locking_to_its_build_locks_all_the_same(
    small: Small, shape: dict[str, object], uv: str
) -> None:
    install = f"RUN pip install --quiet --root-user-action ignore uv=={uv}"
    stack = small(**shape, uv=install, final="ENV UV_FROZEN=1 UV_LOCKED=1")
    stack.install()
    stack.up()
    stack.uvdock("uv", "add", "six")
    assert 'name = "six"' in stack.lock.read_text()
    assert stack.in_container("python", "-c", "import six; print('there')") == "there"


def _wait_for(stack: Stack, command: str) -> str:
    """The id of the container of the stack's uv image in which ``command`` runs."""
    for _ in range(600):
        for container in docker("ps", "--quiet", "--no-trunc", "--filter", "label=dev.uvdock.oneoff").split():
            image = docker("inspect", "--format", "{{.Config.Image}}", container, check=False)
            if stack.name in image and command in docker("top", container, check=False):
                return container
    raise AssertionError(f"{command} never ran")
