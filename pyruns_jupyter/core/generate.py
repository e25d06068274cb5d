"""From a text with batch syntax, or a shell script, to task folders on disk.

How a creation is safe: all folders are built inside one staging folder and made durable there, with one
synchronisation of the file system when they are many. Then, under the guard of the names, they are renamed
into place, which is fast and makes each one whole; the names are free or nothing was done. Last, the folder
of the tasks is made durable. An error on the way takes back what was renamed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import InvalidInput
from .filelock import FILE_MODE
from .files import dump_json, sync_folder
from .host import new_token
from .layout import RUN_LOGS, SCRIPT_CONFIG, SHELL_CONFIG, STAGING_PREFIX, TASK_INFO
from .proposals import (
    NameTaken,
    Proposal,
    check_runnable,
    check_template,
    complete_template,
    free_name,
    plan_tasks,
    script_parameters,
    starting_text,
    task_text,
)
from .settings import Settings
from .stamps import stamp
from .taskfile import OWN_KEY
from .tasks import create_guard, reservation_name, reserved
from .workspace import WorkspaceFolder

__all__ = [
    "NameTaken",
    "Proposal",
    "check_runnable",
    "check_template",
    "complete_template",
    "create",
    "create_tasks",
    "free_name",
    "plan_tasks",
    "script_parameters",
    "starting_text",
    "task_text",
]

_SHELL_FILES = {"fish": "config.fish", "pwsh": "config.ps1", "powershell": "config.ps1", "cmd": "config.cmd"}
_SHELL_FILE_MODE = 0o644
_MANY = 16  # tasks; from here on one synchronisation of the file system costs less than one a file
_CREATE_TIMEOUT = 30.0  # seconds to wait while somebody else creates


def create_tasks(workspace: WorkspaceFolder, text: str, name: str) -> list[str]:
    """Create the tasks that `plan_tasks` proposes, durably, all or none, and return their names.

    Raises:
        NameTaken: when a name is taken.
        InvalidInput: see `plan_tasks`.
        Conflict, Busy: when the folder does not allow it at this moment; nothing is left behind.
    """
    return create(plan_tasks(workspace, text, name))


def create(proposal: Proposal) -> list[str]:
    """Create the tasks of a proposal, see `create_tasks`."""
    workspace = proposal.workspace
    describe = _shell_info if proposal.plan is None else _script_info
    common, payload_name, payload_mode = describe(workspace)
    workspace.check_writable()
    workspace.tasks.mkdir(exist_ok=True)
    now = time.time()
    staging = workspace.tasks / f"{STAGING_PREFIX}{new_token()}"
    staging.mkdir()
    try:
        for index, name in enumerate(proposal.names):
            own = {"swept": proposal.row(index), "batch_name": proposal.name, "created_at": now}
            info = _task_info(name, now, payload_name, common, own)
            folder = f"{staging}/{name}"
            os.mkdir(folder)
            os.mkdir(f"{folder}/{RUN_LOGS}")
            _write(f"{folder}/{payload_name}", _with_newline(proposal.config_text(index)), payload_mode)
            _write(f"{folder}/{TASK_INFO}", dump_json(info), FILE_MODE)
        _sync_tree(staging, proposal.names, (payload_name, TASK_INFO))
        with create_guard(workspace, _CREATE_TIMEOUT):
            _place(workspace, staging, proposal.names)
        sync_folder(workspace.tasks)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return list(proposal.names)


def _script_info(workspace: WorkspaceFolder) -> tuple[dict[str, Any], str, int]:
    script = workspace.script
    if script is None:
        raise InvalidInput(f"The script of {workspace.folder} is missing.", field="script")
    return {"task_kind": "python", "script": str(script)}, SCRIPT_CONFIG, FILE_MODE


def _shell_info(workspace: WorkspaceFolder) -> tuple[dict[str, Any], str, int]:
    settings = Settings.load(workspace.root)
    shell = settings.shell()
    if shell is None:
        raise InvalidInput(settings.shell_problem() or "There is no shell.", field="shell_executable")
    kind = Path(shell).stem.lower()
    info = {
        "task_kind": "shell",
        "command_mode": "shell",
        "env": {},
        "workdir": str(workspace.project),
        "shell_executable": shell,
        "shell_kind": kind,
    }
    return info, _SHELL_FILES.get(kind, SHELL_CONFIG), _SHELL_FILE_MODE


def _task_info(
    name: str, now: float, payload_name: str, common: dict[str, Any], own: dict[str, Any]
) -> dict[str, Any]:
    """Return a new task file's content; the keys stand in the order that `pyruns` gives them."""
    kind = {key: value for key, value in common.items() if key != "task_kind"}
    return {
        "name": name,
        "status": "pending",
        "progress": 0.0,
        "created_at": stamp(now),
        "pinned": False,
        "task_kind": common["task_kind"],
        "config_file": payload_name,
        "start_times": [],
        "finish_times": [],
        "pids": [],
        "durations": [],
        "exit_codes": [],
        "source_states": [],
        "run_environments": [],
        "records": [],
        "tracks": [],
        **kind,
        "pid_create_times": [],
        "run_statuses": [],
        "run_attempt_ids": [],
        "run_index": 0,
        OWN_KEY: own,
    }


def _place(workspace: WorkspaceFolder, staging: Path, names: list[str]) -> None:
    """Rename the staged folders into place, all or none (call under the guard)."""
    present = set(os.listdir(workspace.tasks))
    for name in names:
        if name in present or (reservation_name(name) in present and reserved(workspace, name)):
            raise NameTaken(name)
    placed: list[str] = []
    try:
        for name in names:
            try:
                os.rename(staging / name, workspace.tasks / name)
            except OSError as error:
                if os.path.lexists(workspace.tasks / name):
                    raise NameTaken(name) from error
                raise
            placed.append(name)
    except BaseException:
        for name in placed:
            with suppress(OSError):
                os.rename(workspace.tasks / name, staging / name)
        raise


def _with_newline(text: str) -> bytes:
    return (text if not text or text.endswith("\n") else f"{text}\n").encode()


def _write(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)


def _sync_tree(staging: Path, names: Iterable[str], files: tuple[str, ...]) -> None:
    """Make everything in the staging folder durable."""
    names = list(names)
    if len(names) >= _MANY and _sync_filesystem(staging):
        return
    for name in names:
        folder = staging / name
        for file_name in files:
            descriptor = os.open(folder / file_name, os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(folder)
    sync_folder(staging)


def _sync_filesystem(folder: Path) -> bool:
    """Make all of the folder's file system durable, and no other one; tell whether that was possible."""
    if sys.platform != "linux":
        return False
    try:
        call = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return bool(call(descriptor) == 0)
    finally:
        os.close(descriptor)
