"""Events of Jupyter Server: a task failed or stalled, a run sent an alert, all tasks ended, a study ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.runs import ACTIVE, CANCELLED, COMPLETED, FAILED, RUNNING
from pyruns_jupyter.core.tasks.failure_groups import failure_groups, failures_summary
from pyruns_jupyter.core.tasks.index import Changes
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.studies.definition import read_study
from pyruns_jupyter.studies.launch import active_studies

_FOLDER = files(__package__) / "event_schemas"
_MAX_READ = 500  # failed tasks whose errors are read for a summary, which other requests wait for
_MAX_COMPARED = 2000  # other tasks to which they are compared
_NAMES = ("task_failed", "task_silent", "alert_sent", "batch_finished", "study_ended")

Event = tuple[str, dict[str, Any]]
Emit = Callable[[str, dict[str, Any]], None]


def register_events(logger: Any) -> Emit:
    """Register the event schemas with the server's event logger and return a function that emits an event."""
    for name in _NAMES:
        logger.register_event_schema((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))

    def emit(name: str, data: dict[str, Any]) -> None:
        schema_id = f"https://events.jupyter.org/pyruns_jupyter/{name}/v1"
        logger.emit(schema_id=schema_id, data=data)

    return emit


class EventDetector:
    """Detects the events of one workspace in the changes of its index."""

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self._workspace = workspace
        self._studies: set[str] = set()
        self._active: dict[str, str] = {}  # name -> status
        self._runs: dict[str, int] = {}  # name -> number of the latest run
        self._looked_at: int | None = None  # epoch seconds, rounded down like the times of runs
        self._silent: set[str] = set()
        self._alerts: dict[str, tuple[int, int]] = {}  # name -> run and number of its alerts
        self._ended: Counter[str] = Counter()  # by status, since no task was active
        self._ended_rows: dict[str, TaskRow] = {}  # of these, for a summary

    @property
    def running(self) -> int:
        """The number of running tasks at the last look."""
        return sum(status == RUNNING for status in self._active.values())

    @property
    def has_studies(self) -> bool:
        """Whether studies were active at the last look."""
        return bool(self._studies)

    def take(self, changes: Changes) -> list[Event]:
        """Return the events that follow from changes, without the key `workspace`."""
        events = self._ended_studies()
        before, self._looked_at = self._looked_at, int(time.time())
        changed = changes.changed
        if before is None:  # nothing of the tasks that are neither active nor have an alert is news
            self._runs = {row.name: row.run for row in changed if row.readable}
            changed = [row for row in changed if row.status in ACTIVE or row.alert is not None]
        for row in changed:
            if not row.readable:  # it may still be running
                continue
            last_run, self._runs[row.name] = self._runs.get(row.name, 0), row.run
            if row.silent_since is None:
                self._silent.discard(row.name)
            elif row.name not in self._silent:
                self._silent.add(row.name)
                silent = {"task": row.name, "run": row.run, "silent_since": row.silent_since}
                events.append(("task_silent", silent))
            was_active = row.name in self._active
            if row.alert is not None:
                seen = (row.run, row.alert.number)
                is_new = self._alerts.get(row.name) != seen
                self._alerts[row.name] = seen
                if is_new and before is not None and (was_active or row.alert.time >= before):
                    alert = row.alert._asdict()
                    facts = {key: alert[key] for key in ("level", "title", "text")}
                    events.append(("alert_sent", {"task": row.name, "run": row.run, **facts}))
            if row.status in ACTIVE:
                self._active[row.name] = row.status
                continue
            # A run may start and end between two looks. The run of a restored task ended before.
            was_missed = before is not None and row.run > last_run and (row.finished_at or 0.0) >= before
            if self._active.pop(row.name, None) is None and not was_missed:
                continue
            self._ended[row.status] += 1
            self._ended_rows[row.name] = row
            if row.status == FAILED:
                facts = {"run": row.run, "exit_code": row.exit_code, "message": row.message}
                events.append(("task_failed", {"task": row.name, **facts}))
        for name in changes.removed:
            self._active.pop(name, None)
            self._runs.pop(name, None)
            self._silent.discard(name)
            self._alerts.pop(name, None)
        if self._ended and not self._active and not self._studies:
            counts: dict[str, Any] = {
                status: self._ended[status] for status in (COMPLETED, FAILED, CANCELLED)
            }
            events.append(("batch_finished", counts | self._summary()))
            self._ended.clear()
            self._ended_rows.clear()
        return events

    def _summary(self) -> dict[str, str]:
        """Return a summary of the failures, if there are any."""
        rows = self._ended_rows.values()
        failed = [row for row in rows if row.status == FAILED]
        others = [row for row in rows if row.status != FAILED]
        chosen = failed[:_MAX_READ] + others[:_MAX_COMPARED]
        groups = failure_groups(self._workspace, chosen, [row.swept for row in chosen])
        text = failures_summary(groups, max(0, len(failed) - _MAX_READ), len(rows) - len(chosen))
        return {"summary": text} if text else {}

    def _ended_studies(self) -> list[Event]:
        """Return an event for each study that was active at the last look and has ended."""
        active = active_studies(self._workspace)
        over, self._studies = sorted(self._studies - active), active
        events: list[Event] = []
        for name in over:
            with suppress(PyrunsError, OSError):  # deleted or damaged
                found = read_study(self._workspace, name)
                if not found.is_active:
                    events.append(
                        ("study_ended", {"study": name, "state": found.state, "message": found.message})
                    )
        return events
