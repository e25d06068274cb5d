"""The metrics of runs as curves, with as few points as a chart needs."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.metrics.aggregate import evenly
from pyruns_jupyter.core.metrics.curves import curves_of_run
from pyruns_jupyter.core.metrics.downsample import Curve, number, select_points, thinned
from pyruns_jupyter.core.metrics.read import POINTS_SHOWN, run_metrics
from pyruns_jupyter.core.metrics.sources.facts import messages_of
from pyruns_jupyter.core.metrics.system_metrics import PREFIX, read_system
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import runs
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .files import check_inside
from .request import Request, RunNumber, TaskRequest
from .tasks import find_run, run_of

MAX_TASKS, MAX_MESSAGES = 200, 50
MAX_POINTS = 2000  # of one curve of several tasks
MAX_TRACK_POINTS = 100_000  # of one curve of a single run
MAX_TRACK_VALUES = 200_000  # of all curves of a single run


class CurvesRequest(Request, frozen=True):
    """A request for the curves `key` of the tasks `name`, in one of their runs (None: the latest). The key
    `system/` is all system metrics.
    """

    name: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    points: Annotated[int, Meta(ge=2, le=MAX_POINTS)] = 40
    run: RunNumber | None = None


def curves(workspace: WorkspaceFolder, wanted: CurvesRequest) -> dict[str, Any]:
    """Return the `Curves` of some tasks. Tasks that cannot be read are left out."""
    items: list[dict[str, Any]] = []
    messages: list[str] = []
    for name in wanted.name[:MAX_TASKS]:
        try:
            curves_of_task, about = _of_task(workspace, name, wanted)
        except (PyrunsError, OSError):
            continue  # deleted since it was listed, or damaged
        items += curves_of_task
        messages += about if len(wanted.name) == 1 else [f"{name}: {message}" for message in about]
    return {"items": items, "messages": messages[:MAX_MESSAGES]}


def _of_task(
    workspace: WorkspaceFolder, name: str, wanted: CurvesRequest
) -> tuple[list[dict[str, Any]], list[str]]:
    paths, info, run = find_run(workspace, name, wanted.run)
    check_inside(paths.journal(run.index), paths.folder)
    check_inside(paths.curves(run.index), paths.folder)
    found = curves_of_run(info, run, paths, list(wanted.key) or None)
    found = _system_curves(paths, run.index, wanted.key) | found  # those of the script replace others
    items = [
        {"name": name, "run": run.index, "key": key, **thinned(curve, wanted.points)._asdict()}
        for key, curve in found.items()
        if any(value is not None for value in curve.values)
    ]
    return items, messages_of(info, run.index)


def _system_curves(paths: TaskPaths, run: int, keys: tuple[str, ...]) -> dict[str, Curve]:
    if keys and not any(key.startswith(PREFIX) for key in keys):
        return {}
    found = read_system(paths.system(run)).curves()
    return found if not keys or PREFIX in keys else {key: found[key] for key in keys if key in found}


class TracksRequest(TaskRequest, frozen=True):
    """A request for all curves of a run (None: the latest), as they are or with at most `points` points."""

    run: RunNumber | None = None
    points: Annotated[int, Meta(ge=2, le=MAX_TRACK_POINTS)] | None = None


def tracks(workspace: WorkspaceFolder, wanted: TracksRequest) -> dict[str, Any]:
    """Return the `Tracks` of a run. Curves are shortened if all of them together would exceed
    `MAX_TRACK_VALUES`.

    Raises:
        NotFound: if the task has no such run.
    """
    paths = workspace.existing(wanted.task)
    info = read_task(paths.folder)
    if wanted.run is None and not runs(info):
        return {"run": 0, "tracks": {}, "records": {}, "messages": []}
    run = run_of(info, wanted.task, wanted.run)
    check_inside(paths.journal(run.index), paths.folder)
    metrics = run_metrics(info, run, paths, thinned=wanted.points is None)
    result = {"run": run.index, "records": metrics.records, "messages": metrics.messages}
    most = MAX_TRACK_VALUES // max(len(metrics.tracks), 1)
    if wanted.points is None:
        most = min(most, POINTS_SHOWN)
        return {**result, "tracks": {key: evenly(values, most) for key, values in metrics.tracks.items()}}
    most = min(most, wanted.points)
    places = {key: select_points([*map(number, values)], most) for key, values in metrics.tracks.items()}
    kept = {key: [metrics.tracks[key][place] for place in found] for key, found in places.items()}
    return {**result, "tracks": kept, "places": places}
