"""nox, doing the same call."""

import nox


@nox.session(python=False)
def uv(session: nox.Session) -> None:
    """Run uv in the service."""
    session.run("docker", "compose", "exec", "-T", "web", "uv", *session.posargs, external=True)
