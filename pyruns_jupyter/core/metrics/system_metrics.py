"""The system metrics of a run: CPU, memory, disk and GPUs of its processes, sampled by its supervisor.

`runN.system.jsonl` has one JSON object per line. `{"facts": {...}}` describes the machine, and `{"t": epoch
seconds, name: number, ...}` has the values of the time since the line before. If there are too many lines,
each two are joined, so that the file stays small for runs of any duration.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.json_floats import finite_number
from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.taskfile.runs import Run
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, run_fact, set_run_fact

from .downsample import Curve
from .journal import entries

PREFIX = "system/"  # of the names of these curves
MAX_LINES = 600  # with values, after which each two are joined
LOW_PERCENT = 30.0  # the utilization below which a GPU counts as little used
GIB = 1 << 30
_MAX_BYTES, _MAX_READ = 4 << 20, 4 * MAX_LINES  # bytes and lines that are read of a file
_MAX_NAMES, _MAX_GPUS = 200, 64
_MAX_RUNS = 100  # of a task whose summaries are kept
_MAX_TIME = 1e11  # epoch seconds
_encode = json.JSONEncoder(separators=(",", ":")).encode
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_GPU_NAME = re.compile(r"gpu(\d{1,2})_(\w+)")
_PEAK = re.compile(r"(gpu\d+_)?memory_gib|processes")  # the highest value counts, of others the mean
_KEY = "system"
_SUMMARY_KEYS = frozenset(
    {
        "seconds",
        "cores",
        "cpu_percent",
        "cpu_percent_max",
        "memory_gib_max",
        "memory_limit_gib",
        "gpu_count",
        "gpu_utilization_percent",
        "gpu_low_share",
        "gpu_memory_share",
        "gpu_memory_shared",
        "energy_kwh",
    }
)


class SystemMetrics(NamedTuple):
    """The system metrics of a run. `times`: the end of each interval (epoch seconds). `values`: by name, None
    where a line has no value. `facts`: `began` (epoch seconds), `cores`, `memory_limit_gib`, and `gpus`, each
    with `name`, `memory_gib` and `shared`; any may be missing.
    """

    facts: dict[str, Any]
    times: list[float]
    values: dict[str, list[float | None]]

    @property
    def began(self) -> float | None:
        """The start of the first interval (epoch seconds), None if it is unknown."""
        began = finite_number(self.facts.get("began"), _MAX_TIME)
        return began if began is not None and self.times and began <= self.times[0] else None

    def spans(self) -> list[float]:
        """Return the duration of each interval (seconds)."""
        starts = [self.times[0] if self.began is None else self.began, *self.times[:-1]] if self.times else []
        return [end - start for start, end in zip(starts, self.times, strict=True)]

    def curves(self) -> dict[str, Curve]:
        """Return the values as curves, whose names begin with `system/`."""
        places = list(range(len(self.times)))
        return {
            PREFIX + name: Curve(len(places), places, values, self.times, {})
            for name, values in self.values.items()
        }


NOTHING = SystemMetrics({}, [], {})


def read_system(path: Path) -> SystemMetrics:
    """Return the system metrics in a file; nothing if there is none, or it is not a regular file.

    Invalid lines are ignored, and so is what is beyond the size that our files have.
    """
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            data = stream.read(_MAX_BYTES)
    except OSError:
        return NOTHING
    facts: dict[str, Any] = {}
    times: list[float] = []
    values: dict[str, list[float | None]] = {}
    *lines, _ = data.split(b"\n", _MAX_READ)  # without an incomplete line
    for entry in entries(b"\n".join(lines)):
        found, moment = entry.get("facts"), finite_number(entry.get("t"), _MAX_TIME)
        if isinstance(found, dict):
            facts.update(found)
        if moment is None or moment < 0 or (times and moment <= times[-1]):
            continue
        for name, value in entry.items():
            number = finite_number(value)
            if number is None or name == "t" or not _NAME.fullmatch(name):
                continue
            if name not in values:
                if len(values) >= _MAX_NAMES:
                    continue
                values[name] = [None] * len(times)
            values[name].append(number)
        times.append(moment)
        for column in values.values():
            column.extend([None] * (len(times) - len(column)))
    return SystemMetrics(facts, times, values)


def encode_facts(facts: Mapping[str, Any]) -> bytes:
    """Return the line for facts about the machine."""
    return _line({"facts": facts})


def encode_sample(moment: float, values: Mapping[str, float]) -> bytes:
    """Return the line for the values of an interval that ended at `moment` (epoch seconds)."""
    return _line({"t": round(moment, 1), **{name: _short(value) for name, value in values.items()}})


def _line(content: Mapping[str, Any]) -> bytes:
    return _encode(content).encode() + b"\n"


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def joined(polls: Sequence[Mapping[str, float | None]], weights: Sequence[float]) -> dict[str, float]:
    """Return the values of several intervals as those of one: means by duration, or the highest values."""
    if len(polls) == 1:
        return {name: value for name, value in polls[0].items() if value is not None}
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for poll in polls for name in poll):
        known = [
            (value, weight)
            for poll, weight in zip(polls, weights, strict=True)
            if (value := poll.get(name)) is not None
        ]
        if not known:
            continue
        total = sum(weight for _, weight in known)
        if _PEAK.fullmatch(name) or total <= 0:
            found[name] = max(value for value, _ in known)
        else:
            found[name] = sum(value * weight for value, weight in known) / total
    return found


def thinned_lines(metrics: SystemMetrics) -> list[bytes]:
    """Return the lines of a file in which each two intervals are joined."""
    lines = [encode_facts(metrics.facts)]
    spans = metrics.spans()
    for at in range(0, len(metrics.times), 2):
        pair = slice(at, at + 2)
        polls = [
            {name: values[place] for name, values in metrics.values.items()}
            for place in range(len(metrics.times))[pair]
        ]
        lines.append(encode_sample(metrics.times[pair][-1], joined(polls, spans[pair])))
    return lines


def summary_of(metrics: SystemMetrics) -> dict[str, float]:
    """Return the summary of a run; empty without samples. Keys without a value are left out.

    `seconds` is the duration of the measurement. `cpu_percent` is the mean of the processes together (100 is
    one core), `cpu_percent_max` and `memory_gib_max` are maxima. `gpu_utilization_percent` is the mean of all
    `gpu_count` GPUs, `gpu_low_share` the share of the time in which they were used by less than 30 % on
    average, `gpu_memory_share` the largest share of the memory of a GPU that was in use. `energy_kwh` is that
    of the GPUs; it is left out if their power is unknown for more than half of the time.
    """
    spans = metrics.spans()
    seconds = sum(spans)
    if not metrics.times or seconds <= 0:
        return {}
    found: dict[str, float | None] = {"seconds": seconds}
    for name in ("cores", "memory_limit_gib"):
        found[name] = finite_number(metrics.facts.get(name))
    cpu = metrics.values.get("cpu_percent", [])
    found["cpu_percent"] = _mean(cpu, spans)
    found["cpu_percent_max"] = _highest([cpu])
    found["memory_gib_max"] = _highest([metrics.values.get("memory_gib", [])])
    found.update(_gpu_summary(metrics, spans, seconds))
    return {name: _short(value) for name, value in found.items() if value is not None}


def _gpu_summary(metrics: SystemMetrics, spans: list[float], seconds: float) -> dict[str, float | None]:
    columns: dict[str, dict[int, list[float | None]]] = {}
    for name, values in metrics.values.items():
        match = _GPU_NAME.fullmatch(name)
        if match and int(match[1]) < _MAX_GPUS:
            columns.setdefault(match[2], {})[int(match[1])] = values
    if not columns:
        return {}
    loads = columns.get("utilization_percent", {})
    means = [_average(row) for row in zip(*loads.values(), strict=True)]
    known = sum(span for span, mean in zip(spans, means, strict=False) if mean is not None)
    low = sum(
        span for span, mean in zip(spans, means, strict=False) if mean is not None and mean < LOW_PERCENT
    )
    gpus = _gpu_facts(metrics.facts)
    shares: list[float] = []
    for number, values in columns.get("memory_gib", {}).items():
        total = finite_number(gpus[number].get("memory_gib")) if number < len(gpus) else None
        used = _highest([values])
        if total and used is not None:
            shares.append(used / total)
    return {
        "gpu_count": float(len({number for column in columns.values() for number in column})),
        "gpu_utilization_percent": _mean(means, spans),
        "gpu_low_share": low / known if known else None,
        "gpu_memory_share": max(shares, default=None),
        "gpu_memory_shared": 1.0 if any(gpu.get("shared") for gpu in gpus) else None,
        "energy_kwh": _energy(columns.get("power_watts", {}).values(), spans, seconds),
    }


def _energy(powers: Collection[list[float | None]], spans: list[float], seconds: float) -> float | None:
    total = 0.0
    for power in powers:
        mean = _mean(power, spans)
        known = sum(span for span, value in zip(spans, power, strict=True) if value is not None)
        if mean is None or known < seconds / 2:
            return None
        total += max(0.0, mean) * seconds
    return total / 3.6e6 if powers else None


def _gpu_facts(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    gpus = facts.get("gpus")
    return (
        [gpu if isinstance(gpu, dict) else {} for gpu in gpus[:_MAX_GPUS]] if isinstance(gpus, list) else []
    )


def _average(row: Iterable[float | None]) -> float | None:
    known = [value for value in row if value is not None]
    return sum(known) / len(known) if known else None


def _mean(values: Sequence[float | None], spans: Sequence[float]) -> float | None:
    known = [(value, span) for value, span in zip(values, spans, strict=False) if value is not None]
    total = sum(span for _, span in known)
    return sum(value * span for value, span in known) / total if total > 0 else None


def _highest(columns: Iterable[Sequence[float | None]]) -> float | None:
    return max((value for values in columns for value in values if value is not None), default=None)


def store_summary(info: TaskInfo, run: int, summary: Mapping[str, float]) -> None:
    """Store the summary of run `run` (from 1) in a task file, unless it is empty."""
    if summary:
        set_run_fact(info, _KEY, run, dict(summary), _MAX_RUNS)


def stored_summary(info: TaskInfo, run: int) -> dict[str, float]:
    """Return the summary of run `run` (from 1) in a task file, whatever that contains; empty without one."""
    found = run_fact(info, _KEY, run)
    if not isinstance(found, dict):
        return {}
    numbers = {name: finite_number(found[name]) for name in _SUMMARY_KEYS & found.keys()}
    return {name: value for name, value in numbers.items() if value is not None and value >= 0}


def run_summary(info: TaskInfo, run: Run) -> dict[str, float]:
    """Return the stored summary of a run, with its GPU-hours if it had GPUs."""
    hours = gpu_hours(run)
    return stored_summary(info, run.index) | ({} if hours is None else {"gpu_hours": hours})


def gpu_hours(run: Run) -> float | None:
    """Return the duration of a run times the number of GPUs that were reserved for it, in hours; None without
    GPUs or a duration.
    """
    assigned = run.environment.get("assigned_gpu_ids")
    if not isinstance(assigned, list) or not assigned or run.duration is None:
        return None
    return _short(len(assigned) * max(0.0, run.duration) / 3600)
