"""Commands that show and export tasks, and the state of the machine."""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pyruns_jupyter.api import Task, TaskList, Workspace
from pyruns_jupyter.api.tables import TableView, count_text, text_table, value_text
from pyruns_jupyter.core.alerts.stored import alerts_of
from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.logs.reader import log_problem
from pyruns_jupyter.core.metrics.expressions import Aggregate
from pyruns_jupyter.core.metrics.system_hints import hints_of
from pyruns_jupyter.core.metrics.system_metrics import run_summary
from pyruns_jupyter.core.taskfile.runs import SLOTS, Run, gpu_names, sources_of
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY, own_facts
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow, row_from
from pyruns_jupyter.engine.queue.launch import scheduler_alive

from ..context import Context, split_run
from ..follow import follow_log, print_log
from ..parser import AddCommand, Parser, explain_query, positive

FORMATS = ("csv", "json", "jsonl", "parquet", "tensorboard", "mlflow")
_TEXT_FORMATS = FORMATS[:3]
_MAX_NAMES, _MAX_SHARED = 5, 3  # tasks and values of a group of failures that are printed
_MAX_LINES = 20  # of the preview of the metrics in a log
_SYSTEM_HEADER = ("metric", "mean", "min", "max", "last")


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
        found.append(replace(row, figures={**row.figures, **known}))
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


def _show(context: Context, args: argparse.Namespace) -> int:
    name, run = split_run(args.name)
    task = context.workspace(args.workspace)[name]
    history = task.runs if run is None else [one for one in task.runs if one.index == run]
    if run is not None and not history:
        raise NotFound(f"Task {name!r} has no run {run}.")
    if args.system:
        found = task.system_metrics(run)
        return context.result(args, lambda: found, _SystemTable(found))
    config, problem = _config_of(task)
    if args.json:
        more = {"folder": task.folder, "config": config, "config_problem": problem, "notes": task.notes}
        row = task.row if run is None else _row_of(task, history[0])
        context.json({**row.to_dict(), **more})
        return 0
    context.show(TaskList([task]))
    row = task.row
    info = task.info if row.readable else {}
    for one in history:
        # Only the latest run may have metrics that are not in the task file yet.
        records = task.records(one.index) if one is history[-1] else one.records
        metrics = ", ".join(f"{key}={value_text(value)}" for key, value in records.items())
        parts = [f"run {one.index}: {one.status}", duration_text(one.duration), metrics]
        if one.exit_code is not None:
            parts.insert(1, f"exit code {one.exit_code}")
        context.line(printable(", ".join(part for part in parts if part)))
        for line in origin_lines(one, sources_of(info, one.index)):
            context.line(printable(f"  {line}"))
        for line in _usage_lines(run_summary(info, one)):
            context.line(f"  {line}")
        for alert in alerts_of(info, one.index):
            context.line(printable(f"  alert ({alert.level}): {alert.title}: {alert.text}".rstrip(": ")))
    if not row.readable:
        context.line(printable(row.message or ""))
    context.line(f"\n{(problem or config or '').rstrip()}")
    if task.notes:
        context.line(f"\n{task.notes}")
    return 0


class _SystemTable:
    """The statistics of system metrics (see `Task.system_metrics`), a row each."""

    def __init__(self, metrics: Mapping[str, Sequence[float | None]]) -> None:
        self._metrics = metrics

    def __repr__(self) -> str:
        cells = []
        for name, values in self._metrics.items():
            known = [value for value in values if value is not None]
            if known and name != "time":
                numbers = (math.fsum(known) / len(known), min(known), max(known), known[-1])
                cells.append([name, *(f"{number:.4g}" for number in numbers)])
        return text_table(_SYSTEM_HEADER, cells) if cells else "This run has no system metrics."


def _usage_lines(summary: Mapping[str, float]) -> list[str]:
    """Return what a run used (see `Task.system_summary`), and hints, as lines; empty if nothing is known."""
    texts = (
        ("cpu_percent", "CPU {:.0f} %", 1),
        ("memory_gib_max", "memory up to {:.2f} GiB", 1),
        ("gpu_utilization_percent", "GPU utilization {:.0f} %", 1),
        ("gpu_memory_share", "GPU memory up to {:.0f} %", 100),
        ("gpu_hours", "{:.4g} GPU-hours", 1),
        ("energy_kwh", "GPU energy {:.3g} kWh", 1),
    )
    parts = [text.format(factor * summary[name]) for name, text, factor in texts if name in summary]
    return [", ".join(parts), *(f"hint: {hint}" for hint in hints_of(summary))] if parts else []


def _row_of(task: Task, run: Run) -> TaskRow:
    """Return what the row of a task would be if a run was its latest one and the task was not queued."""
    row, info = task.row, task.info
    if (row.run, row.status) == (run.index, run.status):
        return row
    slots = {key: values[: run.index] for key in SLOTS if isinstance(values := info.get(key), list)}
    facts = {key: value for key, value in own_facts(info).items() if key != "queue"}
    state = {"status": run.status, "_attempt_id": run.attempt}
    earlier = row_from({**info, **slots, **state, OWN_KEY: facts}, task.folder)
    return replace(earlier, status=run.status, runs=row.runs, progress=None)


def _config_of(task: Task) -> tuple[str | None, str | None]:
    """Return a task's configuration, or why it cannot be shown."""
    try:
        return task.config_text, None
    except (NotFound, Unreadable) as error:
        return None, error.message


