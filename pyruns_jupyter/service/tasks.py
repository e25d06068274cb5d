"""Tasks: a page of them, creating, changing, and one in detail."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import replace

from pyruns_jupyter.core import query
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError, Unreadable, os_sentence
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.common.secret_names import is_secret
from pyruns_jupyter.core.common.time_limit import time_limit
from pyruns_jupyter.core.common.validation import convert
from pyruns_jupyter.core.create import create as generate
from pyruns_jupyter.core.create import preview
from pyruns_jupyter.core.logs.reader import log_size
from pyruns_jupyter.core.metrics.aggregate import evenly
from pyruns_jupyter.core.metrics.downsample import number as point_value
from pyruns_jupyter.core.metrics.downsample import select_points
from pyruns_jupyter.core.metrics.read import POINTS_SHOWN, run_metrics
from pyruns_jupyter.core.taskfile import metadata
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import RUNNING, Run, gpu_names, runs, sources_of
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.tasks import edit
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow, read_row
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import BatchRequest
from pyruns_jupyter.engine.queue.options import OPTIONS

from .generator import CREATE_SECONDS, propose
from .path_guard import check_inside
from .request import MAX_NUMBER, Count, Request, TaskRequest, check_keys, given_options

MAX_PAGE, DEFAULT_PAGE = 1000, 200  # tasks on a page
MAX_FIELDS = 200
MAX_TRACK_POINTS = 100_000  # of one curve
MAX_TRACK_VALUES = 200_000  # of all curves in one answer


class Selection(Request, frozen=True):
    """Which tasks are meant, and their order. `status` holds statuses between commas."""

    query: str = ""
    status: str = ""
    sort: str = ""
    order: Literal["", "asc", "desc"] = ""


class PageRequest(Selection, frozen=True):
    """Which tasks are listed. `fields` are keys of the configuration whose values are returned, too."""

    offset: Count = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.fields) > MAX_FIELDS:
            raise InvalidInput(f"At most {MAX_FIELDS} fields are told of a task.", field="fields")


def task_page(
    index: TaskIndex, wanted: PageRequest, is_given_up: Callable[[], bool] | None = None
) -> Callable[[], dict[str, Any]]:
    """Take a look at an index and return what makes the `TaskPage`, which may take a while.

    That raises InvalidInput when the query, a status or the sort key is not understood. `is_given_up` returns
    whether the page is no longer needed.
    """
    fields = wanted.fields
    rows, sources = index.rows, query.Sources.of(index)
    swept, figures = index.columns()
    seen = {
        "counts": dict(index.counts),
        "revision": index.revision,
        "epoch": index.epoch,
        "typical_duration": index.typical_duration,
    }

    def page() -> dict[str, Any]:
        found = query.select(
            rows.values(),
            query=wanted.query,
            statuses=read_statuses(wanted.status),
            sort=wanted.sort or "created",
            order=wanted.order or "desc",
            offset=wanted.offset,
            limit=wanted.limit,
            sources=sources,
            excerpts=True,
            is_given_up=is_given_up,
        )
        configs = index.configs() if fields else {}
        return {
            "items": [
                _item(row, configs.get(row.name), fields, found.excerpts.get(row.name)) for row in found.items
            ],
            "total": found.total,
            **seen,
            "columns": {"swept": swept, "figures": figures},
            "notices": [said.to_dict() for said in found.notices],
        }

    return page


def _item(
    row: TaskRow, config: Mapping[str, Any] | None, fields: tuple[str, ...], hit: query.Excerpt | None
) -> dict[str, Any]:
    item = row.to_dict()
    if hit is not None:
        item["hit"] = {"line": hit.line, "text": hit.text}
    if fields:
        known = config or row.swept
        item["values"] = {key: encode_nonfinite(known[key]) for key in fields if key in known}
    return item


def read_statuses(text: str) -> list[str] | None:
    """Return the words between commas, None when there are none; they are looked at in the search."""
    return [word.strip() for word in text.split(",") if word.strip()] or None


class CreateRequest(Request, frozen=True):
    """A configuration of new tasks; `run` holds options of a batch, None when nothing is to be queued."""

    text: str
    name: str
    run: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        check_keys(self.run or {}, OPTIONS, "run.")


def create(workspace: WorkspaceFolder, wanted: CreateRequest, most: int) -> dict[str, Any]:
    """Create one task or all tasks of a sweep, at most `most`, and return a `Created`.

    Raises:
        InvalidInput: when something is wrong; nothing is created.
    """
    settings = Settings.load(workspace.root)
    request = (
        None if wanted.run is None else BatchRequest.parse(workspace, given_options(wanted.run), settings)
    )
    with time_limit(CREATE_SECONDS):
        proposal = propose(workspace, wanted.text, wanted.name, most, settings)
    if request is not None:
        preview.check_runnable(workspace, settings)
    names = generate.create(proposal, settings=settings)
    created: dict[str, Any] = {"names": names, "queued": False, "message": None}
    if request is not None:
        try:
            refused = request.submit(names).refused
        except PyrunsError as error:  # the tasks are there all the same
            refused = {names[0]: error.message}
        except OSError as error:
            refused = {names[0]: os_sentence(error)}
        created["queued"] = not refused
        created["message"] = next(iter(refused.values()), None)
    return created


def detail(index: TaskIndex, name: str, *, secrets: bool = False) -> dict[str, Any]:
    """Return the `TaskDetail` of a task; values of secrets are told only with `secrets`.

    Raises:
        NotFound: when there is none.
    """
    workspace = index.workspace
    paths = workspace.existing(name)
    row, info = read_row(paths.folder)
    seen = index.rows.get(name)
    if seen is not None and seen.status == row.status == RUNNING and seen.run == row.run:
        row = seen  # the index knows more of a living run; in all else the file is newer
    return {
        "task": row.to_dict(),
        "config": _config_text(workspace, name),
        "notes": metadata.notes_of(info),
        "env": environment_model(metadata.env_of(info), secrets=secrets),
        "history": [run_model(paths, info, run) for run in runs(info)],
    }


class TaskChange(metadata.TaskPatch, frozen=True, kw_only=True):
    """What to change of a task; `expected` may also hold its name."""

    task: str
    name: str | None = None


def change(workspace: WorkspaceFolder, wanted: TaskChange) -> str:
    """Change what is given, all of it or nothing; return the task's name then.

    Raises:
        Conflict: when something is not as the client expected it, or the task cannot get the name.
        InvalidInput, NotFound, Unreadable, Busy: when it cannot be changed.
    """
    expected = dict(wanted.expected)
    expected_name = expected.pop("name", None)
    if expected_name is not None:
        convert(expected_name, str, field="expected.name")
    patch = replace(wanted, expected=expected)
    return edit.change(workspace, wanted.task, patch, new_name=wanted.name, expected_name=expected_name)


def environment_model(environment: Mapping[str, object], *, secrets: bool) -> list[dict[str, Any]]:
    """Return variables as `Variable`s; values of secrets are told only with `secrets`."""
    found = []
    for name, text in environment.items():
        secret = is_secret(str(name))
        found.append(
            {"name": str(name), "value": None if secret and not secrets else str(text), "secret": secret}
        )
    return found


def _config_text(workspace: WorkspaceFolder, name: str) -> str:
    try:
        return preview.task_text(workspace, name)
    except (NotFound, Unreadable):
        return ""


def run_model(paths: TaskPaths, info: TaskInfo, run: Run) -> dict[str, Any]:
    """Return the `RunInfo` of a run."""
    return {
        "index": run.index,
        "status": run.status,
        "started_at": _finite(run.started_at),
        "finished_at": _finite(run.finished_at),
        "duration": _finite(run.duration),
        "exit_code": run.exit_code,
        "pid": run.pid,
        "records": run.records,
        "log_size": log_size(paths.log(run.index)),
        "source": run.source,
        "code": sources_of(info, run.index).get("code"),
        "environment": _place_model(run),
    }


def _place_model(run: Run) -> dict[str, Any]:
    def text(key: str) -> str:
        value = run.environment.get(key)
        return value if isinstance(value, str) else ""

    return {
        "host": text("host"),
        "system": text("system"),
        "python": text("python"),
        "executable": text("launcher"),
        "packages": text("packages"),
        "gpus": gpu_names(run),
        "cluster_job": text("cluster_job"),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


class TracksRequest(TaskRequest, frozen=True):
    """Which curves are wanted: those of a run, by default of the latest, in full or in `points`."""

    run: Annotated[int, Meta(ge=1, le=MAX_NUMBER)] | None = None
    points: Annotated[int, Meta(ge=2, le=MAX_TRACK_POINTS)] | None = None


def tracks(workspace: WorkspaceFolder, request: TracksRequest) -> dict[str, Any]:
    """Return the `Tracks` of a run: of each curve the points that a picture of it needs, fewer when the run
    has so many curves that these were more than `MAX_TRACK_VALUES`.

    Raises:
        NotFound: when the task has no such run.
    """
    name, wanted, points = request.task, request.run, request.points
    paths = workspace.existing(name)
    info = read_task(paths.folder)
    known = runs(info)
    if wanted is None and not known:
        return {"run": 0, "tracks": {}, "records": {}, "messages": []}
    number = len(known) if wanted is None else wanted
    if not 1 <= number <= len(known):
        raise NotFound(f"The task {name!r} has no run {number}.")
    check_inside(paths.journal(number), paths.folder)
    figures = run_metrics(info, known[number - 1], paths, thinned=points is None)
    told = {"run": number, "records": figures.records, "messages": figures.messages}
    most = MAX_TRACK_VALUES // max(len(figures.tracks), 1)
    if points is None:
        most = min(most, POINTS_SHOWN)
        return {**told, "tracks": {key: evenly(values, most) for key, values in figures.tracks.items()}}
    points = min(points, most)
    places = {
        key: select_points([*map(point_value, values)], points) for key, values in figures.tracks.items()
    }
    kept = {key: [figures.tracks[key][place] for place in found] for key, found in places.items()}
    return {**told, "tracks": kept, "places": places}
