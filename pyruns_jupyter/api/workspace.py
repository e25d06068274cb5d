"""A workspace as an object: sweep, create, run, wait, look."""

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

from .live import Events
from .plan import Plan, plan_overlay
from .queue import ProjectQueue, RunOptions, TaskOptions, batch_request, named_options
from .results import Results
from .study import Studies, Study
from .tables import TableView, count_text
from .task import Task, TaskList, raise_refused

if TYPE_CHECKING:
    from typing_extensions import Unpack

Tasks = str | Task | Iterable[str | Task]


class Workspace(Results):
    """A script (or the shell) of a project, with its tasks."""

    def __init__(self, folder: WorkspaceFolder) -> None:
        self._folder = folder
        self._index = TaskIndex(folder)

    @classmethod
    def open(cls, target: str | os.PathLike[str] = ".") -> Workspace:
        """Open a script's workspace, or a folder's shell workspace, creating it when there is none.

        A workspace folder itself (below `_pyruns_`) is opened as it is.

        Raises:
            NotFound: when `target` does not exist.
            InvalidInput: when the script cannot be read (a syntax error); nothing is created.
        """
        return cls(open_workspace(Path(target))[0])

    @property
    def folder(self) -> WorkspaceFolder:
        """Where the workspace lies on disk."""
        return self._folder

    @property
    def name(self) -> str:
        """The workspace's name: that of its script, or `_shell_`."""
        return self._folder.name

    @property
    def script(self) -> Path | None:
        """The script; None in a shell workspace."""
        return self._folder.script

    def sweep(self, text: str, name: str = "") -> Plan:
        """Return the plan of a sweep; nothing is written.

        Args:
            text: YAML with batch syntax. Keys it does not name keep the value of the script's default
                configuration.
            name: what the tasks are to be called, as for `create`; then the plan shows their names.

        Raises:
            InvalidInput: with key, line and column.
        """
        return plan_overlay(self._folder, text, name)

    def plan(self, path: str | os.PathLike[str]) -> Plan:
        """Return the plan in a file: one that `Plan.save` wrote, or any YAML with batch syntax.

        Raises:
            NotFound, Unreadable: when there is no such file, or it is no text.
            InvalidInput: with key, line and column within the file.
        """
        try:
            return plan_overlay(self._folder, read_text(Path(path).expanduser()))
        except FileNotFoundError:
            raise NotFound(f"There is no file {os.fspath(path)}.") from None

    def create(self, plan: Plan | str, name: str | None = None) -> TaskList:
        """Create the tasks of a plan (or of a sweep's or shell script's text), all of them or none.

        `name` is the name of one task, what the names of several begin with, or a pattern such as
        `{lr}-{seed}` (`{n}` is the number, `{name}` the workspace's name, `{lr:.0e}` a format). By default
        it is what a plan file says, else `task`.

        Raises:
            InvalidInput: when something in it cannot be used.
            Conflict: when a task of this name is there already.
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
        """What waits in the project, which can be paused and resumed."""
        return ProjectQueue(self._folder.root)

    def run(self, tasks: Tasks, *, skip_done: bool = False, **options: Unpack[RunOptions]) -> TaskList:
        """Queue tasks and return them; they are safely on disk then.

        Times are seconds, or texts such as 90s, 10m, 1h30m.

        Args:
            tasks: which ones, in this order.
            skip_done: leave out tasks whose configuration a task of the workspace has completed already; the
                list's `notices` name them.
            jobs: how many of these run in parallel at most, from 1 (the default) to 1000 (the default in a
                cluster, which has no limit). All batches of the project together run at most as many as
                `max_jobs` in the settings says, by default one per CPU core; a larger number here is obeyed.
            priority: a whole number; what has a higher one starts first.
            after, after_any: tasks that have to complete, or to end in any way, before the first of these
                starts; `workspace/task` names one of another workspace of the project.
            retries: how often a task that failed is run again, after `retry_delay` (10 s), then twice that,
                and so on.
            time_limit: a run that takes longer is stopped and has failed.
            grace: how long a run that was asked to stop may take before it is killed (10 s).
            stop_after: cancel what still waits after so many runs in a row that failed in the same way.
            resume: queue runs again that a restart of the machine, or of its container, ended.
            gpus: how many GPUs each task gets (0: none, and it sees none); by default as the settings say: 1
                on a host with GPUs where the script imports a GPU framework.
            gpu_memory: GiB that it uses of each, so that others may share it; `auto` is what completed runs
                have used, and a tenth more. By default it has its GPUs for itself. Implies one GPU.
            gpu_devices: indices or UUIDs of the only GPUs to choose from. Implies one GPU.
            retry_alone: with `gpu_memory`, a task that runs out of GPU memory is run again with whole GPUs.
            memory: how much memory each task may use, such as `16G` (G is GiB); by default there is no limit.
                A task starts when that much is not reserved by others; one that uses more is killed.
            engine: where they run: `local` or `slurm`; by default as the settings say.
            cluster: what each asks of the cluster: a mapping with some of `partition`, `account`, `gpus`
                (`2` or `a100:2`), `cpus`, `memory` (`16G`), `time` and `extra` (options of sbatch, and
                commands that run before the task), completed by the settings.

        Raises:
            InvalidInput: when an option cannot be used; nothing is queued.
            Conflict: when a task is queued or running already; the others are queued all the same.
        """
        names = self._names(tasks)
        found = batch_request(self._folder, options).submit(names, skip_done=skip_done)
        raise_refused(found.refused)
        return TaskList((self[name] for name in found.queued), found.skipped.values())

    def wait(
        self, tasks: Tasks | None = None, *, timeout: float | None = None, progress: bool | None = None
    ) -> TaskList:
        """Wait until tasks (by default all) are neither queued nor running, and return them.

        One that is removed or renamed meanwhile is not returned; the list's `notices` name it. `progress`
        draws a bar; by default in a notebook and in a terminal.

        Raises:
            TimeoutError: when some still are after `timeout` seconds.
        """
        return self._chosen(tasks).wait(timeout=timeout, progress=progress)

    async def wait_async(
        self, tasks: Tasks | None = None, *, timeout: float | None = None, progress: bool | None = None
    ) -> TaskList:
        """As `wait`, while the event loop goes on: `await ws.wait_async()`."""
        import asyncio  # a command line has no event loop and starts faster without

        found = await asyncio.to_thread(self._chosen, tasks)
        return await found.wait_async(timeout=timeout, progress=progress)

    def events(self, *, until_idle: bool = False) -> Events:
        """Return what happens to tasks from now on, for `for` and for `async for`.

        It goes on for ever, or with `until_idle` until nothing runs or waits any more.
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
            text: what to look for, all when empty.
            sort: fields between commas (`acc,-lr`), the most important one first; a `-` turns one around.
            order: `asc` or `desc`.
            partial: whether to return what was found when not all logs could be searched, which `notices`
                say then, instead of refusing.

        The list's `notices` say what may not be expected, such as how many tasks lack a figure.

        Raises:
            InvalidInput: when the query cannot be understood, names a field that no task has, or several, or
                logs could not be searched as a whole.
        """
        found = self.table(text, sort=sort, order=order, partial=partial)
        return TaskList((Task(self._folder, row.name) for row in found.rows), found.notices)

    def table(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TableView:
        """Return what `tasks` finds as a table of this moment: one look at the disk, however many they are.

        Raises:
            InvalidInput: see `tasks`.
        """
        from pyruns_jupyter.core import query  # most commands start faster without

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
        return TableView(found.items, (said.message for said in found.notices))

    @property
    def studies(self) -> Studies:
        """The adaptive sweeps of this workspace, by name: `ws.studies["search"]`."""
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
        """Search for the best configuration: each trial is a task, chosen by what the earlier ones gave.

        Returns at once; the search goes on detached, as tasks do. Needs Optuna (`pyruns_jupyter[optimize]`).

        Args:
            space: YAML as for `sweep`, whose values are what may be tried: `log(1e-5, 1e-1)`,
                `uniform(0, 1)`, `1:65`, `adam | sgd`. Keys it does not name keep their default.
            objective: the figure to optimise: what a run records under this key, else the last value it
                tracked.
            direction: `maximize` or `minimize`.
            n: how many trials.
            jobs: how many of them at a time.
            name: of the study; its tasks are called `name_01`.
            sampler: `tpe` or `random`.
            seed: the same seed and results give the same configurations; by default a new one.
            prune: `median` or `quartile` stops a run that is worse at some point of its curve than the best
                half (quarter) of the others were there.
            options: how each trial is queued, as for `run`.

        Raises:
            InvalidInput: with key, line and column, or the argument that cannot be used; nothing is written.
            Conflict: when a study or task of the name is there already.
            PyrunsError: when Optuna is not installed.
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
        """Return how many tasks have each status."""
        self._index.refresh()
        return dict(self._index.counts)

    def attend(self) -> bool:
        """Start a scheduler if tasks are queued and none is alive, and drivers of active studies; return
        whether something was started.
        """
        return ensure_running(self._folder.root)

    def move(
        self, tasks: Tasks, *, before: str | Task | None = None, after: str | Task | None = None
    ) -> None:
        """Put tasks right before or after another one, in the order by hand (`sort="order"`).

        Raises:
            InvalidInput: when not exactly one of `before` and `after` is given.
        """
        names = self._names(tasks)
        anchors = [None if one is None else self._names(one)[0] for one in (before, after)]
        self._index.refresh()
        move_tasks(self._folder, self._index.rows, names, before=anchors[0], after=anchors[1])

    def trashed(self) -> list[TrashedTask]:
        """Return the tasks in the trash, the last removed first."""
        return trash_tasks(self._folder)

    def restore(self, name: str, *, as_name: str | None = None) -> Task:
        """Bring a task back from the trash, under its name or another one.

        Raises:
            NotFound: when it is not in the trash.
            Conflict: when its name is taken, or several in the trash had it.
        """
        return self[restore(self._folder, name, as_name)]

    def purge(self, names: str | Iterable[str] | None = None, *, older_than: float | None = None) -> Outcome:
        """Delete tasks in the trash for ever, by default all; nothing brings them back.

        Args:
            names: only these.
            older_than: only those that are in the trash for longer, in seconds.
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
        """Bring the tasks of an archive into the project `into` (or a script's workspace) and return them.

        Nothing that is there is changed: a task whose name is taken gets a free one, a script that is there
        stays. Modules that other scripts or notebooks of the project would import in place of an installed
        one are left out. The list's `notices` name all of this, and the files that were written.

        Raises:
            InvalidInput: when it is no archive that can be opened; nothing is written.
        """
        from pyruns_jupyter.core.export.archive import unpack  # rarely needed, and slow to import

        found = unpack(Path(path).expanduser(), Path(into).expanduser(), as_name=as_name)
        workspace = cls(found.workspace)
        told = [*found.warnings(), *filter(None, (found.written_text(),))]
        return TaskList((workspace[name] for name in found.names.values()), told)

    def _names(self, tasks: Tasks) -> list[str]:
        if isinstance(tasks, (str, Task)):
            tasks = [tasks]
        names = [task if isinstance(task, str) else task.name for task in tasks]
        for name in names:
            self[name]
        return names

    def __getitem__(self, name: str) -> Task:
        """Return the task of this name.

        Raises:
            NotFound: when there is none.
        """
        if not is_task(self._folder.paths(name).folder):
            raise NotFound(f"There is no task {name!r} in the workspace {self.name!r}.")
        return Task(self._folder, name)

    def __iter__(self) -> Iterator[Task]:
        """Iterate over all tasks, the oldest first."""
        return iter(self.tasks())

    def __len__(self) -> int:
        """Return how many tasks there are."""
        return len(self._folder.task_names())

    def __repr__(self) -> str:
        return f"Workspace({self.name!r}, {count_text(len(self), 'task')})"

    def _repr_html_(self) -> str:
        return self.tasks()._repr_html_()
