"""The engine's API, through the docker SDK: finding containers, files in and out, signals.

The SDK has no BuildKit and no Compose; those are `uvdock.engine.stack`.
"""

from __future__ import annotations

import json
import os
import re
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from uvdock import dry
from uvdock.engine import archive, endpoint
from uvdock.engine.digests import digests_of, identity_of, made_from
from uvdock.engine.exec_signals import GRACE, signalled
from uvdock.engine.failing import engine_errors
from uvdock.engine.readonly import ReadOnly
from uvdock.engine.stack import Bind
from uvdock.errors import EngineError
from uvdock.process import Output

_DIR = "com.docker.compose.project.working_dir"
_SERVICE = "com.docker.compose.service"
_ONEOFF = "com.docker.compose.oneoff"
#: The name the engine gives a volume that nobody named.
_UNNAMED = re.compile("[0-9a-f]{64}")
#: On every container uvdock makes through the API.
LABEL = "dev.uvdock.oneoff"
_NOT_FOUND = 404
#: Enough of an archive for its first entry, in bytes.
_HEADERS = 4096
#: How an engine's ping names BuildKit (https://docs.docker.com/reference/api/engine/version/v1.51/#tag/System).
_BUILDKIT = "2"
#: After how long a container that was started is looked at, seconds.
MOMENT = 1.0


@dataclass(frozen=True)
class Running:
    """A running container of a Compose service.

    Args:
        id: Its id.
        name: Its name.
        service: The service's name.
        made_from: A digest of the image it was made from, one of its `Engine.digests`.
    """

    id: str
    name: str
    service: str
    made_from: str


