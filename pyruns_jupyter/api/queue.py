"""How tasks are queued from Python, and the queue of a project as an object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.engine.client.submit import BatchRequest
from pyruns_jupyter.engine.queue import launch
from pyruns_jupyter.engine.queue.options import MAX_JOBS
from pyruns_jupyter.engine.queue.status import Queue, QueuedBatch, read_queue
from pyruns_jupyter.studies.launch import ensure_running, requeue

from .tables import count_text, html_table, text_table

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

    from .task import Task

Seconds = float | str  # also 90s, 10m, 2h, 1h30m


class TaskOptions(TypedDict, total=False):
    """How a task is run; see `Workspace.run`. (The keys are those of `engine.queue.options.OPTIONS`.)"""

    priority: int
    after: str | Task | Iterable[str | Task]
    after_any: str | Task | Iterable[str | Task]
    retries: int
    retry_delay: Seconds
    time_limit: Seconds | None
    grace: Seconds | None
    stop_after: int | None
    resume: bool | None
    gpus: int | None
    gpu_memory: float | str | None
    gpu_devices: Iterable[str | int]
    retry_alone: bool
    memory: str | None
    engine: str | None
    cluster: Mapping[str, object]


class RunOptions(TaskOptions, total=False):
    """How tasks are run together; see `Workspace.run`."""

    jobs: int


def named_options(given: RunOptions) -> dict[str, object]:
    """Return options with the tasks to run after by their names."""
    options: dict[str, object] = {**given}
    if "after" in given:
        options["after"] = _names(given["after"])
    if "after_any" in given:
        options["after_any"] = _names(given["after_any"])
    return options


def batch_request(workspace: WorkspaceFolder, given: RunOptions) -> BatchRequest:
    """Return the request to queue tasks of `workspace` with these options.

    Raises:
        InvalidInput: if one cannot be used.
    """
    return BatchRequest.parse(workspace, named_options(given))


def _names(tasks: str | Task | Iterable[str | Task]) -> list[str]:
    """Return names of tasks, with their workspace where it is known."""
    listed = tasks if isinstance(tasks, Iterable) and not isinstance(tasks, str) else (tasks,)
    return [one if isinstance(one, str) else f"{one.folder.parents[1].name}/{one.name}" for one in listed]


class ProjectQueue:
    """What waits in a project, all its workspaces together; shows itself as a table.

    Every look reads the disk. Paused, what runs goes on and nothing more is started, whoever queues it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def state(self) -> Queue:
        """The queue as it is now. A scheduler is started if tasks are queued and none is alive."""
        with suppress(PyrunsError, OSError):  # the queue says that no scheduler runs
            ensure_running(self._root)
        return read_queue(self._root)

    @property
    def batches(self) -> tuple[QueuedBatch, ...]:
        """What was queued and is not done, in the order in which it is started."""
        return self.state.batches

    @property
    def paused(self) -> bool:
        """Whether nothing more is started."""
        return launch.is_paused(self._root)

    def pause(self) -> bool:
        """Start nothing more; return whether the queue was not paused before."""
        return launch.pause(self._root)

    def resume(self) -> bool:
        """Go on; return whether the queue was paused before."""
        return launch.resume(self._root)

    def requeue(self) -> list[str]:
        """Queue again here the tasks that were queued elsewhere: in another copy of the project, on another
        machine, or by an earlier release. They run with your environment and your rights.

        Studies that were begun elsewhere are resumed here.

        Returns:
            The queued tasks, as `workspace/task`.

        Raises:
            Conflict: if the queue belongs to another user.
        """
        return requeue(self._root).queued

    def __repr__(self) -> str:
        state = self.state
        table = [text_table(_COLUMNS, _cells(state))] if state.batches else []
        return "\n".join([*_sentences(state), *table])

    def _repr_html_(self) -> str:
        state = self.state
        return html_table(_COLUMNS, _cells(state), " ".join(_sentences(state)))


_COLUMNS = ["workspace", "waiting", "running", "jobs", "priority", "why nothing more starts"]


def _cells(state: Queue) -> list[list[str]]:
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
    said = []
    if state.paused:
        said.append("The queue is paused.")
    if not state.batches:
        said.append("Nothing is queued.")
    foreign = sum(batch.waiting for batch in state.batches if batch.foreign)
    if foreign:
        said.append(
            f"{count_text(foreign, 'task')} queued elsewhere: nothing of it is started here. "
            "`queue.requeue()` or `jupyter pyruns requeue` queues it again here."
        )
    return said
