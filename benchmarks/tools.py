"""The programs that are measured, installed as people install them, and what is known of the machine."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stack import REPO, run

#: Variables of whoever runs it that would change what is measured.
_FOREIGN = ("UVDOCK_", "COMPOSE_", "INVOKE_", "VIRTUAL_ENV", "_UVDOCK", "NO_COLOR", "PYTHON")
#: The others, by their names on PyPI.
_PEERS = ("rust-just", "poethepoet", "nox", "invoke")


@dataclass(frozen=True)
class Tools:
    """Two environments: uvdock's wheel in the one, the others in the other.

    Args:
        own: uvdock's.
        peers: That of the others.
        env: The variables of every command.
    """

    own: Path
    peers: Path
    env: Mapping[str, str]

    @property
    def uvdock(self) -> str:
        """The command."""
        return str(self.own / "bin" / "uvdock")

    @property
    def inv(self) -> str:
        """Invoke's command, with uvdock beside it."""
        return str(self.own / "bin" / "inv")

    def peer(self, name: str) -> str:
        """The command of another."""
        return str(self.peers / "bin" / name)


def install(place: Path) -> Tools:
    """Build uvdock's wheel and install everything below ``place``, with bytecode."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    uv = str(shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or "uv")
    own, peers = place / "own", place / "peers"
    run([uv, "build", "--quiet", "--wheel", "--out-dir", str(place / "wheel"), str(REPO)], REPO, env)
    (wheel,) = (place / "wheel").glob("*.whl")
    for folder, packages in ((own, [f"uvdock[uv] @ {wheel.as_uri()}"]), (peers, list(_PEERS))):
        run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], place, env)
        python = str(folder / "bin" / "python")
        run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *packages], place, env)
    env |= {
        "PATH": os.pathsep.join((str(own / "bin"), str(peers / "bin"), env["PATH"])),
        "XDG_CACHE_HOME": str(place / "cache"),
        "UV_CACHE_DIR": str(place / "uv-cache"),
        "WEB_PORT": "0",
    }
    return Tools(own, peers, env)


def machine() -> dict[str, str]:
    """What it runs on."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").is_file() else ""
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": str(os.cpu_count()),
        "processor": model[1].strip() if model else platform.machine(),
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }


def versions(tools: Tools) -> dict[str, str]:
    """The versions of all that takes part."""
    own, peers = str(tools.own / "bin" / "python"), str(tools.peers / "bin" / "python")
    asked = {
        "engine": ["docker", "version", "--format", "{{.Server.Version}}"],
        "Compose": ["docker", "compose", "version", "--short"],
        "Python": [own, "-c", "import platform; print(platform.python_version())"],
        "uvdock": _version(own, "uvdock"),
        "uv": _version(own, "uv"),
        "Invoke": _version(own, "invoke"),
        "just": _version(peers, "rust-just"),
        "poethepoet": _version(peers, "poethepoet"),
        "nox": _version(peers, "nox"),
    }
    return {name: run(argv, REPO, tools.env).text.strip() for name, argv in asked.items()}


def peak(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> float:
    """The most memory that a command's own process held, in megabytes; those that it starts are not counted."""
    process = subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    most = 0
    while True:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            status = ""
        found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
        most = max(most, int(found[1]) if found else 0)
        try:
            code = process.wait(0.005)
        except subprocess.TimeoutExpired:
            continue
        assert code == 0, argv
        return most / 1024


def _version(python: str, package: str) -> list[str]:
    return [python, "-c", f"from importlib.metadata import version; print(version('{package}'))"]
