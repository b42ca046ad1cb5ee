"""Building and looking into images for a comparison: copies of a repo, builds by Compose, one-off containers."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uvdock import process
from uvdock.engine.api import Engine
from uvdock.engine.building import captured_build
from uvdock.engine.stack import Stack
from uvdock.errors import UvdockError
from uvdock.files import is_dockerfile, listed
from uvdock.formats.dockerfile.instruction import mount
from uvdock.formats.dockerfile.parser import parse
from uvdock.migrate.verify.image_contents import COMMAND, PACKAGES, ImageContents, question

#: Removes what the folders in one folder hold.
_EMPTY = """
import os, shutil, sys
for mount in os.scandir(sys.argv[1]):
    for item in os.scandir(mount):
        shutil.rmtree(item) if item.is_dir(follow_symlinks=False) else os.unlink(item)
"""
_MOUNTED = "/uvdock-caches"
_PYTHONS = ("python3", "python", "/usr/local/bin/python3", "/usr/bin/python3", "/opt/venv/bin/python")
_CACHE_MOUNT = re.compile(r"--mount=type=cache(?P<rest>[^\s\\]*)")
#: How a cache is mounted; all other options tell it from others.
_WHERE = re.compile(r"(target|dst|destination)=|(ro|readonly|rw|readwrite)\b")
_OWN_KEYS = ("tags", "cache_to", "cache_from", "no_cache", "pull")


@dataclass(frozen=True)
class ImageBuild:
    """What builds an image.

    Args:
        dockerfile: From the repo root.
        section: A Compose file's ``build``, whole.
        service: The service as Compose has it; empty where there is none.
        secrets: The Compose project's secrets.
    """

    dockerfile: str
    section: Mapping[str, Any]
    service: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict)


def copy(root: Path, target: Path, contents: Mapping[Path, bytes | None]) -> None:
    """Copy the repo's files, and `.env` files which git ignores and Compose reads, with some of them replaced.

    Args:
        root: The repo.
        target: The new folder.
        contents: The bytes of files that differ; ``None`` for one that is not there.
    """
    ignored = [path.relative_to(root) for path in root.glob(".env*") if path.is_file()]
    for path in dict.fromkeys((*listed(root), *ignored)):
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            shutil.copy2(root / path, file, follow_symlinks=False)
    for path, content in contents.items():
        file = target / path
        if content is None:
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def builds(root: Path, compose_files: Sequence[Path], builder: ImageBuilder) -> dict[str, ImageBuild]:
    """What is built in a repo: each service with another build, and each Dockerfile that no service has.

    Raises:
        UvdockError: Compose cannot read its files.
    """
    from uvdock.project import dotenv

    found: dict[str, ImageBuild] = {}
    seen: set[str] = set()
    if compose_files:
        files = [root / name for name in compose_files]
        config = Stack(root, files, builder.context, os.environ, dotenv(root)).config
        for name, service in sorted((config.get("services") or {}).items()):
            section = service.get("build")
            if not section or "dockerfile_inline" in section or json.dumps(section, sort_keys=True) in seen:
                continue
            seen.add(json.dumps(section, sort_keys=True))
            file = os.path.normpath(Path(section["context"], section.get("dockerfile", "Dockerfile")))
            if Path(file).is_relative_to(root):
                inside = Path(file).relative_to(root).as_posix()
                found[name] = ImageBuild(inside, section, service, config.get("secrets") or {})
    used = {build.dockerfile for build in found.values()}
    for path in listed(root):
        if is_dockerfile(path) and path.as_posix() not in used:
            context = _context(root, path)
            section = {"context": str(context), "dockerfile": os.path.relpath(root / path, context)}
            found[path.as_posix()] = ImageBuild(path.as_posix(), section)
    return found


@dataclass
class ImageBuilder:
    """Builds images under names of their own, and removes them.

    Args:
        context: The Docker context, or ``None``.
        mark: What every image, cache and project of it is called by.
    """

    context: str | None
    mark: str
    tags: list[str] = field(default_factory=list)
    #: Every cache mount, without where it is mounted.
    caches: set[str] = field(default_factory=set)
    #: An image that was built, and the Python in it.
    python: tuple[str, str] | None = None

    @property
    def docker(self) -> list[str]:
        """The `docker` command."""
        return ["docker", *(("--context", self.context) if self.context else ())]

    def build(self, build: ImageBuild, tag: str, *, no_cache: bool) -> None:
        """Build an image.

        Raises:
            UvdockError: It cannot be built; says by the last lines why.
        """
        section = {key: value for key, value in build.section.items() if key not in _OWN_KEYS}
        model = {
            "name": self.mark,
            "services": {"image": {"image": tag, "build": section}},
            **({"secrets": build.secrets} if build.secrets else {}),
        }
        # By standard input: build arguments may hold what nobody wants in a file.
        argv = [*self.docker, "compose", "-f", "-", "--progress", "plain", "build", "image"]
        self.tags.append(tag)
        done = captured_build(
            [*argv, *(["--no-cache"] if no_cache else [])],
            stdin=json.dumps(model).encode(),
            cwd=Path(build.section["context"]),
        )
        if done.code != 0:
            lines = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()
            raise UvdockError(
                f"the image cannot be built {tag.removeprefix(f'{self.mark}-').partition('-')[0]} the migration: "
                f"{' / '.join(line.strip() for line in lines[-6:])}",
                where=build.dockerfile,
                fix="build it by `docker build` to see all of the log; nothing was written",
            )

    def own_caches(self, dockerfile: Path, mark: str) -> None:
        """Give the cache mounts of a (copied) Dockerfile names of their own."""
        text = dockerfile.read_bytes().decode("utf-8", "surrogateescape")

        def named(match: re.Match[str]) -> str:
            keys = mount(match[0])
            key = keys.get("id") or keys["target"]
            own = "-".join(re.findall(r"\w+", key)) or "cache"
            parts = [part for part in match["rest"].split(",") if part and not part.startswith("id=")]
            start = f"--mount=type=cache,id={mark}-{own}"
            self.caches.add(",".join([start, *(part for part in parts if not _WHERE.match(part))]))
            return ",".join([start, *parts])

        dockerfile.write_bytes(_CACHE_MOUNT.sub(named, text).encode("utf-8", "surrogateescape"))

    def pull(self, dockerfile: Path) -> None:
        """Have the images that a Dockerfile is made from, so that no build's time has a download of them in it."""
        for item in parse(dockerfile.read_text(encoding="utf-8", errors="replace")):
            image = item.value.partition(" ")[0] if item.verb == "FROM" else item.option("from")
            if re.fullmatch(r"[^\s$]+[/:][^\s$]+", image):
                there = process.capture([*self.docker, "image", "inspect", image])
                if there.code != 0:
                    # Where it fails, the build says why.
                    process.capture([*self.docker, "pull", "--quiet", image])

    def look(self, build: ImageBuild, tag: str, modules: Sequence[str] | None = None) -> ImageContents | None:
        """What an image has of Python.

        Args:
            build: What built it.
            tag: The image.
            modules: What the command's Python is to import; all that its packages bring by default.

        Returns:
            That; ``None`` for an image without Python.
        """
        for python in _PYTHONS:
            argv = ["run", "--rm", "--network", "none", "--user", "0", "--entrypoint", python, tag, "-c", PACKAGES]
            done = process.capture([*self.docker, *argv])
            if done.code == 0:
                break
        else:
            return None
        self.python = tag, python
        config = (Engine(self.context).image(tag) or {}).get("Config") or {}
        words = [*(build.service.get("entrypoint") or config.get("Entrypoint") or []),
                 *(build.service.get("command") or config.get("Cmd") or [])]  # fmt: skip
        told = self._run(build, tag, [python, "-c", COMMAND, question(words, modules)], "--network", "none")
        return ImageContents.read(done.text, told.text if told.code == 0 else "")

    def run(self, build: ImageBuild, tag: str, words: Sequence[str]) -> tuple[int, str]:
        """Run a check in an image, without its entry point, with the service's variables, user and folder.

        Returns:
            Its exit code, and the last line that it printed.
        """
        done = self._run(build, tag, words)
        lines = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()
        return done.code, lines[-1].strip() if lines else ""

    def _run(self, build: ImageBuild, tag: str, words: Sequence[str], *options: str) -> process.Output:
        values = {
            key: str(value) for key, value in (build.service.get("environment") or {}).items() if value is not None
        }
        given = [*options, *(option for name in values for option in ("--env", name))]
        for key, option in (("user", "--user"), ("working_dir", "--workdir")):
            if build.service.get(key):
                given += [option, str(build.service[key])]
        argv = ["run", "--rm", "--init", *given, "--entrypoint", words[0], tag, *words[1:]]
        return process.capture([*self.docker, *argv], env={**os.environ, **values})

    def size(self, tag: str) -> int:
        """The bytes of an image."""
        return int((Engine(self.context).image(tag) or {}).get("Size") or 0)

    def clean(self) -> None:
        """Remove the images and what is in the caches; what is in use by somebody else stays.

        The caches stay, empty. BuildKit can prune one by its id, and then forgets steps of other builds that run at
        that time: what was built from the same files would be another image (seen with engine 28.5).
        """
        if self.caches and self.python:
            image, python = self.python
            mounts = " ".join(f"{cache},target={_MOUNTED}/{at}" for at, cache in enumerate(sorted(self.caches)))
            run = json.dumps([python, "-c", _EMPTY, _MOUNTED])
            self.tags.append(f"{self.mark}-emptied")
            argv = [*self.docker, "build", "--quiet", "--no-cache", "--tag", self.tags[-1], "-"]
            process.capture(argv, stdin=f"FROM {image}\nUSER 0\nRUN {mounts} {run}\n".encode())
        if self.tags:
            process.capture([*self.docker, "image", "rm", "--force", *dict.fromkeys(self.tags)])


def _context(root: Path, path: Path) -> Path:
    """The folder in which everything is that a Dockerfile copies: its own, else the root."""
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    words = (word for item in parse(text) for word in item.from_context)
    copied = [word.lstrip("/") for word in words if not set("$*?[<") & set(word) and "://" not in word]
    fits = (folder for folder in (root / path.parent, root) if all((folder / word).exists() for word in copied))
    return next(fits, root / path.parent)
