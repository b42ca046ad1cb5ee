"""The tasks of this app: `inv --list` shows them."""

from uvdock import ns

__all__ = ["ns"]
