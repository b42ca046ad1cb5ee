"""A user of its own for an image that runs as root."""

from __future__ import annotations

from uvdock.migrate.converters.dockerfile.layout import is_root
from uvdock.migrate.converters.dockerfile.source import Source, read
from uvdock.migrate.model import Finding

#: An id that no person has on the host, so that a way out of the container leads nowhere.
_UID = 10001
_START = {"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "STOPSIGNAL"}


def harden(source: Source) -> tuple[str, list[Finding]]:
    """Let the image that a Dockerfile makes run as a user that is not root.

    Args:
        source: The Dockerfile, converted.

    Returns:
        Its text with a user, and what is to be looked at; the same text where it has one already.
    """
    stages = source.build.stages
    items = [item for item in source.items if stages and item.stage is stages[-1]]
    if not items or not is_root(stages[-1].last):
        return source.text, []
    image = stages[-1].root.image
    path = source.path
    inside = "/root/" in source.text[items[0].start :]
    if inside or any(item.onbuild for item in items):
        what = "the image runs as root, and needs what is in /root"
        return source.text, [Finding(path, 0, "left", what, "the environment outside /root, and USER")]
    at = len(items)
    while at > 1 and items[at - 1].verb in _START:
        at -= 1
    place = items[at - 1].end
    lines = _lines(image, source.dialect.escape)
    before = source.text[:place]
    gap = "" if before.endswith("\n") else "\n"
    text = (gap + "\n" + "\n".join(lines) + "\n").replace("\n", source.newline)
    line = source.line_of(max(place - 1, 0))
    what = "the image does not run as root any more"
    instead = "give the user what the app writes to (`COPY --chown`), and a port above 1023"
    made = before + text + source.text[place:]
    after = read(path, made).build.stages
    if is_root(after[-1].last):
        return source.text, [Finding(path, line, "left", "an instruction that does not end", "its end, and USER")]
    return made, [Finding(path, line, "note", what, instead)]


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
