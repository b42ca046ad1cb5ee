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
#: The exit code of ssh for all that is its own matter, and of a shell for a program that is not there.
_OWN, _NO_PROGRAM = 255, 127

_begun: list[_Pipe] = []


class Ssh:
    """An engine behind ssh: each connection to it is an ssh process of its own.

    Args:
        address: ``ssh://[user@]host[:port][/path/of/the/socket]``.
        where: Where the address stands, for a person.
        ahead: How many connections are begun at once, for somebody to take when he is as far.

    Raises:
        UnreachableError: It is not such an address.
        UvdockError: There is no ssh program.
    """

    def __init__(self, address: str, where: str, *, ahead: int) -> None:
        self._argv, self._where = command(address, where), where
        self._ahead = [self._pipe() for _ in range(ahead)]

    def connected(self) -> socket.socket:
        """A connection at whose other end the engine answers.

        Raises:
            UnreachableError: It does not; with what ssh said.
        """
        try:
            pipe = self._ahead.pop()
        except IndexError:
            pipe = self._pipe()
        return pipe.connected()

    def _pipe(self) -> _Pipe:
        return _Pipe(self._argv, self._where)


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
        _begun[:] = [pipe for pipe in _begun if pipe.process.poll() is None]
        _begun.append(self)

    def connected(self) -> socket.socket:
        """The connection, once the engine answers at its other end; to be had once."""
        ours, self._ours = self._ours, None
        assert ours is not None
        ours.settimeout(_ASKED)
        content = b""
        try:
            ours.sendall(b"HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
            while not content.endswith(b"\r\n\r\n") and (part := ours.recv(4096)):
                content += part
        except TimeoutError as error:
            raise self._unreachable(f"no answer after {_ASKED} seconds") from error
        except OSError:
            content = b""
        if not content.startswith(b"HTTP/1."):
            ours.close()
            raise self._unreachable(content.decode("utf-8", "replace"))
        return ours

    def _unreachable(self, heard: str) -> UnreachableError:
        code = self._left(_LAST_WORDS)
        self.said.seek(0)
        said = self.said.read().decode("utf-8", "replace").strip() or heard or f"exit code {code}"
        if code == _OWN:
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
        if self._ours is not None or self.process.poll() is None:
            # Deaf to it in general; one that is asking something at the terminal puts that in order.
            self.process.terminate()

    def end(self) -> None:
        """See that it is gone."""
        if self._left(_LEAVING) is None:
            self.process.kill()
            self.process.wait()


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
