"""The operations on a workspace: one table for REST handlers and widgets.

An operation is named as in `server/openapi.yaml`. A front end performs it with a `Session`, which chooses the
threads, and the source of its request struct; the result is data for JSON, or None. Streams and downloads are
not in the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Generic, Protocol, TypeVar

from msgspec import Meta, Struct, structs

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from . import actions, exports, generator, logs, queue, runs, settings, studies, tasks
from .columns import columns_reader
from .compare import CompareRequest
from .curves import MAX_POINTS, curves
from .curves import MAX_TASKS as MAX_CURVE_TASKS
from .groups import Grouping
from .request import (
    MAX_NUMBER,
    Count,
    Request,
    RequestSource,
    RunRequest,
    StudyRequest,
    TaskRequest,
    given_options,
)

T = TypeVar("T")
R = TypeVar("R", bound=Struct)

API_VERSION = 2  # clients of another version are told to reload; change it with what operations take or give
READ, WRITE, EXECUTE = "read", "write", "execute"
MAX_LOG_MARKS = 10_000


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


@dataclass(frozen=True)
class Operation(Generic[R]):
    """How an operation is requested and performed.

    Attributes:
        method: of HTTP.
        path: below `/workspaces/{ws}`, with `{task}` and other parameters.
        permission: the action that the user must be allowed to do; None when `function` checks it.
        request: the arguments.
        function: performs it.
        status: of the answer over HTTP; 204 when there is none.
        is_activity: whether a request that is no GET counts as user activity.
        is_execution: whether the user must also be allowed to execute.
    """

    method: str
    path: str
    permission: str | None
    request: type[R]
    function: Callable[[Session, R], Coroutine[Any, Any, object]]
    status: int = 200
    is_activity: bool = True
    is_execution: bool = False

    async def perform(self, session: Session, source: RequestSource) -> object:
        """Return the result for what a client sent."""
        if self.is_execution:
            await session.require(EXECUTE)
        try:
            wanted = source.read(self.request)
        except InvalidInput:
            if self.permission is None:
                await session.require(WRITE)  # a user without permissions does not learn what would be right
            raise
        return await self.function(session, wanted)


def _simple(
    method: str,
    path: str,
    request: type[R],
    work: Callable[[WorkspaceFolder, R], object],
    *,
    is_preview: bool = False,
    is_execution: bool = False,
) -> Operation[R]:
    """Return an operation that is one function of a workspace.

    It reads the disk, with `is_preview` a script or a configuration, or changes the disk, with `is_execution`
    also which programs run.
    """
    is_change = method != "GET" and not is_preview

    async def perform(session: Session, wanted: R) -> object:
        workspace = await session.open()
        run = partial(_changed, session) if is_change else session.preview if is_preview else session.run
        return await run(lambda: work(workspace, wanted))

    permission = WRITE if is_change else READ
    return Operation(method, path, permission, request, perform, is_execution=is_execution)


async def _changed(session: Session, change: Callable[[], T]) -> T:
    """Return what a change of the disk returns; tasks are read again after it, also when it failed."""
    try:
        return await session.run(change)
    finally:
        session.touch()


async def _preview_sweep(session: Session, wanted: generator.PreviewRequest) -> object:
    workspace = await session.open()
    return await session.preview(lambda: generator.preview(workspace, wanted, session.max_tasks))


async def _list_tasks(session: Session, wanted: tasks.PageRequest) -> object:
    await session.open()
    if "log" in wanted.query.casefold() or "/" in wanted.query:
        # Reading logs and regular expressions take a while; other questions need not wait for it.
        make = await session.look(lambda index: tasks.task_page(index, wanted, lambda: session.is_abandoned))
        return await session.search(make)
    # What a query finds may depend on the time, as that of `started>2d` does.
    question = (wanted, int(time.monotonic() / 2) if wanted.query else 0)
    return await session.answer(question, lambda index: tasks.task_page(index, wanted))


async def _create_tasks(session: Session, wanted: tasks.CreateRequest) -> object:
    if wanted.run is not None:
        await session.require(EXECUTE)
    workspace = await session.open()
    await session.check_jobs(given_options(wanted.run))
    return await _changed(session, lambda: tasks.create(workspace, wanted, session.max_tasks))


async def _act_on_tasks(session: Session, wanted: actions.ActionRequest) -> object:
    await session.require(EXECUTE if wanted.executes else WRITE)
    workspace = await session.open()
    await session.check_jobs(given_options(wanted.run))
    names = list(dict.fromkeys(wanted.names or ()))
    if wanted.names is None:
        names = await session.search(await session.look(wanted.matching, refresh=True))
    rows = await _rows(session) if wanted.action == actions.MOVE else {}
    return await _changed(session, lambda: actions.act(workspace, wanted, names, rows))


class DetailRequest(TaskRequest, frozen=True):
    """A task in detail, with the values of its secrets or without."""

    secrets: bool = False


async def _get_task(session: Session, wanted: DetailRequest) -> object:
    await _check_secrets(session, wanted)
    await session.open()
    return await session.look(lambda index: tasks.detail(index, wanted.task, secrets=wanted.secrets))


async def _change_task(session: Session, wanted: tasks.TaskChange) -> object:
    workspace = await session.open()
    name = await _changed(session, lambda: tasks.change(workspace, wanted))
    return await session.look(lambda index: tasks.detail(index, name))


def _delete_task(workspace: WorkspaceFolder, wanted: TaskRequest) -> None:
    trash.trash(workspace, wanted.task)


async def _list_columns(session: Session, _: Request) -> object:
    await session.open()
    return await session.answer("columns", columns_reader)


async def _group_tasks(session: Session, wanted: Grouping) -> object:
    await session.open()
    make = await session.look(lambda index: wanted.reader(index, lambda: session.is_abandoned))
    return await session.search(make)


class CurvesRequest(Request, frozen=True):
    """The curves `key` of the tasks `name`, of their run `run` or their latest ones."""

    name: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    points: Annotated[int, Meta(ge=2, le=MAX_POINTS)] = 40
    run: Annotated[int, Meta(ge=1, le=MAX_NUMBER)] | None = None


def _curves(workspace: WorkspaceFolder, wanted: CurvesRequest) -> object:
    names, keys = list(wanted.name[:MAX_CURVE_TASKS]), list(wanted.key)
    return curves(workspace, names, keys or None, wanted.points, wanted.run)


class CompareQuery(tasks.Selection, frozen=True):
    """As `CompareRequest`, in an address."""

    name: tuple[str, ...] = ()


async def _compare_tasks(session: Session, wanted: CompareQuery) -> object:
    fields = structs.asdict(wanted)
    return await _compared(session, CompareRequest(names=fields.pop("name"), **fields))


async def _compared(session: Session, wanted: CompareRequest) -> object:
    await session.open()
    return await session.search(await session.look(wanted.reader(lambda: session.is_abandoned)))


class LogTimesRequest(TaskRequest, frozen=True):
    """When the bytes from `offset` to `end` of a log were written."""

    run: Annotated[int, Meta(ge=1, le=MAX_NUMBER)] | None = None
    offset: Count = 0
    end: Count | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_LOG_MARKS)] = 1000


def _log_times(workspace: WorkspaceFolder, wanted: LogTimesRequest) -> object:
    return logs.log_times(
        workspace, wanted.task, run=wanted.run, offset=wanted.offset, end=wanted.end, limit=wanted.limit
    )


class RunInputRequest(RunRequest, frozen=True):
    """What a run was given, with the values of secrets or without."""

    secrets: bool = False


async def _check_secrets(session: Session, wanted: DetailRequest | RunInputRequest) -> None:
    """Check that secrets may be shown: a user who may execute could have a task print them."""
    if wanted.secrets:
        await session.require(EXECUTE)


async def _get_run_input(session: Session, wanted: RunInputRequest) -> object:
    await _check_secrets(session, wanted)
    workspace = await session.open()
    return await session.run(
        lambda: runs.run_input(workspace, wanted.task, wanted.run, secrets=wanted.secrets)
    )


async def _change_queue(session: Session, wanted: queue.QueueChange) -> object:
    await session.require(EXECUTE)  # it may be switched off for everybody
    if wanted.requeue:
        await session.require(WRITE)
    root = (await session.open()).root
    await session.run(lambda: queue.change(root, wanted))
    return await session.run(lambda: queue.queue(root))


async def _list_studies(session: Session, _: Request) -> object:
    workspace = await session.open()
    found = await session.run(lambda: studies.StudyList.read(workspace))
    rows = await _rows(session)
    return await session.run(lambda: found.listing(workspace, rows))


async def _begin_study(session: Session, wanted: studies.NewStudyRequest) -> object:
    workspace = await session.open()
    await session.check_jobs({**given_options(wanted.run), "jobs": wanted.jobs})
    return await _changed(session, lambda: studies.begin(workspace, wanted))


async def _get_study(session: Session, wanted: StudyRequest) -> object:
    workspace = await session.open()
    found = await session.run(lambda: studies.StudyList.one(workspace, wanted.study))
    rows = await _rows(session)
    return await session.run(lambda: found.detail(workspace, rows))


async def _rows(session: Session) -> Mapping[str, TaskRow]:
    return await session.look(lambda index: index.rows, refresh=True)


class TemplateRequest(Request, frozen=True):
    """The text to start from: the default one, or that of a task."""

    task: str = ""


_TASK, _RUN, _STUDY = "/tasks/{task}", "/tasks/{task}/runs/{run}", "/studies/{study}"

OPERATIONS: dict[str, Operation[Any]] = {
    "getParameters": _simple(
        "GET", "/parameters", Request, lambda ws, _: generator.parameters(ws), is_preview=True
    ),
    "getTemplate": _simple(
        "GET", "/templates", TemplateRequest, lambda ws, one: generator.template(ws, one.task)
    ),
    "previewSweep": Operation("POST", "/preview", READ, generator.PreviewRequest, _preview_sweep),
    "listTasks": Operation("GET", "/tasks", READ, tasks.PageRequest, _list_tasks),
    "createTasks": Operation("POST", "/tasks", WRITE, tasks.CreateRequest, _create_tasks, status=201),
    "actOnTasks": Operation("POST", "/actions", None, actions.ActionRequest, _act_on_tasks),
    "getTask": Operation("GET", _TASK, READ, DetailRequest, _get_task),
    "changeTask": Operation("PATCH", _TASK, WRITE, tasks.TaskChange, _change_task),
    "deleteTask": _simple("DELETE", _TASK, TaskRequest, _delete_task),
    "listTrash": _simple("GET", "/trash", Request, lambda ws, _: exports.trash_model(ws)),
    "listColumns": Operation("GET", "/columns", READ, Request, _list_columns),
    "groupTasks": Operation("GET", "/groups", READ, Grouping, _group_tasks),
    "listCurves": _simple("GET", "/curves", CurvesRequest, _curves),
    "compareTasks": Operation("GET", "/compare", READ, CompareQuery, _compare_tasks),
    "compareManyTasks": Operation("POST", "/compare", READ, CompareRequest, _compared, is_activity=False),
    "getTracks": _simple("GET", f"{_TASK}/tracks", tasks.TracksRequest, tasks.tracks),
    "listLogTimes": _simple("GET", f"{_TASK}/logs/times", LogTimesRequest, _log_times),
    "getRun": _simple("GET", _RUN, RunRequest, lambda ws, one: runs.run_details(ws, one.task, one.run)),
    "getRunInput": Operation("GET", f"{_RUN}/input", READ, RunInputRequest, _get_run_input),
    "listArtifacts": _simple(
        "GET", f"{_RUN}/artifacts", RunRequest, lambda ws, one: runs.artifacts(ws, one.task, one.run)
    ),
    "getQueue": _simple("GET", "/queue", Request, lambda ws, _: queue.queue(ws.root)),
    "changeQueue": Operation("POST", "/queue", EXECUTE, queue.QueueChange, _change_queue),
    # `global_env` may hold what only tasks should know.
    "getSettings": _simple(
        "GET", "/settings", Request, lambda ws, _: settings.settings(ws.root), is_execution=True
    ),
    "changeSettings": _simple(
        *("PATCH", "/settings", settings.SettingsChange),
        lambda ws, wanted: settings.change(ws.root, wanted),
        is_execution=True,
    ),
    "listStudies": Operation("GET", "/studies", READ, Request, _list_studies),
    "beginStudy": Operation(
        "POST", "/studies", WRITE, studies.NewStudyRequest, _begin_study, status=201, is_execution=True
    ),
    "previewSearch": _simple("POST", "/searches", studies.NewStudyRequest, studies.preview, is_preview=True),
    "getStudy": Operation("GET", _STUDY, READ, StudyRequest, _get_study),
    "changeStudy": _simple("POST", _STUDY, studies.StudyChange, studies.change, is_execution=True),
    "removeStudy": _simple("DELETE", _STUDY, StudyRequest, lambda ws, one: studies.remove(ws, one.study)),
}
