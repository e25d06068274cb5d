"""Lists of tasks as objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import overload

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.taskfile.task_file import is_task

from .live import Waiting, progress_of
from .tables import TableView
from .task import Task


class TaskList(Sequence[Task]):
    """A sequence of tasks. Notebooks display it as a table of the tasks in their current state.

    Attributes:
        notices: warnings about the query or the action that returned the tasks.
    """

    def __init__(self, tasks: Iterable[Task], notices: Iterable[str] = ()) -> None:
        self._tasks = list(tasks)
        self.notices = list(notices)

    @property
    def names(self) -> list[str]:
        """The names of the tasks."""
        return [task.name for task in self._tasks]

    def wait(self, *, timeout: float | None = None, progress: bool | None = None) -> TaskList:
        """Wait until none of the tasks is queued or running.

        Args:
            timeout: the maximum time in seconds; None means no limit.
            progress: whether to show a progress bar. By default, only notebooks and terminals show it.

        Returns:
            The tasks that still exist. `notices` names the tasks that were deleted or renamed meanwhile.

        Raises:
            TimeoutError: if the timeout expires before all tasks have ended.
        """
        self._waiting(timeout).run(progress_of(progress))
        return self._existing()

    async def wait_async(self, *, timeout: float | None = None, progress: bool | None = None) -> TaskList:
        """Wait like `wait`, without blocking the event loop."""
        import asyncio  # the command line starts faster without it

        await self._waiting(timeout).run_async(progress_of(progress))
        return await asyncio.to_thread(self._existing)

    def _existing(self) -> TaskList:
        """Return the tasks that still exist, with a notice about the others."""
        found = [task for task in self._tasks if is_task(task.folder)]
        if len(found) == len(self._tasks):
            return self
        gone = ", ".join(task.name for task in self._tasks if task not in found)
        return TaskList(found, (*self.notices, f"These tasks were deleted or renamed meanwhile: {gone}."))

    def _waiting(self, timeout: float | None) -> Waiting:
        roots = {task.root for task in self._tasks}
        return Waiting.for_tasks([task.folder for task in self._tasks], roots, timeout)

    @overload
    def __getitem__(self, index: int) -> Task: ...

    @overload
    def __getitem__(self, index: slice) -> TaskList: ...

    def __getitem__(self, index: int | slice) -> Task | TaskList:
        """Return the task at an index, or a `TaskList` of the tasks in a slice."""
        return TaskList(self._tasks[index]) if isinstance(index, slice) else self._tasks[index]

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self._tasks)

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> TableView:
        rows = []
        for task in self._tasks:
            with suppress(NotFound):  # deleted or renamed
                rows.append(task.row)
        return TableView(rows)
