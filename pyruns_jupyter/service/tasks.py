"""Listing, creating and changing tasks, and one task in detail."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

from msgspec import Meta
from msgspec.structs import replace

from pyruns_jupyter.core import query
from pyruns_jupyter.core.alerts.stored import alerts_of
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError, Unreadable, os_sentence
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.common.secret_names import is_secret
from pyruns_jupyter.core.common.time_limit import time_limit
from pyruns_jupyter.core.common.validation import convert
from pyruns_jupyter.core.create import create as generate
from pyruns_jupyter.core.create import preview
from pyruns_jupyter.core.logs.reader import log_size
from pyruns_jupyter.core.metrics.goals import Goals
from pyruns_jupyter.core.metrics.system_hints import hints_of
from pyruns_jupyter.core.metrics.system_metrics import gpu_hours, stored_summary
from pyruns_jupyter.core.query import QueryResult
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
from .request import Count, Request, TaskRequest, check_keys, given_options

MAX_PAGE, DEFAULT_PAGE = 1000, 200  # items on a page
MAX_FIELDS = 200
_MAX_SELECTIONS = 4  # of an index that are kept
_FIRST_ROWS = 1000  # of a selection, which need not be sorted as a whole


class Selection(Request, frozen=True):
    """The tasks that match a query and have one of some statuses (separated by commas), and their order."""

    query: str = ""
    status: str = ""
    sort: str = ""
    order: Literal["", "asc", "desc"] = ""

    def selection(self, index: TaskIndex, order: str = "asc") -> partial[QueryResult]:
        """Return `query.select` for the present index; it finds all tasks, in `order` by default.

        Calling it may take seconds. It raises InvalidInput if the query, a status or the sort key is not
        valid.
        """
        return partial(
            query.select,
            index.rows.values(),
            self.query,
            statuses=[word.strip() for word in self.status.split(",") if word.strip()] or None,
            sort=self.sort or "created",
            order=self.order or order,
            limit=None,
            sources=query.Sources.of(index),
        )


class PageRequest(Selection, frozen=True):
    """The items of one page: at most `limit`, after the first `offset`."""

    offset: Count = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE


def check_fields(request: Request, *names: str) -> None:
    """Raise InvalidInput if a list of fields in a request is too long."""
    for name in names:
        if len(getattr(request, name)) > MAX_FIELDS:
            raise InvalidInput(f"At most {MAX_FIELDS} fields are allowed.", field=name)


class TaskPageRequest(PageRequest, frozen=True):
    """A page of tasks. `fields` are the keys of the configuration, and the aggregates of metrics, whose
    values are included; `best` the metrics and aggregates whose best value is.
    """

    fields: tuple[str, ...] = ()
    best: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self, "fields", "best")

    @property
    def may_be_slow(self) -> bool:
        """Whether the page may need text of logs, regular expressions or points of curves."""
        if "log" in self.query.casefold() or "/" in self.query:
            return True
        return any("(" in text for text in (self.query, self.sort, *self.fields, *self.best))

    @property
    def moment(self) -> int:
        """The time, in steps of 2 s, if the result may depend on it, as with `started>2d`, or on
        configurations, which may change without the task file.
        """
        depends = self.query or self.sort not in ("", "created", "name")
        return int(time.monotonic() / 2) if depends else 0


# The last selections of an index, by its revision: most requests are for another page of the same one.
_selections: WeakKeyDictionary[TaskIndex, tuple[int, dict[Hashable, QueryResult]]] = WeakKeyDictionary()


def _selected(
    index: TaskIndex, revision: int, key: Hashable, end: int, select: Callable[[int | None], QueryResult]
) -> QueryResult:
    """Return a selection with at least the first `end` rows; `select` finds those up to a limit."""
    known = _selections.get(index)
    if known is None or known[0] != revision:
        known = _selections[index] = revision, {}
    found = known[1].get(key)
    if found is None or len(found.items) < min(end, found.total):
        if len(known[1]) >= _MAX_SELECTIONS:
            known[1].clear()
        limit = _FIRST_ROWS if found is None and end <= _FIRST_ROWS else None
        found = known[1][key] = select(limit)
    return found


def task_page(
    index: TaskIndex, wanted: TaskPageRequest, is_given_up: Callable[[], bool] | None = None
) -> Callable[[], dict[str, Any]]:
    """Return a slow function that makes the `TaskPage` from the present index; see `Selection.selection`.

    `is_given_up` returns whether the client no longer needs the page.
    """
    fields = wanted.fields
    select = wanted.selection(index, "desc")
    swept, figures = index.columns()
    goals = _goals(index.goals(), figures)
    revision = index.revision
    seen = {
        "counts": dict(index.counts),
        "revision": revision,
        "epoch": index.epoch,
        "typical_duration": index.typical_duration,
    }

    def page() -> dict[str, Any]:
        first, limit, best = wanted.offset, wanted.limit, wanted.best
        if wanted.may_be_slow:
            found = select(
                offset=first,
                limit=limit,
                excerpts=True,
                aggregates=fields,
                best=best,
                is_given_up=is_given_up,
            )
            rows = found.items
        else:
            key = (wanted.query, wanted.status, wanted.sort, wanted.order, best, str(goals), wanted.moment)
            found = _selected(index, revision, key, first + limit, lambda most: select(best=best, limit=most))
            rows = found.items[first : first + limit]
        configs = index.configs() if fields else {}
        return {
            "usage": found.usage._asdict(),
            "items": [
                _item(
                    row,
                    configs.get(row.name),
                    fields,
                    found.values.get(row.name),
                    found.excerpts.get(row.name),
                )
                for row in rows
            ],
            "total": found.total,
            **seen,
            "columns": {"swept": swept, "figures": figures},
            "notices": [notice.to_dict() for notice in found.notices],
            "goals": goals,
            "best": {
                key: {"value": encode_nonfinite(best.value), **best.goal._asdict()}
                for key, best in found.best.items()
            },
        }

    return page


def _goals(goals: Goals, metrics: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the `MetricGoal`s of those metrics that have one."""
    return {
        metric: {**goal._asdict(), "automatic": automatic and automatic.direction}
        for metric, goal in goals.known(metrics).items()
        for automatic in (goals.automatic(metric),)
    }


