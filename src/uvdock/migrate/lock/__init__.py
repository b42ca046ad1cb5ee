"""From what a repo asks for to its pyproject.toml and uv.lock, with the versions it had."""
