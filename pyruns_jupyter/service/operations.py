"""The operations: one table for the REST API and the widgets.

Operations are named as in `server/openapi.yaml`. A front end performs an operation with a `Session`, which
chooses the threads, and with the source of its request. The result is data for JSON, a file, or None. Only
streams and the search in a log are not in the table.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from pyruns_jupyter._version import __version__
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.options import MAX_JOBS
from pyruns_jupyter.studies import service as managing

from . import (
    actions,
    asking,
    curves,
    exports,
    generator,
    imports,
    logs,
    media,
    queue,
    runs,
    settings,
    studies,
    tasks,
)
from .columns import columns_reader
from .compare import CompareQuery, CompareRequest, FailuresRequest
from .groups import GroupRequest
from .request import Request, RequestSource, RunRequest, StudyRequest, TaskRequest, given_options
from .session import Session
from .workspaces import ListRequest, OpenRequest

T = TypeVar("T")
R = TypeVar("R", bound=Struct)

API_VERSION = 2  # increase it with incompatible changes: older clients are then told to reload
READ, WRITE, EXECUTE = "read", "write", "execute"
LOG_WINDOW = 1024 * 1024  # bytes of a log stream that a client has not acknowledged


class Abandoned(Exception):
    """The client is gone, so the result is not needed."""


@dataclass(frozen=True)
class Created:
    """The description of something new; over HTTP its status is 201."""

    value: object


@dataclass(frozen=True)
class Operation(Generic[R]):
    """How an operation is requested and performed.

    Attributes:
        method: the HTTP method.
        path: the path of the URL, with `{ws}`, `{task}` and other parameters.
        permission: the action that the user must be allowed to perform; None if `function` checks it.
        request: the struct of its arguments.
        function: performs the operation.
        is_activity: whether a request that is not a GET counts as user activity.
        is_execution: whether the user must also be allowed to execute.
    """

    method: str
    path: str
    permission: str | None
    request: type[R]
    function: Callable[[Session, R], Awaitable[object]]
    is_activity: bool = True
    is_execution: bool = False

    async def perform(self, session: Session, source: RequestSource) -> object:
        """Return the result of the operation."""
        if self.is_execution:
            await session.require(EXECUTE)
        try:
            wanted = source.read(self.request)
        except InvalidInput:
            if self.permission is None:
                await session.require(WRITE)  # users without permission do not get the validation errors
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

    The function reads the disk, or with `is_preview` a script or a configuration, or changes the disk, with
    `is_execution` also which programs run.
    """
    is_change = method != "GET" and not is_preview

    async def perform(session: Session, wanted: R) -> object:
        workspace = await session.open()
        run = partial(_changed, session) if is_change else session.preview if is_preview else session.run
        return await run(lambda: work(workspace, wanted))

    permission = WRITE if is_change else READ
    return Operation(method, path, permission, request, perform, is_execution=is_execution)


def _slow(work: Callable[[WorkspaceFolder, R], object]) -> Callable[[Session, R], Awaitable[object]]:
    """Return what performs a function of a workspace that may read the disk for seconds."""

    async def perform(session: Session, wanted: R) -> object:
        workspace = await session.open()
        return await session.search(lambda: work(workspace, wanted))

    return perform


async def _changed(session: Session, change: Callable[[], T]) -> T:
    """Run a function that changes the disk. Tasks are read again after it, even if it failed."""
    try:
        return await session.run(change)
    finally:
        session.touch()


async def _check_jobs(session: Session, options: Mapping[str, object]) -> None:
    """Raise InvalidInput if a batch would run more tasks in parallel than the administrator allows."""
    jobs, workspace = options.get("jobs", 1), await session.open()
    if session.max_jobs is None or not isinstance(jobs, int) or jobs <= session.max_jobs:
        return
    if await session.run(lambda: queue.is_local(workspace, options)):
        raise InvalidInput(
            f"At most {session.max_jobs} tasks may run in parallel on this server, not {jobs}.", field="jobs"
        )


async def _get_status(session: Session, _: Request) -> object:
    return {
        "version": __version__,
        "api_version": API_VERSION,
        "can_write": await session.is_allowed(WRITE),
        "can_execute": await session.is_allowed(EXECUTE),
        "limits": {
            "tasks_at_once": session.max_tasks,
            "jobs_at_once": session.max_jobs or MAX_JOBS,
            "log_window": LOG_WINDOW,
        },
        "problems": session.problems(),
    }


