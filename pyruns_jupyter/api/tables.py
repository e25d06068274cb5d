"""Plain-text and HTML tables, in which untrusted text such as names and values is escaped."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from pyruns_jupyter.core.common.printable import printable, printable_text
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.taskfile.runs import Run
from pyruns_jupyter.core.tasks.row import TaskRow, cells_of, shown_statuses

MAX_ROWS = 200  # of a displayed table
_STYLE = "font-variant-numeric: tabular-nums; text-align: left"


def value_text(value: Any) -> str:
    """Return the value of a parameter or metric as text. Floats are rounded to six significant digits."""
    if type(value) is str:  # first, as most values are
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def html_text(text: str) -> str:
    """Escape a text for HTML and remove invisible control characters."""
    from html import escape  # only notebooks need it

    return escape(printable_text(text))


def task_columns(rows: Sequence[TaskRow]) -> tuple[list[str], list[list[str]]]:
    """Return the header and the cells of a task table.

    The columns are the status, the name, the swept parameters, the metrics, the duration and, if a task has
    one, the message.
    """
    swept = _keys(row.shape.swept for row in rows)
    figures = [key for key in _keys(row.shape.figures for row in rows) if key not in swept]
    header = ["status", "name", *swept, *figures, "time"]
    columns = [shown_statuses(rows), [row.name for row in rows]]
    columns += [[*map(value_text, cells_of(rows, "swept", key, None))] for key in swept]
    columns += [[*map(value_text, cells_of(rows, "figures", key, None))] for key in figures]
    columns.append([duration_text(row.duration) for row in rows])
    if any(row.message for row in rows):
        header.append("message")
        columns.append([row.message or "" for row in rows])
    return header, [[*line] for line in zip(*columns, strict=True)]


def text_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a plain-text table with aligned columns."""
    columns = [_aligned(column) for column in zip(header, *cells, strict=True)]
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def _aligned(column: Sequence[str]) -> list[str]:
    """Return the cells of a column in the same width; control characters are escaped."""
    text = "".join(column)
    if text.isascii() and text.isprintable():
        width = max(map(len, column))
        return [cell.ljust(width) for cell in column]
    cells = [printable(cell) for cell in column]
    widths = [_width(cell) for cell in cells]
    most = max(widths)
    return [cell + " " * (most - width) for cell, width in zip(cells, widths, strict=True)]


def html_table(header: Sequence[str], cells: Sequence[Sequence[str]], caption: str) -> str:
    """Return an HTML table with escaped cells, of which at most 200 rows are shown."""
    head = "".join(f'<th scope="col" style="text-align: left">{html_text(cell)}</th>' for cell in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_STYLE}">{html_text(cell)}</td>' for cell in line) + "</tr>"
        for line in cells[:MAX_ROWS]
    )
    more = f" (the first {MAX_ROWS} shown)" if len(cells) > MAX_ROWS else ""
    return (
        f'<table><caption style="text-align: left">{html_text(caption + more)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def count_text(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural, such as `1 task` or `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def _keys(rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the keys of all rows in the order of their first appearance."""
    return list(dict.fromkeys(chain.from_iterable(rows)))


def _width(text: str) -> int:
    """Return the width of a text in a terminal: wide East Asian characters take two columns."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


class TableView:
    """The rows of a task table at one point in time.

    Attributes:
        rows: the rows, one per task.
        notices: warnings about the query.
    """

    def __init__(self, rows: Sequence[TaskRow], notices: Iterable[str] = ()) -> None:
        self.rows = rows
        self.notices = list(notices)

    def __repr__(self) -> str:
        return text_table(*task_columns(self.rows)) if self.rows else "no tasks"

    def _repr_html_(self) -> str:
        header, cells = task_columns(self.rows)
        return html_table(header, cells, count_text(len(self.rows), "task"))


class TaskRun(Run):
    """One run of a task. Notebooks display it as a table.

    Attributes:
        index: the number of the run, starting at 1.
        status: `running`, `completed`, `failed` or `cancelled`.
        started_at: the start time in seconds since the epoch, or None.
        finished_at: the end time in seconds since the epoch, or None.
        duration: the duration in seconds, or None if the run has not ended.
        pid: the ID of the process, or None.
        pid_create_time: the start time of the process in seconds since the epoch, or None.
        exit_code: the exit code of the process, or None.
        attempt: a unique ID of the run.
        records: the recorded metrics by name.
        tracks: the tracked metrics by name. They may be incomplete; use `Task.tracks` to get all of them.
        environment: the host, the Python version, the GPUs and other facts about the environment of the run.
        source: the Git commit of the code, and whether there were uncommitted changes.
    """

    def _repr_html_(self) -> str:
        started = (
            ""
            if self.started_at is None
            else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.started_at))
        )
        facts = {
            "status": self.status,
            "started": started,
            "duration": duration_text(self.duration),
            "exit code": value_text(self.exit_code),
            **{key: value_text(value) for key, value in self.records.items()},
            "host": value_text(self.environment.get("host")),
            "source": self.source,
        }
        cells = [[key, text] for key, text in facts.items() if text]
        return html_table(["", ""], cells, f"Run {self.index}")
