"""Makes the pictures of the docs: real runs on a copy of `compose/flask`, in a terminal.

Needs a Docker engine and tmux, whose screen is what a picture shows. Run it with ``inv picture``, or with the names of
some pictures: ``python docs/picture.py outdated``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Scene:
    """One picture.

    Args:
        name: Its file's name.
        commands: What is typed, in order.
        before: What runs unseen before that.
        prepare: What changes in the copy of the stack.
        columns: How wide the terminal is.
        lines: How high.
    """

    name: str
    commands: tuple[str, ...]
    before: str = ""
    prepare: Callable[[Path], None] = lambda _: None
    columns: int = 92
    lines: int = 40


def replaced(path: Path, changes: Mapping[str, str]) -> None:
    """Change some texts of a file, each of which must be there."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def pinned(folder: Path) -> None:
    """Pins as such apps have them, a year later."""
    changes = {
        "celery[redis]>=5.6,<6": "celery[redis]==5.4.0",
        "flask>=3.1,<4": "flask==3.0.3",
        "gunicorn>=25": "gunicorn>=22,<23",
        "psycopg[binary]>=3.2": "psycopg[binary]~=3.2.1",
        "sqlalchemy>=2.1,<3": "sqlalchemy==2.0.*",
        "pytest>=9": "pytest>=8,<9",
    }
    replaced(folder / "pyproject.toml", changes)


def faulty(folder: Path) -> None:
    """A few faults, as they are made."""
    changes = {
        "ghcr.io/astral-sh/uv:0.13.8": "ghcr.io/astral-sh/uv:latest",
        "    UV_LINK_MODE=copy \\\n": "",
        "uv sync --locked --no-install-project": "uv sync --no-install-project",
        'CMD ["gunicorn"': 'CMD ["uv", "run", "gunicorn"',
    }
    replaced(folder / "Dockerfile", changes)


SCENES = (
    Scene(
        "run",
        (
            "inv uv -- add 'humanize==4.10.0'",
            """inv cmd -- python -c 'import humanize; print(humanize.naturalsize(2**31))'""",
            "inv deps.outdated",
            "inv deps.check",
        ),
        before="inv deps.install; docker compose up --detach --wait",
    ),
    Scene("outdated", ("inv deps.outdated",), before="uv lock", prepare=pinned, columns=112, lines=14),
    Scene("upgrade", ("inv deps.upgrade --minor",), before="inv deps.install", prepare=pinned, columns=92, lines=34),
    Scene("doctor", ("inv doctor",), before="git init; uv lock", prepare=faulty, columns=110, lines=60),
)


def tmux(*args: str) -> str:
    """The output of a tmux command on a server of its own."""
    done = subprocess.run(["tmux", "-L", "uvdock-picture", *args], capture_output=True, text=True, check=True)
    return done.stdout


def show(folder: Path, scene: Scene) -> str:
    """What a terminal in ``folder`` shows after the commands, with its colours."""
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "WEB_PORT": "0"}
    options = [option for name, value in env.items() for option in ("-e", f"{name}={value}")]
    size = ("-x", str(scene.columns), "-y", str(scene.lines))
    tmux("new-session", "-d", "-s", "run", *size, "-c", str(folder), *options, "bash --norc")
    hidden = f"({scene.before or 'true'}) >/dev/null 2>&1; PS1='$ '; clear"
    for number, command in enumerate([hidden, *scene.commands]):
        done = folder / f".done-{number}"
        typed = f"{command}; touch {done.name}"
        tmux("send-keys", "-t", "run", f"{typed}; clear" if command is hidden else typed, "Enter")
        while not done.exists():
            time.sleep(0.2)
        done.unlink()
    time.sleep(0.5)
    screen = tmux("capture-pane", "-e", "-p", "-t", "run")
    tmux("kill-server")
    return re.sub(r"; touch \.done-\d", "", screen).rstrip().removesuffix("$").rstrip()


def draw(scene: Scene) -> None:
    """Make one picture."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "hello")
        shutil.copytree(HERE.parent / "compose" / "flask", folder, ignore=shutil.ignore_patterns("uv.lock", ".venv"))
        scene.prepare(folder)
        compose = ["docker", "compose", "--project-directory", str(folder)]
        env = {**os.environ, "WEB_PORT": "0"}
        try:
            shown = show(folder, scene)
        finally:
            subprocess.run([*compose, "down", "--volumes", "--rmi", "local"], cwd=folder, env=env, check=True)
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=scene.columns, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(shown))
        picture = console.export_svg(title="hello")
    # The fonts are asked for by name only: a page that shows the picture loads nothing from elsewhere.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    (HERE / f"{scene.name}.svg").write_text(picture, encoding="utf-8")


def main() -> None:
    """Make the pictures that were named, or all."""
    wanted = sys.argv[1:] or [scene.name for scene in SCENES]
    for scene in SCENES:
        if scene.name in wanted:
            draw(scene)


if __name__ == "__main__":
    main()
