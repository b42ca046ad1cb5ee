"""A package index of its own for a test: wheels made on the fly, and whatever an index can do wrong."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: The form of PEP 691, the only one that tells when a file was uploaded.
_JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Release:
    """One release: what it needs, how old it is, whether it was withdrawn."""

    version: str
    requires: Sequence[str] = ()
    days: int = 400
    yanked: bool = False
    python: str = ""


@dataclass
class Index:
    """Packages by name; an ``int`` is the HTTP status that is all a package's page answers."""

    packages: dict[str, list[Release] | int] = field(default_factory=dict)
    password: str = ""
    asked: list[str] = field(default_factory=list)
    port: int = 0
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    #: uv's cache outlives an index, and another one may get its port.
    own: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.own}/simple"

    @property
    def table(self) -> str:
        """The part of a pyproject.toml that makes it the only index."""
        return f'[[tool.uv.index]]\nname = "local"\nurl = "{self.url}"\ndefault = true\n'

    def add(self, name: str, *releases: Release | str) -> None:
        self.packages[name] = [item if isinstance(item, Release) else Release(item) for item in releases]

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """The status, the type and the content for a path."""
        own, *parts = path.strip("/").split("/")
        if own != self.own or not parts:
            return 404, "text/plain", b""
        if parts[0] == "simple" and len(parts) == 2:
            found = self.packages.get(parts[1], 404)
            return (found, "text/plain", b"") if isinstance(found, int) else (200, _JSON, self._page(parts[1], found))
        if parts[0] == "files":
            name, version = parts[-1].split("-")[:2]
            releases = self.packages.get(name.replace("_", "-"))
            for release in releases if isinstance(releases, list) else []:
                if release.version == version:
                    made = _metadata(name, release) if path.endswith(".metadata") else wheel(name, release)
                    return 200, "application/octet-stream", made
        return 404, "text/plain", b""

    def _page(self, name: str, releases: Sequence[Release]) -> bytes:
        return json.dumps(
            {
                "meta": {"api-version": "1.1"},
                "name": name,
                "versions": [release.version for release in releases],
                "files": [self._file(name, release) for release in releases],
            }
        ).encode()

    def _file(self, name: str, release: Release) -> dict[str, object]:
        content = wheel(name, release)
        file = f"{name.replace('-', '_')}-{release.version}-py3-none-any.whl"
        uploaded = self.since - timedelta(days=release.days, hours=1)
        return {
            "filename": file,
            "url": f"http://127.0.0.1:{self.port}/{self.own}/files/{file}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            "upload-time": uploaded.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "requires-python": release.python or None,
            "yanked": "broken" if release.yanked else False,
            "core-metadata": True,
        }


def wheel(name: str, release: Release) -> bytes:
    """A wheel with one module that knows its version; the same bytes each time."""
    module = name.replace("-", "_")
    info = f"{module}-{release.version}.dist-info"
    files = {
        f"{module}.py": f"__version__ = {release.version!r}\n".encode(),
        f"{info}/METADATA": _metadata(name, release),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}\n")
    files[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"]).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return made.getvalue()


@contextmanager
def served() -> Iterator[Index]:
    """An index that answers while the block runs."""
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            status, kind, content = index.answer(self.path)
            if index.password and not _knows(self.headers.get("Authorization", ""), index.password):
                status, kind, content = 401, "text/plain", b""
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _knows(header: str, password: str) -> bool:
    return header == "Basic " + base64.b64encode(f"somebody:{password}".encode()).decode()


def _metadata(name: str, release: Release) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {release.version}"]
    lines += [f"Requires-Dist: {item}" for item in release.requires]
    lines += [f"Requires-Python: {release.python}"] if release.python else []
    return "\n".join([*lines, "", ""]).encode()
