"""Create task folders from a text with sweep syntax or a shell script; `staging` makes that atomic."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.fs.atomic import dump_json, write_new
from pyruns_jupyter.core.taskfile.paths import RUN_LOGS, SCRIPT_CONFIG, TASK_INFO
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.shells import kind_of, script_name
from pyruns_jupyter.core.workspace.workspace import SHELL, WorkspaceFolder

from .preview import TaskPlan, plan_tasks
from .staging import put_into_place, staging_folder


def create_tasks(
    workspace: WorkspaceFolder,
    text: str,
    name: str,
    files: Mapping[str, bytes] = MappingProxyType({}),
    settings: Settings | None = None,
) -> list[str]:
    """Create the tasks of `plan_tasks` durably, all or none, and return their names.

    `files` are written into each task folder, next to the configuration.

    Raises:
        NameTaken: when a name is taken.
        InvalidInput: see `plan_tasks`.
        Conflict, Busy: when tasks cannot be created in the folder now; nothing is left behind.
    """
    settings = settings or Settings.load(workspace.root)
    return create(plan_tasks(workspace, text, name, settings), files, settings=settings)


def create(
    planned: TaskPlan,
    files: Mapping[str, bytes] = MappingProxyType({}),
    facts: Mapping[str, Any] = MappingProxyType({}),
    settings: Settings | None = None,
) -> list[str]:
    """Create the tasks of a plan, see `create_tasks`; `facts` go into our part of each task file."""
    return write_tasks(
        planned.workspace,
        planned.name,
        (
            NewTask(name, planned.config_text(index), planned.row(index), facts, files)
            for index, name in enumerate(planned.names)
        ),
        settings,
    )


class NewTask(NamedTuple):
    """A task to be written.

    Attributes:
        name: its name.
        text: its configuration or shell script.
        swept: the values that distinguish it from the tasks that are created with it, by dotted key.
        facts: our own data in its task file.
        files: further files of its folder.
    """

    name: str
    text: str
    swept: Mapping[str, Any]
    facts: Mapping[str, Any]
    files: Mapping[str, bytes]


def write_tasks(
    workspace: WorkspaceFolder, batch_name: str, tasks: Iterable[NewTask], settings: Settings | None = None
) -> list[str]:
    """Create tasks durably, all or none, without checking their configurations; return their names.

    Raises:
        NameTaken, InvalidInput, Conflict, Busy: see `create_tasks`.
    """
    kind, payload_name, more = kind_of_tasks(workspace, settings)
    now = time.time()
    names = []
    with staging_folder(workspace) as staging:
        for task in tasks:
            own = {"swept": task.swept, "batch_name": batch_name, "created_at": now}
            if workspace.kind == SHELL:
                own["project"] = str(workspace.project)  # if the project moves, so does the working folder
            info = new_task_info(task.name, now, kind, payload_name, more, {**own, **task.facts})
            folder = f"{staging}/{task.name}"
            os.mkdir(folder)
            os.mkdir(f"{folder}/{RUN_LOGS}")
            config = _with_newline(task.text)
            for file, content in {**task.files, payload_name: config, TASK_INFO: dump_json(info)}.items():
                write_new(f"{folder}/{file}", content, durable=False)
            names.append(task.name)
        put_into_place(workspace, staging, names, are_small=True)
    return names


def kind_of_tasks(
    workspace: WorkspaceFolder, settings: Settings | None = None
) -> tuple[str, str, dict[str, Any]]:
    """Return the kind of new tasks of a workspace, the name of their configuration file, and further keys of
    their task files.

    Raises:
        InvalidInput: if the script or a shell is missing.
    """
    if workspace.kind == SHELL:
        return _shell_info(workspace, settings or Settings.load(workspace.root))
    return _script_info(workspace)


def _script_info(workspace: WorkspaceFolder) -> tuple[str, str, dict[str, Any]]:
    script = workspace.script
    if script is None:
        raise InvalidInput(
            f"The script of the workspace {workspace.folder} is missing. Restore it, or open another script.",
            field="script",
        )
    return "python", SCRIPT_CONFIG, {"script": str(script)}


def _shell_info(workspace: WorkspaceFolder, settings: Settings) -> tuple[str, str, dict[str, Any]]:
    shell = settings.shell()
    if shell is None:
        raise InvalidInput(settings.shell_problem() or "No shell was found.", field="shell_executable")
    more = {
        "command_mode": "shell",
        "env": {},
        "workdir": str(workspace.project),
        "shell_executable": shell,
        "shell_kind": kind_of(shell),
    }
    return "shell", script_name(shell), more


def new_task_info(
    name: str, now: float, kind: str, payload_name: str, more: dict[str, Any], own: dict[str, Any]
) -> dict[str, Any]:
    """Return the content of a new task file; the keys have the same order as in `pyruns`."""
    return {
        "name": name,
        "status": "pending",
        "progress": 0.0,
        "created_at": stamp(now),
        "pinned": False,
        "task_kind": kind,
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
        **more,
        "pid_create_times": [],
        "run_statuses": [],
        "run_attempt_ids": [],
        "run_index": 0,
        OWN_KEY: own,
    }


def _with_newline(text: str) -> bytes:
    return (text if not text or text.endswith("\n") else f"{text}\n").encode()
