"""The proof of a migration on a real engine: two real images, side by side."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import clean_environment, hashes
from tests.engine.conftest import UV, docker
from uvdock.errors import UvdockError
from uvdock.migrate import report
from uvdock.migrate.model import FileEdit, MigrationPlan, RepoFacts
from uvdock.migrate.verify import compare_images

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PIP = """\
FROM python:3.13-slim-trixie
WORKDIR /app
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
COPY . .
ENTRYPOINT ["python", "-c", "raise SystemExit('the entry point is not for checks')"]
"""
UVS = f"""\
FROM python:3.13-slim-trixie
COPY --from=ghcr.io/astral-sh/uv:{UV} /uv /bin/
ENV UV_PROJECT_ENVIRONMENT=/usr/local UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-install-project --inexact
COPY . .
ENTRYPOINT ["python", "-c", "raise SystemExit('the entry point is not for checks')"]
"""
COMPOSE = """\
services:
  web:
    build: .
    image: not-to-be-made-by-a-proof
    environment:
      GREETING: ${GREETING}
    working_dir: /tmp
"""
MANIFEST = """\
[project]
name = "app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [{dependencies}]
"""


def manifests(tmp_path: Path, dependencies: str) -> dict[Path, bytes]:
    """A manifest and its lock, by the real uv."""
    folder = tmp_path / "lock"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(MANIFEST.format(dependencies=dependencies))
    subprocess.run(["uv", "lock", "--quiet"], cwd=folder, env=clean_environment(), check=True)
    return {Path(name): (folder / name).read_bytes() for name in ("pyproject.toml", "uv.lock")}


def repo_of(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


def built(folder: Path) -> str:
    """Build an image that differs with each build that its layers do not come from a cache for; its digest."""
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text("FROM python:3.13-slim-trixie\nRUN date +%N > /made\n")
    return docker("build", "--provenance=false", "--quiet", str(folder))


def test_images_are_compared_and_nothing_of_it_stays(tmp_path: Path) -> None:
    repo = repo_of(
        tmp_path / "repo",
        {
            "Dockerfile": PIP,
            "compose.yaml": COMPOSE,
            "requirements.txt": "six==1.17.0\nidna==3.10\n",
            ".env": "GREETING=hello there\n",
            ".gitignore": ".env\n",
        },
    )
    subprocess.run(["git", "init", "-q"], cwd=repo, env=clean_environment(), check=True)
    new = manifests(tmp_path, '"six==1.17.0", "idna==3.10"')
    edits = (
        FileEdit(Path("Dockerfile"), PIP.encode(), UVS.encode()),
        FileEdit(Path("requirements.txt"), b"six==1.17.0\nidna==3.10\n", None),
        *(FileEdit(path, None, content) for path, content in new.items()),
    )
    before = hashes(repo)
    bystander = built(tmp_path / "bystander")
    checks = (
        'python -c \'import six, os; assert os.environ["GREETING"] == "hello there"; print(os.getcwd())\'',
        "python -c 'import nothing_of_it'",
    )

    proof = compare_images.compare_images(repo, MigrationPlan(edits), checks, compose_files=[repo / "compose.yaml"])

    (image,) = proof.images
    assert image.name == "web"
    assert image.differences == ()
    for side in (image.before, image.after):
        assert (side.packages["six"], side.packages["idna"]) == ("1.17.0", "3.10")
        assert side.cold > 0
        assert side.warm > 0
        assert side.size > 50_000_000
        assert (side.checks[0].code, side.checks[0].output) == (0, "/tmp")
        assert side.checks[1].code == 1
        assert "nothing_of_it" in side.checks[1].output
    assert not proof.passed
    assert [row[0] for row in compare_images.rows(image)] == [
        "build without cache",
        "build after a change of dependencies",
        "size",
        "packages",
        "modules imported",
        f"check: {checks[0]}",
        f"check: {checks[1]}",
    ]
    # The base image may have some of its own.
    count = str(len(image.before.packages.keys() - compare_images.TOOLS))
    assert compare_images.rows(image)[3] == ("packages", count, count, "the same")
    assert [row[1:] for row in compare_images.rows(image)[5:]] == [
        ("passes", "passes", ""),
        ("fails (1)", "fails (1)", "must pass"),
    ]
    told = compare_images.verdict(proof)
    assert any("70 % or more is" in line for line in told)
    assert any("left 1; it fails before the migration too" in line for line in told)
    assert told[-1] == "not proved: see above"

    assert hashes(repo) == before
    left = docker("images", "--format", "{{.Repository}}")
    assert f"uvdock-prove-{os.getpid()}" not in left
    assert "not-to-be-made-by-a-proof" not in left
    # Empty caches stay: without them, BuildKit would forget steps of other builds too.
    records = docker("buildx", "du", "--verbose", "--filter", "type=exec.cachemount").split("\n\n")
    sizes = [re.search(r"(?m)^Size:\s+(\S+)", record) for record in records if f"uvdock-prove-{os.getpid()}" in record]
    assert sizes
    assert {size[1] for size in sizes if size} <= {"4.096kB", "8.192kB"}
    assert built(tmp_path / "bystander") == bystander


def test_the_environment_of_the_command_has_to_keep_its_own(tmp_path: Path) -> None:
    """The image has a package still, but not where the app runs; another target of the Dockerfile has no Python."""
    start = "FROM python:3.13-slim-trixie AS app\nRUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n"
    end = 'CMD ["sh", "-c", "exec flask run"]\nFROM debian:trixie-slim AS assets\nRUN echo {} > /made\nFROM app\n'
    both = "RUN pip install flask==3.1.2 itsdangerous==2.2.0 && /usr/local/bin/python -m pip install"
    old = f"{start}{both} six==1.17.0\n{end.format(1)}"
    new = f"{start}{both} six==1.17.0 itsdangerous==2.2.0 && python -m pip uninstall -y itsdangerous\n{end.format(2)}"
    compose = "services:\n  assets: {build: {context: ., target: assets}}\n  web: {build: .}\n"
    repo = repo_of(tmp_path / "repo", {"Dockerfile": old, "compose.yaml": compose})
    edits = (FileEdit(Path("Dockerfile"), old.encode(), new.encode()),)

    proof = compare_images.compare_images(repo, MigrationPlan(edits), ["true"], compose_files=[repo / "compose.yaml"])

    (image,) = proof.images
    assert proof.without_python == ("assets",)
    assert image.before.packages == image.after.packages
    folder = "/opt/venv/lib/python3.13/site-packages"
    assert image.differences == (
        ("itsdangerous in the command's Python", "2.2.0", ""), (f"itsdangerous in {folder}", "2.2.0", "")
    )  # fmt: skip
    assert image.lost == ("flask", "itsdangerous")
    assert image.before.command.keys() >= {"flask", "werkzeug"}
    assert "six" not in image.before.command
    assert not proof.passed
    told = compare_images.verdict(proof)
    assert "web: the command's Python no longer imports flask" in told
    assert "assets: no Python in it, so it is not compared" in told


def test_a_difference_is_found_and_a_build_that_fails_is_told(tmp_path: Path) -> None:
    """Afterwards there is another version, and of a repo that was migrated already."""
    new = manifests(tmp_path, '"idna==3.9"')
    repo = repo_of(tmp_path / "repo", {"Dockerfile": UVS, **{str(path): text.decode() for path, text in new.items()}})
    old = {
        Path("Dockerfile"): PIP.encode(),
        Path("requirements.txt"): b"idna==3.10\n",
        **dict.fromkeys(new, None),
    }
    proof = compare_images.compare_images(repo, MigrationPlan(()), (), old=old)

    assert proof.images[0].name == "Dockerfile"
    assert proof.images[0].differences == (("idna", "3.10", "3.9"),)
    assert not proof.passed
    assert compare_images.rows(proof.images[0])[3][3] == "1 differ"
    assert "Dockerfile: idna 3.10 → 3.9" in compare_images.verdict(proof)
    data = json.loads(report.to_json(repo, MigrationPlan(()), RepoFacts({}, (), {}, UV), proof=proof))["proof"]
    assert (data["passed"], data["criterion"]) == (False, 70)
    assert data["images"][0]["differences"] == [{"name": "idna", "before": "3.10", "after": "3.9"}]
    assert data["images"][0]["after"]["warm"] == proof.images[0].after.warm

    broken = MigrationPlan(
        (FileEdit(Path("Dockerfile"), UVS.encode(), b"FROM python:3.13-slim-trixie\nRUN echo why; false\n"),)
    )
    with pytest.raises(UvdockError, match=r"cannot be built after the migration.*why") as caught:
        compare_images.compare_images(repo, broken, ())
    assert caught.value.where == "Dockerfile"
    with pytest.raises(UvdockError, match="no Dockerfile changes"):
        compare_images.compare_images(repo, MigrationPlan((FileEdit(Path("a"), None, b""),)), ())
