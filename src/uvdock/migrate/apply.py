"""Writing a plan, all of it or nothing, with a backup that brings every byte back.

The backup is whole on the disk before the first file changes, so that not even a kill leaves half a set: what
was begun and not finished is found there by the next run. It lies where git does not see it: in ``.git/uvdock``, or
without git in a folder that ignores itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from uvdock import process
from uvdock.deps.sync import Snapshot, hold, replace_all
from uvdock.errors import UvdockError
from uvdock.migrate.model import FileEdit, MigrationPlan

_JOURNAL = "journal.json"
_WITHOUT_GIT = ".uvdock"


@dataclass(frozen=True)
class BackupFile:
    """A file of a backup.

    Args:
        path: From the repo root.
        before: The name of its old bytes in the backup; ``None`` where there was no such file.
        after: The hash of the bytes that were written; ``None`` where the file went.
        mode: Its permissions before.
        owner: Its owner and group before.
    """

    path: str
    before: str | None
    after: str | None
    mode: int = 0o644
    owner: tuple[int, int] = (-1, -1)


@dataclass(frozen=True)
class Backup:
    """What one apply kept.

    Args:
        folder: Where it lies.
        done: Whether the apply came to its end.
        files: Every file that it changed.
        made: The folders that it made, from the root.
        removed: The folders that it left empty and took away.
    """

    folder: Path
    done: bool
    files: tuple[BackupFile, ...]
    made: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def old(self, kept: BackupFile) -> bytes | None:
        """The bytes of a file before the apply.

        Raises:
            UvdockError: The backup is damaged.
        """
        if kept.before is None:
            return None
        try:
            content = (self.folder / kept.before).read_bytes()
        except OSError as error:
            raise _damaged(self.folder, str(error.strerror)) from error
        if kept.before.partition("-")[2] != _hash(content):
            raise _damaged(self.folder, f"{kept.before} is not what was kept")
        return content


def uncommitted(root: Path) -> list[str]:
    """What git has not committed in the repo: one line a file, as `git status --short` shows it; empty without git.

    Raises:
        UvdockError: This is a git repo, and git cannot tell.
    """
    if _git_folder(root) is None and not (root / ".git").exists():
        return []
    said = process.capture(["git", "status", "--porcelain", "--untracked-files=all", "--", "."], cwd=root)
    if said.code != 0:
        raise UvdockError(
            f"git cannot tell what is committed: {said.error_text}",
            where=str(root),
            fix="correct what git names, or give --allow-dirty",
        )
    return said.text.splitlines()


def backups(root: Path) -> list[Backup]:
    """The backups of this repo, the oldest first.

    Raises:
        UvdockError: One of them cannot be read.
    """
    place = _place(root)
    if place is None or not place.is_dir():
        return []
    return [_read(folder) for folder in sorted(place.iterdir()) if re.fullmatch(r"\d{4,}", folder.name)]


def apply(root: Path, plan: MigrationPlan) -> Backup | None:
    """Write a plan.

    Returns:
        What was kept; ``None`` where there was nothing to write.

    Raises:
        UvdockError: A file changed since the plan was made, a folder is read-only, the disk is full, an earlier apply
            was cut off, ...; every file is as it was.
    """
    edits = [edit for edit in plan.edits if edit.before != edit.after]
    if not edits:
        return None
    with hold(root):
        if backups(root) and not backups(root)[-1].done:
            raise _cut_off(root)
        _check(root, edits)
        backup = _keep(root, edits)
        try:
            _write(root, edits)
            removed = _remove_empty(root, (edit.path for edit in edits if edit.after is None))
            backup = replace(backup, done=True, removed=tuple(removed))
            _journal(backup)
        except BaseException:
            # Ctrl-C too. What cannot be put back now can be later: the backup stays then.
            _restore(root, backup)
            _drop(root, backup)
            raise
    return backup


def roll_back(root: Path, *, force: bool = False) -> Backup | None:
    """Put every file back as it was before the last apply.

    Args:
        root: The repo's root.
        force: Also those that somebody changed since.

    Returns:
        The backup that was put back, which is no more; ``None`` where there is none.

    Raises:
        UvdockError: A file changed since the apply, or cannot be written; nothing is changed then.
    """
    with hold(root):
        found = backups(root)
        if not found:
            return None
        backup = found[-1]
        changed = [] if force else changed_since(root, backup)
        if changed:
            raise UvdockError(
                f"changed since the migration: {', '.join(changed)}",
                where=str(root),
                fix="commit or undo these changes, or give --force to lose them; nothing was changed",
            )
        _restore(root, backup)
        _drop(root, backup)
    return backup


def changed_since(root: Path, backup: Backup) -> list[str]:
    """The files that are neither as they were before an apply nor as it left them."""
    found = []
    for kept in backup.files:
        now = _bytes(root / kept.path)
        written = None if now is None else _hash(now)
        if written != kept.after and now != backup.old(kept):
            found.append(kept.path)
    return found


# --- the backup -------------------------------------------------------------------------------------------------------


def _git_folder(root: Path) -> Path | None:
    if shutil.which("git") is None:
        return None
    said = process.capture(["git", "rev-parse", "--absolute-git-dir"], cwd=root)
    return Path(os.fsdecode(said.stdout.rstrip(b"\n"))) if said.code == 0 else None


def _place(root: Path) -> Path | None:
    root = root.resolve()
    git = _git_folder(root)
    if git is None:
        return root / _WITHOUT_GIT / "migrate"
    # A repo of uvdock's may be one folder of git's.
    return git / "uvdock" / "migrate" / hashlib.sha256(os.fsencode(root)).hexdigest()[:12]


def _keep(root: Path, edits: Iterable[FileEdit]) -> Backup:
    """Write the old bytes down, durably, before anything changes."""
    place = _place(root)
    assert place is not None
    try:
        place.mkdir(parents=True, exist_ok=True)
        if place.parent.name == _WITHOUT_GIT:
            (place.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        number = max((int(path.name) for path in place.iterdir() if path.name.isdecimal()), default=0) + 1
        temp = Path(tempfile.mkdtemp(prefix="new-", dir=place))
        try:
            files = tuple(_kept(root, edit, temp, at) for at, edit in enumerate(edits))
            backup = Backup(temp, done=False, files=files, made=tuple(_missing_folders(root, files)))
            _journal(backup)
            final = place / f"{number:04}"
            temp.rename(final)
        except BaseException:
            shutil.rmtree(temp, ignore_errors=True)
            raise
    except OSError as error:
        raise UvdockError(
            f"the backup could not be written: {error.strerror or error}",
            where=str(error.filename or place),
            fix="make the folder writable or free some space, then run it again; every file is as it was",
        ) from error
    return replace(backup, folder=final)


def _kept(root: Path, edit: FileEdit, folder: Path, at: int) -> BackupFile:
    after = None if edit.after is None else _hash(edit.after)
    name = edit.path.as_posix()
    if edit.before is None:
        return BackupFile(name, None, after)
    stat = (root / edit.path).stat()
    stored = f"{at:04}-{_hash(edit.before)}"
    _write_through(folder / stored, edit.before)
    return BackupFile(name, stored, after, stat.st_mode & 0o7777, (stat.st_uid, stat.st_gid))


def _missing_folders(root: Path, files: Iterable[BackupFile]) -> Iterator[str]:
    """The folders that have to be made, the outer ones first."""
    found = {
        above.as_posix(): None
        for kept in files
        for above in reversed(Path(kept.path).parents)
        if above != Path() and not (root / above).is_dir()
    }
    yield from found


def _journal(backup: Backup) -> None:
    data = {key: value for key, value in asdict(backup).items() if key != "folder"}
    content = json.dumps({"version": 1, **data}, indent=1).encode()
    temp = backup.folder / f"{_JOURNAL}.tmp"
    _write_through(temp, content)
    temp.replace(backup.folder / _JOURNAL)


def _read(folder: Path) -> Backup:
    try:
        data = json.loads((folder / _JOURNAL).read_bytes())
        files = tuple(BackupFile(**{**item, "owner": tuple(item["owner"])}) for item in data["files"])
        return Backup(folder, bool(data["done"]), files, tuple(data["made"]), tuple(data["removed"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"{_JOURNAL}: {error}") from error


def _drop(root: Path, backup: Backup) -> None:
    """Remove a backup that has been put back, and the folders of backups where it was the last."""
    gone = backup.folder.with_name(f"gone-{backup.folder.name}")
    with suppress(OSError):
        # Renamed first: half a backup must never look like one.
        backup.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    own = backup.folder.parent.parent
    if own == root.resolve() / _WITHOUT_GIT and not backups(root):
        shutil.rmtree(own, ignore_errors=True)


# --- the files --------------------------------------------------------------------------------------------------------


def _check(root: Path, edits: Iterable[FileEdit]) -> None:
    changed = [edit.path.as_posix() for edit in edits if _bytes(root / edit.path) != edit.before]
    if changed:
        raise UvdockError(
            f"{', '.join(changed)} changed in the meantime",
            where=str(root / changed[0]),
            fix="run it again; nothing was written",
        )


def _write(root: Path, edits: Iterable[FileEdit]) -> None:
    """Delete and replace: all or, when anything fails, none."""
    asides: dict[Path, Path] = {}
    new = {root / edit.path: edit.after for edit in edits if edit.after is not None}
    try:
        # A rename needs no space, so what goes can come back on a full disk too.
        for edit in edits:
            if edit.after is None:
                path = root / edit.path
                aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
                path.rename(aside)
                asides[path] = aside
        for path in new:
            path.parent.mkdir(parents=True, exist_ok=True)
        replace_all(new)
    except BaseException as error:
        for path, aside in asides.items():
            aside.rename(path)
        if isinstance(error, OSError):
            raise UvdockError(
                f"{Path(error.filename or root).name} could not be changed: {error.strerror or error}",
                where=str(error.filename or root),
                fix="make the folder writable, then run it again; every file is as it was",
            ) from error
        raise
    for aside in asides.values():
        aside.unlink(missing_ok=True)


def _restore(root: Path, backup: Backup) -> None:
    """Every file as it was; those that are so already are not touched."""
    wanted = {root / kept.path: (kept, backup.old(kept)) for kept in backup.files}
    for path in wanted:
        _sweep(path)
    try:
        for name in backup.removed:
            (root / name).mkdir(parents=True, exist_ok=True)
        for path, (_, content) in wanted.items():
            if content is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
        now = Snapshot.take(list(wanted))
        old = {path: content for path, (_, content) in wanted.items() if now.files[path] != content}
        replace_all({path: content for path, content in old.items() if content is not None})
        for path in (path for path, content in old.items() if content is None):
            path.unlink(missing_ok=True)
        for path, (kept, _) in wanted.items():
            _own(path, kept)
    except OSError as error:
        raise _not_restored(error, root) from error
    for name in reversed(backup.made):
        with suppress(OSError):
            (root / name).rmdir()


def _own(path: Path, kept: BackupFile) -> None:
    if kept.before is None:
        return
    stat = path.stat()
    if (stat.st_uid, stat.st_gid) != kept.owner:
        with suppress(PermissionError):
            os.chown(path, *kept.owner)
    if stat.st_mode & 0o7777 != kept.mode:
        path.chmod(kept.mode)


def _sweep(path: Path) -> None:
    """What a kill left beside a file: new content not yet in place, old content not yet gone."""
    if not path.parent.is_dir():
        return
    name = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.tmp")
    for other in path.parent.iterdir():
        if name.fullmatch(other.name):
            with suppress(OSError):
                other.unlink()


def _remove_empty(root: Path, gone: Iterable[Path]) -> Iterator[str]:
    """Take away the folders that are empty now, the inner ones first; git does not know them any more either."""
    removed: dict[str, None] = {}
    for path in gone:
        for above in path.parents:
            if above == Path():
                break
            try:
                (root / above).rmdir()
            except OSError:
                break
            removed[above.as_posix()] = None
    yield from removed


def _bytes(path: Path) -> bytes | None:
    return Snapshot.take([path]).files[path]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _damaged(folder: Path, why: str) -> UvdockError:
    return UvdockError(
        f"the backup cannot be read: {why}",
        where=str(folder),
        fix="take what you need from there by hand, or from git, then remove that folder",
    )


def _cut_off(root: Path) -> UvdockError:
    return UvdockError(
        "an earlier --apply was cut off, and its files may be half written",
        where=str(root),
        fix="migrate --rollback puts every file back; then run it again",
    )


def _not_restored(error: OSError, root: Path) -> UvdockError:
    return UvdockError(
        f"not every file could be put back: {error.strerror or error}",
        where=str(error.filename or root),
        fix="make it writable, then migrate --rollback: the backup is kept",
    )


def unfinished(root: Path) -> UvdockError | None:
    """The error for a repo in which an apply was cut off."""
    found = backups(root)
    return _cut_off(root) if found and not found[-1].done else None


def old_files(backup: Backup) -> dict[Path, bytes | None]:
    """The bytes before an apply of every file that it changed, by its path from the root."""
    return {Path(kept.path): backup.old(kept) for kept in backup.files}
