"""Run options, and the queue of a project as an object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.engine.queue import launch
from pyruns_jupyter.studies.launch import ensure_running

from .tables import count_text, html_table, text_table

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
    from pyruns_jupyter.engine.client.submit import BatchRequest
    from pyruns_jupyter.engine.queue.status import Queue, QueuedBatch

    from .task import Task

Seconds = float | str  # also 90s, 10m, 2h, 1h30m


class TaskOptions(TypedDict, total=False):
    """The run options of a task, without `jobs`. `Workspace.run` describes them."""

    priority: int
    preempt: bool
    after: str | Task | Iterable[str | Task]
    after_any: str | Task | Iterable[str | Task]
    retries: int
    retry_delay: Seconds
    time_limit: Seconds | None
    signal: str | None
    grace: Seconds | None
    stop_after: int | None
    alerts: Iterable[str]
    resume: bool | None
    max_requeues: int
    gpus: int | None
    gpu_memory: float | str | None
    gpu_devices: Iterable[str | int]
    retry_alone: bool
    memory: str | None
    engine: str | None
    cluster: Mapping[str, object]


class RunOptions(TaskOptions, total=False):
    """The run options of a batch. `Workspace.run` describes them."""

    jobs: int


def named_options(given: RunOptions) -> dict[str, object]:
    """Return the options with names of tasks instead of `Task` objects."""
    options: dict[str, object] = {**given}
    if "after" in given:
        options["after"] = _names(given["after"])
    if "after_any" in given:
        options["after_any"] = _names(given["after_any"])
    return options


def batch_request(workspace: WorkspaceFolder, given: RunOptions) -> BatchRequest:
    """Return a request to queue tasks of a workspace with the given run options.

    Raises:
        InvalidInput: if an option is not valid.
    """
    from pyruns_jupyter.engine.client.submit import BatchRequest  # slow to import

    return BatchRequest.parse(workspace, named_options(given))


def _names(tasks: str | Task | Iterable[str | Task]) -> list[str]:
    """Return the names of tasks, as `workspace/task` for `Task` objects."""
    listed = tasks if isinstance(tasks, Iterable) and not isinstance(tasks, str) else (tasks,)
    return [one if isinstance(one, str) else f"{one.folder.parents[1].name}/{one.name}" for one in listed]


class ProjectQueue:
    """The queue of a project, with the batches of all its workspaces. Notebooks display it as a table.

    Properties are read from the disk at each access. While the queue is paused, no task starts, and running
    tasks continue.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def state(self) -> Queue:
        """The current state of the queue.

        Reading it starts a scheduler if tasks are queued and no scheduler is running.
        """
        from pyruns_jupyter.engine.queue.status import read_queue

        with suppress(PyrunsError, OSError):  # the state shows that no scheduler is running
            ensure_running(self._root)
        return read_queue(self._root)

    @property
    def batches(self) -> tuple[QueuedBatch, ...]:
        """The batches with queued or running tasks, in the order in which they start."""
        return self.state.batches

    @property
    def paused(self) -> bool:
        """Whether the queue is paused."""
        return launch.is_paused(self._root)

    def pause(self) -> bool:
        """Pause the queue. Return True if this call paused it, False if it was already paused."""
        return launch.pause(self._root)

    def resume(self) -> bool:
        """Resume the queue. Return True if this call resumed it, False if it was not paused."""
        return launch.resume(self._root)

    def requeue(self) -> list[str]:
        """Requeue the tasks that were queued in another copy of the project.

        This includes tasks that were queued on another machine or by an older version. They will run with
        your environment and your permissions. Studies that were started elsewhere are resumed too.

        Returns:
            The names of the requeued tasks, as `WORKSPACE/TASK`.

        Raises:
            Conflict: if the queue belongs to another user.
        """
        from pyruns_jupyter.studies.launch import requeue

        return requeue(self._root).queued

    def __repr__(self) -> str:
        state = self.state
        table = [text_table(_COLUMNS, _cells(state))] if state.batches else []
        return "\n".join([*_sentences(state), *table])

    def _repr_html_(self) -> str:
        state = self.state
        return html_table(_COLUMNS, _cells(state), " ".join(_sentences(state)))


_COLUMNS = ["workspace", "queued", "running", "jobs", "priority", "reason"]


def _cells(state: Queue) -> list[list[str]]:
    from pyruns_jupyter.engine.queue.options import MAX_JOBS

    return [
        [
            batch.workspace,
            str(batch.waiting),
            str(batch.running),
            str(batch.options.jobs) if batch.options.is_local or batch.options.jobs < MAX_JOBS else "any",
            str(batch.options.priority),
            batch.why,
        ]
        for batch in state.batches
    ]


def _sentences(state: Queue) -> list[str]:
    sentences = []
    if state.paused:
        sentences.append("The queue is paused.")
    if not state.batches:
        sentences.append("The queue is empty.")
    foreign = sum(batch.waiting for batch in state.batches if batch.foreign)
    if foreign:
        sentences.append(
            f"{count_text(foreign, 'task')} queued in another copy of the project will not start "
            "here. Use `queue.requeue()` or "
            "`jupyter pyruns requeue` to requeue them here."
        )
    return sentences
