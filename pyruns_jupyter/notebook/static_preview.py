"""Static previews of widgets, for places without a kernel: saved notebooks, GitHub, HTML of nbconvert.

Each preview is small, because the notebook contains one for every widget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from pyruns_jupyter.api.plan import Plan
from pyruns_jupyter.api.tables import (
    count_text,
    html_table,
    html_text,
    task_columns,
    text_table,
    value_text,
)
from pyruns_jupyter.api.task import Task
from pyruns_jupyter.core.common.printable import printable, printable_text
from pyruns_jupyter.core.logs.reader import last_drawn
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.curves import CurvesRequest
from pyruns_jupyter.service.curves import curves as curves_of
from pyruns_jupyter.system.samples import Sample

Picture = dict[str, str]  # by media type

MAX_BYTES = 7000  # of all texts of one preview
_MAX_VALUE = 1e300  # larger values and NaN are not drawn
_ROWS = (50, 20, 8, 3)  # the first number that fits is used
_LOG_TAIL = 2500  # bytes
_MAX_RECENT = 8  # tasks
_MAX_PANELS, _MAX_LINES, _MAX_POINTS = 4, 20, 500  # of a preview of curves
_WIDTH, _HEIGHT, _LEFT, _TOP = 640, 150, 56, 22  # pixels of one panel, and its margins
_COLORS = ("#1f77b4", "#d9541a", "#2a8f2a", "#c93131", "#7b4fb5", "#8a5a44", "#c94f9e", "#666666")


def table(rows: Sequence[TaskRow], caption: str, empty: str) -> Picture:
    """Return task rows as a table, or the text `empty` if there are none."""
    if not rows:
        return {"text/plain": printable_text(empty), "text/html": f"<p>{html_text(empty)}</p>"}

    def draw(most: int) -> Picture:
        shown = rows[:most]
        more = f" (the first {most} of {count_text(len(rows), 'task')})" if len(rows) > most else ""
        header, cells = task_columns(shown)
        return {
            "text/plain": text_table(header, cells) + (f"\n{more.strip()}" if more else ""),
            "text/html": html_table(header, cells, caption + more),
        }

    return _largest(draw)


def _largest(draw: Callable[[int], Picture]) -> Picture:
    """Return the picture with as many rows as `MAX_BYTES` allows."""
    for most in _ROWS:
        picture = draw(most)
        if sum(len(text.encode()) for text in picture.values()) <= MAX_BYTES:
            break
    return picture


def counts(name: str, numbers: Mapping[str, int], recent: Sequence[TaskRow]) -> Picture:
    """Return the number of tasks by status, and the tasks that ran last."""
    summary = ", ".join(f"{number:,} {status}" for status, number in numbers.items() if number) or "no tasks"
    ran = [row for row in recent if row.started_at is not None][:_MAX_RECENT]
    made = table(ran, f"{name}: {summary}", f"{name}: {summary}")
    return {
        **made,
        "text/plain": printable(f"{name}: {summary}") + (f"\n{made['text/plain']}" if ran else ""),
    }


def machine(sample: Sample) -> Picture:
    """Return the utilization of CPU, memory and GPUs."""
    header = ["device", "utilization", "memory"]
    memory = sample["memory"]
    cells = [
        ["CPU and memory", _percent(sample["cpu"]["percent"]), _share(memory["used"], memory["total"])],
        *(
            [
                f"GPU {gpu['index']} {gpu['name']}",
                _percent(gpu["load"]),
                _share(gpu["memory_used"], gpu["memory_total"]),
            ]
            for gpu in sample["gpus"]
        ),
    ]
    note = sample["gpu_message"] or ""
    text = text_table(header, cells)
    return {
        "text/plain": f"{text}\n{printable(note)}" if note else text,
        "text/html": html_table(header, cells, note or "CPU, memory and GPU utilization"),
    }


def plan(made: Plan | None, text: str) -> Picture:
    """Return the tasks of a plan, or the text if it is not valid."""
    if made is None:
        cut = text[: MAX_BYTES // 4]
        return {"text/plain": printable_text(cut), "text/html": f"<pre>{html_text(cut)}</pre>"}
    header, cells = made.columns()

    def draw(most: int) -> Picture:
        more = f" (the first {most})" if len(made) > most else ""
        caption = f"Plan of {count_text(len(made), 'task')}{more}"
        return {
            "text/plain": f"{caption}\n{text_table(header, cells[:most])}",
            "text/html": html_table(header, cells[:most], caption),
        }

    return _largest(draw)


def log(task: Task) -> Picture:
    """Return the end of a task's log as plain text."""
    title = f"{task.name}: {task.status}"
    tail = last_drawn(task.log_tail(_LOG_TAIL))
    return {
        "text/plain": f"{printable(title)}\n{printable_text(tail)}",
        "text/html": f"<p>{html_text(title)}</p><pre>{html_text(tail)}</pre>",
    }


