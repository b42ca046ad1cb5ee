"""The proof of a migration: the images before and after it, built from copies, side by side.

The repo is not touched. Cache mounts get names of their own, so that the first build of each side is without any
cache and the second has what the first left; both are removed afterwards.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from uvdock.errors import UvdockError
from uvdock.migrate.discover.sources import reachable
from uvdock.migrate.model import MigrationPlan
from uvdock.migrate.verify.image_builder import ImageBuild, ImageBuilder, builds, copy

NOT_WRITTEN = "nothing was written; compare the images by hand"
#: The criterion of success: how much less time a build takes, percent.
LESS = 70
#: Packages of installers: pip's own go with pip.
TOOLS = frozenset({"pip", "setuptools", "wheel", "uv", "virtualenv", "distribute", "pip-tools", "pipenv", "poetry"})
#: What an installer needs itself, and brings along: `pip install --upgrade pip wheel` installs packaging.
_ALONG = {"packaging": "wheel"}
Step = Callable[[str], AbstractContextManager[object]]
#: Files that say what is installed; blank lines more change what a layer is made from, and nothing else.
_TOUCHED = re.compile(
    r"(.*requirements.*\.(txt|in)|constraints.*\.txt|pyproject\.toml|(uv|poetry|pdm)\.lock|Pipfile(\.lock)?)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Checked:
    """A check command in an image: its exit code, and the last of what it printed."""

    command: str
    code: int
    output: str = ""


@dataclass(frozen=True)
class BuiltImage:
    """One image.

    Args:
        cold: Seconds of a build without any cache.
        warm: Seconds of a build with it, after a file of dependencies was touched.
        size: Its bytes.
        packages: The version of each Python package in it; several where environments differ.
        checks: What the check commands did.
        own: The packages that installers brought for themselves: nothing else needs them.
        environments: The version of each package by the folder that it is in.
        command: The same for the Python of the image's command.
        imports: The modules that this Python imports, each with its package; after the migration, of those before.
    """

    cold: float
    warm: float
    size: int
    packages: Mapping[str, str]
    checks: tuple[Checked, ...] = ()
    own: tuple[str, ...] = ()
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    command: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)

    def environment(self, folder: str) -> Mapping[str, str]:
        """The packages in a folder; where nothing but installers is there any more, those that the command has."""
        found = self.environments.get(folder, {})
        return found if found.keys() - TOOLS else self.command


@dataclass(frozen=True)
class Image:
    """One image before and after."""

    name: str
    before: BuiltImage
    after: BuiltImage

    @property
    def differences(self) -> tuple[tuple[str, str, str], ...]:
        """The packages that are not the same: name, version before, version after; installers' own apart.

        Of an environment that lost one which the image still has elsewhere, the name says which.
        """
        return (*(item for item in self._all if not self._is_installers(*item)), *self.moved)

    @property
    def tools(self) -> tuple[tuple[str, str, str], ...]:
        """The installers' own packages that are not the same."""
        return tuple(item for item in self._all if self._is_installers(*item))

    @property
    def passed(self) -> bool:
        """Whether the packages are the same in each environment, and imports and checks pass after the migration."""
        return not self.differences and not self.lost and all(check.code == 0 for check in self.after.checks)

    @property
    def lost(self) -> tuple[str, ...]:
        """The modules that the Python of the image's command does not import any more; installers' own apart."""
        old, new = self.before.packages, self.after.packages
        return tuple(
            module
            for module, name in self.before.imports.items()
            if module not in self.after.imports and not self._is_installers(name, old.get(name, ""), new.get(name, ""))
        )

    def _is_installers(self, name: str, old: str, new: str) -> bool:
        """Whether a package is an installer's own, or is gone with one that brought it."""
        tool = _ALONG.get(name, "")
        gone = set(filter(None, new.split(", "))) < set(old.split(", "))
        with_it = self.before.packages.get(tool) != self.after.packages.get(tool)
        return name in TOOLS or (gone and (with_it or name in self.before.own))

    @property
    def _all(self) -> Iterator[tuple[str, str, str]]:
        old, new = self.before.packages, self.after.packages
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield name, old.get(name, ""), new.get(name, "")

    @property
    def moved(self) -> tuple[tuple[str, str, str], ...]:
        """The packages that the image has still, and an environment of it has not: as in `differences`."""
        sides = [("the command's Python", self.before.command, self.after.command)]
        sides += [(folder, had, self.after.environment(folder)) for folder, had in self.before.environments.items()]
        return tuple(
            (f"{name} in {where}", version, has.get(name, ""))
            for where, had, has in sides
            for name, version in sorted(had.items())
            if has.get(name) != version and self.before.packages.get(name) == self.after.packages.get(name)
            if name not in TOOLS and name not in self.before.own
        )


