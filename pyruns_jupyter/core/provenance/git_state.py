"""The state of a run's code: commit and branch of its repository, whether it was changed, a script hash.

`SourceState.text` is stored in `source_states`, in the format of the program that shares the folder; the more
precise values are stored in our own data.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.git import filter_names, find_repository, run_git

TIMEOUT = 10.0  # seconds
_DIGITS = 12
_MAX_FILTERED = 1000  # changed files whose filters are checked; with more, the repository counts as changed
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_REFERENCE = 64 * 1024  # bytes of a file that names a commit or another file
_MAX_PACKED = 64 * 1024 * 1024  # bytes of a packed-refs file


class SourceState(NamedTuple):
    """The state of a repository. `commit` is "" if there is none yet, `changed` is None if unknown.

    `found` is False outside of a repository. A file that git neither tracks nor ignores counts as a change.
    """

    found: bool = False
    commit: str = ""
    branch: str = ""
    changed: bool | None = None

    @property
    def text(self) -> str:
        """`git <commit> | clean`, `dirty` or `unknown`; `git none | unknown` outside of a repository."""
        if not self.found:
            return "git none | unknown"
        state = "unknown" if self.changed is None else "dirty" if self.changed else "clean"
        return f"git {self.commit[:_DIGITS] or 'unknown'} | {state}"

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON-ready data; empty outside of a repository."""
        if not self.found:
            return {}
        return {"commit": self.commit, "branch": self.branch, "dirty": self.changed}

    @classmethod
    def from_dict(cls, value: Any) -> SourceState:
        """Return the state that `to_dict` stored."""
        if not isinstance(value, dict) or "commit" not in value:
            return cls()
        changed = value.get("dirty")
        return cls(
            True,
            str(value["commit"]),
            str(value.get("branch", "")),
            changed if isinstance(changed, bool) else None,
        )


def source_state(folder: Path, *, timeout: float | None = None) -> SourceState:
    """Return the state of the repository of `folder`.

    Takes some milliseconds. If git does not answer in time, refuses (a repository of another user) or is not
    installed, the commit is read from the repository's files, and `changed` is unknown.
    """
    repository = find_repository(folder)
    if repository is None:
        return SourceState()
    timeout = TIMEOUT if timeout is None else timeout
    deadline = time.monotonic() + timeout
    output = run_git(folder, "status", "--porcelain=v2", "--branch", "-z", timeout=timeout)
    if output is None:
        return _read_head(repository)
    commit = branch = ""
    changed: bool | None = False
    modified: list[str] = []
    for line in output.split("\0"):
        if line.startswith("# branch.oid "):
            commit = line.split(" ", 2)[2]
        elif line.startswith("# branch.head "):
            branch = line.split(" ", 2)[2]
        elif line.startswith("1 .M N"):
            modified.append(line.split(" ", 8)[8])
        elif line and not line.startswith("# "):
            changed = True
    if modified and not changed:
        changed = None if _are_filtered(repository.parent, modified, deadline) else True
    if changed is False:
        changed = _in_submodules(repository.parent, deadline)
    return SourceState(
        True, commit if _COMMIT.fullmatch(commit) else "", "" if branch == "(detached)" else branch, changed
    )


def _are_filtered(folder: Path, paths: list[str], deadline: float) -> bool:
    """Return whether all files that seem changed have a filter, which we do not run: they may be the same."""
    names = filter_names(folder, timeout=deadline - time.monotonic())
    if not names or len(paths) > _MAX_FILTERED:
        return False
    words = ("check-attr", "-z", "filter", "--", *paths)
    output = run_git(folder, *words, timeout=deadline - time.monotonic())
    return output is not None and all(name in names for name in output.split("\0")[2::3])


def _in_submodules(folder: Path, deadline: float) -> bool | None:
    """Return whether something was changed in the submodules of a repository, None if unknown."""
    if not (folder / ".gitmodules").is_file():
        return False
    from .snapshots.selection import is_safe  # few repositories have submodules

    words = ("config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    output = run_git(folder, *words, timeout=deadline - time.monotonic())
    changed: bool | None = False
    for line in (output or "").split("\0"):
        path = line.partition("\n")[2]
        if not is_safe(path) or not (folder / path / ".git").exists():
            continue  # not checked out
        if os.path.realpath(folder / path) != os.path.join(os.path.realpath(folder), path):
            continue  # reached through a link
        inner = source_state(folder / path, timeout=deadline - time.monotonic()).changed
        if inner:
            return True
        changed = changed if inner is False else None
    return changed


def _read_head(repository: Path) -> SourceState:
    """Read commit and branch without git."""
    try:
        folder = _git_folder(repository)
        head = _text(folder / "HEAD")
        if _COMMIT.fullmatch(head):
            return SourceState(True, head)
        reference = head.removeprefix("ref:").strip()
        if not head.startswith("ref:") or not reference.startswith("refs/") or ".." in reference:
            return SourceState()
        common = folder
        if (folder / "commondir").is_file():
            common = folder / _text(folder / "commondir")
        branch = reference.removeprefix("refs/heads/")
        return SourceState(True, _commit_of(reference, folder, common), branch)
    except (OSError, ValueError, Unreadable):
        return SourceState()


def _git_folder(repository: Path) -> Path:
    if repository.is_dir():
        return repository
    return repository.parent / _text(repository).removeprefix("gitdir:").strip()


def _commit_of(reference: str, *folders: Path) -> str:
    for folder in folders:
        try:
            commit = _text(folder / reference)
        except OSError:
            continue
        return commit if _COMMIT.fullmatch(commit) else ""
    packed = folders[-1] / "packed-refs"
    if packed.is_file():
        for line in os.fsdecode(read_whole(packed, most=_MAX_PACKED, follow=True)[0]).split("\n"):
            commit, _, name = line.partition(" ")
            if name == reference and _COMMIT.fullmatch(commit):
                return commit
    return ""


def _text(path: Path) -> str:
    return os.fsdecode(read_whole(path, most=_MAX_REFERENCE, follow=True)[0]).strip()


_MIN_AGE_SECONDS = 2.0  # of the cached state, before it is renewed


class SourceWatch:
    """The cached state of a project's repository.

    It is renewed from time to time, less often if git is slow, so that it takes at most 5% of the time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next_at = float("-inf")
        self._state = SourceState()

    def state(self) -> SourceState:
        """Return the state, at most some seconds old."""
        before = time.monotonic()
        if before >= self._next_at:
            self._state = source_state(self._folder)
            after = time.monotonic()
            self._next_at = after + max(_MIN_AGE_SECONDS, 20 * (after - before))
        return self._state


def script_hash(script: Path | None) -> str:
    """Return the first 12 hexadecimal digits of a script's SHA-256, `none` if it cannot be read."""
    if script is None:
        return "none"
    try:
        return hashlib.sha256(read_whole(script, follow=True)[0]).hexdigest()[:_DIGITS]
    except (OSError, Unreadable):
        return "none"
