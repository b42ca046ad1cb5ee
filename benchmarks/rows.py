"""What is measured: the rows of the table, each a contender against another of the same group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RUN = "./run"
NO_CACHE = f"{RUN} without cache mounts"
OWN_DNS_RUN = f"{RUN} with this machine's DNS"
SHARED_RUN = f"{RUN} with the shared cache"
OLDER = f"{RUN} without cache mounts, production's image"


@dataclass(frozen=True)
class Row:
    """One row.

    Args:
        name: What a reader sees.
        group: Its measurements are made side by side.
        contender: What is measured.
        base: What it is compared with; nothing where seconds or bytes are what counts.
        limit: What it is to stay below: a ratio, seconds or megabytes; nothing for a row that only shows a peer.
        unit: What the limit counts.
    """

    name: str
    group: str
    contender: str
    base: str = ""
    limit: float | None = None
    unit: Literal["ratio", "s", "MB"] = "ratio"


#: Each group, and its rounds in a full and in a quick run.
GROUPS = {
    "call": (21, 3),
    "cold": (21, 3),
    "start": (21, 3),
    "outdated": (9, 2),
    "sync": (7, 2),
    "install": (5, 1),
    "growth": (5, 1),
    "memory": (1, 1),
}

ROWS = (
    Row("`uvdock uv --version`, container running", "call", "uvdock", RUN, 0.75),
    Row("`inv uv -- --version`, container running", "call", "inv", RUN, 1.5),
    Row("… `docker compose exec`", "call", "docker compose exec", RUN),
    Row("… the engine's API alone, no process", "call", "engine", RUN),
    Row("… just", "call", "just", RUN),
    Row("… poethepoet", "call", "poe", RUN),
    Row("… nox", "call", "nox", RUN),
    Row("… Invoke with a hand-written task", "call", "plain inv", RUN),
    Row("`uvdock cmd true`, right after a file came", "cold", "uvdock, a file came", RUN, 0.75),
    Row("`uvdock cmd true`, right after a file went", "cold", "uvdock, a file went", RUN, 0.75),
    Row("`uvdock cmd true`, with a changed Compose file", "cold", "uvdock, the Compose file changed", RUN, 1.0),
    Row("`inv cmd -- true`, right after a file came", "cold", "inv, a file came", RUN, 1.5),
    Row("`inv cmd -- true`, right after a file went", "cold", "inv, a file went", RUN, 1.5),
    Row("`inv cmd -- true`, with a changed Compose file", "cold", "inv, the Compose file changed", RUN, 1.5),
    Row("`deps.outdated`, container stopped", "outdated", "stopped", OWN_DNS_RUN, 0.12),
    Row("`deps.outdated`, container running", "outdated", "running", OWN_DNS_RUN, 0.08),
    Row("… `./run` where no lookup is lost", "outdated", "running", RUN),
    Row("… `./run` with the shared cache", "outdated", "running", SHARED_RUN),
    Row("… every page of the index asked for anew", "outdated", "asked anew", RUN),
    # On the host lookups are lost too.
    Row("… uv's cache on the host empty", "outdated", "empty cache", OWN_DNS_RUN),
    Row("`deps.install --no-build`, one changed pin; the running app has it", "sync", "uvdock", RUN, 0.5),
    Row("… `./run` with the shared cache too", "sync", "uvdock", SHARED_RUN),
    Row("`deps.install`, until the running app has it", "install", "uvdock, importable", f"{RUN}, importable", 0.15),
    Row(
        "… without cache mounts there, and with production's image in development",
        "install",
        "uvdock, importable",
        f"{OLDER}, importable",
    ),
    Row("`deps.install`, until everything is up to date, on the same Dockerfile", "install", "uvdock", RUN, 0.5),
    Row("… `./run` without cache mounts, and with production's image in development", "install", "uvdock", OLDER, 0.3),
    Row("… `./run` without cache mounts, and nothing else", "install", "uvdock", NO_CACHE),
    Row("`inv --list` against a tasks.py with one empty task", "start", "list", "list, empty", 1.15),
    Row("Completion of one word", "start", "completion", "", 0.060, "s"),
    Row("`deps.outdated`, 100 packages against 20", "growth", "100 packages", "20 packages", 5),
    Row("`deps.outdated`, 500 packages against 20", "growth", "500 packages", "20 packages", 25),
    Row("`deps.install`, a repo of 5 services against 1", "growth", "5 services", "1 service", 5),
    Row("`deps.install`, a repo of 20 services against 1", "growth", "20 services", "1 service", 20),
    Row("Memory of `uvdock cmd`", "memory", "cmd", "", 80, "MB"),
    Row("Memory of `uvdock deps.outdated`", "memory", "deps.outdated", "", 80, "MB"),
    Row("Memory of `uvdock deps.install`", "memory", "deps.install", "", 80, "MB"),
)
