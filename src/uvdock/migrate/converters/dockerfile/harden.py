"""A user of its own for an image that runs as root."""

from __future__ import annotations

from pathlib import Path

from uvdock.formats.dockerfile.stages import Dockerfile
from uvdock.migrate.model import Notice

#: An id that no person has on the host, so that a way out of the container leads nowhere.
_UID = 10001
_START = {"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "STOPSIGNAL"}


def harden(path: Path, source: Dockerfile) -> tuple[str, list[Notice]]:
    """Let the image that a Dockerfile makes run as a user that is not root.

    Args:
        path: The Dockerfile, from the repo root.
        source: What it says, converted.

    Returns:
        Its text with a user, and what is to be looked at; the same text where it has one already.
    """
    stages = source.stages
    items = [item for item in source.items if stages and item.stage is stages[-1]]
    if not items or not stages[-1].last.is_root:
        return source.text, []
    image = stages[-1].root.image
    inside = "/root/" in source.text[items[0].start :]
    if inside or any(item.onbuild for item in items):
        what = "the image runs as root, and needs what is in /root"
        return source.text, [Notice(path, 0, "left", what, "the environment outside /root, and USER")]
    at = len(items)
    while at > 1 and items[at - 1].verb in _START:
        at -= 1
    place = items[at - 1].end
    lines = _lines(image, source.dialect.escape)
    before = source.text[:place]
    gap = "" if before.endswith("\n") else "\n"
    text = (gap + "\n" + "\n".join(lines) + "\n").replace("\n", source.newline)
    line = source.line_of(max(place - 1, 0))
    what = "the image no longer runs as root"
    instead = "give the user what the app writes to (`COPY --chown`), and a port above 1023"
    made = before + text + source.text[place:]
    after = Dockerfile(made).stages
    if after[-1].last.is_root:
        return source.text, [Notice(path, line, "left", "an instruction that does not end", "its end, and USER")]
    return made, [Notice(path, line, "note", what, instead)]


def _lines(image: str, escape: str) -> list[str]:
    if "distroless" in image or image == "scratch":
        return ["USER 65532:65532"]
    if "alpine" in image:
        return [f"RUN addgroup -g {_UID} app && adduser -D -u {_UID} -G app app", "USER app"]
    return [
        f"RUN groupadd --gid {_UID} app {escape}",
        f"    && useradd --no-log-init --uid {_UID} --gid app --create-home app",
        "USER app",
    ]
