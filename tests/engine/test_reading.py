"""Tasks that only read write nothing; what they say is right, whatever uv the image has."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.conftest import hashes, uv
from tests.engine.conftest import UV, Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

Small = Callable[..., Stack]
READING = [["deps.check"], ["deps.outdated"], ["deps.outdated", "--all", "--json"], ["config"], ["--list"]]
READING += [["uv", "tree", "--frozen"], ["uv", "--version"], ["uv", "pip", "list"], ["cmd", "true"]]


@pytest.mark.parametrize("running", [pytest.param(True, marks=pytest.mark.long), False], ids=["running", "one-off"])
def test_reading_tasks_write_nothing(small: Small, running: bool) -> None:
    stack = small(volumes=[".:/app"], owner=1000)
    stack.install()
    if running:
        stack.up()
    before = hashes(stack.root)
    for args in READING:
        stack.uvdock(*args)
        assert hashes(stack.root) == before, args


def test_a_check_of_what_is_stale_writes_nothing(small: Small) -> None:
    stack = small()
    stack.install()
    stack.up()
    stack.pyproject.write_text(stack.pyproject.read_text().replace("idna==3.10", "idna==3.9"))
    before = hashes(stack.root)
    ran = stack.uvdock("deps.check", ok=False)
    assert (ran.code, hashes(stack.root)) == (1, before)
    assert "✘ uv.lock" in ran.err

    stack.uvdock("deps.lock")
    ran = stack.uvdock("deps.check", ok=False)
    assert ran.code == 1
    assert "✔ uv.lock" in ran.err
    assert f"✘ container {stack.name}-web-1" in ran.err
    assert f"✘ image {stack.name}-web" in ran.err

    stack.uvdock("deps.install", "--no-build")
    ran = stack.uvdock("deps.check", ok=False)
    assert f"✔ container {stack.name}-web-1" in ran.err
    assert f"✘ image {stack.name}-web" in ran.err

    stack.uvdock("deps.install")
    assert stack.uvdock("deps.check").code == 0


def test_a_dry_run_before_the_first_image_shows_what_is_known_and_does_nothing(small: Small) -> None:
    stack = small()
    before = hashes(stack.root)
    ran = stack.inv("--dry", "deps.install")
    first, lock, build = (ran.err.index(words) for words in ("build uv\n", "uv:uvdock lock\n", "build web\n"))
    assert first < lock < build
    for args in (["deps.lock"], ["uv", "--", "add", "six"]):
        ran = stack.inv("--dry", *args)
        assert ran.err.splitlines()[0].endswith("build uv")
        assert ran.err.splitlines()[1:] == [
            f"docker run --rm --entrypoint uv {stack.name}-web-uv:uvdock {' '.join(args[2:]) or 'lock'}"
        ]
    assert hashes(stack.root) == before
    # Nor is anything made to tell what is outdated.
    uv("lock", cwd=stack.root)
    before = hashes(stack.root)
    assert '"idna"' in stack.inv("deps.outdated", "--json").out
    assert hashes(stack.root) == before
    assert docker("images", "--quiet", f"{stack.name}-*") == stack.compose("ps", "--all", "--quiet") == ""


@pytest.mark.parametrize(
    "version", ["0.6.17", *(pytest.param(version, marks=pytest.mark.long) for version in ("0.8.17", "0.13.8"))]
)
def test_several_uv_versions(small: Small, version: str) -> None:
    stack = small(
        uv=f"RUN pip install --quiet --root-user-action ignore uv=={version}",
        dependencies=["idna==2.8", "flask==3.0.0"],
    )
    # Without a uv on the host, the one in the image is asked.
    stack.program.env["PATH"] = stack.program.env["PATH"].partition(":")[2]
    stack.uvdock("deps.install")
    assert stack.image_lock() == stack.lock.read_bytes()
    assert stack.uvdock("deps.check").code == 0
    stack.uvdock("uv", "add", "six")
    assert 'name = "six"' in stack.lock.read_text()

    rows = {row["name"]: row for row in json.loads(stack.uvdock("deps.outdated", "--json").out)["packages"]}
    assert set(rows) == {"idna", "flask", "six"}
    assert rows["idna"]["locked"] == "2.8"
    assert rows["idna"]["behind"] is True
    assert rows["six"]["behind"] is False
    every = json.loads(stack.uvdock("deps.outdated", "--all", "--json").out)["packages"]
    assert {"werkzeug", "jinja2"} <= {row["name"] for row in every}


def test_a_password_of_an_index_never_shows(small: Small) -> None:
    # uv would try an index that is not there again and again.
    once = "ENV UV_HTTP_RETRIES=0"
    stack = small(uv=f"COPY --from=ghcr.io/astral-sh/uv:{UV} /uv /uvx /usr/local/bin/\n{once}")
    stack.uvdock("deps.lock")
    stack.program.env |= {"UV_INDEX_PRIVATE_USERNAME": "reader", "UV_INDEX_PRIVATE_PASSWORD": "s3cr3t-w0rd"}
    stack.program.env["UV_HTTP_RETRIES"] = "0"
    with stack.pyproject.open("a") as file:
        file.write('[[tool.uv.index]]\nname = "private"\nurl = "http://reader@127.0.0.1:9/simple"\n')
    seen = b""
    for args in (["uv", "add", "six"], ["deps.install"], ["deps.outdated"], ["config"], ["cmd", "true"]):
        ran = stack.uvdock(*args, ok=False)
        seen += ran.stdout + ran.stderr
    assert b"127.0.0.1:9" in seen
    assert b"s3cr3t-w0rd" not in seen
    assert stack.uvdock("cmd", "printenv", "UV_INDEX_PRIVATE_PASSWORD", ok=False).out.strip() in ("s3cr3t-w0rd", "")


def test_uid_and_gid_reach_compose_when_nobody_set_them(small: Small) -> None:
    stack = small(service='environment: {SEEN: "${UID}:${GID}", WITH_DEFAULT: "${GROUP_ID:-none}"}')
    stack.install()
    assert stack.uvdock("cmd", "printenv", "SEEN").out == "0:0\n"
    (stack.root / ".env").write_text("# whose files these are\nexport UID=1234\nGID='77' # theirs\n")
    assert stack.uvdock("cmd", "printenv", "SEEN").out == "1234:77\n"