async def _list_workspaces(session: Session, wanted: ListRequest) -> object:
    return {"items": await session.list_workspaces(wanted)}


async def _preview_sweep(session: Session, wanted: generator.PreviewRequest) -> object:
    workspace = await session.open()
    return await session.preview(lambda: generator.preview(workspace, wanted, session.max_tasks))


def _asking(
    work: Callable[[WorkspaceFolder, R, Callable[[], bool]], object], *, is_poll: bool = False
) -> Callable[[Session, R], Awaitable[object]]:
    """Return what performs a function of a workspace that waits for a script, or with `is_poll` for the
    supervisor of a task.
    """

    async def perform(session: Session, wanted: R) -> object:
        await session.require(EXECUTE)  # the table's check ignores that this can be disabled
        workspace = await session.open()
        wait = session.poll if is_poll else session.ask
        return await wait(lambda: work(workspace, wanted, lambda: session.is_abandoned))

    return perform


async def _list_tasks(session: Session, wanted: tasks.TaskPageRequest) -> object:
    await session.open()
    if wanted.may_be_slow:  # for seconds; other requests do not wait for it
        make = await session.look(lambda index: tasks.task_page(index, wanted, lambda: session.is_abandoned))
        return await session.search(make)
    question = (wanted, time.monotonic() if wanted.best else wanted.moment)  # best values depend on settings
    return await session.answer(question, lambda index: tasks.task_page(index, wanted))


async def _create_tasks(session: Session, wanted: tasks.CreateRequest) -> object:
    if wanted.run is not None or wanted.check:
        await session.require(EXECUTE)
    workspace = await session.open()
    await _check_jobs(session, given_options(wanted.run))
    if wanted.check:
        await session.ask(lambda: tasks.check(workspace, wanted, session.max_tasks))
    return Created(await _changed(session, lambda: tasks.create(workspace, wanted, session.max_tasks)))


async def _import_runs(session: Session, wanted: imports.ImportRequest) -> object:
    workspace = await session.open()

    def work() -> object:
        path = session.target(wanted.local_path)
        return imports.import_runs(
            workspace, path, wanted, session.max_tasks, partial(_unless_abandoned, session)
        )

    if wanted.dry_run:
        return await session.import_runs(work)
    try:
        return Created(await session.import_runs(work))
    finally:
        session.touch()


async def _act_on_tasks(session: Session, wanted: actions.ActionRequest) -> object:
    await session.require(EXECUTE if wanted.executes else WRITE)
    workspace = await session.open()
    await _check_jobs(session, given_options(wanted.run))
    names = list(dict.fromkeys(wanted.names or ()))
    if wanted.names is None:
        names = await session.search(await session.look(wanted.matching, refresh=True))
    is_move = wanted.action == actions.MOVE
    rows = await session.look(lambda index: index.rows, refresh=True) if is_move else {}
    return await _changed(session, lambda: actions.act(workspace, wanted, names, rows))


async def _get_task(session: Session, wanted: tasks.DetailRequest) -> object:
    await _check_secrets(session, wanted)
    await session.open()
    return await session.look(lambda index: tasks.detail(index, wanted.task, secrets=wanted.secrets))


async def _change_task(session: Session, wanted: tasks.TaskChange) -> object:
    workspace = await session.open()
    name = await _changed(session, lambda: tasks.change(workspace, wanted))
    return await session.look(lambda index: tasks.detail(index, name))


async def _list_columns(session: Session, _: Request) -> object:
    await session.open()
    return await session.answer("columns", columns_reader)


async def _read(session: Session, wanted: GroupRequest | CompareRequest | FailuresRequest) -> object:
    await session.open()
    read = await session.look(lambda index: wanted.reader(index, lambda: session.is_abandoned))
    return await session.search(read)


async def _export(session: Session, wanted: exports.ExportRequest) -> object:
    workspace = await session.open()
    content = await session.search(await session.look(wanted.content, refresh=True))
    return exports.export(workspace, wanted, content)


async def _check_secrets(session: Session, wanted: tasks.DetailRequest | runs.RunInputRequest) -> None:
    """Check that the user may see secrets: a user who may execute could print them in a task."""
    if wanted.secrets:
        await session.require(EXECUTE)


async def _get_run_input(session: Session, wanted: runs.RunInputRequest) -> object:
    await _check_secrets(session, wanted)
    workspace = await session.open()
    return await session.run(
        lambda: runs.run_input(workspace, wanted.task, wanted.run, secrets=wanted.secrets)
    )


