"""Invoke by hand, doing the same call."""

from invoke.context import Context
from invoke.tasks import task


@task
def uv(c: Context) -> None:
    """Run uv in the service."""
    c.run(f"docker compose exec -T web uv {c.remainder}")