def _item(
    row: TaskRow,
    config: Mapping[str, Any] | None,
    fields: tuple[str, ...],
    aggregates: Mapping[str, Any] | None,
    hit: query.Excerpt | None,
) -> dict[str, Any]:
    item = row.to_dict()
    if hit is not None:
        item["hit"] = {"line": hit.line, "text": hit.text}
    if fields:
        known = config or row.swept
        if aggregates:
            known = {**known, **aggregates}
        item["values"] = {key: encode_nonfinite(known[key]) for key in fields if key in known}
    return item


class DetailRequest(TaskRequest, frozen=True):
    """A request for a task, with or without the values of its secrets."""

    secrets: bool = False


class CreateRequest(Request, frozen=True):
    """A configuration of new tasks, and the run options to queue them with (None: do not queue them).

    `check`: the script's parser has to accept the command lines.
    """

    text: str
    name: str
    run: dict[str, Any] | None = None
    check: bool = False

    def __post_init__(self) -> None:
        check_keys(self.run or {}, OPTIONS, "run.")


def create(workspace: WorkspaceFolder, wanted: CreateRequest, max_tasks: int) -> dict[str, Any]:
    """Create one task or all tasks of a sweep, at most `max_tasks`, and return a `Created`.

    Raises:
        InvalidInput: if the configuration, the name or a run option is not valid; nothing is created.
    """
    settings = Settings.load(workspace.root)
    request = (
        None if wanted.run is None else BatchRequest.parse(workspace, given_options(wanted.run), settings)
    )
    with time_limit(CREATE_SECONDS):
        proposal = propose(workspace, wanted.text, wanted.name, max_tasks, settings)
    if request is not None:
        preview.check_runnable(workspace, settings)
    names = generate.create(proposal, settings=settings)
    created: dict[str, Any] = {"names": names, "queued": False, "message": None}
    if request is not None:
        try:
            refused = request.submit(names).refused
        except PyrunsError as error:  # the tasks were created
            refused = {names[0]: error.message}
        except OSError as error:
            refused = {names[0]: os_sentence(error)}
        created["queued"] = not refused
        created["message"] = next(iter(refused.values()), None)
    return created


