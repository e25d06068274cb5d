"""One run of a task: how it went, what it was given, which files it left."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.fs.regular_files import open_below
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import Run, runs
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .path_guard import check_inside
from .tasks import environment_model, run_model

MAX_FILES = 10_000  # that a list of artifacts has
_MAX_DEPTH = 32  # folders within each other


def run_details(workspace: WorkspaceFolder, name: str, number: int) -> dict[str, Any]:
    """Return the `RunInfo` of a run.

    Raises:
        NotFound: when the task has no such run.
    """
    paths, info, run = _find(workspace, name, number)
    return run_model(paths, info, run)


def run_input(workspace: WorkspaceFolder, name: str, number: int, *, secrets: bool = False) -> dict[str, Any]:
    """Return the `RunInput` of a run; values of secrets are told only with `secrets`.

    Raises:
        NotFound: when nothing is known of what it was given.
        Unreadable: when its record is damaged.
    """
    paths, _, run = _find(workspace, name, number)
    try:
        found = read_json(check_inside(paths.input(run.index), paths.folder))
    except FileNotFoundError:
        raise NotFound(f"What run {number} of {name!r} was given was not recorded.") from None

    def text(key: str) -> str | None:
        value = found.get(key)
        return value if isinstance(value, str) else None

    environment, words = found.get("environment"), found.get("launch_argv")
    return {
        "run": run.index,
        "captured_at": text("captured_at"),
        "kind": text("task_kind"),
        "config_file": text("payload_file"),
        "config": text("payload_text"),
        "script": text("script"),
        "workdir": text("workdir"),
        "shell": text("shell_executable"),
        "command": [str(word) for word in words] if isinstance(words, list) else [],
        "env": environment_model(environment if isinstance(environment, dict) else {}, secrets=secrets),
    }


def artifacts(workspace: WorkspaceFolder, name: str, number: int) -> dict[str, Any]:
    """Return the `Artifacts` of a run: the files in its folder for them, by name.

    Raises:
        NotFound: when the task has no such run.
    """
    paths, _, run = _find(workspace, name, number)
    folder = check_inside(paths.artifact_dir(run.index), paths.folder)
    items: list[dict[str, Any]] = []
    cut = False
    for path, status in _files(folder, ""):
        if len(items) == MAX_FILES:
            cut = True
            break
        items.append({"path": path, "size": status.st_size, "modified_at": status.st_mtime})
    return {"run": run.index, "items": items, "cut": cut}


def open_artifact(workspace: WorkspaceFolder, name: str, number: int, path: str) -> int:
    """Return a descriptor for reading a file that a run left.

    Raises:
        NotFound: when there is none, also when a link leads out of the run's folder.
        OSError: when it may not be read.
    """
    paths, _, run = _find(workspace, name, number)
    folder = check_inside(paths.artifact_dir(run.index), paths.folder)
    missing = NotFound(f"Run {number} of {name!r} left no file {path!r}.")
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise missing
    try:
        # A link to another file of the run is followed here, and none while the file is opened.
        real = Path(os.path.realpath(check_inside(folder.joinpath(*parts), folder)))
        return open_below(workspace.folder, real.relative_to(os.path.realpath(workspace.folder)).parts)
    except (Unreadable, ValueError):
        raise missing from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise
        raise missing from None


def _find(workspace: WorkspaceFolder, name: str, number: int) -> tuple[TaskPaths, TaskInfo, Run]:
    paths = workspace.existing(name)
    info = read_task(paths.folder)
    known = runs(info)
    if not 1 <= number <= len(known):
        raise NotFound(f"The task {name!r} has no run {number}.")
    return paths, info, known[number - 1]


def _files(folder: Path, prefix: str, depth: int = 0) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files below a folder with their paths in it; links are not followed."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            entry.name.encode()
            if entry.is_file(follow_symlinks=False):
                yield prefix + entry.name, entry.stat(follow_symlinks=False)
            elif entry.is_dir(follow_symlinks=False) and depth < _MAX_DEPTH:
                yield from _files(Path(entry.path), f"{prefix}{entry.name}/", depth + 1)
        except (OSError, UnicodeEncodeError):
            continue  # gone, or a name that no client can send back
