"""The alerts of one run: those that its script sends, and those of rules that watch its metrics and output.

The supervisor calls `beat` regularly, which reads what is new in the journal, for a short time.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.alerts.journal import MARK, append_alert
from pyruns_jupyter.core.alerts.stored import MAX_STORED, WARNING, Alert, alert_from, store_alerts
from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.journal import ALERT, MAX_LINE_BYTES, SOURCE, TRACK, entries
from pyruns_jupyter.core.taskfile.lock import LEFT_SECONDS
from pyruns_jupyter.core.taskfile.metadata import MAX_TAGS, tags_of
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task, own
from pyruns_jupyter.engine.queue.run_files import line

if TYPE_CHECKING:
    from pyruns_jupyter.core.alerts.rules import MetricWatch, Rule

_READ_SECONDS = 1.0  # between two looks at the journal
_STORE_SECONDS = 1.0  # between two attempts to change the task file
_PIECE = 256 * 1024
_SLICE_BYTES = 2 << 20  # of one look
_LOCK_SECONDS = LEFT_SECONDS + 5  # to wait for the lock of the task file at the end


class RunAlerts:
    """Collects the alerts of a run.

    Attributes:
        due: when `beat` is to be called again (monotonic).
        stop_message: why a rule stops the run, as a sentence; empty if none does.
    """

    def __init__(
        self,
        rules: Iterable[str],
        paths: Callable[[], TaskPaths],
        run: int,
        write: Callable[[bytes], object],
    ) -> None:
        """`paths` returns where the task is now, `write` appends a line to the log."""
        self._paths, self._run, self._write = paths, run, write
        parsed: list[Rule] = []
        if texts := dict.fromkeys(rules):
            from pyruns_jupyter.core.alerts.rules import parse_rule  # few runs have rules

            parsed = [parse_rule(one) for one in texts]
        self._watches: dict[str, list[tuple[Rule, MetricWatch]]] = {}
        for rule in parsed:
            if rule.metric:
                self._watches.setdefault(rule.metric, []).append((rule, rule.watch()))
        self._silences = [rule for rule in parsed if rule.seconds]
        self._tracked: set[str] = set()  # keys that the script tracks itself
        self._alerts: list[Alert] = []
        self._tags: dict[str, None] = {}  # that the task file does not have yet
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._stored = 0
        self.stop_message = ""
        self.due = self._store_at = time.monotonic() + _READ_SECONDS

    def beat(self, now: float, quiet_since: float) -> bool:
        """Read what is new; return whether a rule stops the run. There was no output since `quiet_since`."""
        if now < self.due:
            return False
        try:
            self._look(now, quiet_since)
        except Exception as error:  # noqa: BLE001  # whatever the files contain, the run continues
            self._give_up(error)
        return bool(self.stop_message)

    def is_silent_too_long(self, now: float, quiet_since: float) -> bool:
        """Whether there was no output for as long as a rule allows."""
        return any(now - quiet_since >= rule.seconds for rule in self._silences)

    def _look(self, now: float, quiet_since: float) -> None:
        for rule in self._silences[:]:
            if now - quiet_since >= rule.seconds:
                self._silences.remove(rule)
                self._fire(rule, f"There has been no output for {duration_text(rule.seconds)}.")
        more = self._read(_SLICE_BYTES)
        if self._has_unstored and now >= self._store_at:
            self._store(timeout=0.0)
            self._store_at = now + _STORE_SECONDS
        self.due = now if more else now + _READ_SECONDS
        if self._silences:
            self.due = min(self.due, quiet_since + min(rule.seconds for rule in self._silences))

    @property
    def _has_unstored(self) -> bool:
        return self._stored < len(self._alerts) or bool(self._tags)

    def _give_up(self, error: Exception) -> None:
        self.due = math.inf
        self._watches, self._silences = {}, []
        self._write(line(f"The alerts of this run are no longer watched: {type(error).__name__}: {error}"))

    def finish(self) -> None:
        """Read the rest and store the alerts. The run has ended."""
        self._silences = []
        try:
            while self.due < math.inf and self._read(_SLICE_BYTES):
                pass
        except Exception as error:  # noqa: BLE001  # as in `beat`
            self._give_up(error)
        if self._has_unstored:
            self._store(timeout=_LOCK_SECONDS)

    def _add(self, alert: Alert) -> None:
        if len(self._alerts) < MAX_STORED:
            self._alerts.append(alert)
            more = f": {alert.text}" if alert.text else ""
            self._write(line(f"Alert ({alert.level}): {alert.title}{more}"))

    def _fire(self, rule: Rule, text: str) -> None:
        from pyruns_jupyter.core.alerts.rules import STOP, TAG

        if rule.action == STOP and not self.stop_message:
            self.stop_message = f"Stopped by the alert rule '{rule.condition}'. {text}"
        if rule.action == TAG:
            self._tags[rule.tag] = None
        alert = Alert(round(time.time(), 3), rule.condition, text, WARNING, rule.text)
        self._add(alert)
        with suppress(OSError):  # where it is found if this process dies before it is in the task file
            append_alert(self._paths().journal(self._run), alert)

    def _read(self, most: int) -> bool:
        """Read new lines of the journal, `most` bytes or less; return whether there are more."""
        try:
            descriptor = open_regular(self._paths().journal(self._run))
        except OSError:
            return False
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            file = (status.st_dev, status.st_ino)
            if file != self._file or status.st_size < self._offset:
                self._file, self._offset = file, 0
            end = self._offset + most
            while self._offset < min(end, status.st_size):
                stream.seek(self._offset)
                data = stream.read(min(_PIECE, status.st_size - self._offset))
                cut = data.rfind(b"\n") + 1
                while not cut and len(data) < MAX_LINE_BYTES + _PIECE and (more := stream.read(_PIECE)):
                    data += more
                    cut = data.rfind(b"\n") + 1
                if not cut and len(data) < MAX_LINE_BYTES:
                    return False  # the rest of the line comes later
                self._take(data[:cut])
                self._offset += cut or len(data)
            return self._offset < status.st_size

    def _take(self, data: bytes) -> None:
        if self._watches or MARK in data:
            for entry in entries(data):
                if ALERT in entry:
                    alert = alert_from(entry[ALERT], entry.get("t"))
                    if alert is not None and not alert.rule:  # those of rules are known
                        self._add(alert)
                point = entry.get(TRACK)
                if self._watches and type(point) is dict:
                    self._watch(point, SOURCE in entry)

    def _watch(self, point: dict[str, Any], is_imported: bool) -> None:
        from pyruns_jupyter.core.alerts.rules import number_of

        for key in self._watches.keys() & point.keys():
            if is_imported and key in self._tracked:
                continue
            if not is_imported:
                self._tracked.add(key)
            value = number_of(point[key])
            if value is None:
                continue
            for pair in self._watches[key][:]:
                rule, watch = pair
                if watch.add(value, point):
                    self._watches[key].remove(pair)
                    self._fire(rule, f"{key} = {value:g}.")

    def _store(self, *, timeout: float) -> None:
        try:
            with edit_task(self._paths().folder, durable=False, timeout=timeout) as info:
                store_alerts(info, self._run, self._alerts)
                tags = list(tags_of(info))
                missing = [tag for tag in self._tags if tag not in tags][: max(0, MAX_TAGS - len(tags))]
                if missing:
                    own(info)["tags"] = [*tags, *missing]
        except (OSError, PyrunsError):
            return  # locked: the next attempt, or the end of the run, stores them
        self._stored, self._tags = len(self._alerts), {}
