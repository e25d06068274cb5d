"""Workspaces as objects: creating, running, finding and organizing tasks."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.create import create as generate
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.taskfile.task_file import is_task
from pyruns_jupyter.core.tasks.bulk import Outcome
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.order import move_tasks
from pyruns_jupyter.core.tasks.trash import TrashedTask, purge_all, restore, trash_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, open_workspace
from pyruns_jupyter.engine.client.batch_options import parse_options
from pyruns_jupyter.studies.definition import Definition, Direction, Pruner, Sampler
from pyruns_jupyter.studies.launch import ensure_running
from pyruns_jupyter.studies.service import begin

from .ask import Asking
from .live import Events
from .plan import Plan, plan_overlay
from .queue import ProjectQueue, RunOptions, TaskOptions, batch_request, named_options
from .results import Results
from .study import Studies, Study
from .tables import TableView, count_text
from .task import Task, raise_refused
from .task_list import TaskList

if TYPE_CHECKING:
    from typing_extensions import Unpack

Tasks = str | Task | Iterable[str | Task]


class Workspace(Asking, Results):
    """The tasks of one script, notebook or folder. Iterating over it yields the tasks, oldest first."""

    def __init__(self, folder: WorkspaceFolder) -> None:
        self._folder = folder
        self._index = TaskIndex(folder)

    @classmethod
    def open(cls, target: str | os.PathLike[str] = ".") -> Workspace:
        """Open a workspace and return it. It is created if needed.

        Args:
            target: a script or notebook for its workspace, a folder for its shell workspace, or the folder of
                a workspace (below `_pyruns_`).

        Raises:
            NotFound: if `target` does not exist.
            InvalidInput: if the script cannot be read, for example because of a syntax error.
        """
        return cls(open_workspace(Path(target))[0])

    @property
    def folder(self) -> WorkspaceFolder:
        """The folder of the workspace, with its paths."""
        return self._folder

    @property
    def name(self) -> str:
        """The name of the workspace: that of its script, or `_shell_`."""
        return self._folder.name

    @property
    def script(self) -> Path | None:
        """The path of the script; None for a shell workspace."""
        return self._folder.script

    def sweep(self, text: str, name: str = "") -> Plan:
        """Return the plan of a sweep without creating tasks.

        Args:
            text: YAML with batch syntax. Missing keys have the values of the script's default configuration.
            name: the name or name pattern of the tasks, as for `create`. With it, the plan shows their names.

        Raises:
            InvalidInput: if the text or the name is not valid, with key, line and column.
        """
        return plan_overlay(self._folder, text, name)

    def plan(self, path: str | os.PathLike[str]) -> Plan:
        """Return the plan in a file, validated for this workspace.

        Args:
            path: a file that `Plan.save` wrote, or any YAML file with batch syntax.

        Raises:
            NotFound: if there is no such file.
            Unreadable: if the file is not text.
            InvalidInput: if the plan is not valid, with key, line and column in the file.
        """
        try:
            return plan_overlay(self._folder, read_text(Path(path).expanduser()))
        except FileNotFoundError:
            raise NotFound(f"There is no file {os.fspath(path)}.") from None

    def create(self, plan: Plan | str, name: str | None = None) -> TaskList:
        """Create the tasks of a plan, either all or none.

        Args:
            plan: a plan, or its text: YAML with batch syntax, or a shell script in a shell workspace.
            name: the name of a single task, the first part of the names of several tasks, or a pattern such
                as `{lr}-{seed}`. In a pattern, `{n}` is the number of the task, `{name}` the name of the
                workspace, and `{lr:.0e}` has a format. By default the name of the plan, else `task`.

        Returns:
            The new tasks.

        Raises:
            InvalidInput: if the plan or the name is not valid.
            Conflict: if a name is in use.
        """
        if isinstance(plan, Plan):
            names = generate.create_tasks(self._folder, plan.text, name or plan.name or "task")
        elif self._folder.kind == "script":
            names = plan_overlay(self._folder, plan, name or "").create(self._folder, name)
        else:
            names = generate.create_tasks(self._folder, plan, name or "task")
        return TaskList(self[made] for made in names)

    @property
    def queue(self) -> ProjectQueue:
        """The queue of the project, which can be paused and resumed."""
        return ProjectQueue(self._folder.root)

    def run(self, tasks: Tasks, *, skip_done: bool = False, **options: Unpack[RunOptions]) -> TaskList:
        """Queue tasks as a batch. The batch is durably stored on disk when this method returns.

        Times are seconds, or texts such as 90s, 10m and 1h30m.

        Args:
            tasks: the tasks, in the order in which they start.
            skip_done: skip tasks if another task of the workspace has completed with the same configuration.
                The `notices` of the result name them.
            jobs: maximum number of parallel tasks of this batch, from 1 to 1000 (default: 1; on a cluster:
                1000). The setting `max_jobs` limits all batches of the project together (default: one task
                per CPU core); a larger value of `jobs` overrides that default.
            priority: a whole number; higher priority starts first (default: 0).
            after: tasks that must complete before the first task of this batch starts, as `Task` objects,
                names, or `workspace/task` for another workspace of the project.
            after_any: like `after`, but the tasks may also fail or be cancelled.
            retries: maximum number of retries of a failed task (default: 0).
            retry_delay: delay before the first retry (default: 10 s). It doubles with each further retry, up
                to one hour.
            time_limit: maximum duration of a run. A longer run is stopped and fails.
            grace: time between the request to stop and killing the process (default: 10 s).
            stop_after: after N consecutive runs with the same error, cancel the queued tasks of the batch.
            resume: requeue tasks that a restart of the machine or container interrupted.
            gpus: number of GPUs per task; with 0, a task sees no GPU. By default as in the settings, which is
                1 on a host with GPUs if the script imports a GPU framework.
            gpu_memory: GPU memory in GiB that the task uses on each of its GPUs, so that several tasks can
                share one; `auto` is the maximum of completed runs plus 10 %. By default GPUs are not shared.
                Implies one GPU.
            gpu_devices: indices or UUIDs of the GPUs that may be assigned. Implies one GPU.
            retry_alone: with `gpu_memory`, retry a task with unshared GPUs after a GPU out-of-memory error.
            memory: main memory per task with its unit, such as `16G` (G is GiB). It is reserved while the
                task runs; a task that uses more is killed. By default there is no limit.
            engine: where tasks run: `local` or `slurm`. By default as in the settings.
            cluster: resources of each Slurm job: a mapping with some of `partition`, `account`, `gpus` (`2`
                or `a100:2`), `cpus`, `memory` (`16G`), `time` and `extra` (sbatch options, and commands to
                run before the task). Missing ones are taken from the settings.

        Returns:
            The queued tasks.

        Raises:
            InvalidInput: if an option is not valid; no task is queued.
            NotFound: if a task does not exist; no task is queued.
            Conflict: if a task is already queued or running; the other tasks are queued.
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
            tasks: the tasks, by default all.
            timeout: the maximum time in seconds, None for no limit.
            progress: whether to show a progress bar, by default in notebooks and terminals.

        Returns:
            The tasks, without those that were deleted or renamed meanwhile; `notices` names these.

        Raises:
            NotFound: if a task does not exist.
            TimeoutError: if the timeout expires before all tasks have ended.
        """
        return self._chosen(tasks).wait(timeout=timeout, progress=progress)

    async def wait_async(
        self, tasks: Tasks | None = None, *, timeout: float | None = None, progress: bool | None = None
    ) -> TaskList:
        """Like `wait`, without blocking the event loop: `await ws.wait_async()`."""
        import asyncio  # the command line starts faster without it

        found = await asyncio.to_thread(self._chosen, tasks)
        return await found.wait_async(timeout=timeout, progress=progress)

    def events(self, *, until_idle: bool = False) -> Events:
        """Return the changes of tasks from now on: `Event`s, to iterate over with `for` or `async for`.

        Args:
            until_idle: whether to end when no task is queued or running. By default it does not end.
        """
        return Events(self._folder, until_idle=until_idle)

    def _chosen(self, tasks: Tasks | None) -> TaskList:
        names = self.tasks().names if tasks is None else self._names(tasks)
        return TaskList(Task(self._folder, name) for name in names)

    def tasks(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TaskList:
        """Return the tasks that match a query, for example `status:failed lr<0.05`.

        Args:
            text: the query; if empty, all tasks match.
            sort: fields separated by commas, the most important one first; `-` reverses one, as in `acc,-lr`.
            order: `asc` or `desc`.
            partial: whether to return the matches found so far if not all logs could be searched, with a
                notice.

        Returns:
            The tasks. Their `notices` are warnings, for example that some tasks do not have a metric.

        Raises:
            InvalidInput: if the query is not valid, a field is unknown or ambiguous, or some logs could not
                be searched completely.
        """
        found = self.table(text, sort=sort, order=order, partial=partial)
        return TaskList((Task(self._folder, row.name) for row in found.rows), found.notices)

    def table(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TableView:
        """Return the result of `tasks` as a table of the present state, which is faster for many tasks.

        Raises:
            InvalidInput: see `tasks`.
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
        )
        return TableView(found.items, (notice.message for notice in found.notices))

    @property
    def studies(self) -> Studies:
        """The studies of this workspace by name, as in `ws.studies["search"]`."""
        return Studies(self)

    def optimize(
        self,
        space: str,
        *,
        objective: str,
        direction: str = "maximize",
        n: int = 50,
        jobs: int = 1,
        name: str = "search",
        sampler: str = "tpe",
        seed: int | None = None,
        prune: str = "",
        **options: Unpack[TaskOptions],
    ) -> Study:
        """Start a study and return it. Each trial is a task, chosen by Optuna from the results so far.

        The method returns immediately. The study continues in the background, like tasks. It needs Optuna
        (`pip install pyruns_jupyter[optimize]`).

        Args:
            space: the search space: YAML as for `sweep`, with ranges and choices as values, such as
                `log(1e-5, 1e-1)`, `uniform(0, 1)`, `1:65` and `adam | sgd`. Missing keys have their defaults.
            objective: the metric to optimize: its recorded value, else its last tracked value.
            direction: `maximize` or `minimize`.
            n: the number of trials.
            jobs: the maximum number of parallel trials.
            name: the name of the study; its tasks are named `name_01`, `name_02` and so on.
            sampler: `tpe` or `random`.
            seed: the seed of the sampler, by default a random one. The same seed and results give the same
                configurations.
            prune: `median` or `quartile` to stop trials that are worse than the median (or the best quartile)
                of the other trials at the same step; by default trials are not pruned.
            options: run options of each trial; see `run`.

        Raises:
            InvalidInput: if the search space or an argument is not valid; no study is started.
            Conflict: if a study or task with the name exists.
            PyrunsError: if Optuna is not installed.
        """
        wanted = cast(RunOptions, {"resume": True, **options})
        definition = Definition(
            name=name,
            text=space,
            objective=objective,
            direction=cast(Direction, direction),
            n=n,
            jobs=jobs,
            sampler=cast(Sampler, sampler),
            seed=random.getrandbits(32) if seed is None else seed,
            prune=cast(Pruner, prune),
            options=parse_options(self._folder, named_options(wanted)),
        )
        begin(self._folder, definition)
        return Study(self, name)

    def counts(self) -> dict[str, int]:
        """Return the number of tasks by status."""
        self._index.refresh()
        return dict(self._index.counts)

    def attend(self) -> bool:
        """Start a scheduler if tasks are queued and none is running, and the drivers of active studies.

        Returns:
            Whether a process was started.
        """
        return ensure_running(self._folder.root)

    def move(
        self, tasks: Tasks, *, before: str | Task | None = None, after: str | Task | None = None
    ) -> None:
        """Move tasks directly before or after another task in the custom order (`sort="order"`).

        Args:
            tasks: the tasks, in their new order.
            before: the task before which to insert them.
            after: the task after which to insert them.

        Raises:
            NotFound: if a task does not exist.
            InvalidInput: if not exactly one of `before` and `after` is given.
        """
        names = self._names(tasks)
        anchors = [None if one is None else self._names(one)[0] for one in (before, after)]
        self._index.refresh()
        move_tasks(self._folder, self._index.rows, names, before=anchors[0], after=anchors[1])

    def trashed(self) -> list[TrashedTask]:
        """Return the tasks in the trash, the last deleted first."""
        return trash_tasks(self._folder)

    def restore(self, name: str, *, as_name: str | None = None) -> Task:
        """Restore a task from the trash and return it.

        Args:
            name: the name of the task.
            as_name: a new name for the task.

        Raises:
            NotFound: if there is no such task in the trash.
            Conflict: if the name is in use, or several tasks in the trash had it.
        """
        return self[restore(self._folder, name, as_name)]

    def purge(self, names: str | Iterable[str] | None = None, *, older_than: float | None = None) -> Outcome:
        """Delete tasks in the trash permanently.

        Args:
            names: the names of the tasks, by default all.
            older_than: delete only tasks that were moved to the trash more than this number of seconds ago.

        Returns:
            The deleted tasks, and the reasons for those that could not be deleted.
        """
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
        """Import the tasks of an archive that `archive` wrote.

        Existing files are not changed: a task gets another name if its name is in use, and an existing script
        is kept. Modules that would hide an installed package from other scripts of the project are left out.

        Args:
            path: the archive.
            into: the folder of the project, or a script.
            as_name: a new name for the task; only for archives of a single task.

        Returns:
            The imported tasks. Their `notices` list the renamed tasks, the left out and the new files.

        Raises:
            InvalidInput: if the file is not a valid archive; nothing is written.
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
        """Return the task with a name.

        Raises:
            NotFound: if there is no such task.
        """
        if not is_task(self._folder.paths(name).folder):
            raise NotFound(f"There is no task {name!r} in the workspace {self.name!r}.")
        return Task(self._folder, name)

    def __iter__(self) -> Iterator[Task]:
        """Iterate over the tasks, the oldest first."""
        return iter(self.tasks())

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self._folder.task_names())

    def __repr__(self) -> str:
        return f"Workspace({self.name!r}, {count_text(len(self), 'task')})"

    def _repr_html_(self) -> str:
        return self.tasks()._repr_html_()
