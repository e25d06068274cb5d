"""Terms of a query that search the logs of tasks: each log up to a size, all of them for a limited time."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pyruns_jupyter.core.logs.reader import ESCAPES
from pyruns_jupyter.core.logs.search import LogSearch, SearchProcess
from pyruns_jupyter.core.tasks.row import TaskRow

from .ast import And, FieldTest, Or, Regex, Term, TextValue, Value
from .diagnostics import QueryNotice, number_of
from .pattern import TimeBudget

MAX_BYTES = 64 * 1024 * 1024  # of one log; of a longer one its first quarter of that, and its end
SECONDS = 8.0  # that one query may search logs
MAX_LINE = 300  # characters of an excerpt
_POLL_SECONDS = 0.2  # between two checks whether the client is gone
_MAX_KNOWN = 50_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

LogOf = Callable[[TaskRow], Path]
_Key = tuple[LogSearch, int, int, int, int]


@dataclass(frozen=True)
class Excerpt:
    """A line of a log; `line` counts from 1, None when the log is too long to be counted."""

    line: int | None
    text: str


@dataclass(frozen=True)
class _Answer:
    """The first line that matches, None when there is none, and whether a part of the log was left out."""

    excerpt: Excerpt | None
    is_cut: bool


def log_needle(value: Value) -> LogSearch:
    """Return what a value of `log:` finds."""
    if isinstance(value, Regex):
        return LogSearch(value.pattern, first_of=MAX_BYTES)
    return LogSearch(
        value.text if isinstance(value, TextValue) else str(value), literal=True, first_of=MAX_BYTES
    )


def wanted_needles(term: Term | None) -> Iterator[LogSearch]:
    """Yield what a query finds in logs, except what must not be there."""
    if isinstance(term, (And, Or)):
        for part in term.terms:
            yield from wanted_needles(part)
    elif isinstance(term, FieldTest) and term.key.lower() == "log" and term.operator == ":":
        yield from map(log_needle, term.values)


class LogQuery:
    """The search in logs for one query. `notices` reports afterwards what was not searched."""

    def __init__(
        self,
        log_of: LogOf | None,
        seconds: float,
        is_given_up: Callable[[], bool] | None = None,
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
        """Return whether the log of the latest run of a task contains one of some needles."""
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
        """Return the first line that contains one of some needles, None when none does."""
        found: list[Excerpt] = []
        with contextlib.suppress(OSError):  # TimeoutError too
            for needle in needles:
                answer = self._answer(row, needle)
                if answer.excerpt is not None:
                    found.append(answer.excerpt)
        return min(found, key=lambda one: one.line or float("inf"), default=None)

    def notices(self) -> list[QueryNotice]:
        """Return what to report about logs that were not searched, or not as a whole."""
        said = []
        if self._unread:
            said.append(
                _notice(
                    "logs_unread",
                    f"Searching logs was given up after {self._time.seconds:g} s: "
                    f"{number_of(self._unread, 'log')} not searched. Narrow the search with other terms, or "
                    "use a simpler regular expression.",
                )
            )
        if self._cut:
            said.append(
                _notice(
                    "logs_cut",
                    f"{number_of(self._cut, 'log')} not searched as a whole: of more than "
                    f"{MAX_BYTES >> 20} MiB only beginning and end are.",
                )
            )
        if self._refused:
            said.append(_notice("logs_unreadable", f"{number_of(self._refused, 'log')} could not be read."))
        return said

    def close(self) -> None:
        """End the process that searches."""
        self._closed.set()
        if self._process is not None:
            self._process.close()

    def _answer(self, row: TaskRow, needle: LogSearch) -> _Answer:
        """Search the log of a task, unless the answer is known.

        Raises:
            FileNotFoundError: when there is no log.
            TimeoutError: when the time is over.
            OSError: when it cannot be read.
        """
        if self._log_of is None or row.run < 1:
            raise FileNotFoundError
        path = self._log_of(row)
        status = os.stat(path, follow_symlinks=False)
        key = (needle, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        with _lock:
            known = _known.get(key)
            if known is not None:
                _known.move_to_end(key)
                return known
        answer = self._search(path, needle)
        with _lock:
            _known[key] = answer
            while len(_known) > _MAX_KNOWN:
                _known.popitem(last=False)
        return answer

    def _search(self, path: Path, needle: LogSearch) -> _Answer:
        seconds = self._time.remaining()
        if self._process is None:
            self._process = SearchProcess()
            if self._is_given_up is not None:
                watch = partial(_kill_when, self._is_given_up, self._process, self._closed)
                threading.Thread(target=watch, name="pyruns-query", daemon=True).start()
        self._process.request(path, replace(needle, seconds=seconds))
        said = json.loads(self._process.next_line())
        if said.get("is_late"):
            raise TimeoutError
        if "first" not in said:
            raise OSError(said["message"])
        return _Answer(said["first"] and _excerpt(*said["first"]), said["is_cut"])


def _kill_when(is_given_up: Callable[[], bool], process: SearchProcess, closed: threading.Event) -> None:
    """Kill a search that nobody waits for any more: one log with a hard expression takes many seconds."""
    while not closed.wait(_POLL_SECONDS):
        if is_given_up():
            process.kill()
            return


def _notice(code: str, message: str) -> QueryNotice:
    return QueryNotice(code, message, is_serious=True, is_partial=True)


def _excerpt(line: int | None, text: str) -> Excerpt:
    text = _CONTROLS.sub("", ESCAPES.sub("", text)).strip()
    return Excerpt(line, text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…")


_lock = threading.Lock()
_known: OrderedDict[_Key, _Answer] = OrderedDict()
