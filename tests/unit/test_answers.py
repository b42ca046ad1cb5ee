"""An engine that fails in the middle: what it did not say is not taken for an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from uvdock.engine.api import Engine
from uvdock.errors import EngineError
from uvdock.tasks import base
from uvdock.ui import console


class Failing(BaseHTTPRequestHandler):
    """Knows its version, has no path ``/none``, and fails at everything else."""

    def do_GET(self) -> None:
        if self.path.endswith(("/_ping", "/version")):
            self._answer(200, b'{"ApiVersion": "1.51"}' if "version" in self.path else b"OK")
        else:
            self._answer(404 if "none" in self.path else 500, b'{"message": "it broke"}')

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, code: int, content: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{made.server_port}")
        yield made
        made.shutdown()


@pytest.mark.usefixtures("server")
def test_a_failure_is_no_answer() -> None:
    engine = Engine()
    assert engine.exists("c", "/none") is False
    assert engine.digests("none") == frozenset()
    for ask in (
        lambda: engine.exists("c", "/usr/bin/uv"),
        lambda: engine.which("c", "uv", "/usr/bin"),
        lambda: engine.digests("app-web"),
    ):
        with pytest.raises(EngineError) as caught:
            ask()
        assert "500" in caught.value.what


def test_an_engine_that_goes_away_has_refused_nothing(server: ThreadingHTTPServer) -> None:
    engine = Engine()
    assert engine.exists("c", "/none") is False
    server.shutdown()
    server.server_close()
    engine.api.close()
    with pytest.raises(EngineError) as caught:
        engine.running("/app")
    assert "does not answer any more" in caught.value.what
    assert "refused:" not in caught.value.what.partition(":")[0]


def test_a_task_that_was_stopped_promises_nothing_of_files(capsys: pytest.CaptureFixture[str]) -> None:
    def body() -> int:
        raise KeyboardInterrupt

    assert base.guarded(body, "cmd") == 130
    assert capsys.readouterr().err == "error: stopped\n   at: cmd\n next: run it again\n"


@pytest.mark.parametrize(("code", "mark"), [(0, "✔"), (console.LEFT_OUT, "–"), (1, "✘"), (130, "✘")])
def test_the_mark_of_a_step(code: int, mark: str, capsys: pytest.CaptureFixture[str]) -> None:
    with console.step("sync") as step:
        step.code = code
    assert capsys.readouterr().err.splitlines()[1].startswith(f"{mark} sync (")
