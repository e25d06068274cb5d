"""Curves of several runs, in as few points as pictures of them need."""

from __future__ import annotations

from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.metrics.curves import curves_of_run
from pyruns_jupyter.core.metrics.downsample import thinned
from pyruns_jupyter.core.taskfile.runs import runs
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .path_guard import check_inside

MAX_TASKS = 200  # tasks
MAX_POINTS = 2000


def curves(
    workspace: WorkspaceFolder,
    names: list[str],
    keys: list[str] | None,
    points: int,
    run: int | None = None,
) -> dict[str, Any]:
    """Return the `Curves` of the latest runs of some tasks, or of their run `run`: those of `keys`, or all of
    them. What cannot be read is left out.
    """
    items: list[dict[str, Any]] = []
    for name in names[:MAX_TASKS]:
        try:
            items += _of_task(workspace, name, keys, points, run)
        except (PyrunsError, OSError):
            continue  # gone since it was listed, or damaged
    return {"items": items}


def _of_task(
    workspace: WorkspaceFolder, name: str, keys: list[str] | None, points: int, wanted: int | None
) -> list[dict[str, Any]]:
    paths = workspace.existing(name)
    info = read_task(paths.folder)
    known = runs(info)
    number = len(known) if wanted is None else wanted
    if not 1 <= number <= len(known):
        return []
    check_inside(paths.journal(number), paths.folder)
    check_inside(paths.curves(number), paths.folder)
    found = curves_of_run(info, known[number - 1], paths, keys)
    return [
        {"name": name, "run": number, "key": key, **thinned(curve, points)._asdict()}
        for key, curve in found.items()
        if any(value is not None for value in curve.values)
    ]
