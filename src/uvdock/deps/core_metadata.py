"""What locked packages ask of each other: their requirements, which no lock records.

Most indexes serve the metadata of a wheel beside it (PEP 658), and the lock knows where the wheel is. Of the others,
and of those that want a password, uv gets the wheel, most often from its cache.
"""

from __future__ import annotations

import email.parser
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from uvdock.deps import metadata_cache

#: Seconds to wait for one answer, and how many are asked at a time.
_PATIENCE = 15
_AT_ONCE = 8
#: Bytes of a wheel that is worth fetching for its metadata.
_SMALL = 20_000_000


def requirements(
    packages: Iterable[Mapping[str, Any]], metadata: Callable[[list[str]], Iterable[str]]
) -> dict[tuple[str, str], tuple[Requirement, ...]]:
    """What each package requires.

    Args:
        packages: Entries of a lock.
        metadata: Gives the metadata of some pinned packages (``flask==3.1.3``), by uv.

    Returns:
        The requirements by name and version; a package that nobody could tell of is missing. What the lock says
        itself, of the workspace's members, counts.
    """
    listed = {(item["name"], item.get("version", "")): item for item in packages}
    known = metadata_cache.read() if listed else {}
    found = {key: _said(item, known) for key, item in listed.items()}
    asking = [key for key, asked in found.items() if asked is None]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found.update(zip(asking, pool.map(_from_index, (listed[key] for key in asking)), strict=True))
    missing = [key for key in asking if found[key] is None and _small(listed[key])]
    if missing:
        for text in metadata([f"{name}=={version}" for name, version in missing]):
            headers = email.parser.HeaderParser().parsestr(text)
            found[canonicalize_name(headers["Name"]), headers["Version"]] = tuple(_parsed(text))
    new = {_hash(listed[key]): [str(item) for item in asked] for key in asking if (asked := found[key]) is not None}
    new.pop("", None)
    if new:
        metadata_cache.add(new)
    return {key: asked for key, asked in found.items() if asked is not None}


def on(name: str, asked: Iterable[Requirement]) -> list[Requirement]:
    """Those of some requirements that are about one package."""
    return [item for item in asked if canonicalize_name(item.name) == name]


def _small(package: Mapping[str, Any]) -> bool:
    """Whether it is a wheel that may be fetched only to be read."""
    wheels = package.get("wheels", [])
    return bool(wheels) and all(wheel.get("size", 0) < _SMALL for wheel in wheels)


def _said(package: Mapping[str, Any], known: Mapping[str, Sequence[str]]) -> tuple[Requirement, ...] | None:
    """What the lock itself says of a member of the workspace, or what is remembered of a release."""
    if (said := package.get("metadata")) is not None and "registry" not in package.get("source", {}):
        return tuple(_from_lock(said))
    lines = known.get(_hash(package) or "-")
    return None if lines is None else tuple(_read(lines))


def _hash(package: Mapping[str, Any]) -> str:
    """The hash of a release's first wheel: each wheel of a release is taken to require the same, as uv takes it."""
    return next((str(wheel["hash"]) for wheel in package.get("wheels", []) if wheel.get("hash")), "")


def _from_index(package: Mapping[str, Any]) -> tuple[Requirement, ...] | None:
    url = next((wheel["url"] for wheel in package.get("wheels", []) if wheel.get("url", "").startswith("https://")), "")
    if not url:
        return None
    request = urllib.request.Request(f"{url}.metadata", headers={"User-Agent": "uvdock"})  # noqa: S310 - https only
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - https only
            return tuple(_parsed(answer.read().decode("utf-8", "replace")))
    except (urllib.error.URLError, TimeoutError, OSError):
        return None


def _parsed(text: str) -> Iterator[Requirement]:
    # The format is that of mail headers: https://packaging.python.org/en/latest/specifications/core-metadata/
    yield from _read(email.parser.HeaderParser().parsestr(text).get_all("Requires-Dist") or [])


def _read(lines: Iterable[str]) -> Iterator[Requirement]:
    for line in lines:
        try:
            yield Requirement(line)
        except InvalidRequirement:
            continue


def _from_lock(metadata: Mapping[str, Any]) -> Iterator[Requirement]:
    lists = [metadata.get("requires-dist", []), *metadata.get("requires-dev", {}).values()]
    for item in (item for entries in lists for item in entries):
        extras = f"[{','.join(item['extras'])}]" if item.get("extras") else ""
        marker = f" ; {item['marker']}" if item.get("marker") else ""
        try:
            yield Requirement(f"{item['name']}{extras}{item.get('specifier', '')}{marker}")
        except InvalidRequirement:
            continue
