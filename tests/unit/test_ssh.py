"""Which ssh command an engine's address stands for: as `docker` takes the address apart."""

from __future__ import annotations

import pytest

from uvdock.engine import endpoint
from uvdock.engine.ssh import command
from uvdock.errors import UnreachableError

SSH = ["-o", "ConnectTimeout=30", "-T", "--"]
DIAL = "docker system dial-stdio"


@pytest.mark.parametrize(
    ("address", "options", "host", "there"),
    [
        ("ssh://host", [], "host", DIAL),
        ("ssh://host/", [], "host", DIAL),
        ("ssh://host:", [], "host", DIAL),
        ("ssh://@host", [], "host", DIAL),
        # What ~/.ssh/config calls a machine is not the same in small letters.
        ("ssh://Build-Box_2", [], "Build-Box_2", DIAL),
        ("ssh://me@host.example:2222", ["-l", "me", "-p", "2222"], "host.example", DIAL),
        ("ssh://me@corp@host", ["-l", "me@corp"], "host", DIAL),
        ("ssh://m%C3%A9@host", ["-l", "mé"], "host", DIAL),
        ("ssh://hö.example", [], "hö.example", DIAL),
        ("ssh://[::1]:22", ["-p", "22"], "::1", DIAL),
        ("ssh://[fe80::1%25eth0]", [], "fe80::1%eth0", DIAL),
        ("ssh://host/run/my.sock", [], "host", "docker --host=unix:///run/my.sock system dial-stdio"),
        ("ssh://host/run/my%20so;ck", [], "host", "docker '--host=unix:///run/my so;ck' system dial-stdio"),
        ("ssh://host/a$(b)", [], "host", "docker '--host=unix:///a$(b)' system dial-stdio"),
    ],
)
def test_an_address_is_a_command(address: str, options: list[str], host: str, there: str) -> None:
    assert command(address, "here") == ["ssh", *options, *SSH, host, there]


@pytest.mark.parametrize(
    "address",
    [
        "ssh://",
        "ssh:///run/docker.sock",
        "ssh://me@",
        "ssh:host",
        "ssh://host:port",
        "ssh://host:22:22",
        "ssh://host?x=1",
        "ssh://host#x",
        "ssh://me:secret@host",
        "ssh://me:@host",
        "ssh://::1",
        # Nothing of it may be an option of ssh, or more than a word to a shell that ssh's configuration starts.
        "ssh://-oProxyCommand=x",
        "ssh://-l@host",
        "ssh://%2Dl@host",
        "ssh://[-oProxyCommand=x]",
        "ssh://a;b",
        "ssh://a%20b@host",
        "ssh://a`b`@host",
        "ssh://$(b)",
        "ssh://host name",
        "ssh://me@host\n",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UnreachableError) as raised:
        command(address, "here")

    assert raised.value.where == "here"
    assert "secret" not in raised.value.what + raised.value.fix


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        ("unix:///run/docker.sock", "/run/docker.sock"),
        ("ssh://me@host", "ssh://me@host"),
        ("tcp://127.0.0.1:2375", ""),
        ("", "/var/run/docker.sock"),
    ],
)
def test_who_has_no_sdk_reaches_sockets_and_ssh(host: str, direct: str) -> None:
    assert endpoint.direct(None, {"DOCKER_HOST": host}) == direct
