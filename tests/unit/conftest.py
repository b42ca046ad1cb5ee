"""Generated examples are judged by what they show, not by how long a busy machine takes for them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