def origin_lines(run: Run, sources: Mapping[str, Any]) -> list[str]:
    """Return lines about the code of a run, its host and its Python."""
    code = sources.get("code")
    lines = [run.source] if run.source else []
    if code:
        in_place = " (only recorded; the task ran in the project folder)" if sources.get("in_place") else ""
        lines.append(f"code snapshot {code[:12]}{in_place}")
    facts = run.environment
    python = facts.get("python")
    place = [
        facts.get("host"),
        f"Python {python}" if python else facts.get("launcher"),
        *dict.fromkeys(gpu_names(run)),
    ]
    text = ", ".join(str(part) for part in place if part)
    return [*lines, text] if text else lines


def _log(context: Context, args: argparse.Namespace) -> int:
    if (args.metrics or args.pattern) and (args.follow or args.tail is not None):
        shows = "--metrics" if args.metrics else "--pattern"
        args.parser.error(f"{'--follow' if args.follow else '--tail'} cannot be used with {shows}")
    name, run = split_run(args.name)
    workspace = context.workspace(args.workspace)
    task = workspace[name]
    if args.metrics or args.pattern:
        from pyruns_jupyter.service.logs import LogMetricsRequest, log_metrics

        wanted = LogMetricsRequest(task=name, run=run, pattern=tuple(args.pattern))
        for line in _metric_lines(log_metrics(workspace.folder, wanted)):
            context.line(printable(line))
        return 0
    if args.follow:
        return follow_log(context, task, run, args.tail)
    path = task.log_path(run)
    if not path.is_file():
        problem = log_problem(path) or f"Task {name!r} has no log yet. The task is {task.status}."
        raise NotFound(problem)
    print_log(context, path, args.tail)
    return 0


def _stacks(context: Context, args: argparse.Namespace) -> int:
    name, run = split_run(args.name)
    text = context.workspace(args.workspace)[name].stacks(run, stored=args.stored)
    return context.result(args, {"stacks": text}, text.rstrip())


def _metric_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the preview of the metrics in the text of a log."""
    lines = [
        f"{metric['key']}: {count_text(metric['count'], 'line')}, "
        f"first {value_text(metric['first'])}, last {value_text(metric['last'])}"
        for metric in found["metrics"]
    ]
    lines = [*found["messages"], *(lines or ["No metrics found in this log."])]
    shown = found["lines"][:_MAX_LINES]
    if shown:
        lines += ["", f"{count_text(found['matched'], 'matching line')}:", *(one["text"] for one in shown)]
    if found["metrics"] and not found["is_active"]:
        lines += ["", "To log these metrics in new runs, add log_metrics to the settings of the project."]
    return lines


def _system(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.system.sampler import Sampler

    sample = Sampler().sample()
    memory = sample["memory"]
    lines = [
        f"CPU     {sample['cpu']['percent']:.0f} % of {sample['cpu']['cores']} cores",
        f"Memory  {memory['used'] / 2**30:.1f} of {memory['total'] / 2**30:.1f} GiB",
    ]
    for gpu in sample["gpus"]:
        used, total, load = gpu["memory_used"], gpu["memory_total"], gpu["load"]
        size = "memory not available"
        if used is not None and total:
            size = f"{used / 2**30:.1f} of {total / 2**30:.1f} GiB"
        utilization = f"{load:.0f} %" if load is not None else "utilization not available"
        lines.append(f"GPU {gpu['index']}   {utilization}, {size}  {gpu['name']}")
    message = sample["gpu_message"]
    return context.result(args, sample, "\n".join([*lines, message] if message else lines))


def _lab(context: Context, args: argparse.Namespace) -> int:
    import signal
    import subprocess

    workspace = context.open(args.target)
    project = workspace.folder.project
    # Not `python -m jupyterlab`: Python would import it from the current folder, which may be downloaded.
    lab = Path(sys.executable).with_name("jupyter-lab")
    program = str(lab) if lab.exists() else shutil.which("jupyter-lab")
    if program is None:
        raise NotFound("JupyterLab is not installed. Install it with 'pip install jupyterlab'.")
    # JupyterLab gets Ctrl+C too, and asks whether to shut down.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.call([program, f"--ServerApp.root_dir={project}"])
    finally:
        signal.signal(signal.SIGINT, previous)


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
    """Add the commands that show things."""
    _add_query(command("ls", _ls))

    add = command("failures", _failures).add_argument
    add("query", nargs="*", metavar="QUERY", help="compare only matching tasks (default: all tasks)")

    add = command("show", _show).add_argument
    add("name", metavar="NAME[@RUN]", help="task name; NAME@2 selects its second run")
    add("--system", action="store_true", help="show the system metrics of the run: CPU, memory, disk, GPUs")

    add = command("log", _log, json=False).add_argument
    add("name", metavar="NAME[@RUN]", help="task name; NAME@2 selects its second run")
    add("-f", "--follow", action="store_true", help="print new output until the run ends")
    add("--tail", type=positive, metavar="BYTES", help="print only the last BYTES bytes")
    add("--metrics", action="store_true", help="show the metrics found in the log instead of its text")
    add(
        "--pattern",
        action="append",
        default=[],
        metavar="REGEX",
        help="with --metrics: regular expression that matches metrics, as in log_metrics; repeatable",
    )

    add = command("stacks", _stacks).add_argument
    add("name", metavar="NAME[@RUN]", help="task name; NAME@2 selects its second run")
    add("--stored", action="store_true", help="show the stored stacks, even if the task is running")

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

    command("system", _system, workspace=False)

    add = command("lab", _lab, workspace=False, json=False).add_argument
    add(
        "target",
        nargs="?",
        metavar="TARGET",
        default=".",
        help="script, notebook or folder to open (default: the current folder)",
    )
