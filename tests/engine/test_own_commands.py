"""A repo's own commands in the reference stack's containers: services, users, one-offs, variables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.conftest import Stack

pytestmark = pytest.mark.engine

#: They follow those that the stack has, in the last table of its pyproject.toml.
COMMANDS = """
flask = {run = "flask --app hello.app:create_app", help = "The app's own CLI."}
psql = {service = "postgres", run = "psql -U ${POSTGRES_USER} ${POSTGRES_DB}"}
keys = {service = "redis", run = "redis-cli --raw"}
whoami = {run = "id -un", user = "root"}
alone = {run = "hostname", one_off = true}
together = "hostname"
token = {run = "printenv TOKEN", env = ["TOKEN"]}
here = {run = "uname -n", backend = "host"}
quality = {steps = ["together", "whoami"], parallel = true}
"""


def test_commands_of_the_flask_stack(reference: Callable[[str, str], Stack]) -> None:
    stack = reference("flask", ".")
    stack.inv("deps.install")
    (stack.root / ".env").write_text((stack.root / ".env.example").read_text().replace("WEB_PORT=8000", "WEB_PORT=0"))
    with stack.pyproject.open("a") as file:
        file.write(COMMANDS)
    stack.up()

    assert "/up" in stack.uvdock("flask", "routes").out
    assert stack.uvdock("psql", "-qtAc", "select 'a b' || current_user").out == "a bhello\n"
    assert stack.inv("psql", "--", "-qtA", "-c", "create table kept (n int); insert into kept values (7)").code == 0
    assert stack.uvdock("psql", "-qtA", stdin=b"select n from kept").out == "7\n"
    assert stack.uvdock("keys", "set", "a key", "a value").out == "OK\n"
    assert stack.uvdock("keys", "get", "a key").out == "a value\n"
    assert stack.uvdock("whoami").out == "root\n"

    container = stack.in_container("hostname")
    assert stack.uvdock("together").out.strip() == container
    assert stack.uvdock("alone").out.strip() != container
    stack.program.env["TOKEN"] = "t0k3n"
    assert stack.uvdock("token").out == "t0k3n\n"
    assert stack.uvdock("here").out.strip() != container
    shown = stack.uvdock("quality").out.splitlines()
    assert sorted(shown) == sorted([f"together │ {container}", "whoami   │ root"])
