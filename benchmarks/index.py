"""A package index with as many packages as are asked for, each with an old and a new release."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_RELEASES = ("1.0", "2.0")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        if parts[0] == "simple":
            name = parts[1].replace("-", "_")
            files = [
                {
                    "filename": f"{name}-{release}-py3-none-any.whl",
                    "url": f"/files/{name}-{release}-py3-none-any.whl",
                    "hashes": {"sha256": "0" * 64},
                    "core-metadata": True,
                }
                for release in _RELEASES
            ]
            content = json.dumps({"meta": {"api-version": "1.1"}, "name": parts[1], "files": files}).encode()
            self._answer(content, "application/vnd.pypi.simple.v1+json")
        else:
            name, release = parts[1].split("-")[:2]
            self._answer(f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n".encode(), "text/plain")

    def _answer(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        # As PyPI does it: what is fresh enough is not asked for again.
        self.send_header("Cache-Control", "max-age=600, public")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served() -> Iterator[str]:
    """The address of the index while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def project(folder: Path, packages: int, address: str) -> Path:
    """A project with that many direct dependencies, each behind its newest release."""
    folder.mkdir()
    listed = "".join(f'  "package-{number}==1.0",\n' for number in range(packages))
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [\n{listed}]\n'
        f'[[tool.uv.index]]\nname = "own"\nurl = "{address}"\ndefault = true\n'
    )
    return folder
