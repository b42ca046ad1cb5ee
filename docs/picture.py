"""Makes `docs/run.svg`, the README's picture: a real run on a copy of `compose/flask`, in a terminal.

Needs a Docker engine and tmux, whose screen is what the picture shows. Run it with ``inv picture``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

BEFORE = "inv deps.install >/dev/null 2>&1; docker compose up --detach --wait >/dev/null 2>&1; PS1='$ '; clear"
COMMANDS = [
    "inv uv -- add 'humanize==4.10.0'",
    """inv cmd -- python -c 'import humanize; print(humanize.naturalsize(2**31))'""",
    "inv deps.outdated",
    "inv deps.check",
]
COLUMNS, LINES = 92, 40
HERE = Path(__file__).parent


def tmux(*args: str) -> str:
    """The output of a tmux command on a server of its own."""
    done = subprocess.run(["tmux", "-L", "uvdock-picture", *args], capture_output=True, text=True, check=True)
    return done.stdout


def show(folder: Path) -> str:
    """What a terminal in ``folder`` shows after the commands, with its colours."""
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "WEB_PORT": "0"}
    options = [option for name, value in env.items() for option in ("-e", f"{name}={value}")]
    tmux(
        "new-session",
        "-d",
        "-s",
        "run",
        "-x",
        str(COLUMNS),
        "-y",
        str(LINES),
        "-c",
        str(folder),
        *options,
        "bash --norc",
    )
    for number, command in enumerate([BEFORE, *COMMANDS]):
        done = folder / f".done-{number}"
        tmux(
            "send-keys",
            "-t",
            "run",
            f"{command}; touch {done.name}; clear" if command is BEFORE else f"{command}; touch {done.name}",
            "Enter",
        )
        while not done.exists():
            time.sleep(0.2)
        done.unlink()
    time.sleep(0.5)
    screen = tmux("capture-pane", "-e", "-p", "-t", "run")
    tmux("kill-server")
    return re.sub(r"; touch \.done-\d", "", screen).rstrip().removesuffix("$").rstrip()


def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "hello")
        shutil.copytree(HERE.parent / "compose" / "flask", folder)
        compose = ["docker", "compose", "--project-directory", str(folder)]
        env = {**os.environ, "WEB_PORT": "0"}
        try:
            shown = show(folder)
        finally:
            subprocess.run([*compose, "down", "--volumes", "--rmi", "local"], cwd=folder, env=env, check=True)
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(shown))
        picture = console.export_svg(title="hello")
    # The fonts are asked for by name only: a page that shows the picture loads nothing from elsewhere.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    (HERE / "run.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
