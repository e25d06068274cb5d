"""Call functions in tasks, with the interface of `concurrent.futures`."""

from __future__ import annotations

import concurrent.futures as futures
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import cloudpickle  # type: ignore[import-untyped]

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.create.cells import create_cell
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import CELL_GIVEN, CELL_VALUE, check_task_name, is_task_name
from pyruns_jupyter.core.taskfile.task_file import is_passing, read_task
from pyruns_jupyter.core.tasks.row import row_from
from pyruns_jupyter.core.trust.call_results import load_error
from pyruns_jupyter.core.trust.signed_pickles import load_pickle, sign_pickle
from pyruns_jupyter.engine.client.requeue import is_stuck
from pyruns_jupyter.engine.client.submit import cancel
from pyruns_jupyter.studies.launch import ensure_running

from .creation import submit_or_delete
from .live import CHECK_SECONDS, pause_since
from .queue import RunOptions, TaskOptions, batch_request
from .task import Task
from .workspace import Workspace

if TYPE_CHECKING:
    from typing_extensions import Unpack

_P = ParamSpec("_P")
_T = TypeVar("_T")

_USUAL_NAME = "call"


class RemoteTraceback(Exception):
    """The traceback of an exception in a task, as the `__cause__` of the exception that `result` raises."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


class TaskFuture(futures.Future[_T]):
    """The future of a call that runs in a task.

    Attributes:
        task: the task, which can be used before and after the call has ended.
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def cancel(self) -> bool:
        """Cancel the task if it is queued. A running task is not stopped; `future.task.stop()` stops it.

        Returns:
            Whether the call was cancelled.
        """
        if not (self.running() or self.done()):
            try:
                cancel(self.task.workspace.folder, self.task.name, only_queued=True)
            except (PyrunsError, OSError):
                return self.cancelled()
        return super().cancel()