class Engine:
    """One Docker engine: the one of a named context, else the one the `docker` command would use.

    Args:
        context: A Docker context's name, or ``None`` for DOCKER_HOST, DOCKER_CONTEXT, or the current context.
    """

    def __init__(self, context: str | None = None) -> None:
        self.context = endpoint.context_name(context, os.environ)

    @cached_property
    def api(self) -> Any:
        """The SDK's low-level client, connected.

        Raises:
            UnreachableError: There is no engine, or it may not be used; says at which address.
        """
        from docker.errors import DockerException

        try:
            client = endpoint.client(self.context)
            answer = client.get(f"{client.base_url}/_ping")
            answer.raise_for_status()
            self._builder: str = answer.headers.get("Builder-Version", "")
        except (DockerException, OSError) as error:
            raise endpoint.unreachable(error, self.address) from error
        return ReadOnly(client) if dry.on() else client

    @property
    def has_buildkit(self) -> bool:
        """Whether it builds with BuildKit; Podman, which answers as Docker does, has none.

        Raises:
            UnreachableError: As `api`.
        """
        _ = self.api
        return self._builder == _BUILDKIT

    @property
    def platform(self) -> str:
        """What its images are for by default: ``linux/amd64``."""
        with engine_errors(self.address):
            found = self.api.version()
        return f"{found['Os']}/{found['Arch']}"

    @property
    def address(self) -> str:
        """Where the engine is, for a person."""
        return endpoint.describe(self.context, os.environ)

    def _url(self, path: str) -> str:
        """The address of a question that the SDK has no call for."""
        return f"{self.api.base_url}/v{self.api.api_version}{path}"

    def running(self, working_dir: str, service: str | None = None) -> list[Running]:
        """The running containers of a Compose project (not its one-offs), found by their labels.

        Raises:
            EngineError: The service is paused: nothing can be run in it.
        """
        labels = running_labels(working_dir, service)
        with engine_errors(self.address):
            found = self.api.containers(filters={"label": labels, "status": ["running", "paused"]})
        paused = [item["Names"][0].lstrip("/") for item in found if item["State"] == "paused"]
        if service is not None and paused and len(paused) == len(found):
            raise EngineError(
                f"{service} is paused", where=f"container {paused[0]}", fix=f"docker compose unpause {service}"
            )
        found = [item for item in found if item["State"] != "paused"]
        return sorted(
            (
                Running(item["Id"], item["Names"][0].lstrip("/"), item["Labels"][_SERVICE], made_from(item))
                for item in found
            ),
            key=lambda item: item.name,
        )

    def service_container(self, working_dir: str, service: str) -> dict[str, Any] | None:
        """The details of a service's container (not of a one-off), running or not; the running one of several."""
        from docker.errors import NotFound

        labels = [f"{_DIR}={working_dir}", f"{_SERVICE}={service}", f"{_ONEOFF}=False"]
        with engine_errors(self.address):
            found = self.api.containers(all=True, filters={"label": labels})
            found.sort(key=lambda item: (item["State"] != "running", item["Names"]))
            try:
                return dict(self.api.inspect_container(found[0]["Id"])) if found else None
            except NotFound:
                # It went between the two calls.
                return None

    def failed(self, working_dir: str) -> list[Running]:
        """The containers of a Compose project that are unhealthy, came to a bad end or begin again and again."""
        with engine_errors(self.address):
            found = self.api.containers(all=True, filters={"label": running_labels(working_dir)})
        return [
            Running(item["Id"], item["Names"][0].lstrip("/"), item["Labels"][_SERVICE], item["ImageID"])
            for item in sorted(found, key=lambda item: str(item["Names"][0]))
            if item["State"] in ("restarting", "dead")
            or (item["State"] == "exited" and "(0)" not in item["Status"])
            or "(unhealthy)" in item["Status"]
        ]

    def last_lines(self, container: str, count: int) -> list[str]:
        """The last lines a container printed, on either stream."""
        with engine_errors(container):
            content: bytes = self.api.logs(container, stdout=True, stderr=True, tail=count)
        return content.decode("utf-8", "replace").splitlines()

    def volumes(self) -> set[str]:
        """The names of the volumes there are."""
        with engine_errors(self.address):
            return {str(item["Name"]) for item in self.api.volumes().get("Volumes") or []}

    def volume_sizes(self) -> dict[str, int | None]:
        """The volumes there are, with their bytes where the engine knows them."""
        with engine_errors(self.address):
            # The SDK's own call looks at images and containers too, which takes seconds.
            found = self.api.get(self._url("/system/df"), params={"type": "volume"}).json().get("Volumes") or []
        sizes = {str(item["Name"]): (item.get("UsageData") or {}).get("Size", -1) for item in found}
        return {name: None if size < 0 else int(size) for name, size in sizes.items()}

    def holders(self, volume: str) -> list[str]:
        """The names of the containers that hold a volume, running or not."""
        with engine_errors(self.address):
            found = self.api.containers(all=True, filters={"volume": volume})
        return sorted(item["Names"][0].lstrip("/") for item in found)

    def remove_volume(self, name: str) -> None:
        """Remove a volume.

        Raises:
            EngineError: It is in use, or not there.
        """
        with engine_errors(name):
            self.api.remove_volume(name)

    def unnamed_volume_targets(self, container: str) -> list[PurePosixPath]:
        """Where a container has volumes that nobody named: they stay with its service when it is recreated."""
        mounts = [item for item in self.container(container).get("Mounts") or [] if item.get("Type") == "volume"]
        return [PurePosixPath(item["Destination"]) for item in mounts if _UNNAMED.fullmatch(str(item.get("Name")))]

    def unnamed_volumes(self, working_dir: str) -> set[str]:
        """The volumes without a name of their own that the containers of a Compose project hold."""
        with engine_errors(self.address):
            found = self.api.containers(all=True, filters={"label": [f"{_DIR}={working_dir}"]})
        mounts = [mount for item in found for mount in item.get("Mounts") or [] if mount.get("Type") == "volume"]
        return {str(mount["Name"]) for mount in mounts if _UNNAMED.fullmatch(str(mount.get("Name")))}

    def image_id(self, reference: str) -> str | None:
        """The id of an image, or ``None`` where the engine does not have it."""
        details = self.image(reference)
        return str(details["Id"]) if details else None

    def image(self, reference: str) -> dict[str, Any] | None:
        """An image's details as `docker image inspect` has them, or ``None``."""
        from docker.errors import ImageNotFound

        with engine_errors(reference):
            try:
                return dict(self.api.inspect_image(reference))
            except ImageNotFound:
                return None

    def digests(self, reference: str) -> frozenset[str]:
        """The digests by which a container may name an image as the one it was made from; see `digests_of`."""
        found = self._with_manifests(reference)
        return frozenset() if found is None else digests_of(found)

    def identity(self, reference: str) -> str | None:
        """What stands for all that an image has, see `identity_of`; ``None`` where the engine does not have it."""
        found = self._with_manifests(reference)
        return None if found is None else identity_of(found)

    def _with_manifests(self, reference: str) -> dict[str, Any] | None:
        with engine_errors(reference):
            # The SDK has no parameter for the manifests, which engines list since API 1.48.
            url = self._url(f"/images/{quote(reference, safe='/:@')}/json")
            answer = self.api.get(url, params={"manifests": "1"})
            if answer.status_code == _NOT_FOUND:
                return None
            answer.raise_for_status()
            return dict(answer.json())

    def history(self, reference: str) -> tuple[str, ...]:
        """How each layer of an image was made, the last one first, as `docker history --no-trunc` shows it."""
        with engine_errors(reference):
            return tuple(str(item.get("CreatedBy") or "") for item in self.api.history(reference))

    def container(self, container: str) -> dict[str, Any]:
        """A container's details as `docker inspect` has them."""
        with engine_errors(container):
            return dict(self.api.inspect_container(container))

    @contextmanager
    def created(self, image: str, **options: Any) -> Iterator[str]:
        """A container made from ``image`` and not started, removed afterwards whatever happens.

        ``options`` are the SDK's (`create_container`), and further ``volumes`` (each named volume's place in the
        container) and ``binds`` (`uvdock.engine.stack.Bind`; nothing writes there as long as nothing is started).
        """
        from docker.types import Mount

        mounts = [Mount(target, source) for source, target in options.pop("volumes", {}).items()]
        mounts += [
            Mount(str(bind.target), str(bind.source), type="bind", read_only=bind.read_only)
            for bind in options.pop("binds", [])
        ]
        with engine_errors(image):
            host = self.api.create_host_config(mounts=mounts, init=True)
            made = self.api.create_container(image, host_config=host, labels={LABEL: "true"}, **options)["Id"]
        try:
            yield made
        finally:
            with engine_errors(made):
                self.api.remove_container(made, force=True, v=True)

    def put(self, container: str, content: bytes, folder: str = "/") -> None:
        """Unpack an archive into a folder of a container, running or not."""
        with engine_errors(container):
            self.api.put_archive(container, folder, content)

    def get(self, container: str, path: PurePosixPath | str) -> dict[PurePosixPath, bytes] | None:
        """The files under ``path`` in a container, running or not; ``None`` where there is nothing."""
        found = self._archive(container, path)
        return None if found is None else archive.unpack(found)

    def owner(self, container: str, path: PurePosixPath) -> tuple[int, int] | None:
        """The numbers of the user and the group that own a file in a container; ``None`` where it is not there."""
        with engine_errors(f"{path} in {container[:12]}"):
            params = {"path": str(path)}
            # The rest of a folder may be gigabytes, and is not taken.
            with self.api.get(self._url(f"/containers/{container}/archive"), params=params, stream=True) as answer:
                if answer.status_code == _NOT_FOUND:
                    return None
                answer.raise_for_status()
                return archive.owner(answer.raw.read(_HEADERS))

    def _archive(self, container: str, path: PurePosixPath | str) -> bytes | None:
        from docker.errors import NotFound

        with engine_errors(f"{path} in {container[:12]}"):
            try:
                stream, _ = self.api.get_archive(container, str(path))
            except NotFound:
                return None
            return b"".join(stream)

    def read(self, container: str, path: PurePosixPath) -> bytes | None:
        """The bytes of one file in a container, links followed; ``None`` where it is not there."""
        found = self.get(container, path)
        return next(iter(found.values()), None) if found else None

    def exists(self, container: str, path: PurePosixPath | str) -> bool:
        """Whether ``path`` is there in a container, running or not; nothing is transferred."""
        return self._stat(container, path) is not None

    def modified(self, container: str, path: PurePosixPath) -> str | None:
        """When a path in a container was last changed, as the engine writes it; ``None`` where it is not there."""
        found = self._stat(container, path)
        return None if found is None else str(json.loads(b64decode(found))["mtime"])

    def _stat(self, container: str, path: PurePosixPath | str) -> str | None:
        with engine_errors(f"{path} in {container[:12]}"):
            # The SDK has no call for the archive's HEAD, which transfers nothing.
            answer = self.api.head(self._url(f"/containers/{container}/archive"), params={"path": str(path)})
            if answer.status_code == _NOT_FOUND:
                return None
            answer.raise_for_status()
            return str(answer.headers["X-Docker-Container-Path-Stat"])

    def which(self, container: str, program: str, path: str) -> str | None:
        """Where ``program`` is on the given PATH in a container, running or not."""
        for folder in path.split(":"):
            candidate = f"{folder or '.'}/{program}"
            if self.exists(container, candidate):
                return candidate
        return None

    def exec(
        self,
        container: str,
        argv: Sequence[str],
        *,
        user: str = "",
        workdir: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Output:
        """Run a command in a running container and collect what it prints."""
        with engine_errors(f"{argv[0]} in {container[:12]}"):
            made = self.api.exec_create(container, list(argv), user=user, workdir=workdir, environment=dict(env or {}))[
                "Id"
            ]
            out, err = self.api.exec_start(made, demux=True)
            code = self.api.exec_inspect(made)["ExitCode"]
        return Output(int(code), out or b"", err or b"")

    def signal_marked(self, container: str, mark: str, signum: int, user: str = "") -> bool:
        """Send a signal to the processes that carry ``mark``, and kill what is left after `GRACE`.

        Returns:
            Whether there were any.
        """
        from signal import Signals

        def code(argv: list[str]) -> int | None:
            with suppress(EngineError):
                return self.exec(container, argv, user=user).code
            return None

        return signalled(mark, Signals(signum).name.removeprefix("SIG"), code)

    def signal_container(self, container: str, signum: int) -> bool:
        """Send a signal to a one-off's process, and kill it when it is not gone after `GRACE`.

        Returns:
            Whether there was such a container, running.
        """
        from docker.errors import APIError, NotFound
        from requests.exceptions import RequestException

        try:
            self.api.kill(container, signal=signum)
            self.api.wait(container, timeout=GRACE)
        except NotFound:
            return False
        except (APIError, RequestException):
            try:
                self.api.kill(container, signal=9)
            except APIError:
                return False
        return True

    def restart(self, container: str) -> bool:
        """Stop and start a container; returns whether it still runs a moment later, without another start."""
        with engine_errors(container):
            # Not the engine's own restart: with the containerd image store (28.5) the container may lose its root
            # file system then, and nothing can be run in it any more.
            self.api.stop(container)
            self.api.start(container)
        started = self.container(container)["State"]["StartedAt"]
        time.sleep(MOMENT)
        state = self.container(container)["State"]
        return bool(state["Running"] and not state["Restarting"] and state["StartedAt"] == started)

    def remove(self, container: str) -> None:
        """Remove a container by force; nothing happens where there is none."""
        from docker.errors import APIError

        try:
            self.api.remove_container(container, force=True, v=True)
        except APIError:
            return

    def sees(self, image: str, folder: str, probe: str) -> bool:
        """Whether the engine sees this machine's ``folder``: a remote one does not.

        A container of ``image`` is made, not started, with the folder mounted; the file ``probe`` in it must be
        there and hold what it holds here.
        """
        bind = Bind(Path(folder), PurePosixPath("/uvdock/probe"), read_only=True)
        try:
            with self.created(image, command=["true"], binds=[bind]) as box:
                return self.read(box, bind.target / probe) == Path(folder, probe).read_bytes()
        except EngineError:
            # A folder that is not there cannot be mounted.
            return False

    @cached_property
    def security(self) -> list[str]:
        """The engine's security options, as `name=rootless`."""
        with engine_errors(self.address):
            return self.api.info().get("SecurityOptions") or []


def running_labels(working_dir: str, service: str | None = None) -> list[str]:
    """What labels the containers of a Compose project, or of one service of it, and not its one-offs."""
    labels = [f"{_DIR}={working_dir}", f"{_ONEOFF}=False"]
    return [*labels, *([f"{_SERVICE}={service}"] if service is not None else [])]


def environment(config: Mapping[str, object]) -> dict[str, str]:
    """The variables in what a container was made with."""
    lines = config.get("Env") or []
    assert isinstance(lines, list)
    return {name: value for name, _, value in (str(line).partition("=") for line in lines)}
