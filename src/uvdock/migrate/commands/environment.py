"""The environment variables of pip, and uv's in their place."""

from __future__ import annotations

import re

from uvdock.migrate.discover.options import is_pypi
from uvdock.migrate.model import RepoFacts

#: What uv does anyway, or needs not.
_NOTHING = frozenset(
    f"PIP_{name}"
    for name in """
    BREAK_SYSTEM_PACKAGES CACHE_DIR COMPILE DISABLE_PIP_VERSION_CHECK EXISTS_ACTION NO_CACHE NO_CACHE_DIR
    NO_COLOR NO_COMPILE NO_INPUT NO_PYTHON_VERSION_WARNING NO_WARN_CONFLICTS NO_WARN_SCRIPT_LOCATION PREFER_BINARY PRE
    PROGRESS_BAR QUIET REQUIRE_HASHES REQUIRE_VIRTUALENV ROOT_USER_ACTION SRC UPGRADE UPGRADE_STRATEGY USER
    USE_DEPRECATED USE_FEATURE USE_PEP517 VERSION YES
    """.split()  # noqa: SIM905 - quoted words would be harder to read
)
_RENAMED = {
    "PIP_CERT": "SSL_CERT_FILE",
    "PIP_CLIENT_CERT": "SSL_CLIENT_CERT",
    "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT",
    "PIP_KEYRING_PROVIDER": "UV_KEYRING_PROVIDER",
    "PIP_RETRIES": "UV_HTTP_RETRIES",
    "PIP_TIMEOUT": "UV_HTTP_TIMEOUT",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
}
_NOT = {
    "PIP_NO_BINARY": ("UV_NO_BINARY", "UV_NO_BINARY_PACKAGE"),
    "PIP_ONLY_BINARY": ("UV_NO_BUILD", "UV_NO_BUILD_PACKAGE"),
}
#: What a shell tells pip before it is called, and what tells uv the same.
INDEX_VARIABLES = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}
_INDEXES = tuple(INDEX_VARIABLES)
#: The variables of pip that uv has under another name.
NAMES = {
    **INDEX_VARIABLES,
    **_RENAMED,
    "PIP_CONSTRAINT": "UV_CONSTRAINT, or constraint-dependencies in [tool.uv]",
    "PIP_NO_CACHE_DIR": "UV_NO_CACHE",
}


def instead(name: str, value: str, facts: RepoFacts) -> str | None:
    """What takes the place of one of pip's variables; nothing when none does, ``None`` when nobody can tell."""
    if name in _NOTHING or name.startswith(("POETRY_", "PIPENV_")):
        return ""
    if name == "PIP_CONSTRAINT":
        known = value and all(any(path.name == one.rpartition("/")[2] for path in facts.files) for one in value.split())
        return "" if known else None
    if name in _INDEXES:
        return "" if is_known_index(value, facts) else None
    if not value:
        return None
    if name in _NOT:
        return _packages(name, value)
    quoted = f'"{value}"' if re.search(r"\s", value) else value
    return f"{_RENAMED[name]}={quoted}" if name in _RENAMED else None


def is_known_index(url: str, facts: RepoFacts) -> bool:
    """Whether the lock takes from an index: the one that pip and uv use anyway, or one that the repo's files name."""
    if is_pypi(url):
        return True
    texts = (text for path, text in facts.files.items() if path.suffix in (".txt", ".in", ".toml", ".cfg"))
    return bool(url) and "$" not in url and any(url.rstrip("/") in text for text in texts)


def _packages(name: str, value: str) -> str:
    every, some = _NOT[name]
    names = value.replace(",", " ").split()
    if ":none:" in names:
        return ""
    if ":all:" in names:
        return f"{every}=1"
    return f'{some}="{" ".join(names)}"' if len(names) > 1 else f"{some}={value}"


def advice(name: str) -> str:
    """What to write instead of a variable that stays."""
    if name in _INDEXES:
        return "`[[tool.uv.index]]` in pyproject.toml; credentials in UV_INDEX_NAME_USERNAME and UV_INDEX_NAME_PASSWORD"
    return "an option of uv, see https://docs.astral.sh/uv/reference/environment/"
