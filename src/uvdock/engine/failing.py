"""What the docker SDK raises, as an error for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from uvdock.errors import EngineError


@contextmanager
def engine_errors(where: str) -> Iterator[None]:
    """Turn what the SDK raises into an error for a person.

    Args:
        where: What was being worked on.

    Raises:
        EngineError: Instead of any error of the SDK.
    """
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        from docker.errors import APIError, DockerException
        from requests.exceptions import ConnectionError as RequestConnectionError
        from requests.exceptions import RequestException, Timeout

        if not isinstance(error, (DockerException, RequestException)):
            raise
        if isinstance(error, (Timeout, RequestConnectionError)):
            what, fix = f"the Docker engine does not answer any more: {str(error)[:300]}", "see that it runs"
            raise EngineError(what, where=where, fix=f"{fix}, then run it again") from error
        text = str(error.explanation or error) if isinstance(error, APIError) else str(error)
        raise EngineError(
            f"the engine refused: {text[:300]}", where=where, fix="correct what it names, then run it again"
        ) from error
