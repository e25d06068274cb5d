"""Points and records of a script of ours that the other program runs: it expects them in the task file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task

from .aggregate import compact
from .peer_tracks import is_stored
from .read import add_points, run_slot

# Values of a run from which its points go into our journal: every point costs a rewrite of the task file.
MAX_VALUES = 2000


def put(folder: Path, run: int, kind: str, values: dict[str, Any]) -> bool:
    """Write a point (`kind` is `track`) or records into the slot of run `run` (from 1) of the task in
    `folder`.

    Returns whether the task file took them: no points that it stores elsewhere, nor those of a run with many.

    Raises:
        PyrunsError, OSError: when it cannot be written.
    """
    with edit_task(folder, durable=False) as info:
        if kind == "track" and is_stored(info):
            return False
        slot = run_slot(info, f"{kind}s", run)
        if kind == "record":
            slot.update(values)
            return True
        if sum(len(points) for points in slot.values() if isinstance(points, list)) >= MAX_VALUES:
            return False
        for name, value in values.items():
            points = slot.setdefault(name, [])
            if isinstance(points, list):
                points.append(value)
        return True


def fold(folder: Path, run: int) -> None:
    """Put evenly chosen points of the run's journal into the task file, in place of those of an earlier call,
    and the records that it lacks.

    The journal stays: other processes of the run may go on writing it.

    Raises:
        PyrunsError, OSError: when it cannot be read or written.
    """
    paths = TaskPaths(folder)
    records, tracks, _ = compact(paths.journal(run), paths.info.stat().st_size)
    with edit_task(folder, durable=False) as info:
        add_points(info, run, tracks, whole=False)
        slot = run_slot(info, "records", run)
        slot.update({**records, **slot})
