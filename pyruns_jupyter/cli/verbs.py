"""What each verb does. A verb returns the exit code: 0, or 1 when a task or target failed."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyruns_jupyter.api import TaskList, Workspace
from pyruns_jupyter.api.tables import count_text, duration_text, value_text
from pyruns_jupyter.core import tasks
from pyruns_jupyter.core.errors import InvalidInput, NotFound, PyrunsError
from pyruns_jupyter.core.layout import SHELL_WORKSPACE
from pyruns_jupyter.core.runs import COMPLETED
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.engine.submit import scheduler_alive

from .context import Context, split_run
from .follow import follow_log

Verb = Callable[[Context, argparse.Namespace], int]


def _open(context: Context, args: argparse.Namespace) -> int:
    workspace = context.open(args.target)
    workspace.attend()
    return _status_of(context, workspace, args.json)


def _status(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    workspace.attend()
    return _status_of(context, workspace, args.json)


def _status_of(context: Context, workspace: Workspace, as_json: bool) -> int:
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


def _create(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    return create(context, workspace, _read(context, args.file), args)


def create(context: Context, workspace: Workspace, text: str, args: argparse.Namespace) -> int:
    """Create the tasks of `text` and queue them when asked, as `sweep`, `add` and the cell magics do."""
    made = workspace.create(text, args.name)
    if args.run:
        workspace.run(made, jobs=args.jobs)
    if args.json:
        context.json({"workspace": workspace.name, "names": made.names, "queued": args.run})
    else:
        queued = " and queued them" if args.run else ""
        context.line(f"Created {count_text(len(made), 'task')}{queued}: {_some(made.names)}")
    return 0


def _add(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    text = _read(context, args.file)
    if workspace.folder.kind == "script":
        count = len(workspace.sweep(text))
        if count != 1:
            raise InvalidInput(
                f"{args.file} stands for {count} tasks. Use 'sweep' to create them all.", field="yaml"
            )
    return create(context, workspace, text, args)


def _exec(context: Context, args: argparse.Namespace) -> int:
    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not words:
        raise InvalidInput("There is no command after '--'.", field="command")
    workspace = (
        Workspace(WorkspaceFolder.at(context.workspace(args.workspace).folder.root / SHELL_WORKSPACE))
        if (args.workspace)
        else Workspace.open(context.folder)
    )
    made = workspace.create(shlex.join(words) + "\n", args.name)
    workspace.run(made)
    return _told(context, args, "queued", made.names)


def _run(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    return _told(context, args, "queued", workspace.run(args.names, jobs=args.jobs).names)


def _ls(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    workspace.attend()
    found = workspace.tasks(" ".join(args.query), sort=args.sort, order=args.order)
    if args.json:
        context.json([task.row.to_dict() for task in found])
    else:
        context.show(found)
    return 0


def _show(context: Context, args: argparse.Namespace) -> int:
    name, run = split_run(args.name)
    task = context.workspace(args.workspace)[name]
    history = task.runs if run is None else [one for one in task.runs if one.index == run]
    if run is not None and not history:
        raise NotFound(f"The task {name!r} has no run {run}.")
    if args.json:
        context.json(
            {**task.row.to_dict(), "folder": task.folder, "config": task.config_text, "notes": task.notes}
        )
        return 0
    context.show(TaskList([task]))
    for one in history:
        figures = ", ".join(f"{key}={value_text(value)}" for key, value in task.records(one.index).items())
        told = [f"run {one.index}: {one.status}", duration_text(one.duration), figures]
        if one.exit_code is not None:
            told.insert(1, f"exit code {one.exit_code}")
        context.line(", ".join(part for part in told if part))
    context.line(f"\n{task.config_text.rstrip()}")
    if task.notes:
        context.line(f"\n{task.notes}")
    return 0


def _log(context: Context, args: argparse.Namespace) -> int:
    name, run = split_run(args.name)
    task = context.workspace(args.workspace)[name]
    if args.follow:
        return follow_log(context, task, run, args.tail)
    path = task.log_path(run)
    if not path.is_file():
        raise NotFound(f"The task {name!r} has no log yet: it is {task.status}.")
    context.write(task.log_tail(args.tail, run) if args.tail else task.log(run))
    return 0


def _wait(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    try:
        ended = workspace.wait(args.names or None, timeout=args.timeout)
    except TimeoutError as error:
        raise PyrunsError(str(error)) from None
    if args.json:
        context.json({task.name: task.status for task in ended})
    else:
        context.show(ended)
    return 0 if all(task.status == COMPLETED for task in ended) else 1


def _stop(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    return _each(context, args, "stopping", lambda name: workspace[name].stop())


def _rm(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    return _each(context, args, "moved to the trash", lambda name: workspace[name].delete())


def _restore(context: Context, args: argparse.Namespace) -> int:
    folder = context.workspace(args.workspace).folder
    return _each(context, args, "restored", lambda name: tasks.restore(folder, name))


def _mv(context: Context, args: argparse.Namespace) -> int:
    tasks.rename(context.workspace(args.workspace).folder, args.name, args.new_name)
    return _told(context, args, "renamed", [args.new_name])


def _pin(context: Context, args: argparse.Namespace) -> int:
    folder = context.workspace(args.workspace).folder
    word = "no longer pinned" if args.off else "pinned"
    return _each(context, args, word, lambda name: tasks.set_pinned(folder, name, not args.off))


def _note(context: Context, args: argparse.Namespace) -> int:
    context.workspace(args.workspace)[args.name].notes = " ".join(args.text)
    return _told(context, args, "noted", [args.name])


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
    return subprocess.call([sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={project}"])


def _each(context: Context, args: argparse.Namespace, word: str, action: Callable[[str], Any]) -> int:
    """Do something to every named task; go on after a refusal, and fail at the end when there was one."""
    done: list[str] = []
    refused: dict[str, str] = {}
    for name in args.names:
        try:
            action(name)
        except PyrunsError as error:
            refused[name] = error.message
        else:
            done.append(name)
    if args.json:
        context.json({"done": done, "refused": refused})
    else:
        if done:
            context.line(f"{_some(done)}: {word}")
        for message in refused.values():
            context.line(message)
    return 1 if refused else 0


def _told(context: Context, args: argparse.Namespace, word: str, names: list[str]) -> int:
    if args.json:
        context.json({"done": names, "refused": {}})
    else:
        context.line(f"{_some(names)}: {word}")
    return 0


def _some(names: list[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _read(context: Context, file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    path = context.folder / file
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"{Path(file)} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{Path(file)} is not UTF-8 text.", field="yaml") from None


VERBS: dict[str, Verb] = {
    "open": _open,
    "sweep": _create,
    "add": _add,
    "exec": _exec,
    "run": _run,
    "ls": _ls,
    "status": _status,
    "show": _show,
    "log": _log,
    "wait": _wait,
    "stop": _stop,
    "rm": _rm,
    "restore": _restore,
    "mv": _mv,
    "pin": _pin,
    "note": _note,
    "metrics": _metrics,
    "lab": _lab,
}
