"""From a text with batch syntax, or a shell script, to task folders on disk; see `staging` for how."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.fs.atomic import dump_json, write_new
from pyruns_jupyter.core.taskfile.paths import RUN_LOGS, SCRIPT_CONFIG, TASK_INFO
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.shells import kind_of, script_name
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .preview import TaskPlan, plan_tasks
from .staging import put_into_place, staging_folder


def create_tasks(
    workspace: WorkspaceFolder,
    text: str,
    name: str,
    files: Mapping[str, bytes] = MappingProxyType({}),
    settings: Settings | None = None,
) -> list[str]:
    """Create the tasks that `plan_tasks` proposes, durably, all or none, and return their names.

    `files` are put into the folder of each beside its configuration.

    Raises:
        NameTaken: when a name is taken.
        InvalidInput: see `plan_tasks`.
        Conflict, Busy: when the folder does not allow it at this moment; nothing is left behind.
    """
    settings = settings or Settings.load(workspace.root)
    return create(plan_tasks(workspace, text, name, settings), files, settings=settings)


def create(
    proposal: TaskPlan,
    files: Mapping[str, bytes] = MappingProxyType({}),
    facts: Mapping[str, Any] = MappingProxyType({}),
    settings: Settings | None = None,
) -> list[str]:
    """Create the tasks of a proposal, see `create_tasks`; `facts` go into our own part of each task file."""
    workspace = proposal.workspace
    if proposal.plan is None:
        common, payload_name = _shell_info(workspace, settings or Settings.load(workspace.root))
    else:
        common, payload_name = _script_info(workspace)
    now = time.time()
    with staging_folder(workspace) as staging:
        for index, name in enumerate(proposal.names):
            own = {"swept": proposal.row(index), "batch_name": proposal.name, "created_at": now}
            if proposal.plan is None:
                own["project"] = str(workspace.project)  # the working folder moves along with it
            info = _task_info(name, now, payload_name, common, {**own, **facts})
            folder = f"{staging}/{name}"
            os.mkdir(folder)
            os.mkdir(f"{folder}/{RUN_LOGS}")
            config = _with_newline(proposal.config_text(index))
            for file, content in {**files, payload_name: config, TASK_INFO: dump_json(info)}.items():
                write_new(f"{folder}/{file}", content, durable=False)
        put_into_place(workspace, staging, proposal.names, are_small=True)
    return list(proposal.names)


def _script_info(workspace: WorkspaceFolder) -> tuple[dict[str, Any], str]:
    script = workspace.script
    if script is None:
        raise InvalidInput(f"The script of {workspace.folder} is missing.", field="script")
    return {"task_kind": "python", "script": str(script)}, SCRIPT_CONFIG


def _shell_info(workspace: WorkspaceFolder, settings: Settings) -> tuple[dict[str, Any], str]:
    shell = settings.shell()
    if shell is None:
        raise InvalidInput(settings.shell_problem() or "There is no shell.", field="shell_executable")
    info = {
        "task_kind": "shell",
        "command_mode": "shell",
        "env": {},
        "workdir": str(workspace.project),
        "shell_executable": shell,
        "shell_kind": kind_of(shell),
    }
    return info, script_name(shell)


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


def _with_newline(text: str) -> bytes:
    return (text if not text or text.endswith("\n") else f"{text}\n").encode()
