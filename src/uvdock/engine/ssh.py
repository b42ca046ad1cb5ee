"""An engine on another machine, reached as `docker` reaches it: ``docker system dial-stdio`` there, by the ssh program.

So ssh's own configuration counts: hosts, keys, agents, machines in between. What ssh is called with is what `docker`
calls it with (https://github.com/docker/cli/tree/master/cli/connhelper), but that it may ask at the terminal.
"""

from __future__ import annotations

import atexit
import re
import shlex
import socket
import tempfile
import time
import weakref
from contextlib import suppress
from threading import Lock

from uvdock import process
from uvdock.errors import UnreachableError

_ADDRESS = re.compile(
    r"ssh://(?:(?P<user>[^/?#]*)@)?(?P<host>\[[^][@/?#]+]|[^][:@/?#]+)(?::(?P<port>\d*))?(?P<path>/[^?#]*)?"
)
#: What a shell would take for more than a name: ssh's configuration may hand the host and the user to one.
_SHELL = re.compile(r"""[\s"'`$;&<>|(){}*?\\]|^-""")
_TIMEOUT = "ConnectTimeout=30"
#: How long a person may take to answer what ssh asks, seconds; ssh itself gives up a machine that does not answer.
_ASKED = 300
#: How long ssh has for its last words, and for leaving, seconds.
_LAST_WORDS, _LEAVING = 5.0, 1.0
#: How an engine's answer begins.
_ANSWER = b"HTTP/1."
#: The exit code of ssh for all that is its own matter, and of a shell for a program that is not there.
_OWN, _NO_PROGRAM = 255, 127

_begun: list[_Pipe] = []
_lock = Lock()


class Ssh:
    """An engine behind ssh: each connection to it is an ssh process of its own.

    Args:
        address: ``ssh://[user@]host[:port][/path/of/the/socket]``.
        where: Where the address stands, for a person.
        two: Whether two connections are begun at once, or one, before they are asked for.

    Raises:
        UnreachableError: It is not such an address.
        UvdockError: There is no ssh program.
    """

    def __init__(self, address: str, where: str, *, two: bool = False) -> None:
        self._argv, self._where = command(address, where), where
        self._first: list[_Pipe] = [_Pipe(self._argv, where)]
        # Two cannot ask at the same terminal, so the second asks nothing.
        silent = [self._argv[0], "-o", "BatchMode=yes", *self._argv[1:]]
        self._second: list[_Pipe] = [_Pipe(silent, where)] if two else []

    def connected(self) -> socket.socket:
        """A connection at whose other end the engine answers.

        Raises:
            UnreachableError: It does not; with what ssh said.
        """
        with suppress(IndexError):
            return self._first.pop().connected()
        with suppress(IndexError, UnreachableError):
            return self._second.pop().connected()
        return _Pipe(self._argv, self._where).connected()


class _Pipe:
    def __init__(self, argv: list[str], where: str) -> None:
        self.where = where
        # Without the command that it runs there, and without what only that needs.
        self.login = [word for word in argv[:-1] if word not in ("-o", _TIMEOUT, "-T", "--")]
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - ssh writes there as long as it lives
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = process.piped(argv, theirs, self.said)
        self._ours: socket.socket | None = ours
        # Whoever drops the socket closes it, and ssh leaves when it is closed.
        self._seen = weakref.ref(ours)
        with _lock:
            for gone in [pipe for pipe in _begun if pipe.process.poll() is not None]:
                gone.end()
                _begun.remove(gone)
            _begun.append(self)

    def connected(self) -> socket.socket:
        """The connection, once the engine answers at its other end; to be had once."""
        ours, self._ours = self._ours, None
        assert ours is not None
        ours.settimeout(_ASKED)
        content = b""
        # How it ended, ssh says better.
        with suppress(OSError):
            ours.sendall(b"HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
            while _ANSWER.startswith(content[: len(_ANSWER)]) and not content.endswith(b"\r\n\r\n"):
                part = ours.recv(4096)
                if not part:
                    break
                content += part
        if content.startswith(_ANSWER):
            return ours
        ours.close()
        raise self._unreachable(content.decode("utf-8", "replace").strip())

    def _unreachable(self, heard: str) -> UnreachableError:
        code = None if heard else self._left(_LAST_WORDS)
        self.said.seek(0)
        said = self.said.read().decode("utf-8", "replace").strip() or "there is no answer"
        if heard:
            said, fix = f"the login there prints {heard!r}", "let its shell print nothing where there is no terminal"
        elif code == _OWN:
            fix = f"see that `{shlex.join(self.login)}` logs in: correct the address, the key or ~/.ssh/config"
        elif code == _NO_PROGRAM:
            fix = "install docker there, where a login by ssh finds it on PATH"
        else:
            fix = "start Docker there, and see that whoever logs in may use it"
        return UnreachableError(f"the Docker engine cannot be reached by ssh: {said[-300:]}", where=self.where, fix=fix)

    def _left(self, seconds: float) -> int | None:
        """The exit code; ``None`` where it has not left by then."""
        deadline = time.monotonic() + seconds
        while (code := self.process.poll()) is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return code

    def hang_up(self) -> None:
        """Close the connection whoever holds it: ssh leaves then."""
        held = self._seen()
        if held is not None:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """See that it is gone."""
        deadline = time.monotonic() + _LEAVING
        while self._left(0.02) is None and time.monotonic() < deadline:
            # Deaf to it but while it asks at the terminal, which it puts in order then.
            self.process.terminate()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.said.close()


def command(address: str, where: str) -> list[str]:
    """The command that connects its standard input and output with an engine.

    Args:
        address: ``ssh://[user@]host[:port][/path/of/the/socket]``.
        where: Where the address stands, for a person.

    Raises:
        UnreachableError: It is not such an address.
    """
    found = _ADDRESS.fullmatch(address)
    user, host, path = (_plain(found[name] or "") if found else "" for name in ("user", "host", "path"))
    host = host.strip("[]")
    if found is None or ":" in user or not host or _SHELL.search(user) or _SHELL.search(host):
        raise UnreachableError(
            "the Docker engine's ssh address is not one"
            + (": it has a password, which ssh takes from nowhere but the terminal" if ":" in user else ""),
            where=where,
            fix="ssh://[user@]host[:port][/path/of/the/socket]; what else ssh is to know, write into ~/.ssh/config",
        )
    options = [*(["-l", user] if user else []), *(["-p", found["port"]] if found["port"] else [])]
    at = [f"--host=unix://{path}"] if path.strip("/") else []
    there = shlex.join(["docker", *at, "system", "dial-stdio"])
    return ["ssh", *options, "-o", _TIMEOUT, "-T", "--", host, there]


def _plain(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


@atexit.register
def _end() -> None:
    for pipe in _begun:
        pipe.hang_up()
    for pipe in _begun:
        pipe.end()
