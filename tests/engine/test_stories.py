"""The main job on both reference stacks, from a fresh clone to an image that holds the new package."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.conftest import Stack, docker

pytestmark = pytest.mark.engine

Reference = Callable[[str, str], Stack]


def started_at(stack: Stack, service: str) -> tuple[str, str]:
    """Which container runs a service, and since when: both stay when nobody stopped it."""
    container = stack.container(service)
    return container, docker("inspect", "--format", "{{.State.StartedAt}}", container)


# A day on another stack (test_day) and each row of the table (test_parity) have all of it, too.
@pytest.mark.long
@pytest.mark.slow
def test_flask_from_fresh_clone_to_a_new_package_in_the_image(reference: Reference) -> None:
    stack = reference("flask", ".")
    assert not stack.lock.exists()

    first = stack.inv("deps.install")
    assert "holds the host's uv.lock, byte for byte" in first.err
    assert first.err.splitlines()[-1].startswith("deps.install took ")
    assert stack.image_lock() == stack.lock.read_bytes()
    assert not (stack.root / ".venv").exists()

    stack.up()
    assert stack.get("/up") == "ok"
    assert "ok" in stack.get("/up/databases")
    database, cache = started_at(stack, "postgres"), started_at(stack, "redis")

    added = stack.inv("uv", "--", "add", "humanize")
    assert "+ humanize" in added.err
    assert stack.in_container("python", "-c", "import humanize; print('there')") == "there"
    assert '"humanize' in stack.pyproject.read_text()
    assert stack.image_lock() != stack.lock.read_bytes()

    before = stack.container()
    stack.inv("deps.install")
    assert stack.container() != before
    assert stack.image_lock() == stack.lock.read_bytes()
    assert stack.image_lock(f"{stack.name}-worker") == stack.lock.read_bytes()
    assert stack.in_container("python", "-c", "import humanize; print('there')") == "there"
    assert stack.get("/up") == "ok"
    assert (database, cache) == (started_at(stack, "postgres"), started_at(stack, "redis"))

    assert stack.inv("deps.check").code == 0
    stack.up()
    assert " passed" in stack.in_container("pytest", "-p", "no:cacheprovider", "-q")
    assert stack.owners() == {(0, 0o644)}


@pytest.mark.long
@pytest.mark.slow
def test_django_with_its_project_in_a_sub_folder(reference: Reference) -> None:
    stack = reference("django", "apps/backend")
    source = stack.project / "src"

    stack.inv("deps.install", cwd=source)
    assert stack.image_lock() == stack.lock.read_bytes()
    assert not (stack.root / "uv.lock").exists()

    stack.up()
    assert "ok" in stack.get("/api/health/")
    assert stack.inv("cmd", "--", "pwd", cwd=source).out.strip() == "/app/src"

    stack.inv("uv", "--", "add", "humanize", cwd=source)
    assert stack.in_container("python", "-c", "import humanize; print('there')") == "there"
    assert stack.in_container("cat", "/app/uv.lock") == stack.lock.read_text().strip()

    stack.inv("deps.install")
    assert stack.image_lock() == stack.lock.read_bytes()
    assert "ok" in stack.get("/api/health/")
    assert stack.inv("deps.check").code == 0
    stack.inv("cmd", "--", "python", "manage.py", "test")


@pytest.mark.long
@pytest.mark.slow
def test_no_build_makes_the_package_importable_at_once(reference: Reference) -> None:
    stack = reference("flask", ".")
    stack.inv("deps.install")
    stack.up("--no-deps", "redis", "worker")
    stack.program.env["UVDOCK_SERVICE"] = "worker"
    container = stack.container("worker")
    stack.pyproject.write_text(stack.pyproject.read_text().replace('"celery', '"humanize",\n    "celery'))

    ran = stack.inv("deps.install", "--no-build")

    assert "the image is not rebuilt" in ran.err
    assert stack.container("worker") == container
    assert stack.in_container("python", "-c", "import humanize; print('there')", service="worker") == "there"
    assert 'name = "humanize"' in stack.lock.read_text()


@pytest.mark.slow
def test_the_lock_can_be_read_without_any_container_running(reference: Reference) -> None:
    stack = reference("flask", ".")
    stack.inv("deps.lock")
    assert stack.compose("ps", "--all", "--quiet") == ""
    shown = stack.inv("deps.outdated", "--json").out
    assert '"flask"' in shown
