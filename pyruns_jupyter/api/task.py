"""A task and a list of tasks as objects. They hold no state: every look reads the disk."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pyruns_jupyter.core.common.errors import Conflict, NotFound
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.create.duplicate import duplicate
from pyruns_jupyter.core.create.preview import task_text
from pyruns_jupyter.core.logs import reader as logs
from pyruns_jupyter.core.metrics.read import run_metrics
from pyruns_jupyter.core.provenance import environments
from pyruns_jupyter.core.provenance.snapshots import store
from pyruns_jupyter.core.taskfile import metadata, runs
from pyruns_jupyter.core.taskfile.paths import CELL_VALUE, SETTINGS_NAME, TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, is_task, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.row import TaskRow, read_row
from pyruns_jupyter.core.trust.signed_pickles import load_pickle
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import cancel

from .live import Waiting, progress_of
from .queue import RunOptions, batch_request
from .runs import TaskRun
from .tables import TableView, html_table, task_columns

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .workspace import Workspace


class Task:
    """One task of a workspace, with all its runs."""

    def __init__(self, workspace: WorkspaceFolder, name: str) -> None:
        self._workspace = workspace
        self._name = name

    @property
    def name(self) -> str:
        """The task's name, which is its folder's name."""
        return self._name

    @property
    def workspace(self) -> Workspace:
        """The workspace that it belongs to."""
        from .workspace import Workspace

        return Workspace(self._workspace)

    @property
    def root(self) -> Path:
        """The `_pyruns_` folder of its project."""
        return self._workspace.root

    @property
    def folder(self) -> Path:
        """The task's folder."""
        return self._paths.folder

    @property
    def info(self) -> TaskInfo:
        """The whole task file as it is now.

        Raises:
            NotFound: when the task is gone.
            Unreadable: when its file is damaged.
        """
        return read_task(self.folder)

    @property
    def row(self) -> TaskRow:
        """The task as one line of a table."""
        return read_row(self.folder)[0]

    @property
    def status(self) -> str:
        """`pending`, `queued`, `running`, `completed`, `failed` or `cancelled`."""
        return self.row.status

    @property
    def config_text(self) -> str:
        """The configuration (YAML) or the shell script, as text.

        Raises:
            NotFound: when it is gone.
            Unreadable: when it cannot be read, is no UTF-8 text, or too large.
        """
        return task_text(self._workspace, self._name)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of a script task; empty for a shell task."""
        return {} if self.row.kind == "shell" else parse_config(self.config_text)

    @property
    def runs(self) -> list[TaskRun]:
        """The runs, the first one first; none of a task whose file is damaged (see `row.message`)."""
        return [TaskRun.of(one) for one in runs.runs(read_row(self.folder)[1])]

    @property
    def notes(self) -> str:
        """The notes of the task (Markdown); assign to change them."""
        value = read_row(self.folder)[1].get("notes")
        return value if isinstance(value, str) else ""

    @notes.setter
    def notes(self, text: str) -> None:
        tasks.change(self._workspace, self._name, metadata.TaskPatch(notes=text))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the task; assign to replace them."""
        return metadata.tags_of(read_row(self.folder)[1])

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        tasks.change(self._workspace, self._name, metadata.TaskPatch(tags=_tags(tags)))

    @property
    def pinned(self) -> bool:
        """Whether the task is on top of every list; assign to change that."""
        return self.row.pinned

    @pinned.setter
    def pinned(self, pinned: bool) -> None:
        tasks.change(self._workspace, self._name, metadata.TaskPatch(pinned=pinned))

    @property
    def env(self) -> dict[str, str]:
        """The task's own environment variables, which its runs get; a copy. See `set_env`."""
        return metadata.env_of(read_row(self.folder)[1])

    def set_env(self, **variables: str | None) -> Task:
        """Set environment variables for coming runs, and unset those whose value is None; others stay.

        Raises:
            InvalidInput: when one cannot be used; nothing is changed.
        """
        tasks.change(self._workspace, self._name, metadata.TaskPatch(env=variables))
        return self

    def rename(self, name: str) -> Task:
        """Give the task another name and return it.

        Raises:
            InvalidInput: when it is no legal name.
            Conflict: when the task is queued or running, or the name is taken.
        """
        tasks.rename(self._workspace, self._name, name)
        self._name = name
        return self

    def duplicate(self, name: str | None = None, *, runs: bool = False, artifacts: bool = False) -> Task:
        """Copy the task, its configuration, notes, tags and environment, and return the copy.

        Args:
            name: the copy's name, by default a free one like the task's.
            runs: whether its runs are copied too.
            artifacts: whether their artifacts are, which may be large.

        Raises:
            InvalidInput, Conflict: when the name cannot be used, or runs are wanted while one goes on.
        """
        made = duplicate(self._workspace, self._name, name, with_runs=runs, with_artifacts=artifacts)
        return Task(self._workspace, made)

    def log(self, run: int | None = None) -> str:
        """Return the log of a run (from 1; by default the latest) as text; empty before it began.

        Bytes that are not UTF-8 become replacement characters; the file keeps them.

        Raises:
            InvalidInput: when it has more than 256 MiB; see `log_tail` and `log_path`.
        """
        return logs.read_text(self.log_path(run))

    def log_path(self, run: int | None = None) -> Path:
        """Return where the log of a run lies (from 1; by default the latest)."""
        return self._paths.log(run or self._latest())

    def log_tail(self, size: int, run: int | None = None) -> str:
        """Return the last `size` bytes of a log, from the start of a line on, as text."""
        path = self.log_path(run)
        if logs.log_size(path) is None:
            return ""
        return logs.read_range(path, logs.tail_offset(path, size), size).decode("utf-8", "replace")

    def tracks(self, run: int | None = None) -> dict[str, list[Any]]:
        """Return the curves of a run (from 1; by default the latest), also while it runs."""
        return self._figures(run)[1]

    def records(self, run: int | None = None) -> dict[str, Any]:
        """Return the final figures of a run (from 1; by default the latest)."""
        return self._figures(run)[0]

    def artifacts(self, run: int | None = None) -> list[Path]:
        """Return the files a run (from 1; by default the latest) left in its artifact folder, sorted."""
        folder = self._paths.artifact_dir(run or self._latest())
        return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []

    def code(self, run: int | None = None) -> dict[str, str]:
        """Return the files that a run (from 1; by default the latest) started from: path -> SHA-256.

        Raises:
            NotFound: when no code was stored for the run (see the setting `snapshot_code`).
            Unreadable: when what was stored is damaged.
        """
        manifest = store.load(self._workspace.root, self._code_of(run))
        return {path: digest for path, (digest, _, _) in sorted(manifest.files.items())}

    def export_code(self, run: int | None, folder: str | Path) -> Path:
        """Write the code that a run (from 1; None: the latest) started from into a new folder.

        Raises:
            NotFound, Unreadable: as by `code`.
            InvalidInput: when something is in `folder` already.
        """
        return store.export(self._workspace.root, self._code_of(run), Path(folder).expanduser().absolute())

    def packages(self, run: int | None = None) -> dict[str, str]:
        """Return the packages that the interpreter of a run had: name -> version.

        Raises:
            NotFound: when they are not known, as for shell tasks and runs of another program.
        """
        index = run or self._latest()
        facts = [one.environment for one in self.runs if one.index == index]
        digest = facts[0].get("packages") if facts else None
        if not isinstance(digest, str):
            raise NotFound(f"The packages of run {index} of {self._name!r} are not known.")
        found = environments.load(self._workspace.root, digest).get("packages")
        return dict(found) if isinstance(found, dict) else {}

    def _code_of(self, run: int | None) -> str:
        index = run or self._latest()
        digest = runs.sources_of(self.info, index).get("code")
        if digest is None:
            raise NotFound(
                f"No code was stored for run {index} of {self._name!r}. Set snapshot_code: true in "
                f"{SETTINGS_NAME} before queueing."
            )
        return str(digest)

    def run(self, **options: Unpack[RunOptions]) -> Task:
        """Queue the task, with options of `Workspace.run`; it is safely on disk when this returns.

        Raises:
            InvalidInput: when an option cannot be used.
            Conflict: when it is queued or running already.
        """
        request = batch_request(self._workspace, options)
        raise_refused(request.submit([self._name]).refused)
        return self

    def wait(self, *, timeout: float | None = None) -> Task:
        """Wait until the task is neither queued nor running, and return it.

        Raises:
            TimeoutError: when it still is after `timeout` seconds.
        """
        Waiting.for_tasks([self.folder], [self._workspace.root], timeout).run()
        return self

    async def wait_async(self, *, timeout: float | None = None) -> Task:
        """As `wait`, while the event loop goes on."""
        await Waiting.for_tasks([self.folder], [self._workspace.root], timeout).run_async()
        return self

    def value(self, run: int | None = None, *, trust: bool = False) -> Any:
        """Return what the last expression of a cell was, in a run (from 1; by default the latest) of a task
        that `%%pyruns task` made; None when that had no value.

        It is stored as a pickle, which may run anything when it is read. So only values that your own runs
        have stored are read: not those of an archive, a clone or another user's project.

        Args:
            run: the run, from 1.
            trust: whether the value is read wherever it comes from.

        Raises:
            Conflict: when the run has not completed, with what it died of if it has failed.
            Unreadable: when the value is not your own, or cannot be read, for example since a package is
                missing here.
        """
        index = run or self._latest()
        known = [one for one in self.runs if one.index == index]
        status = known[0].status if known else self.status
        if status != "completed":
            why = f": {self.row.message}" if status == "failed" and self.row.message else ""
            raise Conflict(f"Run {index} of {self._name!r} is {status}{why}.")
        try:
            return load_pickle(self._paths.artifact_dir(index) / CELL_VALUE, trust=trust)
        except FileNotFoundError:
            return None

    def stop(self) -> Task:
        """Cancel the waiting run, or ask the running one to stop.

        Raises:
            Conflict: when the task is neither queued nor running.
        """
        cancel(self._workspace, self._name)
        return self

    def delete(self) -> None:
        """Move the task to the trash.

        Raises:
            Conflict: when it is queued or running.
        """
        trash.trash(self._workspace, self._name)

    @property
    def _paths(self) -> TaskPaths:
        return self._workspace.paths(self._name)

    def _latest(self) -> int:
        row = self.row
        return max(1, row.runs if row.readable else logs.last_logged_run(self._paths.run_logs))

    def _figures(self, run: int | None) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        history = self.runs
        index = run or len(history)
        if not history and run is None:
            return {}, {}
        if not 1 <= index <= len(history):
            raise NotFound(f"The task {self._name!r} has no run {index}; it has {len(history)}.")
        records, tracks, messages = run_metrics(self.info, history[index - 1], self._paths)
        for message in messages:
            warnings.warn(message, RuntimeWarning, stacklevel=3)
        return records, tracks

    def __repr__(self) -> str:
        return f"Task({self._name!r}, {self.status})"

    def _repr_html_(self) -> str:
        header, cells = task_columns([self.row])
        return html_table(header, cells, f"Task {self._name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)


class TaskList(Sequence[Task]):
    """Tasks in an order; shows itself as a table of what they are now, without those that are gone.
    `notices` are sentences about how they were found.
    """

    def __init__(self, tasks: Iterable[Task], notices: Iterable[str] = ()) -> None:
        self._tasks = list(tasks)
        self.notices = list(notices)

    @property
    def names(self) -> list[str]:
        """The names of the tasks."""
        return [task.name for task in self._tasks]

    def wait(self, *, timeout: float | None = None, progress: bool | None = None) -> TaskList:
        """Wait until all are neither queued nor running, and return them; see `Workspace.wait`.

        Raises:
            TimeoutError: when some still are after `timeout` seconds.
        """
        self._waiting(timeout).run(progress_of(progress))
        return self._existing()

    async def wait_async(self, *, timeout: float | None = None, progress: bool | None = None) -> TaskList:
        """As `wait`, while the event loop goes on."""
        import asyncio  # a command line has no event loop and starts faster without

        await self._waiting(timeout).run_async(progress_of(progress))
        return await asyncio.to_thread(self._existing)

    def _existing(self) -> TaskList:
        """Return those that are still there; a notice names the others."""
        found = [task for task in self._tasks if is_task(task.folder)]
        if len(found) == len(self._tasks):
            return self
        gone = ", ".join(task.name for task in self._tasks if task not in found)
        return TaskList(found, (*self.notices, f"Removed or renamed meanwhile: {gone}."))

    def _waiting(self, timeout: float | None) -> Waiting:
        roots = {task.root for task in self._tasks}
        return Waiting.for_tasks([task.folder for task in self._tasks], roots, timeout)

    @overload
    def __getitem__(self, index: int) -> Task: ...

    @overload
    def __getitem__(self, index: slice) -> TaskList: ...

    def __getitem__(self, index: int | slice) -> Task | TaskList:
        """Return the task at a position, or a shorter list."""
        return TaskList(self._tasks[index]) if isinstance(index, slice) else self._tasks[index]

    def __len__(self) -> int:
        """Return how many tasks there are."""
        return len(self._tasks)

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> TableView:
        rows = []
        for task in self._tasks:
            with suppress(NotFound):  # removed or renamed meanwhile
                rows.append(task.row)
        return TableView(rows)


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    return metadata.check_tags([tags] if isinstance(tags, str) else tags)


def raise_refused(refused: dict[str, str]) -> None:
    """Raise what an action refused, as one sentence; return when nothing was refused.

    Raises:
        Conflict: with the first reason and how many more there are.
    """
    if refused:
        first = next(iter(refused.values()))
        more = f" ({len(refused) - 1} more were refused.)" if len(refused) > 1 else ""
        raise Conflict(first + more)
