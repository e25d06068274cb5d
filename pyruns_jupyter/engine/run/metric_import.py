"""Append the points that a script logs with other packages to the journal of its run, while it runs.

The supervisor does this between copying output and its other work, in short slices. Everything that reads
metrics (curves, tables, queries, studies) then finds these points where the values of `track` are.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.metrics.journal import Appender, encode_points
from pyruns_jupyter.core.metrics.sources.base import NotMetrics, Point, Source, SourceError
from pyruns_jupyter.core.metrics.sources.facts import MAX_FACTS, store_facts
from pyruns_jupyter.core.metrics.sources.formats import PRINTED, log_text
from pyruns_jupyter.core.metrics.sources.metric_names import (
    MAX_POINTS,
    MAX_SOURCES,
    MAX_VALUES,
    TOO_LONG,
    TOO_MANY,
    TOO_MANY_KEYS,
    TOO_MANY_SOURCES,
    MetricNames,
)
from pyruns_jupyter.core.taskfile.lock import LEFT_SECONDS
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.processes.descendants import descendants
from pyruns_jupyter.engine.processes.native import has_children
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.run_files import printable

from .metric_files import LOG, MetricFile, MetricFiles

_FIRST_SECONDS = 0.3  # a run that ends earlier is only looked at when it has ended
_READ_SECONDS = 1.0  # between two reads of all sources
_OPEN_SECONDS, _SCAN_SECONDS = 0.4, 2.0  # between two searches in open files, and in folders
_SHARE = 1000  # a search takes at most this part of a core; waiting for a busy host does not count
_MAX_PAUSE = 10.0  # seconds to save it: a file that is open only meanwhile is not found
_WALL_SHARE = 10  # a search in folders takes at most this part of the time, also on a slow file system
_SLICE_SECONDS = 0.03  # of reading, before output is copied again
_FINISH_SECONDS = 60.0  # to read the rest when the run has ended
_WAIT_SECONDS, _WAIT_STEP = 10.0, 0.05  # then, for a database that another program uses
_LOCK_SECONDS = LEFT_SECONDS + 5  # to wait for the lock of the task file at the end
_STORE_SECONDS = 1.0  # to wait before a locked task file is tried again
_MAX_MESSAGES = 10  # in the log of a run
_GONE = "The file no longer exists."


class _ImportedFile:
    def __init__(self, number: int, file: MetricFile, attempt: str) -> None:
        self.number = number
        self.file = file
        self.source: Source | None = file.format.open(Path(file.path), file.offset, attempt)
        self.offset = file.offset
        self.points = 0
        self.message = ""

    def stop(self, message: str) -> None:
        self.source, self.message = None, message


class MetricImport:
    """Imports the metrics of one run.

    Attributes:
        due: when `beat` is to be called again (monotonic).
    """

    def __init__(
        self,
        job: Job,
        paths: Callable[[], TaskPaths],
        run: int,
        workdir: str,
        patterns: Sequence[str] | None = None,
    ) -> None:
        """`paths` returns where the task is now. With `patterns`, metrics are also found in the text of the
        log (see `LogPatterns`). To be called before the script is started.
        """
        self._paths, self._run, self._attempt = paths, run, job.attempt
        self._workdir = os.path.realpath(workdir)
        self._task = task = paths()
        self._files = MetricFiles(
            job.root, task.folder, Path(self._workdir), task.artifact_dir(run), job.attempt
        )
        log = str(task.log(run))
        self._imported = [_ImportedFile(1, MetricFile(log, PRINTED, 0, LOG), job.attempt)]
        if patterns is not None:
            text = MetricFile(log, log_text(patterns), 0, LOG)
            self._imported.append(_ImportedFile(2, text, job.attempt))
        self._logs = [*self._imported]
        self._names = MetricNames()
        self._rest: Iterator[_ImportedFile] | None = None  # that were not read yet in this round
        self._journal: Appender | None = None
        self._unwritten = b""
        self._points = self._values = 0
        now = time.monotonic()
        self.due = self._open_at = now + _FIRST_SECONDS
        self._scan_at = now + _SCAN_SECONDS
        self._read_at = self._store_at = 0.0
        self._stored: list[tuple[str, str | None]] = []
        self._limits: dict[str, dict[str, Any]] = {}  # by message, what is stored about a limit of the run

    def beat(self, now: float) -> None:
        """Find and read what is new, for a short time."""
        if now < self.due:
            return
        if now >= self._open_at:
            began = time.thread_time()
            self._add(self._files.open_files(set(descendants(os.getpid()))))
            cost = min(_MAX_PAUSE, (time.thread_time() - began) * _SHARE)
            self._open_at = now + max(_OPEN_SECONDS, cost)
        if now >= self._scan_at:
            began, asked_at = time.thread_time(), time.monotonic()
            self._scan()
            cost = min(_MAX_PAUSE, (time.thread_time() - began) * _SHARE)
            self._scan_at = now + max(_SCAN_SECONDS, cost, (time.monotonic() - asked_at) * _WALL_SHARE)
        more = False
        if now >= self._read_at:
            more = self._read(time.monotonic() + _SLICE_SECONDS)
            self._read_at = now if more else now + _READ_SECONDS
        if now >= self._store_at and not self._store(is_final=False):
            self._store_at = now + _STORE_SECONDS
        self.due = now if more else min(self._open_at, self._scan_at, self._read_at)

    def finish(self, pid: int | None) -> None:
        """Read the rest, for a limited time. The run has ended; `pid` is its first process."""
        if pid is not None:
            self._files.add_pid(pid)
        if has_children():
            self._add(self._files.open_files(set(descendants(os.getpid()))))
        self._scan()
        self._rest = None
        for source in self._sources():
            source.has_ended = True
        now = time.monotonic()
        end, wait_end = now + _FINISH_SECONDS, now + _WAIT_SECONDS
        while (has_more := self._read(end)) or any(source.waits for source in self._sources()):
            if time.monotonic() > (end if has_more else wait_end):
                break
            if not has_more:
                time.sleep(_WAIT_STEP)
        for imported in self._imported:
            if (rest := imported.source) is not None and (rest.has_more or rest.waits):
                imported.stop("The run ended before the file was read completely.")
        self._store(is_final=True)
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _sources(self) -> list[Source]:
        return [imported.source for imported in self._imported if imported.source is not None]

    def _store(self, *, is_final: bool) -> bool:
        """Store the sources in the task file; unless `is_final`, only if there are new ones or messages.

        Other runs in the same working folder read there which files are not theirs, so new ones are stored at
        once. Returns whether they are stored: not if the file is locked now.
        """
        facts = self._facts()
        names = [(fact["path"], fact.get("message")) for fact in facts]
        if names != self._stored or (is_final and facts):
            timeout = _LOCK_SECONDS if is_final else 0.0
            try:
                with edit_task(self._paths().folder, durable=False, timeout=timeout) as info:
                    store_facts(info, self._run, facts)
            except (OSError, PyrunsError):
                return False
            self._stored = names
        return True

    def messages(self) -> list[str]:
        """Return the messages for the user about files that were not imported, or not completely."""
        facts = [fact for fact in self._facts() if "message" in fact]
        return [
            f"Metrics of {fact['path']} ({fact['format']}): {fact['message']}"
            for fact in facts[:_MAX_MESSAGES]
        ]

    def _facts(self) -> list[dict[str, Any]]:
        facts = []
        for imported in self._imported:
            is_read = imported.source is not None and imported.file.format.has_images
            message = imported.message
            if imported.source is not None and imported.points and not message:
                message = imported.source.notice
            if imported.points or message or is_read:
                fact = self._fact(imported.file, imported.offset, imported.points)
                facts.append(fact | ({"message": message} if message else {}))
        facts += self._limits.values()
        for path, (file_format, message) in self._files.undecided.items():
            facts.append({"format": file_format.name, "path": self._shown(path), "message": message})
        facts.sort(key=lambda fact: "message" not in fact)
        return facts[:MAX_FACTS]

    def _fact(self, file: MetricFile, offset: int = 0, points: int = 0) -> dict[str, Any]:
        return {
            "format": file.format.name,
            "path": self._shown(file.path),
            "reason": file.reason,
            "offset": offset,
            "points": points,
        }

    def _add_limit(self, file: MetricFile, message: str) -> None:
        """Remember that the run exceeds a limit, first with this file."""
        if message not in self._limits:
            self._limits[message] = self._fact(file) | {"message": message}

    def _shown(self, path: str) -> str:
        """Return a path for users, relative to the working folder if it is below it."""
        inside = path.startswith(self._workdir + os.sep)
        return printable(os.path.relpath(path, self._workdir) if inside else path)

    def _scan(self) -> None:
        with suppress(OSError, PyrunsError, ValueError):  # a folder is gone: the next scan may succeed
            self._add(self._files.new_files())
        for imported in self._imported:
            message = self._files.shared.get(imported.file.path)
            if message and imported.source is not None:
                imported.stop(message)

    def _add(self, files: list[MetricFile]) -> None:
        for file in sorted(files, key=lambda file: file.path):  # so that the same run has the same names
            if len(self._imported) < MAX_SOURCES:
                self._imported.append(_ImportedFile(len(self._imported) + 1, file, self._attempt))
            else:
                self._add_limit(file, TOO_MANY_SOURCES)

    def _read(self, end: float) -> bool:
        """Read all sources until `end` (monotonic); return whether more can be read at once."""
        if not self._write(b""):
            return False
        paths = self._paths()
        for log in self._logs if paths is not self._task else ():
            if log.source is not None:
                log.source.path = paths.log(self._run)  # the project was moved
        self._task = paths
        rest = self._rest or iter([*self._imported])
        for imported in rest:
            while (source := imported.source) is not None:
                if not self._write(self._read_slice(imported, source)):
                    return False
                if not source.has_more or source.waits:
                    break
                if time.monotonic() > end:
                    self._rest = itertools.chain([imported], rest)
                    return True
            if time.monotonic() > end:
                self._rest = rest
                return True
        self._rest = None
        return False

    def _read_slice(self, imported: _ImportedFile, source: Source) -> bytes:
        """Return the lines of the journal for the next points of a source."""
        lines = b""
        try:
            points = source.read()
            if imported.message == _GONE:
                imported.message = ""
            lines = self._lines(imported, points)
        except NotMetrics:
            imported.source = None
        except SourceError as error:
            imported.stop(str(error))
        except FileNotFoundError:
            imported.message = _GONE
            source.has_more = source.waits = False
            if not imported.file.format.is_rewritten:
                imported.source = None
        except OSError as error:
            imported.stop(f"The file cannot be read: {error.strerror or error}.")
        except Exception as error:  # noqa: BLE001  # whatever the file contains: the run continues
            imported.stop(f"The file cannot be read: {type(error).__name__}.")
        imported.offset = source.offset
        if self._points > MAX_POINTS or self._values > MAX_VALUES:
            imported.stop(TOO_MANY)
        return lines

    def _lines(self, imported: _ImportedFile, points: list[Point]) -> bytes:
        now, parts = time.time(), list[bytes]()
        if points and imported.file.format.family:
            self._files.families.add(imported.file.format.family)
        named = self._names.named(imported.file.path, imported.file.format, points)
        dated = [(now if moment is None else moment, values) for moment, values in named]
        if self._names.is_full:
            self._add_limit(imported.file, TOO_MANY_KEYS)
        try:
            for part in encode_points(dated, imported.number):
                parts.append(part)
        except ValueError:
            imported.stop(TOO_LONG)
        lines = b"".join(parts)
        imported.points += lines.count(b"\n")
        self._values += sum(len(values) for _, values in dated)
        self._points += len(points)
        return lines

    def _write(self, lines: bytes) -> bool:
        """Append lines to the journal; return False if the rest has to wait for room on the disk."""
        self._unwritten += lines
        if not self._unwritten:
            return True
        try:
            if self._journal is None or not self._journal.usable:
                path = self._paths().journal(self._run)
                path.parent.mkdir(exist_ok=True)
                self._journal = Appender(path)
            written = self._journal.write(self._unwritten)
        except OSError:
            return False
        # A line that was written partly does not count: it is written again.
        complete = self._unwritten.rfind(b"\n", 0, written) + 1
        self._unwritten = self._unwritten[complete:]
        return not self._unwritten
