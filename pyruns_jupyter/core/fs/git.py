"""Running git in a folder without letting the repository run any program.

A repository's configuration may name programs: file filters, a file watcher, hooks, a helper that fetches
missing objects of a partial clone. None of them runs, whoever made the repository.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_SETTINGS = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.quotePath=false")
# Nothing is fetched, by any transport: git supports the second one only since 2.45.
_ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}


def run_git(folder: Path, *arguments: str, timeout: float) -> str | None:
    """Return the output of a git command in `folder`; None if it fails or takes longer than `timeout` s.

    `status` ignores changes in submodules: they have filters of their own, so call it in each of them.
    """
    deadline = time.monotonic() + timeout
    filters = filter_names(folder, timeout=timeout)
    if filters is None:
        return None
    off = [f"filter.{name}.{key}" for name in filters for key in ("clean=", "smudge=", "process=")]
    off += [f"filter.{name}.required=false" for name in filters]
    if arguments[0] == "status":
        arguments += ("--ignore-submodules=dirty",)  # overrides the configuration of submodules
    done = _run(folder, off, arguments, deadline - time.monotonic())
    return os.fsdecode(done.stdout) if done is not None and done.returncode == 0 else None


def filter_names(folder: Path, *, timeout: float) -> set[str] | None:
    """Return the names of the filters configured in `folder`; None if git fails or one cannot be disabled.

    Those of the user count too: the repository may redefine what they do.
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
    """Run git without the variables of our environment that change or replace its configuration."""
    import subprocess  # slow to import, and few processes run git

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
    """Return the `.git` of the repository of `folder`: a folder, in worktrees and submodules a file."""
    for parent in (folder, *folder.parents):
        if os.path.lexists(parent / ".git"):
            return parent / ".git"
    return None
