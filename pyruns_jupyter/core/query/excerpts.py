"""Where in its log a search has found a task: the first line that matches, as a table shows it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pyruns_jupyter.core.tasks.row import TaskRow

from .ast import And, FieldTest, Or, Query, Term
from .logs import LogOf, Needle, needle, open_log
from .pattern import Clock, TimeIsOver

MAX_BYTES = 4 * 1024 * 1024  # of one log: half of it from its beginning, half up to its end
SECONDS = 2.0  # for all logs of a page together
MAX_LINE = 300  # characters of a line
_BEFORE = 80  # characters that are left before a match far into its line
# Colours and moves of the cursor, then all else that cannot be shown.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Excerpt:
    """A line of a log; `line` counts from 1, None when the log is too long to be counted."""

    line: int | None
    text: str


def log_needles(query: Query) -> list[Needle]:
    """Return what a query looks for in logs, but for what must not be there."""
    return [*_needles(query.term)] if query.term is not None else []


def _needles(term: Term) -> Iterator[Needle]:
    if isinstance(term, (And, Or)):
        for part in term.terms:
            yield from _needles(part)
    elif isinstance(term, FieldTest) and term.key.lower() == "log" and term.operator in (":", "="):
        yield from map(needle, term.values)


class Excerpts:
    """Finds the first line of each log that one of some needles is in. Use it for one page."""

    def __init__(
        self,
        log_of: LogOf | None,
        needles: Sequence[Needle],
        is_given_up: Callable[[], bool] | None = None,
    ) -> None:
        self._log_of = log_of
        self._needles = needles
        self._clock = Clock(SECONDS, is_given_up)

    def of(self, row: TaskRow) -> Excerpt | None:
        """Return the line of a task's latest run, None when there is none or time is over."""
        if self._log_of is None or row.run < 1 or not self._needles:
            return None
        try:
            descriptor = open_log(*self._log_of(row))
            if descriptor is None:
                return None
            try:
                return self._find(descriptor)
            finally:
                os.close(descriptor)
        except (OSError, TimeIsOver):
            return None

    def _find(self, descriptor: int) -> Excerpt | None:
        size, part = os.fstat(descriptor).st_size, MAX_BYTES // 2
        head = os.pread(descriptor, part if size > MAX_BYTES else size, 0)
        for number, line in enumerate(_lines(head), start=1):
            place = self._place(line)
            if place is not None:
                return Excerpt(number, _shown(line, place))
        if size > MAX_BYTES:
            for line in _lines(os.pread(descriptor, part, size - part)):
                place = self._place(line)
                if place is not None:
                    return Excerpt(None, _shown(line, place))
        return None

    def _place(self, line: str) -> int | None:
        """Return where in a line a needle is, at least about; None when none is."""
        self._clock.check()
        folded = line.casefold()
        for wanted in self._needles:
            if wanted.pattern is not None:
                if wanted.pattern.search(line, self._clock):
                    return 0
            elif wanted.text in folded:
                return folded.index(wanted.text)
        return None


def _lines(data: bytes) -> Iterator[str]:
    for line in data.decode("utf-8", "replace").split("\n"):
        # A progress bar writes one line again and again: each state counts as a line.
        yield from line.removesuffix("\r").split("\r")


def _shown(line: str, place: int) -> str:
    begin = place - _BEFORE if place > MAX_LINE - _BEFORE else 0
    text = _CONTROLS.sub("", _ESCAPES.sub("", line[begin : begin + 4 * MAX_LINE])).strip()
    text = text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"
    return f"…{text}" if begin else text
