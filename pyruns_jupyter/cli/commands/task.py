"""Commands that show a task: its runs, its log and what its processes are doing."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from pyruns_jupyter.api import Task, TaskList
from pyruns_jupyter.api.tables import count_text, text_table, value_text
from pyruns_jupyter.core.alerts.stored import alerts_of
from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.logs.reader import log_problem
from pyruns_jupyter.core.metrics.system_hints import hints_of
from pyruns_jupyter.core.metrics.system_metrics import run_summary
from pyruns_jupyter.core.taskfile.runs import SLOTS, Run, gpu_names, sources_of
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY, own_facts
from pyruns_jupyter.core.tasks.row import TaskRow, row_from

from ..context import Context, split_run
from ..follow import follow_log, print_log
from ..parser import AddCommand, positive

_MAX_LINES = 20  # of the preview of the metrics in a log
_SYSTEM_HEADER = ("metric", "mean", "min", "max", "last")


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


def add_commands(command: AddCommand) -> None:
    """Add the commands that show a task."""
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
