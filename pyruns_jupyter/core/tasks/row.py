"""One task as a row of a table, for lists, tables and events."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from pyruns_jupyter.core.alerts.stored import alerts_of
from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.common.json_floats import decode_nonfinite, encode_nonfinite, finite_number
from pyruns_jupyter.core.common.timestamps import parse_stamp
from pyruns_jupyter.core.metrics.read import newest_beside
from pyruns_jupyter.core.metrics.row_statistics import RowStatistics, stored_statistics
from pyruns_jupyter.core.metrics.step_progress import StepProgress
from pyruns_jupyter.core.metrics.system_metrics import gpu_hours, stored_summary
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import MAX_ORDER, is_pinned, notes_of, order_of
from pyruns_jupyter.core.taskfile.paths import SCRIPT_CONFIG, SHELL_WORKSPACE
from pyruns_jupyter.core.taskfile.runs import CANCELLED, FAILED, PENDING, STATUSES, Run, status_of
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts, payload_name, read_task, run_fact

PYTHON, SHELL = "python", "shell"
UNREADABLE = "unreadable"
SHOWN_STATUSES = (*STATUSES, UNREADABLE)
if TYPE_CHECKING:
    Status: TypeAlias = str
    Kind: TypeAlias = str
else:  # so that rows which are decoded share these texts
    Status, Kind = Literal[STATUSES], Literal[PYTHON, SHELL]
_MAX_TEXT = 200  # characters of a key, or of a metric that is text
_MAX_METRICS = 200  # and as many swept values
_MAX_ITEMS = 1000  # in a swept value that is a list or a mapping
_MAX_DEPTH = 20
_MAX_NOTES = 64 * 1024  # characters of the notes that can be searched
_MAX_TAGS = 100
_MAX_MESSAGE = 2000  # characters
_GPU_KEYS = ("index", "uuid", "name")
_MAX_WHOLE = 2**63  # of whole numbers; other programs support no larger ones
_MAX_FLOAT = 10**300


class RowAlert(NamedTuple):
    """The last alert of the latest run; `number` is how many there are. `time` is in epoch seconds."""

    time: float
    level: str
    title: str
    text: str
    number: int


class Shape(NamedTuple):
    """The names of the swept values and of the metrics of a row."""

    swept: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()


ShapePart = Literal["swept", "figures"]
EMPTY_SHAPE = Shape()


@lru_cache(maxsize=1024)
def shared_shape(shape: Shape) -> Shape:
    """Return the same object for equal shapes: the tasks of a script have the same parameters and metrics."""
    return Shape(tuple(map(intern, shape.swept)), tuple(map(intern, shape.figures)))


class StudyPlace(NamedTuple):
    """The study and trial of a task: `number` counts from 1; `pruned` is the step at which it was pruned,
    None if it was not.
    """

    name: str
    number: int
    pruned: int | None


# Rows are plain values without cycles. Collecting garbage would otherwise visit all of them each time.
class TaskRow(Struct, frozen=True, omit_defaults=True, gc=False):
    """A task in a list. Times are epoch seconds, `duration` seconds; fields as `TaskRow` in `openapi.yaml`.

    `cells` are the swept values and then the latest metrics; their names are in `shape`, which most rows
    share, so that rows take less memory than with dictionaries. `readable` is False if the task's file cannot
    be read: `message` says why. `alert` is the last alert of the latest run. `silent_since` is the time of
    the last output or metric of a stalled task. `steps` is the progress of a running task, if it is known.
    `gpu_hours` and `energy_kwh` (of its GPUs) are those of the latest run, None without GPUs. `notes`, `gpus`
    (indices, UUIDs and names of the GPUs of the latest run), `config_file` (the name of the configuration in
    the task's folder) and `statistics` (of the curves of the latest run, if its task file has them) are not
    part of `to_dict`.
    """

    name: str
    status: Status
    kind: Kind = PYTHON
    pinned: bool = False
    created_at: float | None = None
    runs: int = 0
    run: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    duration: float | None = None
    exit_code: int | None = None
    progress: float | None = None
    shape: Shape = EMPTY_SHAPE
    cells: tuple[Any, ...] = ()
    message: str | None = None
    tags: tuple[str, ...] = ()
    order: float | None = None
    readable: bool = True
    silent_since: float | None = None
    study: StudyPlace | None = None
    steps: StepProgress | None = None
    alert: RowAlert | None = None
    gpu_hours: float | None = None
    energy_kwh: float | None = None
    notes: str = ""
    gpus: tuple[str, ...] = ()
    config_file: str = SCRIPT_CONFIG
    statistics: RowStatistics | None = None

    @property
    def swept(self) -> dict[str, Any]:
        """The swept values, in a new dictionary."""
        return dict(zip(self.shape.swept, self.cells, strict=False))

    @property
    def figures(self) -> dict[str, Any]:
        """The metrics, in a new dictionary."""
        return dict(zip(self.shape.figures, self.cells[len(self.shape.swept) :], strict=True))

    def metric(self, key: str) -> Any:
        """Return the value of a metric, None without it; quicker than that in `figures`."""
        names = self.shape.figures
        return self.cells[names.index(key) - len(names)] if key in names else None

    @property
    def shown_status(self) -> str:
        """The status by which the task is counted and found: that of an unreadable task is not known."""
        return self.status if self.readable else UNREADABLE

    @property
    def place(self) -> float:
        """The number that sorts the task in the user's order, by default its creation time (epoch, s)."""
        return self.order if self.order is not None else self.created_at or 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the row as data for strict JSON."""
        found = {name: getattr(self, name) for name in _SHOWN}
        for name in ("swept", "figures"):
            found[name] = encode_nonfinite(found[name])
        found["tags"] = list(self.tags)
        found["study"] = None if self.study is None else self.study._asdict()
        found["steps"] = None if self.steps is None else self.steps._asdict()
        found["alert"] = None if self.alert is None else self.alert._asdict()
        return found


def shown_statuses(rows: Iterable[TaskRow]) -> list[str]:
    """Return the `shown_status` of each row; faster than asking each row."""
    return [row.status if row.readable else UNREADABLE for row in rows]


_HIDDEN = ("notes", "gpus", "config_file", "statistics")
_NAMES = {"shape": "swept", "cells": "figures"}
_SHOWN = [_NAMES.get(name, name) for name in TaskRow.__struct_fields__ if name not in _HIDDEN]


def cells_of(rows: Sequence[TaskRow], part: ShapePart, key: str, missing: Any) -> list[Any]:
    """Return the swept value or the metric `key` of each row, or `missing`."""
    found = []
    places: dict[int, int | None] = {}
    shape: Shape | None = None
    place: int | None = None
    for row in rows:
        if row.shape is not shape:
            shape = row.shape
            if id(shape) not in places:
                names: tuple[str, ...] = getattr(shape, part)
                before = len(shape.swept) if part == "figures" else 0
                places[id(shape)] = before + names.index(key) if key in names else None
            place = places[id(shape)]
        found.append(missing if place is None else row.cells[place])
    return found


def with_values(
    row: TaskRow,
    *,
    swept: Mapping[str, Any] | None = None,
    figures: Mapping[str, Any] | None = None,
    **changes: Any,
) -> TaskRow:
    """Return the row with other swept values or metrics, and other changes of fields."""
    swept = row.swept if swept is None else swept
    figures = row.figures if figures is None else figures
    shape = shared_shape(Shape(tuple(swept), tuple(figures)))
    return replace(row, shape=shape, cells=(*swept.values(), *figures.values()), **changes)


def row_from(info: TaskInfo, folder: Path | str) -> TaskRow:
    """Return the row of a task file's content; `folder` is the task's folder, whose name is the task's name.

    Raises nothing, whatever the file contains: invalid values are omitted.
    """
    own = own_facts(info)
    run = runs.latest(info)
    status = status_of(info)
    progress = _number(info.get("progress"))
    index = run.index if run else 0
    kind = SHELL if info.get("task_kind") == SHELL else PYTHON
    swept = _swept(own.get("swept"))
    figures = figures_of(run, newest_beside(info, index, folder)) if run else {}
    return TaskRow(
        name=os.path.basename(folder),
        status=intern(status),
        kind=kind,
        pinned=is_pinned(info),
        created_at=_number(own.get("created_at")) or parse_stamp(info.get("created_at")),
        runs=index,
        run=index,
        started_at=_number(run.started_at) if run else None,
        finished_at=_number(run.finished_at) if run else None,
        duration=_number(run.duration) if run else None,
        exit_code=_whole(run.exit_code) if run else None,
        progress=min(1.0, max(0.0, progress)) if progress is not None else None,
        shape=shared_shape(Shape(tuple(swept), tuple(figures))),
        cells=(*swept.values(), *figures.values()),
        message=_message(info, own, run, status),
        tags=_tags(own.get("tags")),
        order=order_of(info),
        study=_study(own.get("study"), index),
        alert=_alert(info, own, index),
        gpu_hours=gpu_hours(run) if run else None,
        energy_kwh=stored_summary(info, index).get("energy_kwh"),
        notes=notes_of(info)[:_MAX_NOTES],
        gpus=gpus_of(info.get("run_environments"), index),
        config_file=intern(payload_name(info)),
        statistics=stored_statistics(own, index),
    )


def read_row(folder: Path) -> tuple[TaskRow, TaskInfo]:
    """Return a task's row and its file's content, which is empty if it cannot be read (see the row).

    Raises:
        NotFound: if there is no task.
    """
    try:
        info = read_task(folder)
    except Unreadable as error:
        kind = SHELL if folder.parent.parent.name == SHELL_WORKSPACE else PYTHON
        return damaged_row(folder.name, kind, None, error.message), {}
    return row_from(info, folder), info


def damaged_row(name: str, kind: str, created_at: float | None, message: str) -> TaskRow:
    """Return the row of a task whose file cannot be read; `message` says why."""
    file = payload_name({"task_kind": kind})
    return TaskRow(
        name, PENDING, kind, created_at=created_at, message=message, readable=False, config_file=file
    )


def figures_of(run: Run, newest: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the metrics of a run for a row: the last point of each curve, the records, and `newest`."""
    metrics: dict[str, Any] = {}
    for key, values in run.tracks.items():
        if type(values) is list and values:
            _add(metrics, key, values[-1])
    for source in (run.records, newest or {}):
        for key, value in source.items():
            _add(metrics, key, value)
    return metrics


def _add(cells: dict[str, Any], key: str, value: Any) -> None:
    """Add a value to a row; long text is shortened, and numbers that are too large become text."""
    if len(key) > _MAX_TEXT or (len(cells) >= _MAX_METRICS and key not in cells):
        return
    kind = type(value)
    if kind is str:
        value = decode_nonfinite(value)
    if type(value) is str:
        value = intern(value) if len(value) <= _MAX_TEXT else value[: _MAX_TEXT - 1] + "…"
    elif kind is int:
        if not -_MAX_WHOLE <= value < _MAX_WHOLE:
            value = float(value) if abs(value) < _MAX_FLOAT else f"more than {'-' if value < 0 else ''}1e300"
    elif kind is dict or kind is list:
        return
    cells[intern(key)] = value


def _swept(value: Any) -> dict[str, Any]:
    swept: dict[str, Any] = {}
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(item, (dict, list)):
                _add(swept, key, item)
            elif _is_small(item) and len(swept) < _MAX_METRICS and len(key) <= _MAX_TEXT:
                swept[intern(key)] = item
            else:
                _add(swept, key, "…")
    return swept


def _is_small(value: Any) -> bool:
    """Return whether a list or a mapping is small enough for a row."""
    left, layer = _MAX_ITEMS, [value]
    for _ in range(_MAX_DEPTH):
        below: list[Any] = []
        for holder in layer:
            left -= len(holder)
            if left < 0:
                return False
            for item in holder.values() if isinstance(holder, dict) else holder:
                if isinstance(item, (dict, list)):
                    below.append(item)
                elif isinstance(item, str):
                    if len(item) > _MAX_TEXT:
                        return False
                elif isinstance(item, int) and not -_MAX_WHOLE <= item < _MAX_WHOLE:
                    return False
        if not below:
            return True
        layer = below
    return False


def _message(info: TaskInfo, own: dict[str, Any], run: Run | None, status: str) -> str | None:
    queue = own.get("queue")
    if status == CANCELLED and isinstance(queue, dict) and isinstance(queue.get("message"), str):
        return _cut(queue["message"])  # it was cancelled while it was queued
    message = run_fact(info, "messages", run.index if run else 0)
    if status in (FAILED, CANCELLED) and isinstance(message, str) and message:
        return _cut(message)
    if status != FAILED:
        return None
    attempt = info.get("_attempt_id")
    if run is None or (run.attempt and isinstance(attempt, str) and attempt != run.attempt):
        return "The task failed while it was queued."
    if run.exit_code is None:
        return "The run ended without an exit code. See its log."
    if headline := runs.failure_of(info, run.index)[0]:
        return _cut(headline)
    if run.exit_code < 0:
        return f"Ended by signal {-run.exit_code}"
    return f"Exit code {run.exit_code}"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        return ()
    tags = (intern(tag) for tag in value if isinstance(tag, str) and len(tag) <= _MAX_TEXT)
    return tuple(tags)[:_MAX_TAGS]


def _study(value: Any, run: int) -> StudyPlace | None:
    if not isinstance(value, dict):
        return None
    name, number = value.get("name"), value.get("number")
    if not isinstance(name, str) or not name or len(name) > _MAX_TEXT or type(number) is not int:
        return None
    pruned = value.get("pruned")
    step = pruned.get("step") if isinstance(pruned, dict) and pruned.get("run") == run else None
    return StudyPlace(intern(name), number, step if type(step) is int else None)


def _alert(info: TaskInfo, own: dict[str, Any], run: int) -> RowAlert | None:
    if "alerts" not in own:
        return None
    alerts = alerts_of(info, run)
    if not alerts:
        return None
    last = alerts[-1]
    return RowAlert(last.time, intern(last.level), intern(last.title), last.text[:_MAX_TEXT], len(alerts))


def gpus_of(environments: Any, index: int) -> tuple[str, ...]:
    """Return index, UUID and name of the GPUs of run `index` (from 1) in a task file's `run_environments`:
    its assigned GPUs, else the visible ones.
    """
    if not isinstance(environments, list) or not 0 < index <= len(environments):
        return ()
    environment = environments[index - 1]
    if not isinstance(environment, dict):
        return ()
    assigned, seen = environment.get("assigned_gpu_ids"), environment.get("gpus")
    visible = environment.get("cuda_visible_devices")
    if not assigned and (visible == "" or not (seen or visible)):
        return ()
    if not assigned and isinstance(visible, str):
        assigned = [part.strip() for part in visible[:_MAX_MESSAGE].split(",")]
    words = dict.fromkeys(map(_gpu_word, assigned[:_MAX_TAGS] if isinstance(assigned, list) else ()))
    chosen = frozenset(words)
    for gpu in seen[:_MAX_TAGS] if isinstance(seen, list) else ():
        if isinstance(gpu, dict):
            its = [_gpu_word(gpu.get(key)) for key in _GPU_KEYS]
            if not chosen or not chosen.isdisjoint(its):
                words.update(dict.fromkeys(its))
    words.pop("", None)
    return tuple(words)


def _gpu_word(value: Any) -> str:
    if isinstance(value, str) and len(value) <= _MAX_TEXT:
        return intern(value)
    return str(value) if type(value) is int and abs(value) < _MAX_WHOLE else ""


def _whole(value: int | None) -> int | None:
    return value if value is not None and -_MAX_WHOLE <= value < _MAX_WHOLE else None


def _number(value: Any) -> float | None:
    return finite_number(value, MAX_ORDER)
