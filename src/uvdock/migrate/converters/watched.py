"""Lists of paths that something looks at: what starts a workflow, the globs of a labeler.

A change of the lock has to be seen as one of the requirements was.
"""

from __future__ import annotations

from uvdock.formats import yaml_edits
from uvdock.formats.edits import line_end, line_start
from uvdock.formats.yaml import Value
from uvdock.migrate.readers import fitting
from uvdock.migrate.text import Draft, manifests


def watch(draft: Draft, who: str, node: Value) -> None:
    """Have every list of paths in a part of a YAML file name the manifests in the place of requirements.

    Args:
        draft: The file.
        who: What looks at the paths: ``push``.
        node: A list, a mapping with lists, or one path.
    """
    items = [item for item in node if item.is_scalar]
    there = {item.text for item in items}
    for item in items or ([node] if node.is_scalar else []):
        _path(draft, who, item, there)
    for inner in (*node, *(value for _, value in node.entries())):
        if inner not in items:
            watch(draft, who, inner)


def _path(draft: Draft, who: str, item: Value, there: set[str]) -> None:
    """Put the manifests in the place of one path; ``there`` has the paths of its list, and gets the new ones."""
    facts = draft.facts
    name = item.text.removeprefix("!").removeprefix("./")
    found = fitting(name, {*facts.files, *facts.installs}, start="")
    moved = sorted(one for one in found & facts.installs.keys() if one.name != "pyproject.toml")
    # A folder with all that is in it is looked at as before.
    if not moved or any(one not in facts.installs and one.suffix not in (".txt", ".in") for one in found):
        return
    deep = name.startswith("**/")
    names = [f"**/{one}" for one in ("pyproject.toml", "uv.lock")] if deep else []
    names += [one for path in ([] if deep else moved) for one in manifests(facts.installs[path])]
    fresh = [one for one in dict.fromkeys(names) if one not in there]
    there.update(names)
    stays = [] if all(one in facts.installs and one not in facts.kept for one in found) else [item.text]
    if not (stays or fresh):
        draft.change(line_start(draft.content, item.start), line_end(draft.content, item.start))
        return
    not_any = "!" if item.text.startswith("!") else ""
    new = [*stays, *(not_any + one for one in fresh)]
    changes = yaml_edits.item_changes(draft.content, item, new) if fresh else []
    if changes is None:
        what = f"{who} looks at {item.text}, and dependencies are in pyproject.toml and uv.lock now"
        draft.leave(item.start, what, f"name {' and '.join(names)} too")
    else:
        draft.changes += changes
