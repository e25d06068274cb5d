"""Commands that list, count, compare and export tasks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.tables import TableView, count_text, value_text
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.metrics.expressions import Aggregate
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow, with_values
from pyruns_jupyter.engine.queue.launch import scheduler_alive

from ..context import Context
from ..parser import AddCommand, Parser, explain_query

FORMATS = ("csv", "json", "jsonl", "parquet", "tensorboard", "mlflow")
_TEXT_FORMATS = FORMATS[:3]
_MAX_NAMES, _MAX_SHARED = 5, 3  # tasks and values of a group of failures that are printed


def _status(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    workspace.attend()
    return show_status(context, args, workspace)


def show_status(context: Context, args: argparse.Namespace, workspace: Workspace) -> int:
    """Show a workspace and its task counts."""
    counts = workspace.counts()
    data = {
        "workspace": workspace.name,
        "folder": workspace.folder.folder,
        "counts": counts,
        "scheduler_alive": scheduler_alive(workspace.folder.root),
    }
    summary = ", ".join(f"{number} {status}" for status, number in counts.items() if number) or "no tasks yet"
    problem = workspace.folder.problem()
    return context.result(args, data, f"{workspace.name}: {summary}" + (f"\n{problem}" if problem else ""))


def _ls(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    workspace.attend()
    # Each argument is a line of the query: 'a OR b' stays together.
    found = workspace.table("\n".join(args.query), sort=args.sort, order=args.order, partial=True)
    for notice in (workspace.folder.tasks_problem(), *found.notices):
        if notice:
            context.aside(notice)
    if args.metric:
        found = TableView(_with_aggregates(context, workspace, found.rows, args.metric))
    return context.result(args, lambda: [row.to_dict() for row in found.rows], found)


def _failures(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    workspace.attend()
    groups = workspace.failures("\n".join(args.query))
    if not groups:
        return context.result(args, [], "No task failed.")
    failed, count = sum(len(one.names) for one in groups), len(groups[0].names) + groups[0].others
    lines = [f"{failed:,} of {count_text(count, 'task')} failed."]
    for group in groups:
        lines += ["", f"{count_text(len(group.names), 'task')}: {group.message or 'unknown reason'}"]
        for one in group.shared[:_MAX_SHARED]:
            rest = f"also {one.others:,} of the other {group.others:,}" if one.others else "no other task"
            lines.append(f"  all have {one.key}={value_text(one.value)} ({rest})")
        more = len(group.names) - _MAX_NAMES
        names = ", ".join(group.names[:_MAX_NAMES]) + (f", and {more} more" if more > 0 else "")
        lines += [f"  {names}", *([f"  {group.advice}"] if group.advice else [])]
    return context.result(args, [group.to_dict() for group in groups], "\n".join(map(printable, lines)))


def _with_aggregates(
    context: Context, workspace: Workspace, rows: Sequence[TaskRow], metrics: list[str]
) -> list[TaskRow]:
    """Return rows with aggregates of metrics among their metrics."""
    index, aggregates = _columns(context, workspace, metrics)
    found = []
    for row in rows:
        values = {title: index.aggregates.value(row, one) for title, one in aggregates.items()}
        known = {title: value for title, value in values.items() if value is not None}
        found.append(with_values(row, figures={**row.figures, **known}))
    return found


def _columns(
    context: Context, workspace: Workspace, metrics: list[str]
) -> tuple[TaskIndex, dict[str, Aggregate]]:
    """Return an index, and the aggregates of metrics by title; show notices about unknown metrics."""
    from pyruns_jupyter.core.query.columns import aggregate_columns  # most commands start faster without it

    index = TaskIndex(workspace.folder)
    index.refresh()
    aggregates, notices = aggregate_columns(index, metrics)
    for notice in notices:
        context.aside(notice)
    return index, aggregates


def _export(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.core.export.table import format_of  # slow to import
    from pyruns_jupyter.core.export.write import Export, export_chunks, export_to

    workspace = context.workspace(args.workspace)
    target = None if args.output in (None, "-") else context.folder / Path(args.output).expanduser()
    form = args.format or ("csv" if target is None else format_of(target))
    if target is None and form not in _TEXT_FORMATS:
        args.parser.error(f"The format {form} needs --output")
    found = workspace.tasks("\n".join(args.query), sort=args.sort, order=args.order)
    for notice in found.notices:
        context.aside(notice)
    which = "latest" if args.latest else "all"
    aggregates = _columns(context, workspace, args.metric)[1] if args.metric else {}
    wanted = Export(form, which, args.curves, aggregates, args.bom, args.raw)
    if target is None:
        for chunk in export_chunks(workspace.folder, found.names, wanted):
            context.write(chunk.decode())
        return 0
    count = export_to(workspace.folder, found.names, target, wanted, force=args.force)
    noun = "value" if args.curves and not wanted.is_folder else "run"
    context.aside(f"Exported {count_text(count, noun)} to {args.output}")
    return 0


def _add_query(parser: Parser) -> None:
    add = parser.add_argument
    add(
        "query",
        nargs="*",
        metavar="QUERY",
        help="query that selects the tasks, such as 'status:failed lr<0.05' (default: all tasks)",
    )
    about = (
        "sort by name, status, created, started, duration, or a parameter or metric; -KEY reverses the order "
    )
    about += "(default: %(default)s)"
    add("--sort", metavar="KEY[,KEY...]", default="created", help=about)
    add("--order", choices=("asc", "desc"), default="asc", help="sort order (default: %(default)s)")
    about = "add a column: min(loss), max(loss), best(acc), mean(loss), mean(loss, 10) or at(loss, 100); "
    add("--metric", action="append", default=[], metavar="AGGREGATE", help=about + "repeatable")
    explain_query(parser)


def add_commands(command: AddCommand) -> None:
    """Add the commands that list, count, compare and export tasks."""
    _add_query(command("ls", _ls))

    add = command("failures", _failures).add_argument
    add("query", nargs="*", metavar="QUERY", help="compare only matching tasks (default: all tasks)")

    command("status", _status)

    parser = command("export", _export, json=False)
    add = parser.add_argument
    about = "output file, or new folder for tensorboard and mlflow (default: '-', standard output)"
    add("-o", "--output", metavar="FILE", help=about)
    add("-f", "--format", choices=FORMATS, help="output format (default: from the extension of FILE, or csv)")
    about = "export the curves, with one row per value: task, run, metric, step, time and value"
    add("--curves", action="store_true", help=about)
    add("--latest", action="store_true", help="export only the latest run of each task")
    _add_query(parser)
    add = parser.add_argument_group("advanced options").add_argument
    add("--bom", action="store_true", help="start with a byte order mark, so that Excel detects UTF-8")
    add("--raw", action="store_true", help="do not escape text that a spreadsheet would run as a formula")
    add(
        "--force",
        action="store_true",
        help="overwrite FILE even if it is not a .csv, .tsv, .json, .jsonl, .ndjson or .parquet file",
    )
