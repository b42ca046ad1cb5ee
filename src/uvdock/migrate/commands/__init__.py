"""Commands of pip, venv, Poetry and Pipenv in any shell text, and uv's in their place."""
