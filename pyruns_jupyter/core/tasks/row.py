"""One task as a line of a table: what lists, tables and events show of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.common.json_floats import decode_nonfinite, encode_nonfinite, finite_number
from pyruns_jupyter.core.common.timestamps import parse_stamp
from pyruns_jupyter.core.metrics.read import newest_beside
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import MAX_ORDER
from pyruns_jupyter.core.taskfile.paths import SCRIPT_CONFIG, SHELL_WORKSPACE
from pyruns_jupyter.core.taskfile.runs import CANCELLED, FAILED, PENDING, Run, status_of
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts, payload_name, read_task

PYTHON, SHELL = "python", "shell"
_MAX_TEXT = 200  # characters of a figure that is text, or of a key; a row is no place for more
_MAX_FIGURES = 200  # and as many swept values
_MAX_ITEMS = 1000  # in a swept value that is a list or a mapping
_MAX_DEPTH = 20
_MAX_NOTES = 64 * 1024  # characters of the notes that are searched
_MAX_TAGS = 100
_MAX_MESSAGE = 2000  # characters
_GPU_KEYS = ("index", "uuid", "name")
_MAX_WHOLE = 2**63  # of whole numbers; other programs count no further
_NO_FLOAT = 10**300


Shape = tuple[tuple[str, ...], tuple[str, ...]]  # names of the swept values and of the figures of a row


class StudyPlace(NamedTuple):
    """Which trial of which study a task is: `number` counts from 1; `pruned` is after which point of its
    curve it was stopped for promising too little, None when it was not.
    """

    name: str
    number: int
    pruned: int | None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task in a list. Times are epoch seconds, `duration` seconds; fields as `TaskRow` in `openapi.yaml`.

    `readable` is False for a task whose file cannot be read: `message` says why. `silent_since` is when a
    running task last gave a sign of life, if that was long ago (`stall`). `notes`, `gpus` (indices,
    UUIDs and names of the GPUs of the latest run) and `config_file` (the file in the task's folder that holds
    its configuration) are for searching and no part of `to_dict`.
    """

    name: str
    status: str
    kind: str
    pinned: bool = False
    created_at: float | None = None
    runs: int = 0
    run: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    duration: float | None = None
    exit_code: int | None = None
    progress: float | None = None
    swept: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    message: str | None = None
    tags: tuple[str, ...] = ()
    order: float | None = None
    readable: bool = True
    silent_since: float | None = None
    study: StudyPlace | None = None
    notes: str = field(default="", repr=False)
    gpus: tuple[str, ...] = field(default=(), repr=False)
    config_file: str = field(default=SCRIPT_CONFIG, repr=False)

    @property
    def place(self) -> float:
        """What the task is ordered by: the number given by hand, else when it was created (epoch, s)."""
        return self.order if self.order is not None else self.created_at or 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the row as data for strict JSON."""
        found = {name: getattr(self, name) for name in _SHOWN}
        found["swept"], found["figures"] = encode_nonfinite(self.swept), encode_nonfinite(self.figures)
        found["tags"] = list(self.tags)
        found["study"] = None if self.study is None else self.study._asdict()
        return found


_SHOWN = [one.name for one in fields(TaskRow) if one.name not in ("notes", "gpus", "config_file")]


def row_from(info: TaskInfo, folder: Path | str) -> TaskRow:
    """Return the row of a task file's content; `folder` is the task's folder, whose name is the task's name.

    Whatever the file holds, this raises nothing: what does not fit is left out.
    """
    own = own_facts(info)
    run = runs.latest(info)
    status = status_of(info)
    progress = _number(info.get("progress"))
    index = run.index if run else 0
    kind = SHELL if info.get("task_kind") == SHELL else PYTHON
    return TaskRow(
        name=_base_name(folder),
        status=status,
        kind=kind,
        pinned=info.get("pinned") is True,
        created_at=_number(own.get("created_at")) or parse_stamp(info.get("created_at")),
        runs=index,
        run=index,
        started_at=_number(run.started_at) if run else None,
        finished_at=_number(run.finished_at) if run else None,
        duration=_number(run.duration) if run else None,
        exit_code=_whole(run.exit_code) if run else None,
        progress=min(1.0, max(0.0, progress)) if progress is not None else None,
        swept=_swept(own.get("swept")),
        figures=figures_of(run, newest_beside(info, index, folder)) if run else {},
        message=_message(info, own, run, status),
        tags=_tags(own.get("tags")),
        order=_number(own.get("order")),
        study=_study(own.get("study"), index),
        notes=_text(info.get("notes"))[:_MAX_NOTES],
        gpus=gpus_of(info.get("run_environments"), index),
        config_file=intern(payload_name(info)),
    )


def read_row(folder: Path) -> tuple[TaskRow, TaskInfo]:
    """Return a task's row, and its file's content: empty when that cannot be read, which the row says.

    Raises:
        NotFound: when there is no task.
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
    """Return what a run reports in a row: the last point of each curve, what is newer, and the records."""
    figures: dict[str, Any] = {}
    for key, values in run.tracks.items():
        if type(values) is list and values:
            _add(figures, key, values[-1])
    for source in (run.records, newest or {}):
        for key, value in source.items():
            _add(figures, key, value)
    return figures


