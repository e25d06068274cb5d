"""The format version of a `_pyruns_` folder, so that no release damages files of a later one.

A folder without `.engine/format` has version 1. A release whose files an earlier one would misread first
writes its version there, a decimal number and a line end; earlier releases then open the folder read-only.
"""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict, Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole

from .paths import ENGINE

VERSION = 1
"""The latest version that this release supports."""

_MAX_BYTES = 64


def format_problem(root: Path) -> str | None:
    """Return why nothing may be written below the `_pyruns_` folder `root` (a sentence), else None."""
    path = root / ENGINE / "format"
    try:
        text = read_whole(path, most=_MAX_BYTES)[0].strip()
    except OSError:  # it does not exist; or it cannot be read, and then writing fails and reports that
        return None
    except Unreadable as error:
        return (
            f"{error.message} The format version of {root} is therefore unknown, and nothing is written "
            "there."
        )
    if text.isdigit() and int(text) <= VERSION:
        return None
    version = int(text) if text.isdigit() else "unknown"
    return (
        f"{root} was written by a newer version of pyruns_jupyter (disk format {version}, supported: "
        f"{VERSION}) and is opened read-only. Update pyruns_jupyter to change it or to run tasks."
    )


def check_format(root: Path) -> None:
    """Check that this release may write below the `_pyruns_` folder `root`.

    Raises:
        Conflict: if it has the format of a later release.
    """
    if problem := format_problem(root):
        raise Conflict(problem)
