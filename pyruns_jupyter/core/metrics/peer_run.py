"""Write the points and records of a script that `pyruns` runs, and which it expects in the task file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task

from .aggregate import compact
from .peer_tracks import is_stored
from .read import add_points, run_slot

# Further values of a run go to a journal, because each point rewrites the task file.
MAX_VALUES = 2000


def put(folder: Path, run: int, kind: str, values: dict[str, Any]) -> bool:
    """Write a point (`kind` is `track`) or records of run `run` (from 1) into the task file in `folder`.

    Return whether they were written: not when the points are in a database, or the run has too many values.

    Raises:
        PyrunsError, OSError: when the task file cannot be written.
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
    """Copy evenly chosen points of the run's journal into the task file, replacing those of an earlier call,
    and its missing records.

    The journal is kept, as other processes of the run may still write to it.

    Raises:
        PyrunsError, OSError: when the files cannot be read or written.
    """
    paths = TaskPaths(folder)
    records, tracks, _ = compact(paths.journal(run), paths.info.stat().st_size)
    with edit_task(folder, durable=False) as info:
        add_points(info, run, tracks, whole=False)
        slot = run_slot(info, "records", run)
        slot.update({**records, **slot})