class Executor(futures.Executor):
    """Runs functions in tasks. It has the interface of `concurrent.futures.Executor`.

    Each call is a task in the workspace of a folder, with a log, metrics and run options such as GPUs. Queued
    and running tasks continue when this process ends. A function and its arguments are pickled with
    cloudpickle, which includes functions of a notebook or of the main script. Modules of the project must
    be importable in the task, which has the `sys.path` of this process.

    `submit` returns a `Future` with the task as its attribute `task`. `map`, `wait` and `as_completed` work
    as with the executors of the standard library. `result` raises the exception of the function, with the
    traceback of the task as its `__cause__`. If the process was killed, or the function ended it with
    `sys.exit`, it raises `Conflict`.
    """

    def __init__(
        self,
        project: str | os.PathLike[str] | Workspace = ".",
        *,
        jobs: int | None = None,
        name: str = "",
        **options: Unpack[TaskOptions],
    ) -> None:
        """Create an executor. It writes nothing until a function is submitted.

        Args:
            project: the folder in which the functions run, or its workspace.
            jobs: the maximum number of parallel tasks of this executor. By default, only the project limits
                them (setting `max_jobs`), or the Slurm cluster.
            name: the name of the tasks, to which a number is added. By default, the name of the function.
            options: the run options of each task, which `Workspace.run` describes, such as `gpus=1`. Without
                `gpus`, the settings determine the number of GPUs.

        Raises:
            NotFound: if the folder does not exist.
            InvalidInput: if an option or the name is not valid, or the workspace is that of a script.
        """
        workspace = project if isinstance(project, Workspace) else Workspace.open(project)
        if workspace.folder.kind != "shell":
            raise InvalidInput(
                f"{workspace.name} is the workspace of a script. Functions run in the workspace of a folder. "
                "Use the folder of the script instead.",
                field="project",
            )
        if name:
            check_task_name(name)
        given = {**options} if jobs is None else {**options, "jobs": jobs}
        request = batch_request(workspace.folder, cast(RunOptions, given))
        if jobs is not None and not request.options.is_local:
            raise InvalidInput(
                "jobs has no effect on an executor whose tasks run in a cluster, which has its own limits. "
                "Remove this option.",
                field="jobs",
            )
        self._workspace = workspace
        self._name = name
        self._request = replace(request, group="" if jobs is None else new_token())
        self._lock = threading.Lock()
        self._pending: list[TaskFuture[Any]] = []
        self._watching: threading.Thread | None = None
        self._is_shut_down = False

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> TaskFuture[_T]:
        """Queue a call of a function and return its future. When this method returns, the task is stored.

        Args:
            fn: the function. Its return value and its exceptions must be picklable too.
            args: its positional arguments.
            kwargs: its keyword arguments.

        Raises:
            InvalidInput: if the function or an argument cannot be pickled. No task is created.
            PyrunsError: if the task cannot be queued. It is deleted.
            RuntimeError: if the executor was shut down.
        """
        given = _pickled(fn, args, kwargs)
        workspace = self._workspace
        with self._lock:
            if self._is_shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            name = self._name or _name_of(fn)
            about = f"Calls a Python function; {CELL_GIVEN} contains it and its arguments."
            task = workspace[create_cell(workspace.folder, name, about, {CELL_GIVEN: given})]
            submit_or_delete(self._request, [task])
            future: TaskFuture[_T] = TaskFuture(task)
            self._pending.append(future)
            if self._watching is None:
                self._watching = threading.Thread(target=self._watch, name="pyruns-executor", daemon=True)
                self._watching.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Refuse further calls. Tasks that are queued or running continue.

        Args:
            wait: whether to wait until all calls have ended.
            cancel_futures: whether to cancel the queued tasks.
        """
        with self._lock:
            self._is_shut_down = True
            pending, watching = list(self._pending), self._watching
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait and watching is not None:
            watching.join()

    def _watch(self) -> None:
        """Complete the futures of tasks as they end, until none is pending."""
        check_at = time.monotonic() + CHECK_SECONDS
        while True:
            began = time.monotonic()
            is_check = began > check_at
            with self._lock:
                pending = list(self._pending)
            if is_check:
                check_at = began + CHECK_SECONDS
                with suppress(PyrunsError, OSError):
                    ensure_running(self._workspace.folder.root)
            ended = {future for future in pending if _update(future, is_check=is_check)}
            with self._lock:
                self._pending = [future for future in self._pending if future not in ended]
                if not self._pending:
                    self._watching = None
                    return
            time.sleep(pause_since(began))


def _pickled(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    try:
        call = cloudpickle.dumps((function, args, kwargs))
    except Exception as error:
        raise InvalidInput(
            f"The call to {_name_of(function)} cannot be pickled: {error}", field="fn"
        ) from error
    # Modules that the call needs are imported when it is loaded, after the path has been set.
    path = [os.path.abspath(folder) for folder in sys.path]
    return sign_pickle(cloudpickle.dumps({"path": path, "call": call}))


def _name_of(function: Callable[..., Any]) -> str:
    inner = getattr(function, "func", function)  # of a `functools.partial`
    name = re.sub(r"\W+", "", str(getattr(inner, "__name__", "")))
    return name if is_task_name(name) else _USUAL_NAME


def _update(future: TaskFuture[Any], *, is_check: bool) -> bool:
    """Take over the status of the task; return whether its call has ended. An unexpected error ends it."""
    try:
        return _take_status(future, is_check=is_check)
    except Exception as error:  # noqa: BLE001  # the other futures must not wait for ever
        return _end(future, error)


def _take_status(future: TaskFuture[Any], *, is_check: bool) -> bool:
    if future.cancelled():
        future.set_running_or_notify_cancel()
        return True
    task = future.task
    try:
        row = row_from(read_task(task.folder), task.folder)
        if row.status == runs.QUEUED and not (is_check and is_stuck(task.folder)):
            return False
    except OSError:
        return False  # the disk may answer later
    except Unreadable as error:
        return False if is_passing(error) else _end(future, error)
    except PyrunsError as error:
        return _end(future, error)
    if row.status == runs.CANCELLED and not future.running():
        futures.Future.cancel(future)
    if not future.running() and not future.set_running_or_notify_cancel():
        return True
    if row.status == runs.RUNNING:
        return False
    if row.status == runs.CANCELLED:
        return _end(future, futures.CancelledError(f"The task {task.name!r} was stopped."))
    if row.status == runs.FAILED:
        return _end(future, exception_of(task, row.message or ""))
    if row.status != runs.COMPLETED:
        return _end(
            future,
            Conflict(
                f"The task {task.name!r} will not start here, because it was queued in another copy of the "
                "project or its batch no longer exists. Submit the call again."
            ),
        )
    try:
        value = return_value_of(task, row.run)
    except (PyrunsError, OSError) as error:
        return _end(future, error)
    future.set_result(value)
    return True


def _end(future: TaskFuture[Any], error: BaseException) -> bool:
    if not future.running() and not future.set_running_or_notify_cancel():
        return True
    future.set_exception(error)
    return True


def return_value_of(task: Task, run: int) -> Any:
    """Return the return value of the function of a completed run.

    Raises:
        Conflict: if there is none, because the function ended the process.
        Unreadable: if the value cannot be loaded.
    """
    folder = task.workspace.folder.paths(task.name).artifact_dir(run)
    try:
        return load_pickle(folder / CELL_VALUE, trust=False)
    except FileNotFoundError:
        raise Conflict(
            f"The task {task.name!r} ended without a return value. The function ended its process, for "
            "example with sys.exit()."
        ) from None


def exception_of(task: Task, message: str) -> BaseException:
    """Return the exception that the function of a failed task raised, or else an error with its message."""
    error: BaseException | None = None
    text = ""
    with suppress(PyrunsError, OSError, IndexError):
        folder = task.workspace.folder.paths(task.name).artifact_dir(task.runs[-1].index)
        error, text = load_error(folder)
    if error is None:
        error = Conflict(f"The task {task.name!r} failed. {message}".strip())
    if text:
        error.__cause__ = RemoteTraceback(text)
    return error
