"""A run of a task: its state, its input, its artifacts and its stacks."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.fs.list_files import files_below
from pyruns_jupyter.core.fs.regular_files import open_below
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client import stacks

from .files import File, check_inside
from .logs import LogRequest
from .request import RunRequest, TaskRequest
from .tasks import environment_model, find_run, run_model

MAX_FILES = 10_000  # of one list of artifacts
MAX_STACK_SECONDS = 60
# Files that a browser may show inside a page. Others, such as SVG and HTML, could run code there.
_SHOWN = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/plain; charset=utf-8",
    "json": "text/plain; charset=utf-8",
    "md": "text/plain; charset=utf-8",
}


class RunInputRequest(RunRequest, frozen=True):
    """A request for the input of a run, with or without the values of secrets."""

    secrets: bool = False


def run_details(workspace: WorkspaceFolder, name: str, number: int) -> dict[str, Any]:
    """Return the `RunInfo` of a run.

    Raises:
        NotFound: if the task has no such run.
    """
    paths, info, run = find_run(workspace, name, number)
    return run_model(paths, info, run)


def run_input(workspace: WorkspaceFolder, name: str, number: int, *, secrets: bool = False) -> dict[str, Any]:
    """Return the `RunInput` of a run, with the values of secrets only if `secrets` is true.

    Raises:
        NotFound: if there is no such run, or its input was not recorded.
        Unreadable: if the record is damaged.
    """
    paths, _, run = find_run(workspace, name, number)
    try:
        found = read_json(check_inside(paths.input(run.index), paths.folder))
    except FileNotFoundError:
        raise NotFound(f"The input of run {number} of {name!r} was not recorded.") from None

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
    """Return the `Artifacts` of a run: the files in its artifact folder, sorted by name.

    Raises:
        NotFound: if the task has no such run.
    """
    paths, _, run = find_run(workspace, name, number)
    folder = check_inside(paths.artifact_dir(run.index), paths.folder)
    items: list[dict[str, Any]] = []
    cut = False
    for path, status in files_below(folder):
        if len(items) == MAX_FILES:
            cut = True
            break
        items.append({"path": path, "size": status.st_size, "modified_at": status.st_mtime})
    return {"run": run.index, "items": items, "cut": cut}


class ArtifactRequest(RunRequest, frozen=True):
    """A request for a file of a run; `path` is relative to the artifact folder."""

    path: str


def artifact_file(workspace: WorkspaceFolder, wanted: ArtifactRequest) -> File:
    """Return an artifact as a file to download."""
    return as_file(wanted.path, lambda: open_artifact(workspace, wanted.task, wanted.run, wanted.path))


def as_file(path: str, opener: Callable[[], int]) -> File:
    """Return a file to download; its content type is that of its name if a browser may show it."""
    name = path.rpartition("/")[2]
    media_type = _SHOWN.get(os.path.splitext(name)[1][1:].lower())
    return File(opener, name, media_type or "application/octet-stream", is_inline=media_type is not None)


def open_artifact(workspace: WorkspaceFolder, name: str, number: int, path: str) -> int:
    """Return a descriptor for reading an artifact of a run.

    Raises:
        NotFound: if there is no such file, or a symbolic link leads out of the artifact folder.
        OSError: if the file may not be read.
    """
    paths, _, run = find_run(workspace, name, number)
    folder = check_inside(paths.artifact_dir(run.index), paths.folder)
    missing = NotFound(f"Run {number} of {name!r} has no artifact {path!r}.")
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise missing
    try:
        # Links within the artifact folder are resolved here; opening the file follows no link.
        real = Path(os.path.realpath(check_inside(folder.joinpath(*parts), folder)))
        return open_below(workspace.folder, real.relative_to(os.path.realpath(workspace.folder)).parts)
    except (Unreadable, ValueError):
        raise missing from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise
        raise missing from None


class StackRequest(TaskRequest, frozen=True):
    """A request for the stacks of a running task, and how long to wait for them."""

    seconds: Annotated[float, Meta(gt=0, le=MAX_STACK_SECONDS)] = stacks.WAIT_SECONDS


def stored_stacks(workspace: WorkspaceFolder, wanted: LogRequest) -> dict[str, Any]:
    """Return the stored `StackDump` of a run.

    Raises:
        NotFound: if there is none.
        OSError: if it cannot be read.
    """
    return vars(stacks.stored_stacks(workspace, wanted.task, wanted.run))


def request_stacks(
    workspace: WorkspaceFolder, wanted: StackRequest, is_abandoned: Callable[[], bool]
) -> dict[str, Any]:
    """Return a new `StackDump` of a running task; see `engine.client.stacks.request_stacks`."""
    found = stacks.request_stacks(workspace, wanted.task, seconds=wanted.seconds, is_abandoned=is_abandoned)
    return vars(found)
