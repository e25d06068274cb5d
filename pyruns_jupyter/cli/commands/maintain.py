"""Commands for the settings and the health of a project, the trash, and archives."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs, to_builtins

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.tables import count_text, text_table, value_text
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.metrics.expressions import MAXIMIZE, MINIMIZE
from pyruns_jupyter.core.taskfile.output_file import output_file
from pyruns_jupyter.core.taskfile.paths import (
    NOTEBOOK_SUFFIX,
    ROOT_NAME,
    SETTINGS_NAME,
    SHELL_WORKSPACE,
    find_root,
)
from pyruns_jupyter.core.tasks.trash import TrashedTask, purge_all, trash_tasks
from pyruns_jupyter.core.workspace.define_metric import define_metric
from pyruns_jupyter.core.workspace.settings import Settings, change_settings, settings_text
from pyruns_jupyter.core.workspace.workspace import is_workspace

from ..context import Context
from ..parser import AddCommand
from .shared import TASKS, listed, report

if TYPE_CHECKING:
    from pyruns_jupyter.core.import_runs.importing import ImportedRun

_DAY = 86400.0  # seconds
_MAX_LEFT_OUT = 20  # lines


def _doctor(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.engine.client.doctor import examine  # slow to import

    findings = examine(find_root(context.folder))
    results = []
    is_error_left = False
    for finding in findings:
        done, is_fixed = None, False
        if args.repair and finding.repair is not None:
            try:
                done, is_fixed = finding.repair(), True
            except (PyrunsError, OSError) as error:
                done = f"Could not fix this: {error}"
        is_error_left = is_error_left or (finding.severity == "error" and not is_fixed)
        results.append(
            {
                "severity": finding.severity,
                "what": finding.what,
                "advice": finding.advice,
                "can_repair": finding.repair is not None,
                "done": done,
            }
        )
    lines = [
        f"{one['severity']:<7}  {one['what']}\n         {one['done'] or one['advice']}" for one in results
    ]
    if not args.repair and any(one["can_repair"] for one in results):
        lines.append("Run 'doctor --repair' to fix what can be fixed automatically.")
    context.result(args, results, "\n".join(lines or ["No problems found."]))
    return 1 if is_error_left else 0


def _config(context: Context, args: argparse.Namespace) -> int:
    root = find_root(context.folder)
    text = settings_text(root)
    if args.settings:
        lines = [_line(setting) for setting in args.settings]
        # Keeps comments, order and unknown keys.
        from pyruns_jupyter.core.config.sweep.overlay import overlaid  # slow to import

        text, before = overlaid(text, "\n".join(lines), {}), text
        change_settings(root, text, expected=before)
    settings = {"file": root / SETTINGS_NAME, "text": text, "settings": to_builtins(Settings.load(root))}
    return context.result(args, settings, text.removesuffix("\n"))


def _define_metric(context: Context, args: argparse.Namespace) -> int:
    goal = None if args.goal == "none" else args.goal
    goals = define_metric(find_root(context.folder), args.name, goal)
    lines = [f"{name}: {one}" for name, one in goals.items()]
    return context.result(args, goals, "\n".join(lines) or "No goals are defined.")


def _line(setting: str) -> str:
    key, separator, value = setting.partition("=")
    if not separator or not key.strip().isidentifier():
        raise InvalidInput(f"Expected KEY=VALUE, got {setting!r}.", field="settings")
    return f"{key.strip()}: {value}"


def _trash(context: Context, args: argparse.Namespace) -> int:
    found = trash_tasks(context.workspace(args.workspace).folder)
    table = text_table(["name", "was", "status", "removed"], [_trash_row(one) for one in found])
    data = [structs.asdict(one) for one in found]
    return context.result(args, data, table if found else "The trash is empty.")


def _trash_row(one: TrashedTask) -> list[str]:
    removed = (
        "" if one.trashed_at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(one.trashed_at))
    )
    was = one.original if one.original != one.name else ""
    return [one.name, was, "damaged" if one.message else one.status, removed]


def _purge(context: Context, args: argparse.Namespace) -> int:
    folder = context.workspace(args.workspace).folder
    if not args.names and not args.all and args.older is None:
        raise InvalidInput(
            "No tasks are selected. Specify task names, --all or --older-than DAYS.", field="names"
        )
    if args.names and args.all:
        raise InvalidInput("Specify either task names or --all, not both.", field="names")
    older = None if args.older is None else args.older * _DAY
    result = purge_all(folder, args.names or None, older_than=older)
    return report(context, args, "deleted permanently", result.done, result.refused)


def _days(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value


_days.__name__ = "number"  # what argparse calls it in its message


def _archive(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.core.export.archive import pack  # slow to import

    workspace = context.workspace(args.workspace)
    name = args.output or (f"{args.names[0]}.zip" if len(args.names) == 1 else f"{workspace.name}.zip")
    target = context.folder / Path(name).expanduser()
    for one in args.names:
        workspace.folder.existing(one)
    with output_file(target, force=args.force, replaceable=() if args.output is None else {".zip"}) as stream:
        packed = pack(
            workspace.folder, args.names, stream, artifacts=not args.no_artifacts, secrets=args.with_secrets
        )
    for notice in packed.notices:
        context.aside(notice)
    if args.json:
        context.json({"archive": name, "tasks": packed.tasks, "notices": packed.notices})
    else:
        context.aside(f"{listed(packed.tasks)}: archived in {name} ({packed.size / 2**20:.1f} MiB)")
    return 0


def _import(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.core.import_runs.discover import contains_runs, path_of_runs  # slow to import

    path = context.folder / Path(path_of_runs(args.path)).expanduser()
    if contains_runs(path):
        if args.as_name:
            args.parser.error("--as can only be used with an archive")
        return _import_runs(context, args, path)
    if args.dry_run or args.artifacts:
        option = "--dry-run" if args.dry_run else "--artifacts"
        args.parser.error(f"{option} cannot be used with an archive")
    from pyruns_jupyter.core.export.archive import unpack  # slow to import

    into = context.folder / Path(args.into or "").expanduser()
    if args.workspace and not args.into:
        into = context.workspace(args.workspace).folder.folder
    found = unpack(path, into, as_name=args.as_name)
    for notice in found.warnings():
        context.aside(notice)
    data = {
        "workspace": found.workspace.name,
        "folder": found.workspace.folder,
        "names": found.names,
        "written": found.written,
        "left_out": found.left_out,
    }
    shown = f"{listed(list(found.names.values()))}: imported into {found.workspace.folder}"
    return context.result(args, data, f"{shown}\n{found.written_text()}" if found.written else shown)


def _import_runs(context: Context, args: argparse.Namespace, path: Path) -> int:
    if args.into:
        target = context.folder / Path(args.into).expanduser()
        workspace = _existing(target) if args.dry_run else Workspace.open(target)
    else:
        workspace = context.workspace(args.workspace)
    found = workspace.import_runs(path, dry_run=args.dry_run, artifacts=args.artifacts)
    for notice in found.notices:
        context.aside(notice)
    left_out = found.left_out()
    rows = [_import_row(run) for run in found.runs if not run.skipped]
    lines = [text_table(["task", "program", "status", "parameters", "points", "metrics", "started"], rows)]
    if left_out:
        shown = [f"{listed(names, 3)}: {text}" for text, names in left_out.items()][:_MAX_LEFT_OUT]
        if len(left_out) > len(shown):
            shown.append(f"and {len(left_out) - len(shown)} more")
        lines += ["Not imported:", *(f"  {printable(text)}" for text in shown)]
    count = count_text(len(found.created), "task")
    done = f"{count} would be created" if args.dry_run else f"Created {count}"
    lines.append(f"{done} in {workspace.name}.")
    data = {"dry_run": args.dry_run, "workspace": workspace.name, **asdict(found)}
    return context.result(args, data, "\n".join(lines if rows else lines[1:]))


def _existing(target: Path) -> Workspace:
    """Return the workspace that `Workspace.open` would open, but do not create it.

    Raises:
        NotFound: if it does not exist.
    """
    target = Path(os.path.abspath(target))
    if target.parent.name != ROOT_NAME:
        folder = target if target.is_dir() else target.parent
        names = {".py": target.stem, NOTEBOOK_SUFFIX: target.name}
        name = names.get("" if target.is_dir() else target.suffix.lower(), SHELL_WORKSPACE)
        target = (folder if folder.name == ROOT_NAME else folder / ROOT_NAME) / name
    if not is_workspace(target):
        raise NotFound(
            f"The workspace {target} does not exist. An import without --dry-run creates it. For a dry run, "
            "create it with 'jupyter pyruns open'."
        )
    return Workspace.open(target)


def _import_row(run: ImportedRun) -> list[str]:
    parameters = ", ".join(f"{key}={value_text(value)}" for key, value in run.parameters.items())
    started = "" if run.started is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    cells = [run.task, run.program, run.status, parameters, f"{run.points:,}", ", ".join(run.metrics)]
    return [*(printable(cell[:60]) for cell in cells), started]


def add_commands(command: AddCommand) -> None:
    """Add the commands that maintain a project."""
    add = command("config", _config, workspace=False).add_argument
    add("settings", nargs="*", metavar="KEY=VALUE", help="setting to change (default: show all settings)")

    add = command("metric", _define_metric, workspace=False).add_argument
    add("name", metavar="METRIC", help="name of the metric")
    about = "goal of the metric; none removes it from the project settings"
    add("goal", choices=(MINIMIZE, MAXIMIZE, "none"), help=about)

    add = command("doctor", _doctor, workspace=False).add_argument
    add("--repair", action="store_true", help="fix problems automatically where possible")

    command("trash", _trash)

    add = command("purge", _purge).add_argument
    add("names", **{**TASKS, "nargs": "*"})
    add("--all", action="store_true", help="delete all tasks in the trash")
    about = "delete only tasks that were moved to the trash more than DAYS days ago"
    add("--older-than", type=_days, dest="older", metavar="DAYS", help=about)

    parser = command("archive", _archive)
    add = parser.add_argument
    add("names", **TASKS)
    add(
        "-o",
        "--output",
        metavar="FILE",
        help="output file (default: NAME.zip for one task, otherwise WORKSPACE.zip)",
    )
    add("--no-artifacts", action="store_true", help="do not include artifacts")
    add = parser.add_argument_group("advanced options").add_argument
    add("--with-secrets", action="store_true", help="include the values of secret environment variables")
    add("--force", action="store_true", help="overwrite FILE even if it is not a .zip file")

    add = command("import", _import).add_argument
    about = (
        "archive (.zip), folder with TensorBoard, MLflow, W&B, Hydra or Optuna runs, MLflow or Optuna "
        "database (also sqlite:///FILE), or Optuna journal file"
    )
    add("path", metavar="PATH", help=about)
    about = (
        "folder or script to import the tasks into (default: for an archive, the current folder; for runs, "
    )
    add("--into", metavar="TARGET", help=about + "the current workspace)")
    add(
        "--as",
        dest="as_name",
        metavar="NAME",
        help="new name of the task (only if the archive has a single task)",
    )
    add("--dry-run", action="store_true", help="show the tasks that would be created, without creating them")
    add("--artifacts", action="store_true", help="also copy the artifacts of MLflow and the files of W&B")
