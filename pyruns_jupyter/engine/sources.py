"""Where a run's code stood: the repository's commit, and a hash of the script."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

NO_GIT = "git none | unknown"
_TIMEOUT = 2.0  # seconds
_DIGITS = 12


def git_state(folder: Path) -> str:
    """Return `git <commit> | clean` or `| modified` (`| unknown`: git did not say) for the repository of
    `folder`.

    Takes some milliseconds, and up to two seconds in a huge repository.
    """
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return NO_GIT
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return NO_GIT
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"git {commit} | {'unknown' if changes is None else 'modified' if changes else 'clean'}"


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def script_hash(script: Path | None) -> str:
    """Return the first 12 hexadecimal digits of a script's SHA-256, `none` when it cannot be read."""
    if script is None:
        return "none"
    try:
        return hashlib.sha256(script.read_bytes()).hexdigest()[:_DIGITS]
    except OSError:
        return "none"
