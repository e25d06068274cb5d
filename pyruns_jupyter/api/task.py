"""Tasks as objects. They have no state of their own and read everything from the disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.alerts.stored import Alert, alerts_of
from pyruns_jupyter.core.common.errors import Conflict, NotFound
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.logs import reader as logs
from pyruns_jupyter.core.taskfile import metadata, runs
from pyruns_jupyter.core.taskfile.paths import CELL_VALUE, SETTINGS_NAME, TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.tasks.row import TaskRow, read_row
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .live import Waiting
from .queue import RunOptions, batch_request
from .tables import TaskRun, html_table, task_columns
from .task_metrics import TaskMetrics

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .workspace import Workspace


class Task(TaskMetrics):
    """One task of a workspace, with all its runs. Its properties are read from the disk at each access."""

    def __init__(self, workspace: WorkspaceFolder, name: str) -> None:
        self._workspace = workspace
        self._name = name

    @property
    def name(self) -> str:
        """The name of the task, which is also the name of its folder."""
        return self._name

    @property
    def workspace(self) -> Workspace:
        """The workspace of the task."""
        from .workspace import Workspace

        return Workspace(self._workspace)

    @property
    def root(self) -> Path:
        """The `_pyruns_` folder of the project."""
        return self._workspace.root

    @property
    def folder(self) -> Path:
        """The folder of the task."""
        return self._paths.folder

    @property
    def info(self) -> TaskInfo:
        """The content of the task file.

        Raises:
            NotFound: if the task does not exist.
            Unreadable: if the task file is damaged.
        """
        return read_task(self.folder)

    @property
    def row(self) -> TaskRow:
        """The task as a row of the task table."""
        return read_row(self.folder)[0]

    @property
    def status(self) -> str:
        """The status of the task: `pending`, `queued`, `running`, `completed`, `failed` or `cancelled`.

        It is `unreadable` if the task's file cannot be read.
        """
        return self.row.shown_status

    @property
    def config_text(self) -> str:
        """The text of the configuration (YAML) or of the shell script.

        Raises:
            NotFound: if the file does not exist.
            Unreadable: if the file cannot be read, is not UTF-8 text, or is too large.
        """
        return self._workspace.task_text(self._name)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration as a dictionary. It is empty for a shell task.

        Raises:
            NotFound: if the configuration file does not exist.
            Unreadable: if the configuration file cannot be read.
        """
        return {} if self.row.kind == "shell" else parse_config(self.config_text)

    @property
    def runs(self) -> list[TaskRun]:
        """The runs, oldest first. The list is empty if the task file is damaged."""
        return [TaskRun(**vars(one)) for one in runs.runs(read_row(self.folder)[1])]

    @property
    def notes(self) -> str:
        """The notes of the task (Markdown). Assign a string to change them."""
        value = read_row(self.folder)[1].get("notes")
        return value if isinstance(value, str) else ""

    @notes.setter
    def notes(self, text: str) -> None:
        self._change(metadata.TaskPatch(notes=text))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the task. Assign an iterable of tags to replace them."""
        return metadata.tags_of(read_row(self.folder)[1])

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        self._change(metadata.TaskPatch(tags=_tags(tags)))

    @property
    def pinned(self) -> bool:
        """Whether the task is pinned to the top of lists. Assign a bool to change it."""
        return self.row.pinned

    @pinned.setter
    def pinned(self, pinned: bool) -> None:
        self._change(metadata.TaskPatch(pinned=pinned))

    @property
    def env(self) -> dict[str, str]:
        """The environment variables of the task, as a copy. Use `set_env` to change them."""
        return metadata.env_of(read_row(self.folder)[1])

    def set_env(self, **variables: str | None) -> Task:
        """Set environment variables for future runs, and return the task. Other variables are kept.

        Args:
            variables: the new values by name; None removes a variable.

        Raises:
            InvalidInput: if a name or value is not valid. No variable is changed.
        """
        self._change(metadata.TaskPatch(env=variables))
        return self

    def rename(self, name: str) -> Task:
        """Rename the task and return it.

        Args:
            name: the new name.

        Raises:
            InvalidInput: if the name is not valid.
            Conflict: if the task is queued or running, or the name is in use.
        """
        from pyruns_jupyter.core.tasks.edit import rename

        rename(self._workspace, self._name, name)
        self._name = name
        return self

    def duplicate(self, name: str | None = None, *, runs: bool = False, artifacts: bool = False) -> Task:
        """Copy the task with its configuration, notes, tags and environment, and return the copy.

        Args:
            name: the name of the copy. By default, it is the name of the task with a number.
            runs: whether to also copy the runs and their logs.
            artifacts: whether to also copy the artifacts of the runs, which can be large.

        Raises:
            InvalidInput: if the name is not valid.
            Conflict: if the name is in use, or `runs` is true while the task is queued or running.
        """
        from pyruns_jupyter.core.create.duplicate import duplicate

        made = duplicate(self._workspace, self._name, name, with_runs=runs, with_artifacts=artifacts)
        return Task(self._workspace, made)

    def log(self, run: int | None = None) -> str:
        """Return the log of a run as text, or an empty string if the run has no log yet.

        Bytes that are not valid UTF-8 are replaced by the character U+FFFD.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.

        Raises:
            InvalidInput: if the log is larger than 256 MiB. Use `log_tail` or `log_path` instead.
        """
        return logs.read_text(self.log_path(run))

    def log_path(self, run: int | None = None) -> Path:
        """Return the path of the log of a run. The file may not exist yet.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.
        """
        return self._paths.log(run or self._latest())

    def log_tail(self, size: int, run: int | None = None) -> str:
        """Return the end of a log as text, from the start of a line. If there is no log yet, it is empty.

        Args:
            size: the maximum size in bytes.
            run: the number of the run, starting at 1. By default, the latest run.
        """
        path = self.log_path(run)
        if logs.log_size(path) is None:
            return ""
        return logs.read_range(path, logs.tail_offset(path, size), size).decode("utf-8", "replace")

    def stacks(self, run: int | None = None, *, stored: bool = False) -> str:
        """Return what each process of a run does, and its Python stacks, as text.

        The stacks of the current run are read now, which takes some seconds. For an ended run, or with
        `stored`, the result is the stacks that were stored last: on request, or when the run stalled. Values
        of variables are not included.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.
            stored: whether to return stored stacks even if the run is in progress.

        Raises:
            NotFound: if there are no stored stacks.
            Conflict: if another program runs the task, or the run ends meanwhile.
            Busy: if the supervisor of the run does not respond.
        """
        from pyruns_jupyter.engine.client.stacks import request_stacks, stored_stacks

        is_latest = run is None or run == self._latest()
        if not stored and is_latest and self.status == runs.RUNNING:
            return request_stacks(self._workspace, self._name).text
        return stored_stacks(self._workspace, self._name, run).text

    def artifacts(self, run: int | None = None) -> list[Path]:
        """Return the paths of the artifacts of a run, sorted.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.
        """
        folder = self._paths.artifact_dir(run or self._latest())
        return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []

    def code(self, run: int | None = None) -> dict[str, str]:
        """Return the files of the code snapshot of a run.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.

        Returns:
            The SHA-256 digests of the files, by path relative to the project folder.

        Raises:
            NotFound: if the run has no code snapshot. The setting `snapshot_code` enables them.
            Unreadable: if the code snapshot is damaged.
        """
        from pyruns_jupyter.core.provenance.snapshots import store

        manifest = store.load(self._workspace.root, self._code_of(run))
        return {path: digest for path, (digest, _, _) in sorted(manifest.files.items())}

    def export_code(self, run: int | None, folder: str | Path) -> Path:
        """Copy the code snapshot of a run to a new folder.

        Args:
            run: the number of the run, starting at 1. None selects the latest run.
            folder: the path of the new folder. An existing folder must be empty.

        Returns:
            The absolute path of the folder.

        Raises:
            NotFound: if the run has no code snapshot.
            Unreadable: if the code snapshot is damaged.
            InvalidInput: if the folder is not empty.
        """
        from pyruns_jupyter.core.provenance.snapshots import store

        return store.export(self._workspace.root, self._code_of(run), Path(folder).expanduser().absolute())

    def packages(self, run: int | None = None) -> dict[str, str]:
        """Return the Python packages that were installed when a run started.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.

        Returns:
            The versions of the packages by name.

        Raises:
            NotFound: if the packages were not recorded, for example because the task is a shell task.
        """
        index = run or self._latest()
        facts = [one.environment for one in self.runs if one.index == index]
        digest = facts[0].get("packages") if facts else None
        if not isinstance(digest, str):
            raise NotFound(f"The packages of run {index} of {self._name!r} were not recorded.")
        from pyruns_jupyter.core.provenance import environments

        found = environments.load(self._workspace.root, digest).get("packages")
        return dict(found) if isinstance(found, dict) else {}

    def _code_of(self, run: int | None) -> str:
        index = run or self._latest()
        digest = runs.sources_of(self.info, index).get("code")
        if digest is None:
            raise NotFound(
                f"Run {index} of {self._name!r} has no code snapshot. Set snapshot_code: true in "
                f"{SETTINGS_NAME} before you queue tasks."
            )
        return str(digest)

    def alerts(self, run: int | None = None) -> list[Alert]:
        """Return the alerts of a run, the oldest first (by default, of the latest run)."""
        return alerts_of(self.info, run or self._latest())

    def run(self, **options: Unpack[RunOptions]) -> Task:
        """Queue the task and return it. When this method returns, the batch is stored on disk.

        Args:
            options: the run options, which `Workspace.run` describes.

        Raises:
            InvalidInput: if an option is not valid.
            Conflict: if the task is already queued or running.
        """
        request = batch_request(self._workspace, options)
        raise_refused(request.submit([self._name]).refused)
        return self

    def wait(self, *, timeout: float | None = None) -> Task:
        """Wait until the task is neither queued nor running, and return it.

        Args:
            timeout: the maximum time in seconds; None means no limit.

        Raises:
            TimeoutError: if the timeout expires before the task has ended.
        """
        Waiting.for_tasks([self.folder], [self._workspace.root], timeout).run()
        return self

    async def wait_async(self, *, timeout: float | None = None) -> Task:
        """Wait like `wait`, without blocking the event loop."""
        await Waiting.for_tasks([self.folder], [self._workspace.root], timeout).run_async()
        return self

    def value(self, run: int | None = None, *, trust: bool = False) -> Any:
        """Return the value of the last expression in a `%%pyruns task` cell, or the return value of a call of
        `Executor`; None if there is no value.

        The value is stored as a pickle, and loading a pickle can run arbitrary code. Therefore, only values
        that your own runs stored are loaded, and not those from an archive or from the project of another
        user.

        Args:
            run: the number of the run, starting at 1. By default, the latest run.
            trust: whether to load the value even if your own runs did not store it.

        Raises:
            Conflict: if the run has not completed. If it failed, the message contains its error.
            Unreadable: if the value is not trusted, or cannot be loaded, for example because a package is
                missing.
        """
        from pyruns_jupyter.core.trust.signed_pickles import load_pickle  # few tasks have a value

        index = run or self._latest()
        known = [one for one in self.runs if one.index == index]
        status = known[0].status if known else self.status
        if status != "completed":
            why = f" {self.row.message}" if status == "failed" and self.row.message else ""
            raise Conflict(f"Run {index} of {self._name!r} has not completed. Its status is {status}.{why}")
        try:
            return load_pickle(self._paths.artifact_dir(index) / CELL_VALUE, trust=trust)
        except FileNotFoundError:
            return None

    def stop(self) -> Task:
        """Cancel the task if it is queued, or stop its process if it is running, and return the task.

        Raises:
            Conflict: if the task is neither queued nor running.
        """
        from pyruns_jupyter.engine.client.submit import cancel

        cancel(self._workspace, self._name)
        return self

    def delete(self) -> None:
        """Move the task to the trash. `Workspace.restore` restores it.

        Raises:
            Conflict: if the task is queued or running.
        """
        from pyruns_jupyter.core.tasks.trash import trash

        trash(self._workspace, self._name)

    @property
    def _paths(self) -> TaskPaths:
        return self._workspace.paths(self._name)

    def _change(self, patch: metadata.TaskPatch) -> None:
        from pyruns_jupyter.core.tasks.edit import change  # most commands change no tasks

        change(self._workspace, self._name, patch)

    def _latest(self) -> int:
        row = self.row
        return max(1, row.runs if row.readable else logs.last_logged_run(self._paths.run_logs))

    def __repr__(self) -> str:
        return f"Task({self._name!r}, {self.status})"

    def _repr_html_(self) -> str:
        header, cells = task_columns([self.row])
        return html_table(header, cells, f"Task {self._name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    return metadata.check_tags([tags] if isinstance(tags, str) else tags)


def raise_refused(refused: dict[str, str]) -> None:
    """Raise an error if an action was refused for some tasks.

    Args:
        refused: the reasons, by name of the task.

    Raises:
        Conflict: if there is a reason. The message is the first reason and the number of other tasks.
    """
    if refused:
        first = next(iter(refused.values()))
        more = f" ({len(refused) - 1} more tasks were refused.)" if len(refused) > 1 else ""
        raise Conflict(first + more)
