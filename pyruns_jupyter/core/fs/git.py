"""Asking git about a folder, without letting the repository run anything.

What a repository configures may name programs: filters of files, a file watcher, hooks, the way to what is
missing in a partial clone. None of them runs, whoever made the repository.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

_SETTINGS = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.quotePath=false")
# Nothing is fetched, by whatever transport: git knows the second since 2.45 only.
_ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}


def run_git(folder: Path, *arguments: str, timeout: float) -> str | None:
    """Return what a git command says in `folder`; None when it fails, or takes longer than `timeout` s.

    `status` does not look into submodules: they have filters of their own, so ask in each of them.
    """
    deadline = time.monotonic() + timeout
    filters = filter_names(folder, timeout=timeout)
    if filters is None:
        return None
    off = [f"filter.{name}.{key}" for name in filters for key in ("clean=", "smudge=", "process=")]
    off += [f"filter.{name}.required=false" for name in filters]
    if arguments[0] == "status":
        arguments += ("--ignore-submodules=dirty",)  # what submodules configure has less weight than this
    done = _run(folder, off, arguments, deadline - time.monotonic())
    return os.fsdecode(done.stdout) if done is not None and done.returncode == 0 else None


def filter_names(folder: Path, *, timeout: float) -> set[str] | None:
    """Return the names of the filters that are configured in `folder`, the user's own too: what one of those
    does may be configured by the repository. None when git does not say, or when one cannot be switched off.
    """
    done = _run(folder, (), ("config", "--name-only", "-z", "--get-regexp", r"^filter\."), timeout)
    if done is None or done.returncode not in (0, 1):  # 1: there is none
        return None
    keys = (os.fsdecode(key) for key in done.stdout.split(b"\0"))
    names = {key.partition(".")[2].rpartition(".")[0] for key in keys if key.count(".") > 1}
    return None if any("=" in name for name in names) else names


def _run(
    folder: Path, settings: Iterable[str], arguments: tuple[str, ...], timeout: float
) -> subprocess.CompletedProcess[bytes] | None:
    """Run git with nothing of our environment that says where its configuration is, or adds to it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    words = [word for setting in (*_SETTINGS, *settings) for word in ("-c", setting)]
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", *words, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(0.0, timeout),
            check=False,
            env={**environment, **_ENVIRONMENT},
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def find_repository(folder: Path) -> Path | None:
    """Return the `.git` (a folder; in worktrees and submodules a file) of the repository of `folder`."""
    for parent in (folder, *folder.parents):
        if os.path.lexists(parent / ".git"):
            return parent / ".git"
    return None
