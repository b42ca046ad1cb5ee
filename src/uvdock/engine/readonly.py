"""The engine's API in a dry run: it answers questions, and refuses whatever would make or change something."""

from __future__ import annotations

from typing import Any

from uvdock.errors import NotKnownYetError

#: What of the SDK's low-level client only asks, or asks nobody.
_ASKING = frozenset(
    {
        *("api_version", "base_url", "get", "head", "info", "ping"),
        *("containers", "create_host_config", "inspect_container", "logs", "get_archive"),
        *("history", "inspect_image", "volumes"),
    }
)


class ReadOnly:
    """The SDK's low-level client, as far as it only asks.

    Args:
        api: The client.
    """

    def __init__(self, api: Any) -> None:
        self._api = api

    def __getattr__(self, name: str) -> Any:
        """An attribute of the client.

        Raises:
            NotKnownYetError: It does more than ask.
        """
        if name not in _ASKING:
            raise NotKnownYetError(
                "what follows is known only by working in a container, and --dry makes and uses none"
            )
        return getattr(self._api, name)
