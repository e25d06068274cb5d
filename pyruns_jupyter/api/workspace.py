"""Workspaces as objects, which create, run, find and organize tasks."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.taskfile.task_file import is_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.studies.launch import ensure_running

from .creation import Creation
from .live import Events
from .optimization import Optimization
from .queue import ProjectQueue, RunOptions, batch_request
from .results import Results
from .tables import TableView, count_text
from .task import Task, raise_refused
from .task_list import TaskList

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from pyruns_jupyter.core.tasks.bulk import Outcome
    from pyruns_jupyter.core.tasks.trash import TrashedTask

Tasks = str | Task | Iterable[str | Task]


# Trash, order and studies are imported by the methods that use them: commands start faster.
class Workspace(Creation, Optimization, Results):
    """The tasks of one script, notebook or folder. Iterating over a workspace yields them, oldest first."""

    def __init__(self, folder: WorkspaceFolder) -> None:
        self._folder = folder
        self._index = TaskIndex(folder)

    @classmethod
    def open(cls, target: str | os.PathLike[str] = ".") -> Workspace:
        """Open a workspace and return it. A workspace that does not exist is created.

        Args:
            target: the path of a script, notebook, folder, or workspace folder below `_pyruns_`.

        Raises:
            NotFound: if `target` does not exist.
            InvalidInput: if the script cannot be read, for example because of a syntax error.
        """
        return cls(open_workspace(Path(target))[0])

    @property
    def folder(self) -> WorkspaceFolder:
        """The folder of the workspace, with the paths in it."""
        return self._folder

    @property
    def name(self) -> str:
        """The name of the workspace, which is the name of its script, or `_shell_`."""
        return self._folder.name

    @property
    def script(self) -> Path | None:
        """The path of the script, or None for a folder workspace."""
        return self._folder.script

    @property
    def queue(self) -> ProjectQueue:
        """The queue of the project, which contains the batches of all its workspaces."""
        return ProjectQueue(self._folder.root)

    def run(self, tasks: Tasks, *, skip_done: bool = False, **options: Unpack[RunOptions]) -> TaskList:
        """Queue tasks as a batch. When this method returns, the batch is stored on disk.

        Durations are numbers of seconds, or strings such as `90s`, `10m` and `1h30m`.

        Args:
            tasks: the tasks, in the order in which they start.
            skip_done: whether to skip completed tasks, and tasks with the same values as a completed one. The
                `notices` of the result name them.
            jobs: the maximum number of parallel tasks of this batch, from 1 to 1000. The default is 1, or
                1000 on a cluster. In addition, the setting `max_jobs` limits all batches of the project
                together. Its default is one task per CPU core, which a larger value of `jobs` overrides.
            priority: a whole number. Batches with a higher priority start first. The default is 0.
            preempt: whether to stop lower-priority tasks to make room. Only tasks that are
                requeued (`resume`) are stopped.
            after: the tasks that must complete before the first task of this batch starts: `Task` objects,
                names, or `WORKSPACE/TASK` for a task in another workspace of the project.
            after_any: the same, but the tasks may also fail or be cancelled.
            retries: the maximum number of retries of a failed task. The default is 0.
            retry_delay: the delay before the first retry (default: 10 seconds). It doubles up to 1 hour.
            time_limit: the maximum duration of a run. A longer run is stopped and counts as failed.
            signal: a signal that is sent to the processes of a run that handle it, and how long before the
                time limit, such as `USR1@2m`.
            grace: the time between SIGTERM and SIGKILL when a run is stopped. The default is 10 seconds.
            alerts: rules that alert, and may tag the task or stop the run, such as `["loss is nan -> stop"]`.
            stop_after: the number of identical failures in a row after which the queued tasks of the batch
                are cancelled. With 0, they are never cancelled.
            resume: whether to requeue a task when its run was interrupted by a reboot, a container restart,
                preemption or a node failure, reached its time limit after it saved a checkpoint, or exited
                with code 75.
            max_requeues: the maximum number of requeues of a task. The default is 20.
            gpus: the number of GPUs per task. With 0, a task sees no GPU. By default, the settings determine
                it; without a setting, it is 1 if the host has GPUs and the script imports a GPU framework.
            gpu_memory: the GPU memory in GiB that a task needs on each of its GPUs, or `auto` for the peak of
                completed runs plus 10 percent. Tasks then share GPUs with sufficient memory. By default, GPUs
                are not shared. Implies one GPU per task.
            gpu_devices: the indices or UUIDs of the GPUs that tasks may use. Implies one GPU per task.
            retry_alone: with `gpu_memory`, retry with exclusive GPUs after a GPU out-of-memory error.
            memory: the memory per task with its unit, such as `16G` (16 GiB). It is reserved while the task
                runs. A task that exceeds it is killed. By default, there is no limit.
            engine: the executor of the tasks: `local`, `slurm` or `dask`. By default, the settings determine
                it.
            cluster: the resources of each job on a cluster: with Slurm, a mapping with the optional keys
                `partition`, `account`, `gpus` (such as `2` or `a100:2`), `cpus`, `memory` (such as `16G`),
                `time` and `extra` (options of `sbatch`, and commands to run before the task); with Dask,
                `gpus`, `memory` and `resources` (such as `{"GPU": 1}`). Missing values are taken from the
                settings.

        Returns:
            The queued tasks.

        Raises:
            InvalidInput: if an option is not valid. No task is queued.
            NotFound: if a task does not exist. No task is queued.
            Conflict: if a task is already queued or running. The other tasks are queued.
        """
        names = self._names(tasks)
        found = batch_request(self._folder, options).submit(names, skip_done=skip_done)
        raise_refused(found.refused)
        return TaskList((self[name] for name in found.queued), found.skipped.values())

    def wait(
        self, tasks: Tasks | None = None, *, timeout: float | None = None, progress: bool | None = None
    ) -> TaskList:
        """Wait until none of the tasks is queued or running.

        Args:
            tasks: the tasks to wait for. By default, all tasks of the workspace.
            timeout: the maximum time in seconds; None means no limit.
            progress: whether to show a progress bar. By default, only notebooks and terminals show it.

        Returns:
            The tasks that still exist. `notices` names the tasks that were deleted or renamed meanwhile.

        Raises:
            NotFound: if a task does not exist.
            TimeoutError: if the timeout expires before all tasks have ended.
        """
        return self._chosen(tasks).wait(timeout=timeout, progress=progress)

    async def wait_async(
        self, tasks: Tasks | None = None, *, timeout: float | None = None, progress: bool | None = None
    ) -> TaskList:
        """Wait like `wait`, without blocking the event loop, as in `await ws.wait_async()`."""
        import asyncio  # the command line starts faster without it

        found = await asyncio.to_thread(self._chosen, tasks)
        return await found.wait_async(timeout=timeout, progress=progress)

    def events(self, *, until_idle: bool = False) -> Events:
        """Return the changes of tasks as they happen.

        Args:
            until_idle: whether to end when no task is queued or running. By default, it does not end.

        Returns:
            `Event` objects, to iterate with `for` or `async for`.
        """
        return Events(self._folder, until_idle=until_idle)

    def _chosen(self, tasks: Tasks | None) -> TaskList:
        names = self.tasks().names if tasks is None else self._names(tasks)
        return TaskList(Task(self._folder, name) for name in names)

    def tasks(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TaskList:
        """Return the tasks that match a query such as `status:failed lr<0.05`.

        Args:
            text: the query. An empty query matches all tasks.
            sort: the fields to sort by, such as `acc,-lr`. The prefix `-` reverses the order of a field.
            order: `asc` for ascending or `desc` for descending order.
            partial: whether to return an incomplete result with a notice instead of raising an error if some
                logs could not be searched completely.

        Returns:
            The tasks. `notices` contains warnings, for example that some tasks do not have a metric.

        Raises:
            InvalidInput: if the query is not valid, a field is unknown, or a log could not be searched.
        """
        found = self.table(text, sort=sort, order=order, partial=partial)
        return TaskList((Task(self._folder, row.name) for row in found.rows), found.notices)

    def table(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TableView:
        """Return the tasks that match a query as a table, which is faster than `tasks` for many tasks.

        The arguments are the same as those of `tasks`.

        Raises:
            InvalidInput: if the query is not valid, as in `tasks`.
        """
        from pyruns_jupyter.core import query  # most commands start faster without it

        self._index.refresh()
        found = query.select(
            self._index.rows.values(),
            query=text,
            sort=sort,
            order=order,
            limit=None,
            sources=query.Sources.of(self._index),
            strict=True,
            partial=partial,
            points_seconds=math.inf,  # as the caller waits for it
        )
        return TableView(found.items, (notice.message for notice in found.notices))

    def counts(self) -> dict[str, int]:
        """Return the number of tasks with each status; `unreadable` are those whose file cannot be read."""
        self._index.refresh()
        return dict(self._index.counts)

    def attend(self) -> bool:
        """Start the background processes that are needed but not running, and return whether one was started.

        These are the scheduler of the project if tasks are queued, and the drivers of active studies.
        """
        return ensure_running(self._folder.root)

    def move(
        self, tasks: Tasks, *, before: str | Task | None = None, after: str | Task | None = None
    ) -> None:
        """Move tasks directly before or after another task in the custom order (`sort="order"`).

        Args:
            tasks: the tasks to move, in their new order.
            before: the task before which the tasks are placed.
            after: the task after which the tasks are placed.

        Raises:
            NotFound: if a task does not exist.
            InvalidInput: if not exactly one of `before` and `after` is given.
        """
        from pyruns_jupyter.core.tasks.order import move_tasks

        names = self._names(tasks)
        anchors = [None if one is None else self._names(one)[0] for one in (before, after)]
        self._index.refresh()
        move_tasks(self._folder, self._index.rows, names, before=anchors[0], after=anchors[1])

    def trashed(self) -> list[TrashedTask]:
        """Return the tasks in the trash, the most recently deleted first."""
        from pyruns_jupyter.core.tasks.trash import trash_tasks

        return trash_tasks(self._folder)

    def restore(self, name: str, *, as_name: str | None = None) -> Task:
        """Restore a task from the trash and return it.

        Args:
            name: the name of the task.
            as_name: the new name of the task. By default, its previous name.

        Raises:
            NotFound: if the trash does not contain the task.
            Conflict: if the name is in use, or if several tasks in the trash had this name.
        """
        from pyruns_jupyter.core.tasks.trash import restore

        return self[restore(self._folder, name, as_name)]

    def purge(self, names: str | Iterable[str] | None = None, *, older_than: float | None = None) -> Outcome:
        """Permanently delete tasks in the trash.

        Args:
            names: the names of the tasks. By default, all tasks in the trash.
            older_than: the minimum time since a task was moved to the trash, in seconds.

        Returns:
            The names of the deleted tasks, and the reason for each task that could not be deleted.
        """
        from pyruns_jupyter.core.tasks.trash import purge_all

        chosen = [names] if isinstance(names, str) else names
        return purge_all(self._folder, chosen, older_than=older_than)

    @classmethod
    def unpack(
        cls,
        path: str | os.PathLike[str],
        into: str | os.PathLike[str] = ".",
        *,
        as_name: str | None = None,
    ) -> TaskList:
        """Import the tasks from an archive that `archive` wrote.

        Existing files are not changed. A task gets a new name if its name is in use. Modules that would hide
        an installed package from other scripts of the project are not imported.

        Args:
            path: the path of the archive.
            into: the project folder or the script into which the tasks are imported.
            as_name: the new name of the task. Only for archives with a single task.

        Returns:
            The imported tasks. `notices` lists renamed tasks, new files, and files that were not imported.

        Raises:
            InvalidInput: if the file is not a valid archive. Nothing is imported.
        """
        from pyruns_jupyter.core.export.archive import unpack  # rarely needed and slow to import

        found = unpack(Path(path).expanduser(), Path(into).expanduser(), as_name=as_name)
        workspace = cls(found.workspace)
        notices = [*found.warnings(), *filter(None, (found.written_text(),))]
        return TaskList((workspace[name] for name in found.names.values()), notices)

    def _names(self, tasks: Tasks) -> list[str]:
        if isinstance(tasks, (str, Task)):
            tasks = [tasks]
        names = [task if isinstance(task, str) else task.name for task in tasks]
        for name in names:
            self[name]
        return names

    def __getitem__(self, name: str) -> Task:
        """Return the task with the given name.

        Raises:
            NotFound: if the task does not exist.
        """
        if not is_task(self._folder.paths(name).folder):
            raise NotFound(f"The task {name!r} does not exist in the workspace {self.name!r}.")
        return Task(self._folder, name)

    def __iter__(self) -> Iterator[Task]:
        """Iterate over the tasks, oldest first."""
        return iter(self.tasks())

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self._folder.task_names())

    def __repr__(self) -> str:
        return f"Workspace({self.name!r}, {count_text(len(self), 'task')})"

    def _repr_html_(self) -> str:
        return self.tasks()._repr_html_()
