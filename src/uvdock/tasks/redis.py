"""The task on Redis or Valkey: its own client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvdock.tasks.base import passed, task
from uvdock.tasks.separator import PassthroughTask
from uvdock.tasks.stack import open_stack

if TYPE_CHECKING:
    from invoke.context import Context


@task(
    "redis.cli",
    examples=["redis.cli", "redis.cli -- get KEY"],
    quiet=True,
    klass=PassthroughTask,
    usage="[COMMAND…]",
    help={"service": "The Redis service, where there are several."},
)
def cli(c: Context, service: str = "") -> int:
    """Run redis-cli in the Redis service."""
    from uvdock.backends.database import find_redis
    from uvdock.backends.running import RunningService
    from uvdock.services import database

    stack, engine, tty = open_stack(c)
    running = RunningService(engine, stack, find_redis(stack, service), tty)
    secrets = {"REDISCLI_AUTH": database.redis_password(running.environment, running.command)}
    return running.run([*database.first_of("redis-cli", "valkey-cli"), *passed(c)], secrets=secrets)
