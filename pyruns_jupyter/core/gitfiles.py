"""Asking git about a folder, without letting the repository run anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# Of a repository we only want to know; nothing it configures is to run.
_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")


def run_git(folder: Path, *arguments: str, timeout: float) -> str | None:
    """Return what a git command says in `folder`; None when it fails, or takes longer than `timeout` s."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            [*_GIT, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            env=environment,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None


def find_repository(folder: Path) -> Path | None:
    """Return the `.git` (a folder; in worktrees and submodules a file) of the repository of `folder`."""
    for parent in (folder, *folder.parents):
        if os.path.lexists(parent / ".git"):
            return parent / ".git"
    return None
