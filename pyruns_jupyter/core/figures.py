"""The curves and final figures of a run, wherever they are at the moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import journal
from .runs import Run


def figures_of_run(run: Run, path: Path) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return the records and the curves of a run; `path` is its journal, which may be missing.

    While a run lives they are in the journal; at the end they go into the task file. A journal that is still
    there after the end holds all points, the task file then only some.
    """
    tracks = {key: values for key, values in run.tracks.items() if isinstance(values, list)}
    records = dict(run.records)
    said, points = journal.fold(path)
    tracks |= points
    records |= said
    return records, tracks
