"""The operations on a workspace: one table for REST handlers and widgets.

An operation is named as in `server/openapi.yaml`. A front end performs it with a `Session`, which chooses the
threads, and the `Arguments` of the request; the result is data for JSON, or None. Streams and downloads are
not in the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from . import actions, changes, exports, generator, logs, queue, runs, settings, studies, tasks
from .columns import columns_reader
from .compare import Comparing
from .curves import MAX_POINTS, curves
from .curves import MAX_TASKS as MAX_CURVE_TASKS
from .groups import Grouping
from .request import Arguments

T = TypeVar("T")

API_VERSION = 2  # clients of another version are told to reload; change it with what operations take or give
READ, WRITE, EXECUTE = "read", "write", "execute"
MAX_RUN = 2**31
MAX_TRACK_POINTS = 100_000
MAX_LOG_MARKS = 10_000
_PAGE_OPTIONS = ("query", "status", "sort", "order")


class Abandoned(Exception):
    """The client has gone, so that the answer is not needed."""


class Session(Protocol):
    """One request to one workspace, as its front end performs it."""

    @property
    def max_tasks(self) -> int: ...  # that one request may create

    @property
    def is_abandoned(self) -> bool: ...  # the client has gone

    async def open(self) -> WorkspaceFolder:
        """Return the workspace, or raise NotFound."""

    async def require(self, action: str) -> None:
        """Raise Forbidden if the user may not do `action`."""

    async def check_jobs(self, options: Mapping[str, object]) -> None:
        """Raise InvalidInput if options of a batch exceed what the administrator allows."""

    async def look(self, read: Callable[[TaskIndex], T], *, refresh: bool = False) -> T:
        """Return what `read` finds in the index: read from the disk again with `refresh`."""

    async def answer(self, question: object, read: Callable[[TaskIndex], Callable[[], object]]) -> object:
        """Return what `read` makes of the index; until a change the same question may get the same answer."""

    async def run(self, function: Callable[[], T]) -> T:
        """Return what a function returns that waits for the disk."""

    async def search(self, function: Callable[[], T]) -> T:
        """Return what a function returns that may take seconds, or raise Abandoned."""

    async def preview(self, function: Callable[[], T]) -> T:
        """Return what reading a script or a configuration gives, or raise Abandoned or Busy."""

    def touch(self) -> None:
        """Note that the disk was changed."""


Perform = Callable[[Session, Arguments], Coroutine[Any, Any, object]]
Work = Callable[[WorkspaceFolder, Arguments], object]


@dataclass(frozen=True)
class Operation:
    """How an operation is requested and performed.

    Attributes:
        method: of HTTP.
        path: below `/workspaces/{ws}`, with `{task}` and other parameters.
        permission: the action that the user must be allowed to do; None when `perform` checks it.
        perform: the operation itself.
        status: of the answer over HTTP; 204 when there is none.
        is_activity: whether a request counts as user activity.
    """

    method: str
    path: str
    permission: str | None
    perform: Perform
    status: int = 200
    is_activity: bool = False


def _get(path: str, work: Work) -> Operation:
    """Return an operation that reads the disk."""

    async def perform(session: Session, arguments: Arguments) -> object:
        workspace = await session.open()
        return await session.run(lambda: work(workspace, arguments))

    return Operation("GET", path, READ, perform)


def _preview(method: str, path: str, work: Work) -> Operation:
    """Return an operation that reads a script or a configuration."""

    async def perform(session: Session, arguments: Arguments) -> object:
        workspace = await session.open()
        return await session.preview(lambda: work(workspace, arguments))

    return Operation(method, path, READ, perform, is_activity=method != "GET")


def _change(method: str, path: str, work: Work, *, is_execution: bool = False) -> Operation:
    """Return an operation that changes the disk, and with `is_execution` which programs run."""

    async def perform(session: Session, arguments: Arguments) -> object:
        if is_execution:
            await session.require(EXECUTE)
        workspace = await session.open()
        return await _changed(session, lambda: work(workspace, arguments))

    return Operation(method, path, WRITE, perform, is_activity=True)


async def _changed(session: Session, change: Callable[[], T]) -> T:
    """Return what a change of the disk returns; tasks are read again after it, also when it failed."""
    try:
        return await session.run(change)
    finally:
        session.touch()


async def _preview_sweep(session: Session, arguments: Arguments) -> object:
    wanted = generator.Sketch.read(arguments.body(*generator.Sketch.KEYS))
    workspace = await session.open()
    return await session.preview(lambda: generator.preview(workspace, wanted, session.max_tasks))


async def _list_tasks(session: Session, arguments: Arguments) -> object:
    wanted: dict[str, Any] = {key: arguments.text(key) for key in _PAGE_OPTIONS}
    wanted["fields"] = tuple(arguments.texts("fields"))
    wanted["offset"] = arguments.number("offset")
    wanted["limit"] = arguments.number("limit", low=1, high=tasks.MAX_PAGE)
    await session.open()
    if "log" in wanted["query"].casefold() or "/" in wanted["query"]:
        # Reading logs and regular expressions take a while; other questions need not wait for it.
        read = tasks.page_reader(**wanted, is_given_up=lambda: session.is_abandoned)
        return await session.search(await session.look(read))
    # What a query finds may depend on the time, as that of `started>2d` does.
    question = ("page", *wanted.values(), int(time.monotonic() / 2) if wanted["query"] else 0)
    return await session.answer(question, tasks.page_reader(**wanted))


async def _create_tasks(session: Session, arguments: Arguments) -> object:
    wanted = tasks.Creation.read(arguments.body(*tasks.Creation.KEYS))
    if wanted.run is not None:
        await session.require(EXECUTE)
    workspace = await session.open()
    await session.check_jobs(wanted.run or {})
    return await _changed(session, lambda: tasks.create(workspace, wanted, session.max_tasks))


async def _act_on_tasks(session: Session, arguments: Arguments) -> object:
    try:
        wanted = actions.ActionRequest.read(arguments.body(*actions.ActionRequest.KEYS))
    except InvalidInput:
        await session.require(WRITE)  # a user without permissions does not learn what would be right
        raise
    await session.require(EXECUTE if wanted.executes else WRITE)
    workspace = await session.open()
    await session.check_jobs(wanted.run)
    names = wanted.names
    if names is None:
        names = await session.search(await session.look(wanted.matching, refresh=True))
    rows = await _rows(session) if wanted.action == actions.MOVE else {}
    return await _changed(session, lambda: actions.act(workspace, wanted, names, rows))


async def _get_task(session: Session, arguments: Arguments) -> object:
    secrets = await _secrets(session, arguments)
    await session.open()
    return await session.look(partial(tasks.detail, name=arguments.text("task"), secrets=secrets))


async def _change_task(session: Session, arguments: Arguments) -> object:
    wanted = changes.Patch.read(arguments.body(*changes.Patch.KEYS))
    workspace, task = await session.open(), arguments.text("task")
    name = await _changed(session, lambda: changes.change(workspace, task, wanted))
    return await session.look(partial(tasks.detail, name=name))


async def _list_columns(session: Session, arguments: Arguments) -> object:
    await session.open()
    return await session.answer("columns", columns_reader)


async def _group_tasks(session: Session, arguments: Arguments) -> object:
    wanted = Grouping(
        by=tuple(arguments.texts("by")),
        fold=tuple(arguments.texts("fold")),
        offset=arguments.number("offset") or 0,
        limit=arguments.number("limit", low=1, high=tasks.MAX_PAGE) or tasks.DEFAULT_PAGE,
        **{key: arguments.text(key) for key in _PAGE_OPTIONS},
    )
    await session.open()
    make = await session.look(lambda index: wanted.reader(index, lambda: session.is_abandoned))
    return await session.search(make)


async def _compare_tasks(session: Session, arguments: Arguments) -> object:
    options = {key: arguments.text(key) for key in _PAGE_OPTIONS}
    return await _compared(session, Comparing(names=tuple(arguments.texts("name")), **options))


async def _compare_many_tasks(session: Session, arguments: Arguments) -> object:
    return await _compared(session, Comparing.read(arguments.body("names")))


async def _compared(session: Session, wanted: Comparing) -> object:
    await session.open()
    return await session.search(await session.look(wanted.reader(lambda: session.is_abandoned)))


async def _get_run_input(session: Session, arguments: Arguments) -> object:
    run, secrets = _run_of(arguments), await _secrets(session, arguments)
    workspace, task = await session.open(), arguments.text("task")
    return await session.run(lambda: runs.run_input(workspace, task, run, secrets=secrets))


async def _change_queue(session: Session, arguments: Arguments) -> object:
    paused = queue.read_change(arguments.body(*queue.KEYS))
    await session.require(EXECUTE)  # it may be switched off for everybody
    if paused is None:
        await session.require(WRITE)
    root = (await session.open()).root
    await session.run(lambda: queue.change(root, paused))
    return await session.run(lambda: queue.queue(root))


async def _get_settings(session: Session, arguments: Arguments) -> object:
    await session.require(EXECUTE)  # `global_env` may hold what only tasks should know
    root = (await session.open()).root
    return await session.run(lambda: settings.settings(root))


async def _list_studies(session: Session, arguments: Arguments) -> object:
    workspace = await session.open()
    found = await session.run(lambda: studies.StudyList.read(workspace))
    rows = await _rows(session)
    return await session.run(lambda: found.listing(workspace, rows))


async def _begin_study(session: Session, arguments: Arguments) -> object:
    await session.require(EXECUTE)  # creates tasks and runs them
    wanted = studies.StudyRequest.read(arguments.body(*studies.StudyRequest.KEYS))
    workspace = await session.open()
    await session.check_jobs({**wanted.run, **wanted.fields})
    return await _changed(session, lambda: studies.begin(workspace, wanted))


async def _get_study(session: Session, arguments: Arguments) -> object:
    workspace, study = await session.open(), arguments.text("study")
    found = await session.run(lambda: studies.StudyList.one(workspace, study))
    rows = await _rows(session)
    return await session.run(lambda: found.detail(workspace, rows))


async def _rows(session: Session) -> Mapping[str, TaskRow]:
    return await session.look(lambda index: index.rows, refresh=True)


async def _secrets(session: Session, arguments: Arguments) -> bool:
    """Return whether values of secrets are wanted: a user who may execute could have a task print them."""
    wanted = arguments.flag("secrets")
    if wanted:
        await session.require(EXECUTE)
    return wanted


def _run_of(arguments: Arguments) -> int:
    run = arguments.number("run", low=1, high=MAX_RUN)
    if run is None:
        raise InvalidInput("The request lacks 'run'.", field="run")
    return run


def _curves(workspace: WorkspaceFolder, arguments: Arguments) -> object:
    return curves(
        workspace,
        arguments.texts("name")[:MAX_CURVE_TASKS],
        arguments.texts("key") or None,
        arguments.number("points", low=2, high=MAX_POINTS) or 40,
        arguments.number("run", low=1),
    )


def _tracks(workspace: WorkspaceFolder, arguments: Arguments) -> object:
    run = arguments.number("run", low=1)
    points = arguments.number("points", low=2, high=MAX_TRACK_POINTS)
    return tasks.tracks(workspace, arguments.text("task"), run, points)


def _log_times(workspace: WorkspaceFolder, arguments: Arguments) -> object:
    return logs.log_times(
        workspace,
        arguments.text("task"),
        run=arguments.number("run", low=1),
        offset=arguments.number("offset") or 0,
        end=arguments.number("end"),
        limit=arguments.number("limit", low=1, high=MAX_LOG_MARKS) or 1000,
    )


def _delete(workspace: WorkspaceFolder, arguments: Arguments) -> None:
    trash.trash(workspace, arguments.text("task"))


def _preview_search(workspace: WorkspaceFolder, arguments: Arguments) -> object:
    wanted = studies.StudyRequest.read(arguments.body(*studies.StudyRequest.KEYS))
    return studies.preview(workspace, wanted)


def _change_settings(workspace: WorkspaceFolder, arguments: Arguments) -> object:
    settings.change(workspace.root, arguments.body(*settings.KEYS))
    return settings.settings(workspace.root)


def _remove_study(workspace: WorkspaceFolder, arguments: Arguments) -> None:
    studies.remove(workspace, arguments.text("study"))


def _change_study(workspace: WorkspaceFolder, arguments: Arguments) -> object:
    wanted = studies.StudyChange.read(arguments.body(*studies.StudyChange.KEYS))
    return studies.change(workspace, arguments.text("study"), wanted)


_RUN = "/tasks/{task}/runs/{run}"

OPERATIONS: dict[str, Operation] = {
    "getParameters": _preview("GET", "/parameters", lambda ws, _: generator.parameters(ws)),
    "getTemplate": _get("/templates", lambda ws, given: generator.template(ws, given.text("task"))),
    "previewSweep": Operation("POST", "/preview", READ, _preview_sweep, is_activity=True),
    "listTasks": Operation("GET", "/tasks", READ, _list_tasks),
    "createTasks": Operation("POST", "/tasks", WRITE, _create_tasks, status=201, is_activity=True),
    "actOnTasks": Operation("POST", "/actions", None, _act_on_tasks, is_activity=True),
    "getTask": Operation("GET", "/tasks/{task}", READ, _get_task),
    "changeTask": Operation("PATCH", "/tasks/{task}", WRITE, _change_task, is_activity=True),
    "deleteTask": _change("DELETE", "/tasks/{task}", _delete),
    "listTrash": _get("/trash", lambda ws, _: exports.trash_model(ws)),
    "listColumns": Operation("GET", "/columns", READ, _list_columns),
    "groupTasks": Operation("GET", "/groups", READ, _group_tasks),
    "listCurves": _get("/curves", _curves),
    "compareTasks": Operation("GET", "/compare", READ, _compare_tasks),
    "compareManyTasks": Operation("POST", "/compare", READ, _compare_many_tasks),
    "getTracks": _get("/tasks/{task}/tracks", _tracks),
    "listLogTimes": _get("/tasks/{task}/logs/times", _log_times),
    "getRun": _get(_RUN, lambda ws, given: runs.run_details(ws, given.text("task"), _run_of(given))),
    "getRunInput": Operation("GET", f"{_RUN}/input", READ, _get_run_input),
    "listArtifacts": _get(
        f"{_RUN}/artifacts", lambda ws, given: runs.artifacts(ws, given.text("task"), _run_of(given))
    ),
    "getQueue": _get("/queue", lambda ws, _: queue.queue(ws.root)),
    "changeQueue": Operation("POST", "/queue", EXECUTE, _change_queue, is_activity=True),
    "getSettings": Operation("GET", "/settings", READ, _get_settings),
    "changeSettings": _change("PATCH", "/settings", _change_settings, is_execution=True),
    "listStudies": Operation("GET", "/studies", READ, _list_studies),
    "beginStudy": Operation("POST", "/studies", WRITE, _begin_study, status=201, is_activity=True),
    "previewSearch": _preview("POST", "/searches", _preview_search),
    "getStudy": Operation("GET", "/studies/{study}", READ, _get_study),
    "changeStudy": _change("POST", "/studies/{study}", _change_study, is_execution=True),
    "removeStudy": _change(
        "DELETE", "/studies/{study}", lambda ws, given: studies.remove(ws, given.text("study"))
    ),
}
