"""A workspace as an object: sweep, create, run, wait, look."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core import generate, query
from pyruns_jupyter.core.errors import NotFound
from pyruns_jupyter.core.index import TaskIndex
from pyruns_jupyter.core.runs import ACTIVE, status_of
from pyruns_jupyter.core.taskfile import read_task
from pyruns_jupyter.core.workspace import WorkspaceFolder, open_workspace
from pyruns_jupyter.engine.submit import attend, submit

from .plan import Plan, plan_overlay
from .tables import count_text
from .task import Task, TaskList, raise_refused

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]  # optional, so its stubs are not required

_LOOK_SECONDS = 0.25
_ATTEND_SECONDS = 5.0

Tasks = str | Task | Iterable[str | Task]


class Workspace:
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

    def sweep(self, text: str) -> Plan:
        """Return the plan of a sweep; nothing is written.

        Args:
            text: YAML with batch syntax. Keys it does not name keep the value of the script's default
                configuration.

        Raises:
            InvalidInput: with key, line and column.
        """
        return plan_overlay(self._folder, text)

    def create(self, plan: Plan | str, name: str = "task") -> TaskList:
        """Create the tasks of a plan (or of a sweep's or shell script's text), all of them or none.

        Raises:
            InvalidInput: when something in it cannot be used.
            Conflict: when a task of this name is there already.
        """
        if isinstance(plan, str) and self._folder.kind == "script":
            plan = self.sweep(plan)
        text = plan.text if isinstance(plan, Plan) else plan
        return TaskList(self[made] for made in generate.create_tasks(self._folder, text, name))

    def run(self, tasks: Tasks, *, jobs: int = 1) -> TaskList:
        """Queue tasks, at most `jobs` of them running at a time; they are safely on disk when this returns.

        Raises:
            Conflict: when one is queued or running already; the others are queued all the same.
        """
        names = self._names(tasks)
        raise_refused(submit(self._folder, names, jobs=jobs).refused)
        return TaskList(self[name] for name in names)

    def wait(self, tasks: Tasks | None = None, *, timeout: float | None = None) -> TaskList:
        """Wait until tasks (by default all) are neither queued nor running, and return them.

        Raises:
            TimeoutError: when some still are after `timeout` seconds.
        """
        names = self._names(tasks) if tasks is not None else self.tasks().names
        deadline = None if timeout is None else time.monotonic() + timeout
        left, attended = list(names), 0.0
        while True:
            left = [name for name in left if status_of(read_task(self._folder.paths(name).folder)) in ACTIVE]
            if not left:
                return TaskList(self[name] for name in names)
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                raise TimeoutError(
                    f"{count_text(len(left), 'task')} still waiting or running after {timeout:g} s."
                )
            if now - attended > _ATTEND_SECONDS:
                attend(self._folder.root)
                attended = now
            time.sleep(_LOOK_SECONDS)

    def tasks(self, text: str = "", *, sort: str = "created", order: str = "asc") -> TaskList:
        """Return the tasks that match a query, for example `status:failed lr<0.05`.

        Raises:
            InvalidInput: when the query cannot be understood.
        """
        self._index.refresh()
        rows, _ = query.select(self._index.rows.values(), query=text, sort=sort, order=order, limit=None)
        return TaskList(Task(self._folder, row.name) for row in rows)

    def counts(self) -> dict[str, int]:
        """Return how many tasks have each status."""
        self._index.refresh()
        return dict(self._index.counts)

    def attend(self) -> bool:
        """Start a scheduler if work waits and none lives; tell whether one was started."""
        return attend(self._folder.root)

    def frame(self) -> pandas.DataFrame:
        """Return one row a run: configuration, figures and timing. Needs pandas."""
        import pandas

        return pandas.DataFrame(self.results())

    def results(self) -> list[dict[str, Any]]:
        """Return one dictionary a run: task, run, status, times (epoch, s), configuration and figures."""
        return [
            {
                "task": task.name,
                "run": run.index,
                "status": run.status,
                "started_at": run.started_at,
                "duration": run.duration,
                "exit_code": run.exit_code,
                **{f"config.{key}": value for key, value in task.config.items()},
                **run.records,
            }
            for task in self.tasks()
            for run in task.runs
        ]

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
        if not self._folder.paths(name).info.is_file():
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
