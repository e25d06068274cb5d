"""The version of what is below `_pyruns_`, so that no release ruins what a later one wrote.

A folder without `.engine/format` has version 1. A release whose files an earlier one would misread writes the
version there, a decimal number and a line end, before the first of them; earlier ones then only look.
"""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict, Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole

from .paths import ENGINE

VERSION = 1
"""The latest version that this release understands."""

_MAX_BYTES = 64


def format_problem(root: Path) -> str | None:
    """Return why nothing may be written below the `_pyruns_` folder `root` (a sentence), None when it may."""
    path = root / ENGINE / "format"
    try:
        told = read_whole(path, most=_MAX_BYTES)[0].strip()
    except OSError:  # it is not there; or may not be read, and then writing is told of where it happens
        return None
    except Unreadable as error:
        return f"{error.message} So the version of {root} is not known, and nothing is written there."
    if told.isdigit() and int(told) <= VERSION:
        return None
    version = int(told) if told.isdigit() else "of an unknown kind"
    return (
        f"{root} is of a later release of pyruns_jupyter: its format is {version}, we know {VERSION}."
        " It can be looked at; update pyruns_jupyter to change it or to run tasks."
    )


def check_format(root: Path) -> None:
    """Check that this release may write below the `_pyruns_` folder `root`.

    Raises:
        Conflict: when a later release has it.
    """
    if problem := format_problem(root):
        raise Conflict(problem)
