"""Looking at a workspace, a task, a log, the machine."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyruns_jupyter.api import Task, TaskList, Workspace
from pyruns_jupyter.api.tables import value_text
from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.logs.reader import log_problem
from pyruns_jupyter.core.taskfile.runs import Run, gpu_names, sources_of
from pyruns_jupyter.engine.queue.launch import scheduler_alive

from ..context import Context, split_run
from ..follow import follow_log, write_log
from ..parser import AddVerb, explain_query, positive


def _status(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    workspace.attend()
    return status_of(context, workspace, args.json)


def status_of(context: Context, workspace: Workspace, as_json: bool) -> int:
    """Show a workspace and its counts."""
    counts = workspace.counts()
    alive = scheduler_alive(workspace.folder.root)
    if as_json:
        context.json(
            {
                "workspace": workspace.name,
                "folder": workspace.folder.folder,
                "counts": counts,
                "scheduler_alive": alive,
            }
        )
        return 0
    told = ", ".join(f"{number} {status}" for status, number in counts.items() if number) or "no tasks yet"
    context.line(f"{workspace.name}: {told}")
    problem = workspace.folder.problem()
    if problem:
        context.line(problem)
    return 0


def _ls(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    workspace.attend()
    # Each word of the command is a line: 'a OR b' keeps together.
    found = workspace.table("\n".join(args.query), sort=args.sort, order=args.order, partial=True)
    for said in (workspace.folder.tasks_problem(), *found.notices):
        if said:
            context.aside(said)
    if args.json:
        context.json([row.to_dict() for row in found.rows])
    else:
        context.show(found)
    return 0


def _show(context: Context, args: argparse.Namespace) -> int:
    name, run = split_run(args.name)
    task = context.workspace(args.workspace)[name]
    history = task.runs if run is None else [one for one in task.runs if one.index == run]
    if run is not None and not history:
        raise NotFound(f"The task {name!r} has no run {run}.")
    config, problem = _config_of(task)
    if args.json:
        more = {"folder": task.folder, "config": config, "config_problem": problem, "notes": task.notes}
        context.json({**task.row.to_dict(), **more})
        return 0
    context.show(TaskList([task]))
    row = task.row
    info = task.info if row.readable else {}
    for one in history:
        # Only the latest run may have more to tell than the task file.
        records = task.records(one.index) if one is history[-1] else one.records
        figures = ", ".join(f"{key}={value_text(value)}" for key, value in records.items())
        told = [f"run {one.index}: {one.status}", duration_text(one.duration), figures]
        if one.exit_code is not None:
            told.insert(1, f"exit code {one.exit_code}")
        context.line(printable(", ".join(part for part in told if part)))
        for line in origin_lines(one, sources_of(info, one.index)):
            context.line(printable(f"  {line}"))
    if not row.readable:
        context.line(printable(row.message or ""))
    context.line(f"\n{(problem or config or '').rstrip()}")
    if task.notes:
        context.line(f"\n{task.notes}")
    return 0


def _config_of(task: Task) -> tuple[str | None, str | None]:
    """Return a task's configuration, or why it cannot be shown."""
    try:
        return task.config_text, None
    except (NotFound, Unreadable) as error:
        return None, error.message


def origin_lines(run: Run, sources: Mapping[str, Any]) -> list[str]:
    """Return what is to be said about the code of a run, and about where it took place."""
    code = sources.get("code")
    lines = [run.source] if run.source else []
    if code:
        in_place = ", recorded only: the task ran in the project itself" if sources.get("in_place") else ""
        lines.append(f"code snapshot {code[:12]}{in_place}")
    facts = run.environment
    python = facts.get("python")
    place = [
        facts.get("host"),
        f"Python {python}" if python else facts.get("launcher"),
        *dict.fromkeys(gpu_names(run)),
    ]
    told = ", ".join(str(part) for part in place if part)
    return [*lines, told] if told else lines


def _log(context: Context, args: argparse.Namespace) -> int:
    name, run = split_run(args.name)
    task = context.workspace(args.workspace)[name]
    if args.follow:
        return follow_log(context, task, run, args.tail)
    path = task.log_path(run)
    if not path.is_file():
        problem = log_problem(path) or f"The task {name!r} has no log yet: it is {task.status}."
        raise NotFound(problem)
    write_log(context, path, args.tail)
    return 0


def _metrics(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.system.sampler import Sampler

    taken = Sampler().sample()
    if args.json:
        context.json(taken)
        return 0
    memory = taken["memory"]
    context.line(f"CPU     {taken['cpu']['percent']:.0f} % of {taken['cpu']['cores']} cores")
    context.line(f"Memory  {memory['used'] / 2**30:.1f} of {memory['total'] / 2**30:.1f} GiB")
    for gpu in taken["gpus"]:
        used, total = gpu["memory_used"], gpu["memory_total"]
        told = (
            f"{used / 2**30:.1f} of {total / 2**30:.1f} GiB"
            if used is not None and total
            else "memory not available"
        )
        load = f"{gpu['load']:.0f} %" if gpu["load"] is not None else "load not available"
        context.line(f"GPU {gpu['index']}   {load}, {told}  {gpu['name']}")
    if taken["gpu_message"]:
        context.line(taken["gpu_message"])
    return 0


def _lab(context: Context, args: argparse.Namespace) -> int:
    import subprocess

    workspace = context.open(args.target)
    project = workspace.folder.project
    # Not `python -m jupyterlab`: Python would import it from the current folder, which may be downloaded.
    lab = Path(sys.executable).with_name("jupyter-lab")
    program = str(lab) if lab.exists() else shutil.which("jupyter-lab")
    if program is None:
        raise NotFound("JupyterLab is not installed. Install it with 'pip install jupyterlab'.")
    return subprocess.call([program, f"--ServerApp.root_dir={project}"])


def add_verbs(verb: AddVerb) -> None:
    """Add the verbs that show things."""
    made = verb("ls", "List tasks", _ls)
    made.add_argument("query", nargs="*", help="what to look for, such as 'status:failed lr<0.05'; see below")
    made.add_argument(
        "--sort",
        default="created",
        help="fields between commas, each with a '-' to turn it around: name, status, created, started, "
        "duration, or any key, such as acc,-lr (default: %(default)s)",
    )
    made.add_argument("--order", choices=("asc", "desc"), default="asc", help="the direction")
    explain_query(made)

    verb("status", "Show the current workspace and its counts", _status)

    made = verb("show", "Show one task: its runs, configuration and figures", _show)
    made.add_argument("name", metavar="NAME[@RUN]", help="a task, with @2 its second run")

    made = verb("log", "Write a task's log", _log, json=False)
    made.add_argument("name", metavar="NAME[@RUN]", help="a task, with @2 its second run")
    made.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")
    made.add_argument("--tail", type=positive, metavar="BYTES", help="only the last so many bytes")

    verb("metrics", "Show CPU, memory and GPUs", _metrics, workspace=False)

    made = verb("lab", "Open JupyterLab on a workspace", _lab, workspace=False, json=False)
    made.add_argument("target", nargs="?", default=".", help="a script, a notebook or a folder")