async def _change_queue(session: Session, wanted: queue.QueueChange) -> object:
    await session.require(EXECUTE)  # the table's check ignores that the administrator may disable execution
    if wanted.requeue:
        await session.require(WRITE)
    root = (await session.open()).root
    await session.run(lambda: queue.change(root, wanted))
    return await session.run(lambda: queue.queue(root))


async def _list_studies(session: Session, _: Request) -> object:
    workspace = await session.open()
    found = await session.run(lambda: studies.StudyList.read(workspace))
    index = await session.look(lambda index: index, refresh=True)
    return await session.search(lambda: found.listing(index, partial(_unless_abandoned, session)))


async def _begin_study(session: Session, wanted: studies.NewStudyRequest) -> object:
    workspace = await session.open()
    await _check_jobs(session, {**given_options(wanted.run), "jobs": wanted.jobs})
    return Created(await _changed(session, lambda: studies.begin(workspace, wanted)))


async def _get_study(session: Session, wanted: StudyRequest) -> object:
    workspace = await session.open()
    found = await session.run(lambda: studies.StudyList.one(workspace, wanted.study))
    index = await session.look(lambda index: index, refresh=True)
    return await session.search(lambda: found.detail(index, partial(_unless_abandoned, session)))


def _unless_abandoned(session: Session) -> float:
    """Return that the work of the request may take any time, or raise Abandoned."""
    if session.is_abandoned:
        raise Abandoned
    return math.inf


def _delete_task(workspace: WorkspaceFolder, wanted: TaskRequest) -> None:
    trash.trash(workspace, wanted.task)


def _list_trash(workspace: WorkspaceFolder, _: Request) -> object:
    return {"items": [asdict(one) for one in trash.trash_tasks(workspace)]}


_WS = "/workspaces/{ws}"
_TASK, _STUDY = f"{_WS}/tasks/{{task}}", f"{_WS}/studies/{{study}}"
_RUN = f"{_TASK}/runs/{{run}}"

