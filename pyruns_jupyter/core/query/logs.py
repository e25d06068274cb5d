"""Search logs for the terms of a query, with limits on the size of each log and on the total time."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pyruns_jupyter.core.logs.reader import ESCAPES
from pyruns_jupyter.core.logs.search import LogSearch, SearchProcess
from pyruns_jupyter.core.tasks.row import TaskRow

from .ast import And, FieldTest, Or, Regex, Term, TextValue, Value
from .diagnostics import QueryNotice, number_of
from .pattern import TimeBudget

# Of one log; of a longer log, a quarter from its start and the rest from its end.
MAX_BYTES = 64 * 1024 * 1024
SECONDS = 8.0  # to search logs for one query
MAX_LINE = 300  # characters of an excerpt
_POLL_SECONDS = 0.2  # between two checks whether the client is gone
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

LogOf = Callable[[TaskRow], Path]
_Key = tuple[LogSearch, int, int, int, int]


class Excerpt(Struct, frozen=True):
    """A line of a log; `line` counts from 1, None when the log is too long for counting lines."""

    line: int | None
    text: str


class _Answer(Struct, frozen=True):
    """The first line that matches, None when no line does, and whether a part of the log was skipped."""

    excerpt: Excerpt | None
    is_cut: bool


def log_needle(value: Value) -> LogSearch:
    """Return the log search for a value of `log:`."""
    if isinstance(value, Regex):
        return LogSearch(value.pattern, first_of=MAX_BYTES)
    text = value.text if isinstance(value, TextValue) else str(value)
    return LogSearch(text, literal=True, first_of=MAX_BYTES)


def wanted_needles(term: Term | None) -> Iterator[LogSearch]:
    """Yield the log searches of a query, without negated ones."""
    if isinstance(term, (And, Or)):
        for part in term.terms:
            yield from wanted_needles(part)
    elif isinstance(term, FieldTest) and term.key.lower() == "log" and term.operator == ":":
        yield from map(log_needle, term.values)


class LogQuery:
    """Searches logs for one query. `notices` then reports logs that were not searched."""

    def __init__(
        self, log_of: LogOf | None, seconds: float, is_given_up: Callable[[], bool] | None = None
    ) -> None:
        self._log_of = log_of
        self._time = TimeBudget(seconds, is_given_up)
        self._is_given_up = is_given_up
        self._process: SearchProcess | None = None
        self._closed = threading.Event()
        self._cut = 0
        self._unread = 0
        self._refused = 0

    def contains(self, row: TaskRow, needles: Sequence[LogSearch]) -> bool:
        """Return whether the log of the last run of a task contains one of the needles."""
        is_cut = False
        try:
            for needle in needles:
                answer = self._answer(row, needle)
                if answer.excerpt is not None:
                    return True
                is_cut |= answer.is_cut
        except FileNotFoundError:
            return False
        except TimeoutError:
            self._unread += 1
        except OSError:
            self._refused += 1
        else:
            self._cut += is_cut
        return False

    def excerpt(self, row: TaskRow, needles: Sequence[LogSearch]) -> Excerpt | None:
        """Return the first line that contains one of the needles, None when no line does."""
        found: list[Excerpt] = []
        with contextlib.suppress(OSError):  # TimeoutError too
            for needle in needles:
                answer = self._answer(row, needle)
                if answer.excerpt is not None:
                    found.append(answer.excerpt)
        return min(found, key=lambda one: one.line or float("inf"), default=None)

    def notices(self) -> list[QueryNotice]:
        """Return notices about logs that were not searched, or not completely."""
        unread, cut, refused = (number_of(n, "log") for n in (self._unread, self._cut, self._refused))
        messages = []
        if self._unread:
            message = f"The log search was stopped after {self._time.seconds:g} s. {unread} not searched."
            message += " Narrow the query with other terms, or use a simpler regular expression."
            messages.append(("logs_unread", message))
        if self._cut:
            message = (
                f"{cut} not searched completely. Only the start and the end of logs above "
                f"{MAX_BYTES >> 20} MiB are searched."
            )
            messages.append(("logs_cut", message))
        if self._refused:
            messages.append(("logs_unreadable", f"{refused} could not be read."))
        return [QueryNotice(*message, is_serious=True, is_partial=True) for message in messages]

    def close(self) -> None:
        """End the search process."""
        self._closed.set()
        if self._process is not None:
            self._process.close()

    def _answer(self, row: TaskRow, needle: LogSearch) -> _Answer:
        """Search the log of a task, unless the answer is cached.

        Raises:
            FileNotFoundError: when there is no log.
            TimeoutError: when the time limit is reached.
            OSError: when the log cannot be read.
        """
        if self._log_of is None or row.run < 1:
            raise FileNotFoundError
        path = self._log_of(row)
        status = os.stat(path, follow_symlinks=False)
        key = (needle, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        cached = _cached(key)
        if not cached:
            cached.append(self._search(path, needle))
        return cached[0]

    def _search(self, path: Path, needle: LogSearch) -> _Answer:
        seconds = self._time.remaining()
        if self._process is None:
            self._process = SearchProcess()
            if self._is_given_up is not None:
                watch = partial(_kill_when, self._is_given_up, self._process, self._closed)
                threading.Thread(target=watch, name="pyruns-query", daemon=True).start()
        self._process.request(path, replace(needle, seconds=seconds))
        answer = json.loads(self._process.next_line())
        if answer.get("is_late"):
            raise TimeoutError
        if "first" not in answer:
            raise OSError(answer["message"])
        return _Answer(answer["first"] and _excerpt(*answer["first"]), answer["is_cut"])


def _kill_when(is_given_up: Callable[[], bool], process: SearchProcess, closed: threading.Event) -> None:
    """Kill a search whose client is gone: a complex expression in a long log takes many seconds."""
    while not closed.wait(_POLL_SECONDS):
        if is_given_up():
            process.kill()
            return


def _excerpt(line: int | None, text: str) -> Excerpt:
    text = _CONTROLS.sub("", ESCAPES.sub("", text)).strip()
    return Excerpt(line, text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…")


@lru_cache(maxsize=50_000)
def _cached(key: _Key) -> list[_Answer]:
    """Return a list for the answer, which is empty at first."""
    return []
