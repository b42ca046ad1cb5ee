"""Rules on which uv is used where, and on the names of its variables.

Each function's docstring is the rule's page: see `uvdock.doctor.model.Rule`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from uvdock.doctor.build import Build, is_uv_image
from uvdock.doctor.facts import Facts, Yaml, uv_table
from uvdock.doctor.model import Hit
from uvdock.doctor.variables import KNOWN, PATTERNS
from uvdock.formats.dockerfile.expansion import expand
from uvdock.formats.dockerfile.stages import Step
from uvdock.formats.image import tag_of
from uvdock.formats.shell.invocations import invocations
from uvdock.formats.yaml import Value

_EXACT = re.compile(r"uv(?:\[[\w,-]*\])?\s*(?P<how>===?|~=|<)\s*(?P<version>\d[\w.]*)")
HOST = "uv on this machine"


@dataclass(frozen=True)
class UvPin:
    """A place that says which uv it wants; ``version`` is empty where it takes whatever is newest."""

    file: str
    line: int | None
    version: str
    written: str


def unpinned_uv(facts: Facts) -> Iterator[Hit]:
    """uv without a version, in a Dockerfile or in CI.

    A build of the same commit gets another uv tomorrow, and a new uv may write the lock in another form or read a
    setting in another way.

    ```dockerfile
    COPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/
    ```

    Fix: `ghcr.io/astral-sh/uv:0.13.8`, `pip install uv==0.13.8`, `https://astral.sh/uv/0.13.8/install.sh`; in a
    workflow `version: "0.13.8"` of setup-uv, or `required-version` in `[tool.uv]`, which setup-uv reads.

    Source: [uv in Docker, installing
    uv](https://docs.astral.sh/uv/guides/integration/docker/#installing-uv),
    [setup-uv](https://github.com/astral-sh/setup-uv#install-a-required-version-or-latest-default).
    """
    fix = "name a version" + (f", such as this machine's: {facts.host_uv}" if facts.host_uv else "")
    for pin in _pins(facts):
        if not pin.version:
            yield Hit(pin.file, pin.line, f"uv has no version here: {pin.written}", fix)


def uv_versions_differ(facts: Facts) -> Iterator[Hit]:
    """Dockerfiles, CI and this machine use different versions of uv.

    Each may write another form of the lock, so that it changes back and forth, or resolve another way.

    ```dockerfile
    COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /bin/    # and in CI: version: "0.9.2"
    ```

    Fix: the same version everywhere, and `required-version` in `[tool.uv]`, so that any other uv refuses to run. What
    is compared with is the first Dockerfile. This machine's uv may differ in the last
    number; one that came with uvdock, in its environment, is not looked at.

    Source: [versioning](https://docs.astral.sh/uv/reference/policies/versioning/).
    """
    # Those that required-version refuses are told by its own rule: once that holds, they differ no more.
    required = [wanted for _, wanted in _required(facts)]
    pins = [pin for pin in _pins(facts) if pin.version and all(_fits(pin.version, wanted) for wanted in required)]
    if not pins:
        return
    first = pins[0]
    for pin in pins[1:]:
        if not _same(first.version, pin.version):
            what = f"uv {pin.version} here, and {first.version} in {first.file}:{first.line}"
            yield Hit(pin.file, pin.line, what, "use the same version everywhere")
    fits = facts.host_uv and all(_fits(facts.host_uv, wanted) for wanted in required)
    if facts.host_uv and fits and not _same(_minor(first.version), _minor(facts.host_uv)):
        what = f"uv {facts.host_uv} on this machine, and {first.version} in {first.file}:{first.line}"
        yield Hit(HOST, None, what, f"install uv {first.version} here, or use {facts.host_uv} in {first.file}")


def uv_not_required_version(facts: Facts) -> Iterator[Hit]:
    """A uv that `required-version` does not allow.

    uv refuses to work in the project when it is another version than `required-version` in `[tool.uv]` or uv.toml
    says.

    ```toml
    [tool.uv]
    required-version = ">=0.13"    # and in the Dockerfile: ghcr.io/astral-sh/uv:0.9.2
    ```

    Fix: use a version that is allowed there, or allow that version.

    Source: [required-version](https://docs.astral.sh/uv/reference/settings/#required-version).
    """
    places = [(pin.file, pin.line, pin.version) for pin in _pins(facts) if pin.version]
    places += [(HOST, None, facts.host_uv)] if facts.host_uv else []
    for source, wanted in _required(facts):
        for file, line, version in places:
            if not _fits(version, wanted):
                what = f"uv {version} is not what required-version asks for: {wanted} ({source})"
                yield Hit(file, line, what, f"use a uv that {source} allows, or change required-version")


def unknown_uv_variable(facts: Facts) -> Iterator[Hit]:
    """A variable that is almost one of uv's.

    uv reads only the names it knows and says nothing of others, so a mistyped setting is simply not there.

    ```dockerfile
    ENV UV_COMPILE_BYTECODES=1
    ```

    Fix: write it as uv does. Names that resemble none of uv's are yours, and not reported.

    Source: [environment variables](https://docs.astral.sh/uv/reference/environment/) and the names in uv 0.13.
    """
    for name, file, line in _names(facts):
        if meant := _meant(name):
            yield Hit(file, line, f"uv does not know {name}", f"did you mean {meant}?")


def _pins(facts: Facts) -> list[UvPin]:
    return [*_dockerfile_pins(facts), *_workflow_pins(facts)]


def _dockerfile_pins(facts: Facts) -> Iterator[UvPin]:
    for build in facts.dockerfiles:
        for stage in build.stages:
            if stage.parent is None and stage.base and is_uv_image(stage.base):
                yield _image_pin(build.name, stage.steps[0].line, stage.base)
            for step in stage.steps:
                yield from _step_pins(build, step)


def _step_pins(build: Build, step: Step) -> Iterator[UvPin]:
    """The places in one instruction: images to copy or mount from, and scripts that install."""
    sources = [step.copies[0] if step.copies else "", *(mount.get("from", "") for mount in step.mounts)]
    for image in (expand(name, step.env) for name in sources):
        if image and is_uv_image(image):
            yield _image_pin(build.name, build.line_in(step, r"from=\S*uv"), image)
    for _, version, written in _in_script(step.value) if step.verb in ("RUN", "ADD") else ():
        made = expand(version, step.env)
        if made is not None:
            pattern = r"astral\.sh/uv/" if "astral" in written else r"\binstall\b"
            yield UvPin(build.name, build.line_in(step, pattern), made, written)


def _workflow_pins(facts: Facts) -> Iterator[UvPin]:
    required = bool(_required(facts))
    for workflow in facts.workflows:
        for step in _steps(workflow):
            uses, run = step.get("uses"), step.get("run")
            if uses is not None and uses.text.partition("@")[0] == "astral-sh/setup-uv":
                version, file = step.get("with", "version"), step.get("with", "version-file")
                text = version.text if version else ""
                if re.fullmatch(r"\d+(\.\d+)+", text):
                    yield UvPin(workflow.name, version.line if version else uses.line, text, "setup-uv")
                elif text in ("", "latest") and file is None and not (required and not text):
                    yield UvPin(workflow.name, uses.line, "", uses.text)
            for line, version_of, written in _in_script(run.text if run else ""):
                if run is not None and "$" not in version_of:
                    yield UvPin(workflow.name, run.line + line + (1 if run.is_block else 0), version_of, written)


def _in_script(script: str) -> Iterator[tuple[int, str, str]]:
    """Line, version and words of each place where a script installs uv; the version may be a variable."""
    for match in re.finditer(r"astral\.sh/uv/(?:([^/\s]+)/)?install\.(?:sh|ps1)", script):
        yield script.count("\n", 0, match.start()), match[1] or "", match[0]
    if "install" not in script or "uv" not in script:
        return
    for command in invocations(script):
        if not re.fullmatch(r"pip[\d.]*|pipx", command.program) or "install" not in command.arguments:
            continue
        for word in command.arguments:
            if re.fullmatch(r"uv(\[.*\])?\s*([<>=~!].*)?", word):
                found = _EXACT.match(word)
                version = found["version"] if found and found["how"] != "<" else ""
                if found is None or version:
                    yield command.line, version, f"{command.program} install {word}"


def _image_pin(file: str, line: int, image: str) -> UvPin:
    found = re.match(r"(\d+\.\d+(?:\.\d+)?)(?![\w.])", tag_of(image))
    # A digest pins it too, to a version that is not written there.
    return UvPin(file, line, found[1] if found else ("" if "@" not in image else "0"), image)


def _steps(workflow: Yaml) -> Iterator[Value]:
    jobs = workflow.root.get("jobs")
    for _, job in jobs.items() if jobs else ():
        yield from job.get("steps") or ()


def _environments(workflow: Yaml) -> Iterator[Value]:
    jobs = workflow.root.get("jobs")
    places = [workflow.root, *(job for _, job in (jobs.items() if jobs else ())), *_steps(workflow)]
    yield from (found for place in places if (found := place.get("env")) is not None)


def _required(facts: Facts) -> list[tuple[str, str]]:
    """Each `required-version` and the file it stands in."""
    import tomllib

    found = [(f"{folder}/pyproject.toml", uv_table(data)) for folder, data in facts.projects.items()]
    for name, text in facts.texts.items():
        if name.rpartition("/")[2] == "uv.toml":
            try:
                found.append((name, tomllib.loads("\n".join(text.lines))))
            except (tomllib.TOMLDecodeError, UnicodeError):
                continue
    return [
        (name.removeprefix("./"), str(table["required-version"]))
        for name, table in found
        if "required-version" in table
    ]


def _fits(version: str, wanted: str) -> bool:
    """Whether a `required-version` allows a version; one of two numbers is the newest with them."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        allowed = SpecifierSet(wanted if re.match(r"\s*[<>=!~]", wanted) else f"=={wanted}")
        return allowed.contains(version if version.count(".") > 1 else f"{version}.999", prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def _same(one: str, other: str) -> bool:
    """Whether two versions agree, as far as both are written out; ``0`` stands for one that is not known."""
    return all(mine == theirs for mine, theirs in zip(one.split("."), other.split("."), strict=False))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _meant(name: str) -> str:
    """The variable of uv that ``name`` is almost; nothing for one of uv's and for any other."""
    if not name.startswith("UV") or name in KNOWN or any(pattern.fullmatch(name) for pattern in PATTERNS):
        return ""
    close = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.9)
    return close[0] if close else ""


def _names(facts: Facts) -> Iterator[tuple[str, str, int | None]]:
    """Each variable that a Dockerfile, a service or a workflow sets, with file and line."""
    for build in facts.dockerfiles:
        for step in build.steps:
            for name in step.names if step.verb in ("ENV", "ARG") else ():
                yield name, build.name, build.line_in(step, rf"\b{re.escape(name)}\b")
    for service in facts.services.values():
        for name in service.data.get("environment") or {}:
            yield name, *facts.compose_item(service.name, "environment", rf"^{re.escape(name)}\b")
    for workflow in facts.workflows:
        for env in _environments(workflow):
            yield from ((key.text, workflow.name, key.line) for key, _ in env.entries())
