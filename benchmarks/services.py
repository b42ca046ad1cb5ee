"""A repo of as many services as are asked for, each a project with an image of its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.stack import Ran, run

PINS = ("3.7", "3.8", "3.9", "3.10")
_DOCKERFILE = """\
FROM python:3.13-slim-trixie
COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /usr/local/bin/
ENV UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON_DOWNLOADS=0 PATH="/opt/venv/bin:${PATH}"
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-install-project
CMD ["sleep", "infinity"]
"""


@dataclass
class Services:
    """One such repo.

    Args:
        root: Its folder, whose name is its Compose project's too.
        env: The variables of every command on it.
        names: Its services.
    """

    root: Path
    env: Mapping[str, str]
    names: list[str]
    pin: str = ""
    numbers: count[int] = field(default_factory=count)

    @classmethod
    def make(cls, place: Path, env: Mapping[str, str], number: int) -> Services:
        """Write it into ``place``; nothing is built or started."""
        root = place / f"bench{uuid.uuid4().hex[:8]}"
        found = cls(root, env, [f"app{at}" for at in range(number)])
        lines = ["services:"]
        for name in found.names:
            folder = root / "apps" / name
            folder.mkdir(parents=True)
            (folder / "Dockerfile").write_text(_DOCKERFILE)
            lines.append(f"  {name}: {{build: ./apps/{name}, init: true, volumes: ['./apps/{name}:/app']}}")
        (root / "compose.yaml").write_text("\n".join([*lines, ""]))
        (root / ".git").mkdir()
        found.change_pins()
        return found

    def change_pins(self) -> None:
        """Pin another version in every project, in files that no earlier build has seen."""
        self.pin = PINS[next(self.numbers) % len(PINS)]
        for name in self.names:
            (self.root / "apps" / name / "pyproject.toml").write_text(
                f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.11"\n'
                f'dependencies = ["idna=={self.pin}"]\n# {uuid.uuid4()}\n'
            )

    def run(self, *argv: str) -> Ran:
        """Run a command in its folder."""
        return run(argv, self.root, self.env)

    def up(self) -> None:
        """Start everything."""
        self.run("docker", "compose", "up", "--detach")

    def up_to_date(self) -> bool:
        """Whether every container has the version that is pinned."""
        file = f"/opt/venv/lib/python3.13/site-packages/idna-{self.pin}.dist-info/RECORD"
        return all(
            self.run("docker", "compose", "exec", "-T", name, "test", "-f", file).code == 0 for name in self.names
        )

    def remove(self) -> None:
        """Take it down, with its images."""
        self.run("docker", "compose", "down", "--volumes", "--rmi", "local", "--timeout", "0")
        # Those that a first lock was made with are uvdock's own.
        own = [f"{self.root.name}-{name}-uv:uvdock" for name in self.names]
        run(["docker", "rmi", *own], self.root, self.env, ok=False)