def check(workspace: WorkspaceFolder, wanted: CreateRequest, max_tasks: int) -> None:
    """Let the script's own parser check the command lines of new tasks; the script runs up to its parser.

    Raises:
        InvalidInput: if the configuration is not valid, or the parser rejects a command line.
    """
    from pyruns_jupyter.engine.run.ask_script import check_sweep  # few sweeps are checked

    with time_limit(CREATE_SECONDS):
        proposal = propose(workspace, wanted.text, wanted.name, max_tasks)
    check_sweep(workspace, proposal.plan)


def detail(index: TaskIndex, name: str, *, secrets: bool = False) -> dict[str, Any]:
    """Return the `TaskDetail` of a task, with the values of secrets only if `secrets` is true.

    Raises:
        NotFound: if there is no such task.
    """
    workspace = index.workspace
    paths = workspace.existing(name)
    row, info = read_row(paths.folder)
    seen = index.rows.get(name)
    if seen is not None and seen.status == row.status == RUNNING and seen.run == row.run:
        row = seen  # the index has the metrics of the running task
    return {
        "task": row.to_dict(),
        "config": _config_text(workspace, name),
        "notes": metadata.notes_of(info),
        "env": environment_model(metadata.env_of(info), secrets=secrets),
        "history": [run_model(paths, info, run) for run in runs(info)],
    }


class TaskChange(metadata.TaskPatch, frozen=True, kw_only=True):
    """The fields of a task to change. `expected` may also contain its old name."""

    task: str
    name: str | None = None


def change(workspace: WorkspaceFolder, wanted: TaskChange) -> str:
    """Change the given fields, either all or none, and return the task's name.

    Raises:
        Conflict: if a field no longer has the expected value, or the task cannot be renamed.
        InvalidInput, NotFound, Unreadable, Busy: if the task cannot be changed.
    """
    expected = dict(wanted.expected)
    expected_name = expected.pop("name", None)
    if expected_name is not None:
        convert(expected_name, str, field="expected.name")
    patch = replace(wanted, expected=expected)
    return edit.change(workspace, wanted.task, patch, new_name=wanted.name, expected_name=expected_name)


def environment_model(environment: Mapping[str, object], *, secrets: bool) -> list[dict[str, Any]]:
    """Return environment variables as `Variable`s, with the values of secrets only if `secrets` is true."""
    found = []
    for name, text in environment.items():
        secret = is_secret(str(name))
        found.append(
            {"name": str(name), "value": None if secret and not secrets else str(text), "secret": secret}
        )
    return found


def _config_text(workspace: WorkspaceFolder, name: str) -> str:
    try:
        return workspace.task_text(name)
    except (NotFound, Unreadable):
        return ""


def run_of(info: TaskInfo, name: str, number: int | None) -> Run:
    """Return a run of a task, the latest one if `number` is None.

    Raises:
        NotFound: if the task has no such run.
    """
    known = runs(info)
    wanted = len(known) if number is None else number
    if not 1 <= wanted <= len(known):
        raise NotFound(f"The task {name!r} has no run {wanted}.")
    return known[wanted - 1]


def find_run(workspace: WorkspaceFolder, name: str, number: int | None) -> tuple[TaskPaths, TaskInfo, Run]:
    """Return the paths of a task, the content of its file, and a run, the latest one if `number` is None.

    Raises:
        NotFound: if there is no such task or run.
    """
    paths = workspace.existing(name)
    info = read_task(paths.folder)
    return paths, info, run_of(info, name, number)


def run_model(paths: TaskPaths, info: TaskInfo, run: Run) -> dict[str, Any]:
    """Return the `RunInfo` of a run."""
    summary = stored_summary(info, run.index)
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
        "alerts": [one.to_dict() for one in alerts_of(info, run.index)],
        "gpu_hours": gpu_hours(run),
        "system": summary,
        "hints": hints_of(summary),
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
