"""What stands around a run's output: banners of the log, `error.log`, `runN.input.json`, its environment."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.files import dump_json, write_new
from pyruns_jupyter.core.host import host_name
from pyruns_jupyter.core.layout import TaskPaths
from pyruns_jupyter.core.stamps import stamp

if TYPE_CHECKING:
    from .commands import Command

_START, _FINISH = "=" * 20 + " START " + "=" * 20, "=" * 20 + " FINISH " + "=" * 20


def line(text: str) -> bytes:
    """Return one line of ours for a log."""
    return f"[PYRUNS] {text}\n".encode("utf-8", "replace")


def start_banner(task: str, started: str, source: str) -> bytes:
    """Return the lines that a log begins with."""
    lines = (_START, f"Task {task} started at {started}", "=" * len(_START), f"Source {source}")
    return b"".join(map(line, lines))


def finish_banner(task: str, finished: str, *, exit_code: int | None, duration: float, status: str) -> bytes:
    """Return the lines that a log ends with; `duration` is in seconds."""
    lines = [_FINISH, f"Task {task} finished at {finished}", "=" * len(_FINISH)]
    lines += [f"Exit code: {'none' if exit_code is None else exit_code}", f"Duration: {duration:.3f}s"]
    if status == "cancelled":
        lines.append("Final status: cancelled")
    return b"".join(map(line, lines))


def open_log(path: Path) -> int:
    """Return a descriptor that appends to a log, which is created when missing (mode 0644).

    Raises:
        OSError: when that is not possible.
    """
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)


def append(path: Path, data: bytes) -> None:
    """Append to a log, creating it. Nothing is raised: a log that cannot be written stops nothing."""
    try:
        descriptor = open_log(path)
    except OSError:
        return
    try:
        os.write(descriptor, data)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def add_error(paths: TaskPaths, headline: str, facts: Mapping[str, Any]) -> None:
    """Append a block to the task's `error.log`. Nothing is raised, as by `append`."""
    rule = "=" * 70
    lines = [
        "",
        "",
        rule,
        f"[PYRUNS] {headline}",
        *(f"{key}={value}" for key, value in facts.items()),
        rule,
        "",
    ]
    with suppress(OSError):
        paths.run_logs.mkdir(exist_ok=True)
    append(paths.run_logs / "error.log", "\n".join(lines).encode("utf-8", "replace"))


def add_queue_stop(paths: TaskPaths) -> None:
    """Note in `error.log` that a waiting task was stopped."""
    facts = {"reason": "cancelled_by_user", "previous_status": "queued"}
    add_error(paths, f"Queued task stopped at {stamp()}", facts)


def write_input(paths: TaskPaths, run: int, command: Command) -> None:
    """Record what run `run`, which has not begun, is given.

    A record that is there already was left by a start that did not come to anything.
    """
    script = str(command.script) if command.script else None
    content = {
        "captured_at": stamp(),
        "task_kind": command.kind,
        "payload_file": command.payload_file,
        "payload_text": command.payload_text,
        "script": script,
        "command": None,
        "workdir": command.workdir,
        "shell_executable": command.shell,
        "environment": command.task_environment,
        "launch_argv": command.argv,
        "schema_version": 1,
        "run_index": run,
    }
    path = paths.input(run)
    path.unlink(missing_ok=True)
    write_new(path, dump_json(content), durable=False)


def run_environment(command: Command) -> dict[str, Any]:
    """Return where a run takes place, for its slot `run_environments`."""
    return {
        "host": host_name(),
        "system": system_name(),
        "launcher": command.argv[0],
        "conda_env": command.environment.get("CONDA_DEFAULT_ENV", ""),
        "cuda_visible_devices": command.environment.get("CUDA_VISIBLE_DEVICES"),
        "assigned_gpu_ids": [],
        "gpus": [],
    }


@cache
def system_name() -> str:
    """Return what this machine runs, as people call it."""
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return f"{name or platform.system()} · {platform.machine()}"
