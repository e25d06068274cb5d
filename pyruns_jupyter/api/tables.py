"""How objects show themselves: plain-text and HTML tables of hostile text (names, values) made safe."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from pyruns_jupyter.core.common.printable import printable, printable_text
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.tasks.row import TaskRow

MAX_ROWS = 200  # rows an object shows by itself
_STYLE = "font-variant-numeric: tabular-nums; text-align: left"


def value_text(value: Any) -> str:
    """Return a configuration value or figure as short text: floats with six significant digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def html_text(text: str) -> str:
    """Return a text for HTML: escaped, and without characters that change how others are shown."""
    return html.escape(printable_text(text))


def task_columns(rows: Sequence[TaskRow]) -> tuple[list[str], list[list[str]]]:
    """Return the header and the cells of a task table: status, name, what was swept, figures, time."""
    swept = _keys(row.swept for row in rows)
    figures = [key for key in _keys(row.figures for row in rows) if key not in swept]
    header = ["status", "name", *swept, *figures, "time", "message"]
    cells = [
        [
            row.status if row.readable else "unreadable",
            row.name,
            *(value_text(row.swept.get(key)) for key in swept),
            *(value_text(row.figures.get(key)) for key in figures),
            duration_text(row.duration),
            row.message or "",
        ]
        for row in rows
    ]
    if not any(line[-1] for line in cells):
        header, cells = header[:-1], [line[:-1] for line in cells]
    return header, cells


def text_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table for a terminal, columns aligned, two spaces between them."""
    lines = [[printable(cell) for cell in line] for line in (header, *cells)]
    widths = [[_width(cell) for cell in line] for line in lines]
    most = [max(column) for column in zip(*widths, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - own) for cell, own, width in zip(line, owns, most, strict=True)
        ).rstrip()
        for line, owns in zip(lines, widths, strict=True)
    )


def html_table(header: Sequence[str], cells: Sequence[Sequence[str]], caption: str) -> str:
    """Return a table for a notebook; every cell is escaped."""
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
    """Return `1 task`, `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def _keys(mappings: Iterable[dict[str, Any]]) -> list[str]:
    """Return the keys of all mappings in the order of their first appearance."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))


def _width(text: str) -> int:
    """Return the columns `text` takes in a terminal: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


class TableView:
    """What tasks looked like at one moment, as a table. `notices` are sentences about how they were found."""

    def __init__(self, rows: Sequence[TaskRow], notices: Iterable[str] = ()) -> None:
        self.rows = rows
        self.notices = list(notices)

    def __repr__(self) -> str:
        return text_table(*task_columns(self.rows)) if self.rows else "no tasks"

    def _repr_html_(self) -> str:
        header, cells = task_columns(self.rows)
        return html_table(header, cells, count_text(len(self.rows), "task"))