OPERATIONS: dict[str, Operation[Any]] = {
    "getStatus": Operation("GET", "/status", READ, Request, _get_status),
    "getSystem": Operation("GET", "/system", READ, Request, lambda session, _: session.sample()),
    "listWorkspaces": Operation("GET", "/workspaces", READ, ListRequest, _list_workspaces),
    "openWorkspace": Operation(
        "POST", "/workspaces", WRITE, OpenRequest, lambda session, wanted: session.open_workspace(wanted)
    ),
    "getWorkspace": Operation("GET", _WS, READ, Request, lambda session, _: session.describe()),
    "getParameters": _simple(
        "GET", f"{_WS}/parameters", Request, lambda ws, _: asking.parameters(ws), is_preview=True
    ),
    "askScript": Operation("POST", f"{_WS}/ask", EXECUTE, asking.AskRequest, _asking(asking.ask)),
    "getTemplate": _simple("GET", f"{_WS}/templates", generator.TemplateRequest, generator.template),
    "joinConfigurations": _simple(
        *("POST", f"{_WS}/templates", generator.JoinRequest, generator.joined_template), is_preview=True
    ),
    "previewSweep": Operation("POST", f"{_WS}/preview", READ, generator.PreviewRequest, _preview_sweep),
    "listTasks": Operation("GET", f"{_WS}/tasks", READ, tasks.TaskPageRequest, _list_tasks),
    "createTasks": Operation("POST", f"{_WS}/tasks", WRITE, tasks.CreateRequest, _create_tasks),
    "importRuns": Operation("POST", f"{_WS}/imports", WRITE, imports.ImportRequest, _import_runs),
    "actOnTasks": Operation("POST", f"{_WS}/actions", None, actions.ActionRequest, _act_on_tasks),
    "getTask": Operation("GET", _TASK, READ, tasks.DetailRequest, _get_task),
    "changeTask": Operation("PATCH", _TASK, WRITE, tasks.TaskChange, _change_task),
    "deleteTask": _simple("DELETE", _TASK, TaskRequest, _delete_task),
    "listTrash": _simple("GET", f"{_WS}/trash", Request, _list_trash),
    "listColumns": Operation("GET", f"{_WS}/columns", READ, Request, _list_columns),
    "groupTasks": Operation("GET", f"{_WS}/groups", READ, GroupRequest, _read),
    "listCurves": _simple("GET", f"{_WS}/curves", curves.CurvesRequest, curves.curves),
    "compareTasks": Operation("GET", f"{_WS}/compare", READ, CompareQuery, _read),
    "compareManyTasks": Operation("POST", f"{_WS}/compare", READ, CompareRequest, _read, is_activity=False),
    "listFailures": Operation("POST", f"{_WS}/failures", READ, FailuresRequest, _read, is_activity=False),
    "listMedia": Operation(
        "POST", f"{_WS}/media", READ, media.MediaRequest, _slow(media.media), is_activity=False
    ),
    "exportResults": Operation("GET", f"{_WS}/export", READ, exports.ExportRequest, _export),
    "getTracks": _simple("GET", f"{_TASK}/tracks", curves.TracksRequest, curves.tracks),
    "readLog": _simple("GET", f"{_TASK}/logs", logs.LogRangeRequest, logs.read_log),
    "downloadLog": _simple("GET", f"{_TASK}/logs/download", logs.LogRequest, logs.log_file),
    "listLogTimes": _simple("GET", f"{_TASK}/logs/times", logs.LogTimesRequest, logs.log_times),
    "previewLogMetrics": Operation(
        "GET", f"{_TASK}/logs/metrics", READ, logs.LogMetricsRequest, _slow(logs.log_metrics)
    ),
    "getStacks": _simple("GET", f"{_TASK}/stacks", logs.LogRequest, runs.stored_stacks),
    "requestStacks": Operation(
        "POST", f"{_TASK}/stacks", EXECUTE, runs.StackRequest, _asking(runs.request_stacks, is_poll=True)
    ),
    "getRun": _simple("GET", _RUN, RunRequest, lambda ws, one: runs.run_details(ws, one.task, one.run)),
    "getRunInput": Operation("GET", f"{_RUN}/input", READ, runs.RunInputRequest, _get_run_input),
    "listArtifacts": _simple(
        "GET", f"{_RUN}/artifacts", RunRequest, lambda ws, one: runs.artifacts(ws, one.task, one.run)
    ),
    "downloadArtifact": _simple(
        "GET", f"{_RUN}/artifacts/{{path}}", runs.ArtifactRequest, runs.artifact_file
    ),
    "downloadMedium": Operation(
        "GET", f"{_RUN}/media", READ, media.MediaFileRequest, _slow(media.media_file)
    ),
    "getQueue": _simple("GET", f"{_WS}/queue", Request, lambda ws, _: queue.queue(ws.root)),
    "changeQueue": Operation("POST", f"{_WS}/queue", EXECUTE, queue.QueueChange, _change_queue),
    # Reading the settings needs the permission to execute: `global_env` may contain secrets.
    "getSettings": _simple(
        "GET", f"{_WS}/settings", Request, lambda ws, _: settings.settings(ws.root), is_execution=True
    ),
    "changeSettings": _simple(
        *("PATCH", f"{_WS}/settings", settings.SettingsChange),
        lambda ws, wanted: settings.change(ws.root, wanted),
        is_execution=True,
    ),
    "defineMetric": _simple(
        "PATCH",
        f"{_WS}/metrics",
        settings.MetricDefinition,
        lambda ws, wanted: settings.define(ws.root, wanted),
    ),
    "getAlertRules": _simple(
        "GET", f"{_WS}/alerts", Request, lambda ws, _: settings.alert_rules(ws.root, ws.name)
    ),
    "changeAlertRules": _simple(
        *("PATCH", f"{_WS}/alerts", settings.AlertRulesChange),
        lambda ws, wanted: settings.change_rules(ws.root, ws.name, wanted),
        is_execution=True,
    ),
    "listStudies": Operation("GET", f"{_WS}/studies", READ, Request, _list_studies),
    "beginStudy": Operation(
        "POST", f"{_WS}/studies", WRITE, studies.NewStudyRequest, _begin_study, is_execution=True
    ),
    "previewSearch": _simple(
        "POST", f"{_WS}/searches", studies.NewStudyRequest, studies.preview, is_preview=True
    ),
    "getStudy": Operation("GET", _STUDY, READ, StudyRequest, _get_study),
    "getStudyImportance": Operation(
        "GET", f"{_STUDY}/importance", READ, studies.ImportanceRequest, _slow(studies.importance)
    ),
    "changeStudy": _simple("POST", _STUDY, studies.StudyChange, studies.change, is_execution=True),
    "removeStudy": _simple("DELETE", _STUDY, StudyRequest, lambda ws, one: managing.remove(ws, one.study)),
}
