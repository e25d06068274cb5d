"""One task as a line of a table: what lists, tables and events show of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import runs
from .runs import CANCELLED, FAILED, PENDING, Run, status_of
from .stamps import parse_stamp
from .strictjson import strict
from .taskfile import TaskInfo, own_facts

PYTHON, SHELL = "python", "shell"
_LONGEST_TEXT = 200  # characters of a figure that is text; a row is no place for more
_MAX_FIGURES = 200

_parse_stamp = lru_cache(maxsize=4096)(parse_stamp)  # the tasks of a sweep share theirs


@dataclass(frozen=True)
class TaskRow:
    """A task in a list. Times are epoch seconds, `duration` seconds; fields as `TaskRow` in `openapi.yaml`.

    `readable` is False for a task whose file cannot be read: `message` says why. `notes` and `gpus` (the
    names and ids of the GPUs of the latest run) are for searching and no part of `to_dict`.
    """

    name: str
    status: str
    kind: str
    pinned: bool
    created_at: float | None
    runs: int
    run: int
    started_at: float | None
    finished_at: float | None
    duration: float | None
    exit_code: int | None
    progress: float | None
    swept: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    message: str | None = None
    tags: tuple[str, ...] = ()
    order: float | None = None
    readable: bool = True
    notes: str = field(default="", repr=False)
    gpus: tuple[str, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as data for strict JSON."""
        return {
            "name": self.name,
            "status": self.status,
            "kind": self.kind,
            "pinned": self.pinned,
            "created_at": self.created_at,
            "runs": self.runs,
            "run": self.run,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "duration": self.duration,
            "exit_code": self.exit_code,
            "progress": self.progress,
            "swept": strict(self.swept),
            "figures": strict(self.figures),
            "message": self.message,
            "tags": list(self.tags),
            "order": self.order,
            "readable": self.readable,
        }


def row_from(info: TaskInfo, folder: Path | str) -> TaskRow:
    """Return the row of a task file's content; `folder` is the task's folder, whose name is the task's name.

    Whatever the file holds, this raises nothing: what does not fit is left out.
    """
    own = own_facts(info)
    run = runs.latest(info)
    status = status_of(info)
    progress = _number(info.get("progress"))
    swept = own.get("swept")
    return TaskRow(
        name=_base_name(folder),
        status=status,
        kind=SHELL if info.get("task_kind") == SHELL else PYTHON,
        pinned=info.get("pinned") is True,
        created_at=_number(own.get("created_at")) or _stamp(info.get("created_at")),
        runs=run.index if run else 0,
        run=run.index if run else 0,
        started_at=_number(run.started_at) if run else None,
        finished_at=_number(run.finished_at) if run else None,
        duration=_number(run.duration) if run else None,
        exit_code=run.exit_code if run else None,
        progress=min(1.0, max(0.0, progress)) if progress is not None else None,
        swept=swept if isinstance(swept, dict) else {},
        figures=figures_of(run) if run else {},
        message=_message(info, own, run, status),
        tags=_tags(own.get("tags")),
        order=_number(own.get("order")),
        notes=_text(info.get("notes")),
    )


def damaged_row(name: str, kind: str, created_at: float | None, message: str) -> TaskRow:
    """Return the row of a task whose file cannot be read; `message` says why."""
    return TaskRow(
        name,
        PENDING,
        kind,
        False,
        created_at,
        0,
        0,
        None,
        None,
        None,
        None,
        None,
        message=message,
        readable=False,
    )


def figures_of(run: Run, newest: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a run reports in a row: the last point of each curve, what is newer, and the records."""
    figures: dict[str, Any] = {}
    for key, values in run.tracks.items():
        if isinstance(values, list) and values:
            _add(figures, key, values[-1])
    for source in (run.records, newest or {}):
        for key, value in source.items():
            _add(figures, key, value)
    return figures


def _add(figures: dict[str, Any], key: str, value: Any) -> None:
    if len(figures) >= _MAX_FIGURES and key not in figures:
        return
    if isinstance(value, str):
        figures[key] = value if len(value) <= _LONGEST_TEXT else value[: _LONGEST_TEXT - 1] + "…"
    elif value is None or isinstance(value, (bool, int, float)):
        figures[key] = value


def _message(info: TaskInfo, own: dict[str, Any], run: Run | None, status: str) -> str | None:
    messages = own.get("messages")
    if isinstance(messages, dict) and status in (FAILED, CANCELLED):
        said = messages.get(str(run.index if run else 0))
        if isinstance(said, str) and said:
            return said
    if status != FAILED:
        return None
    attempt = info.get("_attempt_id")
    if run is None or (run.attempt and isinstance(attempt, str) and attempt != run.attempt):
        return "The task was ended while it waited."
    if run.exit_code is None:
        return "The run ended without an exit code. See its log."
    if run.exit_code < 0:
        return f"Ended by signal {-run.exit_code}"
    return f"Exit code {run.exit_code}"


def _tags(value: Any) -> tuple[str, ...]:
    return tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else ()


def _base_name(folder: Path | str) -> str:
    return folder.rpartition("/")[2] if isinstance(folder, str) else folder.name


def _stamp(value: Any) -> float | None:
    return _parse_stamp(value) if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not -1e15 < value < 1e15:  # also what is no number, and what no float holds
        return None
    return float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
