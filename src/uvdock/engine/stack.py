"""A Compose project: what `docker compose config` says of it, and the `docker compose` commands uvdock runs.

Compose reads Compose files; uvdock reads only the JSON that comes out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from uvdock import dry, process
from uvdock.engine import endpoint
from uvdock.engine.building import shown_build
from uvdock.engine.reading import ConfigRead
from uvdock.errors import UvdockError, nearest

if TYPE_CHECKING:
    from uvdock.formats.dockerfile.stages import Stage

#: A variable in a Compose file: not one whose name only begins so, and not an escaped ``$$``.
_REFERENCE = r"(?<!\$)(?:\$\$)*\$(?:\{%s(?P<braced>(?!\w)[^}]*)\}|%s\b)"


class Bind(NamedTuple):
    """A folder or file of the host mounted into a service."""

    source: Path
    target: PurePosixPath
    read_only: bool


class Service(NamedTuple):
    """One Compose service, as far as uvdock needs it; ``data`` is all that Compose says of it."""

    name: str
    image: str
    data: Mapping[str, Any]

    @property
    def build(self) -> Mapping[str, Any] | None:
        """Its build section, or ``None`` for a service that only uses an image."""
        found = self.data.get("build")
        return found if isinstance(found, Mapping) else None

    @property
    def context(self) -> Path | None:
        """The folder it is built from; ``None`` without a build, or with one from elsewhere (git, a URL)."""
        context = (self.build or {}).get("context", "")
        return Path(context) if Path(context).is_absolute() else None

    @property
    def dockerfile(self) -> str | None:
        """The text of its Dockerfile, or ``None`` where it cannot be read from here."""
        context = self.context
        if self.build is None or context is None:
            return None
        if "dockerfile_inline" in self.build:
            return str(self.build["dockerfile_inline"])
        path = context / str(self.build.get("dockerfile", "Dockerfile"))
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    @property
    def stage(self) -> Stage | None:
        """The stage of its Dockerfile that it is built from; ``None`` where there is none to be read."""
        from uvdock.formats.dockerfile.stages import Dockerfile

        text = self.dockerfile
        return Dockerfile(text).target((self.build or {}).get("target")) if text else None

    @property
    def binds(self) -> list[Bind]:
        """What of the host is mounted into it."""
        return [
            Bind(Path(item["source"]), PurePosixPath(item["target"]), bool(item.get("read_only")))
            for item in self.data.get("volumes") or []
            if item.get("type") == "bind"
        ]

    @property
    def environment(self) -> dict[str, str]:
        """The variables its containers get; one without a value is the caller's own."""
        found = self.data.get("environment") or {}
        return {name: str(value) for name, value in found.items() if value is not None}

    @property
    def user(self) -> str:
        """The user the Compose file sets, or nothing for the image's own."""
        return str(self.data.get("user") or "")