def _add(cells: dict[str, Any], key: str, value: Any) -> None:
    """Add a value as a row holds it: what is too long is cut, what is too large becomes a text."""
    if len(key) > _MAX_TEXT or (len(cells) >= _MAX_FIGURES and key not in cells):
        return
    kind = type(value)
    if kind is str:
        value = decode_nonfinite(value)
    if type(value) is str:
        value = intern(value) if len(value) <= _MAX_TEXT else value[: _MAX_TEXT - 1] + "…"
    elif kind is int:
        if not -_MAX_WHOLE <= value < _MAX_WHOLE:
            value = float(value) if abs(value) < _NO_FLOAT else f"more than {'-' if value < 0 else ''}1e300"
    elif kind is dict or kind is list:
        return
    cells[intern(key)] = value


def _swept(value: Any) -> dict[str, Any]:
    swept: dict[str, Any] = {}
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(item, (dict, list)):
                _add(swept, key, item)
            elif _is_small(item) and len(swept) < _MAX_FIGURES and len(key) <= _MAX_TEXT:
                swept[intern(key)] = item
            else:
                _add(swept, key, "…")
    return swept


def _is_small(value: Any) -> bool:
    """Return whether a list or a mapping is short and flat enough for a row."""
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
        return _cut(queue["message"])  # it was cancelled while it waited
    messages = own.get("messages")
    if isinstance(messages, dict) and status in (FAILED, CANCELLED):
        said = messages.get(str(run.index if run else 0))
        if isinstance(said, str) and said:
            return _cut(said)
    if status != FAILED:
        return None
    attempt = info.get("_attempt_id")
    if run is None or (run.attempt and isinstance(attempt, str) and attempt != run.attempt):
        return "The task was ended while it waited."
    if run.exit_code is None:
        return "The run ended without an exit code. See its log."
    failures = own.get("failures")
    failure = failures.get(str(run.index)) if isinstance(failures, dict) else None
    if isinstance(failure, list) and failure and isinstance(failure[0], str) and failure[0]:
        return _cut(failure[0])
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


def gpus_of(environments: Any, index: int) -> tuple[str, ...]:
    """Return index, UUID and name of the GPUs of run `index` (from 1) in a task file's `run_environments`:
    those it was given, else those it could see.
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


def _base_name(folder: Path | str) -> str:
    return folder.rpartition("/")[2] if isinstance(folder, str) else folder.name


def _whole(value: int | None) -> int | None:
    return value if value is not None and -_MAX_WHOLE <= value < _MAX_WHOLE else None


def _number(value: Any) -> float | None:
    return finite_number(value, MAX_ORDER)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