@dataclass(frozen=True)
class ImageComparison:
    """Every image that the migration changes.

    Args:
        images: Those with Python.
        without_python: The names of the others, which are not compared.
    """

    images: tuple[Image, ...]
    without_python: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether each of them passed."""
        return all(image.passed for image in self.images)


class _Side(NamedTuple):
    """One side of the comparison: a copy of the repo, and what builds its images."""

    word: str
    root: Path
    builds: Mapping[str, ImageBuild]


def compare_images(
    root: Path,
    plan: MigrationPlan,
    checks: Sequence[str],
    *,
    context: str | None = None,
    compose_files: Sequence[Path] = (),
    old: Mapping[Path, bytes | None] | None = None,
    step: Step = lambda _: nullcontext(),
) -> ImageComparison:
    """Build every image whose Dockerfile the migration changes, before and after, and compare.

    Args:
        root: The repo's root.
        plan: What the migration changes, not written yet; or without edits, when ``old`` says what it changed.
        checks: Commands that have to pass in the images.
        context: The Docker context.
        compose_files: The repo's Compose files.
        old: The bytes before the migration of every file that it changed, for one that was applied.
        step: Names each step while it takes place.

    Returns:
        What was measured.

    Raises:
        UvdockError: There is nothing to compare, no engine, or an image cannot be built.
    """
    commands = [words_of(check) for check in checks]
    before = dict(old) if old is not None and not plan.edits else {}
    after = {edit.path: edit.after for edit in plan.edits}
    changed = {path.as_posix() for path in (after or before)}
    files = [file.resolve().relative_to(root.resolve()) for file in compose_files]
    builder = ImageBuilder(context, f"uvdock-prove-{os.getpid()}-{secrets.token_hex(3)}")
    with tempfile.TemporaryDirectory(prefix="uvdock-prove-") as folder:
        sides = []
        for word, contents in (("before", before), ("after", after)):
            place = Path(folder, word, root.resolve().name)
            copy(root, place, contents)
            found = builds(place, files, builder)
            sides.append(_Side(word, place, {name: one for name, one in found.items() if one.dockerfile in changed}))
        names = [name for name in sides[0].builds if name in sides[1].builds]
        if not names:
            raise UvdockError(
                "there is nothing to prove: no Dockerfile changes",
                where=str(root),
                fix="`migrate` shows what changes; --prove compares the images of changed Dockerfiles",
                code=2,
            )
        try:
            measured = [_measured(builder, sides, name, commands, step) for name in names]
        finally:
            builder.clean()
    images = tuple(image for image in measured if image)
    if not images:
        raise UvdockError(
            f"there is nothing to compare: no Python in {', '.join(names)}", where=str(root), fix=NOT_WRITTEN, code=2
        )
    return ImageComparison(images, tuple(name for name, image in zip(names, measured, strict=True) if not image))


def rows(image: Image) -> list[tuple[str, str, str, str]]:
    """The lines of the table of an image: what, before, after, change."""
    old, new = image.before, image.after
    tools = TOOLS | {name for name, _, _ in image.tools}
    found = [
        *((f"build {what}", f"{was:.1f} s", f"{now:.1f} s", _less(was, now)) for what, was, now in _times(image)),
        ("size", f"{old.size / 1e6:.0f} MB", f"{new.size / 1e6:.0f} MB", _percent(old.size, new.size)),
        (
            "packages",
            str(len(old.packages.keys() - tools)),
            str(len(new.packages.keys() - tools)),
            f"{len(image.differences)} differ" if image.differences else "the same",
        ),
    ]
    if old.imports:
        told = f"{len(image.lost)} lost" if image.lost else "the same"
        found.append(("modules imported", str(len(old.imports)), str(len(new.imports)), told))
    for one, other in zip(old.checks, new.checks, strict=True):
        found.append((f"check: {one.command}", _said(one), _said(other), "" if other.code == 0 else "must pass"))
    return found


def verdict(proof: ImageComparison) -> list[str]:
    """What the proof comes to, line by line."""
    lines = []
    for image in proof.images:
        lines += [f"{image.name}: {name} {old or '(none)'} → {new or '(none)'}" for name, old, new in image.differences]
        lines += [f"{image.name}: the command's Python no longer imports {module}" for module in image.lost]
        if image.tools:
            gone = ", ".join(f"{name} {old or '(none)'} → {new or '(none)'}" for name, old, new in image.tools)
            lines.append(f"{image.name}: installers' own packages, not counted: {gone}")
        for one, other in zip(image.before.checks, image.after.checks, strict=True):
            if other.code:
                before = "; it fails before the migration too" if one.code else ""
                lines.append(f"{image.name}: `{other.command}` left {other.code}{before}: {other.output}")
        for what, old, new in _times(image):
            met = "met" if _down(old, new) >= LESS else "not met"
            lines.append(f"{image.name}: {what}, time down by {_down(old, new):.0f} %: {LESS} % or more is {met}")
    lines += [f"{name}: no Python in it, so it is not compared" for name in proof.without_python]
    lines.append("proved: the same packages, and every check passes" if proof.passed else "not proved: see above")
    return lines


def _times(image: Image) -> Iterator[tuple[str, float, float]]:
    yield "without cache", image.before.cold, image.after.cold
    yield "after a change of dependencies", image.before.warm, image.after.warm


def _measured(
    builder: ImageBuilder, sides: Sequence[_Side], name: str, checks: Sequence[tuple[str, list[str]]], step: Step
) -> Image | None:
    """An image before and after; ``None`` for one that has no Python before."""
    measured: list[BuiltImage] = []
    for side in sides:
        modules = tuple(measured[0].imports) if measured else None
        one = _built(builder, side, checks, step, name=name, modules=modules)
        if one is None and not measured:
            return None
        if one is None:
            raise UvdockError(
                f"{name} has no Python after the migration", where=side.builds[name].dockerfile, fix=NOT_WRITTEN
            )
        measured.append(one)
    return Image(name, *measured)


def _built(
    builder: ImageBuilder,
    side: _Side,
    checks: Sequence[tuple[str, list[str]]],
    step: Step,
    *,
    name: str,
    modules: Sequence[str] | None,
) -> BuiltImage | None:
    word, root, build = side.word, side.root, side.builds[name]
    mark = f"{builder.mark}-{word}"
    tag = f"{mark}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-') or 'image'}"
    builder.own_caches(root / build.dockerfile, mark)
    builder.pull(root / build.dockerfile)
    with step(f"{name} {word}: build without cache"):
        cold = _timed(lambda: builder.build(build, tag, no_cache=True))
    with step(f"{name} {word}: look into the image"):
        contents = builder.look(build, tag, modules)
        if contents is None:
            return None
        done = tuple(Checked(text, *builder.run(build, tag, words)) for text, words in checks)
    for path in [path for path in root.rglob("*") if path.is_file() and _is_touched(path, root)]:
        path.write_bytes(path.read_bytes() + _blank(mark))
    with step(f"{name} {word}: build after a change of dependencies"):
        warm = _timed(lambda: builder.build(build, tag, no_cache=False))
    return BuiltImage(
        cold, warm, builder.size(tag), contents.packages, done, brought(contents.needs),
        contents.environments, contents.command, contents.imports,
    )  # fmt: skip


def brought(needs: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """What installers need, and nothing else does, with all that that needs."""
    tools = [tool for tool in TOOLS if tool in needs]
    found = {*reachable(tools, lambda name: needs.get(name, frozenset()) - TOOLS)} - TOOLS
    while shared := {name for name in found if any(name in needs[one] for one in needs.keys() - found - TOOLS)}:
        found -= shared
    return tuple(sorted(found))


def _is_touched(path: Path, root: Path) -> bool:
    """Whether a file says what is installed: `requirements/base.txt` too."""
    return bool(_TOUCHED.match(path.name) or _TOUCHED.match(path.relative_to(root).as_posix()))


def _blank(mark: str) -> bytes:
    """Blank lines that no earlier proof has put there: what that one built would be taken for what takes no time."""
    return b"".join(b" \n" if zlib.crc32(mark.encode()) >> bit & 1 else b"\n" for bit in range(32))


def _timed(work: Callable[[], None]) -> float:
    start = time.monotonic()
    work()
    return time.monotonic() - start


def words_of(check: str) -> tuple[str, list[str]]:
    """A check command as it was given, and its words.

    Raises:
        UvdockError: It is empty, or a quote has no end.
    """
    words, why = [], "it is empty"
    try:
        words = shlex.split(check)
    except ValueError as error:
        why = str(error)
    if not words:
        raise UvdockError(
            f"the check command cannot be read: {why}",
            where=f"--check {check!r}",
            fix="write it as for a shell: --check 'python manage.py check'",
            code=2,
        )
    return check, words


def _said(check: Checked) -> str:
    return "passes" if check.code == 0 else f"fails ({check.code})"


def _down(old: float, new: float) -> float:
    return (old - new) / old * 100 if old else 0.0


def _percent(old: float, new: float) -> str:
    change = round(-_down(old, new))
    return f"{change:+d} %" if change else "0 %"


def _less(old: float, new: float) -> str:
    return f"{_percent(old, new)} ({LESS} % {'met' if _down(old, new) >= LESS else 'not met'})"
