"""What an image has of Python: the packages of each environment, and what its command's Python can import."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

#: Prints the packages of every environment by the folders that installers leave: any Python can read them.
PACKAGES = r"""
import os, json
found, needs = {}, {}
def read(*parts):
    try:
        with open(os.path.join(*parts), encoding="utf-8") as text:
            return text.read().partition("\n\n")[0].splitlines()
    except (OSError, UnicodeDecodeError):
        return []
for top, folders, files in os.walk("/"):
    if top == "/":
        folders[:] = [name for name in folders if name not in ("proc", "sys", "dev")]
    if os.path.basename(top) in ("site-packages", "dist-packages"):
        mine = found[top] = [name for name in folders + files if name.endswith((".dist-info", ".egg-info"))]
        for name in folders:
            lines = read(top, name, "METADATA")
            needs[name] = [line[15:] for line in lines if line.startswith("Requires-Dist: ") and "extra ==" not in line]
        # Of what an older pip installs editable, only a link is here.
        for where in (line for name in files if name.endswith(".egg-link") for line in read(top, name)[:1]):
            for name in os.listdir(where) if os.path.isdir(where) else ():
                says = [line[9:] for line in read(where, name, "PKG-INFO") if line.startswith("Version: ")]
                mine += [name[:-9] + "-" + says[0] + ".egg-info"] if says and name.endswith(".egg-info") else []
        folders[:] = []
print(json.dumps({"found": found, "needs": needs}))
"""
#: Prints what a Python has, and which modules it imports: those that it is given, else all that its packages bring.
_IMPORTS = r"""
import importlib, json, sys
from importlib import metadata
wanted, packages, modules = json.loads(sys.argv[1]), {}, {}
for one in metadata.distributions():
    name = one.metadata["Name"]
    if name and name not in packages:
        packages[name] = one.version
        modules.update(dict.fromkeys((one.read_text("top_level.txt") or "").split(), name))
for module, names in getattr(metadata, "packages_distributions", dict)().items():
    modules.setdefault(module, names[0])
imports = {}
for module in sorted(modules if wanted is None else wanted):
    try:
        importlib.import_module(module)
    except BaseException:
        continue
    imports[module] = modules.get(module, "")
print("\n" + json.dumps({"packages": packages, "imports": imports}))
"""
#: Runs that by the Python of the image's command: the first of its programs that is Python or a script of it, else the
#: one on PATH.
COMMAND = r"""
import json, os, re, shutil, subprocess, sys
asked = json.loads(sys.argv[1])
def interpreter():
    for word in asked["words"]:
        for part in re.split(r"[\s;&|()]+", word):
            path = shutil.which(part) if part else None
            if path and re.match(r"python[\d.]*$", os.path.basename(path)):
                return path
            if path:
                with open(path, "rb") as file:
                    head = b" ".join(file.read(500).splitlines()[:2]) if file.read(2) == b"#!" else b""
                for name in re.findall(r"[^\s'\"]*python[\d.]*", head.decode("utf-8", "replace")):
                    if shutil.which(name):
                        return shutil.which(name)
    return shutil.which("python3") or shutil.which("python") or sys.executable
argv = [interpreter(), "-c", asked["script"], json.dumps(asked["modules"])]
done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=300)
print(done.stdout.decode("utf-8", "replace").strip().splitlines()[-1] if done.returncode == 0 else "")
"""


@dataclass(frozen=True)
class ImageContents:
    """What an image has of Python.

    Args:
        environments: The version of each package by the folder that it is in (``…/site-packages``).
        command: The same for the Python of the image's command, wherever that has them from.
        imports: The modules that this Python imports, each with its package.
        needs: The packages that each package needs, extras apart.
    """

    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    command: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, packages: str, command: str) -> ImageContents:
        """What `PACKAGES` and `COMMAND` printed; the second may be nothing, where that Python is too old to say."""
        found = json.loads(packages)
        told = json.loads(command) if command.strip() else {"packages": {}, "imports": {}}
        return cls(
            {folder: named(names) for folder, names in found["found"].items()},
            {canonicalize_name(name): version for name, version in told["packages"].items()},
            {module: canonicalize_name(name) for module, name in told["imports"].items()},
            needed(found["needs"]),
        )

    @property
    def packages(self) -> dict[str, str]:
        """The version of each package in the image; several, in order, where its environments differ."""
        found: dict[str, set[str]] = {}
        for environment in self.environments.values():
            for name, version in environment.items():
                found.setdefault(name, set()).update(version.split(", "))
        return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def question(words: Sequence[str], modules: Sequence[str] | None) -> str:
    """The argument of `COMMAND`.

    Args:
        words: The command of the image, with its entry point.
        modules: What is to be imported; all that the packages bring by default.
    """
    return json.dumps({"words": words, "modules": modules, "script": _IMPORTS})


def named(folders: Iterable[str]) -> dict[str, str]:
    """Package names and versions, from the names of the folders that installers leave: ``Flask-3.0.0.dist-info``."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        name, dash, rest = folder.rpartition(".")[0].partition("-")
        version = re.sub(r"-py\d.*", "", rest) if dash else ""
        found.setdefault(canonicalize_name(name), set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def needed(metadata: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """What each package needs, from the requirements in the metadata of those folders; extras apart."""
    found: dict[str, frozenset[str]] = {}
    for folder, requirements in metadata.items():
        names = (match[0] for line in requirements if (match := re.match(r"[\w.-]+", line)))
        plain = frozenset(canonicalize_name(name) for name in names)
        for name in named([folder]):
            found[name] = found.get(name, frozenset()) | plain
    return found
