"""The tasks of this repo: `inv --list` shows them."""

from uvdock import ns

__all__ = ["ns"]
