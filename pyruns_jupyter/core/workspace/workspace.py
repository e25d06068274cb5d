"""Workspaces: the folders below `_pyruns_` that hold the tasks of one script, or of the project's shell."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from pyruns_jupyter.core.common.errors import Conflict, NotFound, Unreadable
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.fs.boundary import belongs_to
from pyruns_jupyter.core.fs.regular_files import kind_of_file, may_exist
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.taskfile.format_version import check_format, format_problem
from pyruns_jupyter.core.taskfile.paths import (
    DEFAULT_CONFIG,
    ROOT_NAME,
    SCRIPT_CONFIG,
    SCRIPT_INFO,
    SHELL_CONFIG,
    SHELL_WORKSPACE,
    TASKS,
    TRASH,
    TaskPaths,
    check_task_name,
    is_task_name,
    missing_in,
    script_file,
)
from pyruns_jupyter.core.taskfile.task_file import is_task, payload_name, read_task

from .settings import Settings

SCRIPT, SHELL = "script", "shell"
_MAX_INFO_BYTES = 1024 * 1024
SHELL_TEMPLATE = "config_default.sh"  # our file: the shell script that new shell tasks start from


class WorkspaceFolder(Struct, frozen=True, eq=False):
    """One workspace on disk. Only the path is stored; everything else is read on access.

    Nothing is read through links below `_pyruns_`. Scripts and the files they name are read only inside the
    project (see `boundary`), and inside `within` (the root folder of a server) if that is given.
    """

    folder: Path
    within: Path | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkspaceFolder) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    @classmethod
    def at(cls, folder: Path) -> WorkspaceFolder:
        """Return the existing workspace in `folder` (`.../_pyruns_/train`).

        Raises:
            NotFound: if there is none.
        """
        folder = Path(os.path.abspath(folder))
        if folder.parent.name != ROOT_NAME or not is_workspace(folder):
            message = (
                f"{folder} is not a workspace. A workspace is a folder below {ROOT_NAME} that contains "
                f"{SCRIPT_INFO}."
            )
            raise missing_in(folder.parent, message) if folder.parent.name == ROOT_NAME else NotFound(message)
        return cls(folder)

    @property
    def root(self) -> Path:
        """The `_pyruns_` folder."""
        return self.folder.parent

    @property
    def project(self) -> Path:
        """The folder that holds `_pyruns_`."""
        return self.folder.parent.parent

    @property
    def name(self) -> str:
        """The workspace's name: the script's name without `.py`, a notebook's with `.ipynb`, or `_shell_`."""
        return self.folder.name

    @property
    def tasks(self) -> Path:
        """The folder of the tasks; it may be missing while there are none."""
        return self.folder / TASKS

    @property
    def trash(self) -> Path:
        """The folder of the removed tasks; it may be missing."""
        return self.folder / TASKS / TRASH

    @property
    def kind(self) -> str:
        """`script` or `shell`."""
        try:
            kind = self.info().get("workspace_kind")
        except Unreadable:
            kind = None
        if kind in (SCRIPT, SHELL):
            return str(kind)
        return SHELL if self.name == SHELL_WORKSPACE else SCRIPT

    @property
    def script(self) -> Path | None:
        """The workspace's script: next to `_pyruns_`, else at its stored path; None if it does not exist.

        In a copied project, the stored path is still that of the original. A script outside of the project,
        its repository or the server's folder is ignored, also if it is reached through a link.
        """
        if self.kind == SHELL:
            return None
        stored, others = self._script_places()
        found = stored if stored is not None and _is_file(stored) and self.may_read(stored) else None
        if found is not None and found.parent == self.project:
            return found
        for other in others:
            if _is_file(other) and self.may_read(other):
                # The same file by another path keeps the path of all earlier command lines.
                return found if found is not None and found.samefile(other) else other
        return found

    def _script_places(self) -> tuple[Path | None, list[Path]]:
        """Return the stored path of the script, and other possible paths."""
        try:
            path = self.info().get("script_path")
        except Unreadable:
            path = None
        stored = Path(path) if isinstance(path, str) and path and "\0" not in path else None
        names = (stored.name if stored else "", script_file(self.name))
        return stored, [self.project / name for name in names if name]

    def may_read(self, path: Path) -> bool:
        """Return whether a file that the project names or links to may be read."""
        return belongs_to(path, self.project, self.within)

    def info(self) -> dict[str, Any]:
        """Return the content of `script_info.json`.

        Raises:
            Unreadable: if it is missing or damaged.
        """
        try:
            return read_json(self.folder / SCRIPT_INFO, most=_MAX_INFO_BYTES)
        except FileNotFoundError:
            raise Unreadable(f"{self.folder / SCRIPT_INFO} is missing.") from None

    def problem(self) -> str | None:
        """Return why the workspace cannot run tasks (a sentence), None if it can."""
        try:
            self.info()
        except Unreadable as error:
            return error.message
        if problem := self.tasks_problem() or format_problem(self.root):
            return problem
        settings = Settings.load(self.root)
        if settings.problem:
            return settings.problem
        if self.kind == SCRIPT and self.script is None:
            return self._script_problem()
        return settings.interpreter_problem() if self.kind == SCRIPT else settings.shell_problem()

    def _script_problem(self) -> str:
        """Return why there is no script (a sentence)."""
        stored, others = self._script_places()
        for path in [*others, *([] if stored is None else [stored])]:
            if path.is_file():
                return f"The script {path} is outside the project and is not used. Copy it to the project."
        return f"The script {script_file(self.name)} is missing. Put it next to {self.root} or open it again."

    def tasks_problem(self) -> str | None:
        """Return a sentence if `tasks` is not a folder, so that no tasks are found; else None."""
        try:
            mode = self.tasks.lstat().st_mode
        except OSError:
            return None
        if stat.S_ISDIR(mode):
            return None
        return f"{self.tasks} is {kind_of_file(mode)}, but must be a folder. Move it to another place."

    def paths(self, name: str) -> TaskPaths:
        """Return the paths of the task `name`, which need not exist.

        Raises:
            InvalidInput: if it is not a valid task name.
        """
        return TaskPaths(self.tasks / check_task_name(name))

    def existing(self, name: str) -> TaskPaths:
        """Return the paths of the existing task `name`, which are safe to write to.

        Raises:
            NotFound: if there is no such task, or it is reached through a link.
        """
        tasks = self.tasks
        paths = TaskPaths(tasks / name)
        is_linked = os.path.islink(tasks) or os.path.islink(paths.folder)
        if is_linked or not is_task_name(name) or not is_task(paths.folder):
            raise missing_in(self.root, f"The task {name!r} does not exist in {self.folder}.")
        return paths

    def task_names(self) -> list[str]:
        """Return the names of all tasks, in no particular order."""
        return [name for name, folder in scan_tasks(self.tasks) if is_task(folder)]

    @property
    def default(self) -> Path:
        """The file with the default configuration (YAML, or a shell script); it may be missing."""
        return self.folder / (SHELL_TEMPLATE if self.kind == SHELL else DEFAULT_CONFIG)

    def template_text(self) -> str:
        """Return the text that new configurations start from (YAML, or a shell script).

        Raises:
            Unreadable: if it cannot be read as UTF-8 text, or is a link.
        """
        try:
            return read_text(self.default, follow=False)
        except FileNotFoundError:
            return ""

    def task_text(self, name: str) -> str:
        """Return the configuration or shell script of a task.

        Raises:
            NotFound, Unreadable: when it does not exist or cannot be read.
        """
        folder = self.existing(name).folder
        try:
            info = read_task(folder)
        except Unreadable:
            info = {}
        path = folder / payload_name(info, SHELL_CONFIG if self.kind == SHELL else SCRIPT_CONFIG)
        try:
            if os.path.islink(path):
                raise Unreadable(f"{path} is a symbolic link and is not read.")
            return read_text(path)
        except (FileNotFoundError, ValueError):
            raise NotFound(f"The file {path.name!r} of the task {name!r} is missing.") from None

    def check_writable(self) -> None:
        """Check that no folder of this workspace is a symbolic link, and that its format is supported.

        Raises:
            Conflict: if one is a link, or a later release wrote the folder.
        """
        check_format(self.root)
        for path in (self.root, self.folder, self.tasks, self.trash):
            if path.is_symlink():
                raise Conflict(
                    f"{path} is a symbolic link. Nothing is written through links below {ROOT_NAME}."
                )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, or a folder that we cannot search
        return False


def is_workspace(folder: Path) -> bool:
    """Return whether a folder below `_pyruns_` is a workspace, perhaps damaged or not readable."""
    return may_exist(f"{folder}/{SCRIPT_INFO}")


def scan_tasks(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and path of every folder in `tasks/` (or its trash) that can be a task."""
    for name in scan_folders(folder):
        if is_task_name(name):
            yield name, os.path.join(folder, name)


def scan_folders(folder: Path) -> list[str]:
    """Return the names of all folders in `tasks/` (or its trash), also of those that can be no task.

    Links are skipped; nothing is found if `folder` or its parent is a link.
    """
    if os.path.islink(folder) or os.path.islink(folder.parent):
        return []
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