def curves(workspace: WorkspaceFolder, names: Sequence[str], keys: Sequence[str]) -> Picture:
    """Return curves as an image with a panel for each metric, and their last values as text."""
    wanted = CurvesRequest(name=tuple(names[:_MAX_LINES]), key=tuple(keys), points=2)
    found = curves_of(workspace, wanted)["items"]
    shown = list(keys) or [key for key in dict.fromkeys(one["key"] for one in found) if key not in _COUNTERS]
    shown = shown[:_MAX_PANELS]
    points = max(8, _MAX_POINTS // max(1, sum(one["key"] in shown for one in found)))
    wanted = replace(wanted, key=tuple(shown), points=points)
    found = curves_of(workspace, wanted)["items"] if shown else []
    if not found:
        return {"text/plain": "no curves yet", "text/html": "<p>no curves yet</p>"}
    header = ["name", *shown]
    last = {
        (one["name"], one["key"]): value_text(_finite(one["values"])[-1])
        for one in found
        if _finite(one["values"])
    }
    cells = [
        [name, *(last.get((name, key), "") for key in shown)]
        for name in dict.fromkeys(one["name"] for one in found)
    ]
    return {"text/plain": text_table(header, cells), "image/svg+xml": _svg(shown, found)}


_COUNTERS = ("step", "epoch", "iteration", "iter", "batch")


def _svg(keys: Sequence[str], found: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(one["name"] for one in found))
    colors = {name: _COLORS[at % len(_COLORS)] for at, name in enumerate(names)}
    legend = names[: len(_COLORS)]
    height = len(keys) * (_HEIGHT + 2 * _TOP) + 16 * len(legend) + 8
    parts = []
    parts.append(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="11">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
    )
    for at, key in enumerate(keys):
        mine = [one for one in found if one["key"] == key]
        parts.append(_panel(key, mine, colors, at * (_HEIGHT + 2 * _TOP)))
    top = len(keys) * (_HEIGHT + 2 * _TOP)
    for at, name in enumerate(legend):
        y = top + 16 * at
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="10" height="10" fill="{colors[name]}"/>')
        parts.append(_text(_LEFT + 16, y + 9, name[:90]))
    return "".join([*parts, "</svg>"])


def _panel(key: str, lines: Sequence[Mapping[str, Any]], colors: Mapping[str, str], top: float) -> str:
    values = [value for one in lines for value in _finite(one["values"])]
    places = [place for one in lines for place in _finite(one["places"])]
    if not values:
        return _text(_LEFT, top + _TOP - 8, key)
    low, high = min(values), max(values)
    first, last = min(places), max(places)

    def x(place: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 12) * (place - first) / ((last - first) or 1)

    def y(value: float) -> float:
        return top + _TOP + _HEIGHT * (high - value) / ((high - low) or 1)

    parts = [_text(_LEFT, top + _TOP - 8, key)]
    for value in dict.fromkeys((high, low)):
        parts.append(_text(_LEFT - 6, y(value) + 4, value_text(value), "end"))
    for place in dict.fromkeys((first, last)):
        anchor = "end" if place == last and last > first else "start"
        parts.append(_text(x(place), top + _TOP + _HEIGHT + 14, value_text(place), anchor))
    parts.append(f'<path d="M{_LEFT} {top + _TOP}v{_HEIGHT}H{_WIDTH - 12}" fill="none" stroke="#999"/>')
    for one in lines:
        points = " ".join(
            f"{x(place):.0f},{y(value):.1f}"
            for place, value in zip(one["places"], one["values"], strict=True)
            if _is_finite(place) and _is_finite(value)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colors[one["name"]]}"/>')
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    place = f'x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"'
    return f'<text {place} fill="#333">{html_text(printable(text))}</text>'


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) < _MAX_VALUE


def _finite(values: Sequence[Any]) -> list[float]:
    return [value for value in values if _is_finite(value)]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} %"


def _share(used: int | None, total: int | None) -> str:
    return "" if used is None or total is None else f"{used / 2**30:.1f} of {total / 2**30:.1f} GiB"
