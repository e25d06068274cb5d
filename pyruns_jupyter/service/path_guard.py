"""Paths that a link must not lead out of a task."""

from __future__ import annotations

import os
from pathlib import Path

from pyruns_jupyter.core.common.errors import NotFound


def check_inside(path: Path, folder: Path) -> Path:
    """Return `path` if it lies below `folder` also when links are followed.

    Raises:
        NotFound: when a link leads elsewhere.
    """
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise NotFound(f"{path.name} of {folder.name!r} is a link that leads elsewhere; it is not shown.")
    return path
