"""Real workspaces and tasks for the tests, made by the product itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.metrics.read import add_points
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import TaskPatch
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

SCRIPT = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--opt", choices=["sgd", "adam"], default="sgd")
print(parser.parse_args())
"""


def script_workspace(project: Path, name: str = "train.py", source: str = SCRIPT) -> WorkspaceFolder:
    """Return the workspace of a new script."""
    project.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(source, encoding="utf-8")
    return open_workspace(project / name)[0]


def shell_workspace(project: Path) -> WorkspaceFolder:
    """Return the shell workspace of a new project."""
    project.mkdir(parents=True, exist_ok=True)
    return open_workspace(project)[0]


def one_task(workspace: WorkspaceFolder, name: str = "one") -> Path:
    """Return the folder of a new task."""
    text = "echo hi\n" if workspace.kind == "shell" else "lr: 0.5\n"
    create_tasks(workspace, text, name)
    return workspace.paths(name).folder


def start_run(folder: Path, *, pid: int, create_time: float, attempt: str = "a1") -> int:
    """Queue and start a run of a task the way the engine does; return its index."""
    with edit_task(folder) as info:
        runs.queue(info, attempt=attempt, batch="b1")
    with edit_task(folder) as info:
        index = runs.start(info, attempt=attempt, command="x", workdir=str(folder))
        runs.set_process(info, attempt, pid, create_time)
    return index


def end_run(
    folder: Path,
    *,
    attempt: str = "a1",
    exit_code: int = 0,
    records: dict[str, Any] | None = None,
    tracks: dict[str, list[Any]] | None = None,
) -> None:
    """End a run of a task the way the engine does."""
    status = runs.COMPLETED if exit_code == 0 else runs.FAILED
    with edit_task(folder) as info:
        runs.finish(info, attempt=attempt, status=status, exit_code=exit_code, records=records)
        add_points(info, runs.slot_count(info), tracks or {}, whole=True)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def set_pinned(workspace: WorkspaceFolder, name: str, pinned: bool) -> None:
    """Pin or unpin a task."""
    tasks.change(workspace, name, TaskPatch(pinned=pinned))