class Stack:
    """The Compose project of a repo.

    Args:
        root: The repo root.
        files: Its Compose files in the order they merge.
        context: A Docker context's name, or ``None``.
        environ: The variables Compose sees.
        dotenv: What `.env` sets, which Compose reads by itself.
    """

    def __init__(
        self,
        root: Path,
        files: Sequence[Path],
        context: str | None,
        environ: Mapping[str, str],
        dotenv: Mapping[str, str],
    ) -> None:
        self.root = root
        self.files = tuple(files)
        self.context = context
        self.dotenv = dotenv
        self.env = compose_env(self.files, context, environ, dotenv)
        self._reading = ConfigRead([str(file) for file in self.files], self.env, str(root))

    @property
    def working_dir(self) -> str:
        """The folder Compose labels its containers with."""
        return str(self.files[0].parent)

    @property
    def docker(self) -> list[str]:
        """The `docker` command, for this context."""
        return ["docker", *(("--context", self.context) if self.context else ())]

    def argv(self, *args: str, extra: Sequence[str] = ()) -> list[str]:
        """A `docker compose` command line over the repo's files and ``extra`` ones."""
        files = [option for name in (*map(str, self.files), *extra) for option in ("-f", name)]
        return [*self.docker, "compose", *files, *args]

    @cached_property
    def version(self) -> tuple[int, ...]:
        """Compose's version; empty where it does not say one."""
        found = re.match(r"v?(\d+)\.(\d+)", process.capture([*self.docker, "compose", "version", "--short"]).text)
        return tuple(int(part) for part in found.groups()) if found else ()

    def read_ahead(self, begun: ConfigRead | None = None) -> None:
        """Let Compose read its files while this program does something else, such as connecting to the engine.

        Args:
            begun: It may be at it already; if that is the same, it is taken.

        Only where the default engine's socket is there: no program is started for an engine that does not run.
        """
        if begun is not None and begun.asked == self._reading.asked:
            self._reading = begun
            return
        named = endpoint.context_name(self.context, os.environ) is not None
        address = "" if named else endpoint.direct(None, os.environ)
        if not address or not Path(address).exists():
            return
        self._reading.start()

    @cached_property
    def config(self) -> dict[str, Any]:
        """The whole project as Compose understands it.

        Raises:
            UvdockError: Compose cannot read its files, or is not there.
        """
        found = self._reading.output
        if found.code != 0:
            raise UvdockError(
                f"Compose cannot read its files: {found.error_text or 'no reason given'}",
                where=", ".join(map(str, self.files)),
                fix="correct that place; `docker compose config` shows the same",
            )
        data: dict[str, Any] = json.loads(found.text)
        return data

    @cached_property
    def services(self) -> dict[str, Service]:
        """Every service by name."""
        project = self.config["name"]
        return {
            name: Service(name, data.get("image") or f"{project}-{name}", data)
            for name, data in self.config.get("services", {}).items()
        }

    @property
    def volumes(self) -> list[str]:
        """The names of the volumes that are the project's own, as the engine knows them."""
        project, found = self.config["name"], self.config.get("volumes") or {}
        return [
            str((data or {}).get("name") or f"{project}_{name}")
            for name, data in found.items()
            if not (data or {}).get("external")
        ]

    def service(self, name: str, source: str = "the request") -> Service:
        """The service of that name.

        Raises:
            UvdockError: There is none; lists those there are.
        """
        if name not in self.services:
            names = sorted(self.services)
            raise UvdockError(
                f"there is no service {name!r}{nearest(name, names)}",
                where=f"{self.files[0]} (named by {source})",
                fix=f"services here: {', '.join(names) or 'none'}",
                code=2,
            )
        return self.services[name]

    def run(
        self,
        *args: str,
        extra: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        stdout_to_stderr: bool = True,
    ) -> int:
        """Run a `docker compose` command on uvdock's own streams; returns its exit code.

        Args:
            args: The command of Compose.
            extra: Further Compose files.
            env: Variables that the command gets unless the caller has them.
            stdout_to_stderr: Send its standard output to standard error.
        """
        return process.run(
            self.argv(*args, extra=extra),
            env={**(env or {}), **self.env},
            cwd=self.root,
            stdout_to_stderr=stdout_to_stderr,
        )

    @contextmanager
    def override(self, service: Service, *, without_binds: bool) -> Iterator[str]:
        """A further Compose file for one-offs of ``service``, with nothing secret in it.

        Args:
            service: The service.
            without_binds: Leave out the host's folders, for an engine that does not see them.
        """
        # An init process makes sure that a signal ends a command which handles none as process 1.
        text = f"services:\n  {json.dumps(service.name)}:\n    init: true\n"
        if without_binds:
            kept = [item for item in service.data.get("volumes") or [] if item.get("type") != "bind"]
            text += f"    volumes: !override {json.dumps(kept)}\n"
        with _further("one-off.yaml", text) as name:
            yield name

    @contextmanager
    def adding(self, model: Mapping[str, Any]) -> Iterator[list[str]]:
        """Further Compose files that add something to the services, with nothing secret in it.

        Args:
            model: What they add. Empty, it takes no file; in a dry run neither.
        """
        if not model or dry.on():
            yield []
            return
        # A value is what it says, and no variable of Compose's.
        with _further("build.yaml", json.dumps(model).replace("$", "$$")) as name:
            yield [name]

    def build_as(self, service: Service, tag: str) -> tuple[list[str], bytes]:
        """A command that builds a service's image under another name, and what it reads.

        Args:
            service: The service.
            tag: The image's name.
        """
        build = {key: value for key, value in (service.build or {}).items() if key not in ("tags", "cache_to")}
        argv = [*self.docker, "compose", "--project-directory", self.working_dir, "-f", "-", "build"]
        return argv, self._alone("bench", tag, build)

    def _alone(self, name: str, tag: str, build: Mapping[str, Any]) -> bytes:
        """A Compose file with one build: to be read from standard input, for its arguments may hold what is secret."""
        model = {
            "name": self.config["name"],
            "services": {name: {"image": tag, "build": build}},
            **{key: self.config[key] for key in ("secrets",) if key in self.config},
        }
        return json.dumps(model).encode()

    def build_prefix(
        self,
        service: Service,
        content: str,
        tag: str,
        *,
        cache_from: Sequence[str] = (),
        builder: str = "",
        quiet: bool = False,
    ) -> int:
        """Build ``content`` in place of the service's Dockerfile, in the same context with the same arguments.

        Args:
            service: The service.
            content: The Dockerfile.
            tag: The image's name.
            cache_from: Where layers are taken from besides, as buildx writes it.
            builder: The buildx builder; empty for the one that is in use.
            quiet: Show nothing.

        Returns:
            The build's exit code.
        """
        build = {key: value for key, value in (service.build or {}).items() if key not in _OWN_BUILD_KEYS}
        if cache_from:
            build["cache_from"] = [*(build.get("cache_from") or []), *cache_from]
        import tempfile

        with tempfile.TemporaryDirectory(prefix="uvdock-") as folder:
            dockerfile = Path(folder, "Dockerfile")
            dockerfile.write_text(content, encoding="utf-8")
            ignore = (
                service.context or Path()
            ) / f"{(service.build or {}).get('dockerfile', 'Dockerfile')}.dockerignore"
            if ignore.is_file():
                Path(folder, "Dockerfile.dockerignore").write_bytes(ignore.read_bytes())
            options = ["--project-directory", self.working_dir, *(["--progress", "quiet"] if quiet else [])]
            chosen = ["--builder", builder] if builder else []
            argv = [*self.docker, "compose", *options, "-f", "-", "build", *chosen, "uv"]
            model = self._alone("uv", tag, {**build, "dockerfile": str(dockerfile)})
            return shown_build(
                lambda: process.run(argv, env=self.env, cwd=self.root, stdin=model, stdout_to_stderr=True)
            )


#: What of a build section belongs to the real image and not to the one for uv.
_OWN_BUILD_KEYS = ("dockerfile", "dockerfile_inline", "target", "tags", "cache_to")


@contextmanager
def _further(name: str, text: str) -> Iterator[str]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="uvdock-") as folder:
        path = Path(folder, name)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        yield str(path)


def compose_env(
    files: Sequence[Path], context: str | None, environ: Mapping[str, str], dotenv: Mapping[str, str]
) -> dict[str, str]:
    """The variables for Compose: the caller's, and ``UID``/``GID`` where its files use them and nobody set them.

    bash has both but exports neither. Root's own are left out where the file has a default of its own
    (``${UID:-1000}``), for an image cannot add a user with root's number.
    """
    env = dict(environ)
    if context is not None:
        env.pop("DOCKER_HOST", None)
    if not hasattr(os, "getuid"):
        return env
    content = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    for name, number in (("UID", os.getuid()), ("GID", os.getgid())):
        if env.get(name) or dotenv.get(name):
            continue
        references = [match["braced"] or "" for match in re.finditer(_REFERENCE % (name, name), content)]
        has_default = [rest.startswith((":-", "-")) for rest in references]
        if references and (number != 0 or not all(has_default)):
            env[name] = str(number)
    return env
