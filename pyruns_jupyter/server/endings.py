"""Noticing that tasks end, in what an index says of its changes, and telling the server's event system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from ..core.index import Changes
from ..core.runs import ACTIVE, CANCELLED, COMPLETED, FAILED, RUNNING

_FOLDER = files(__package__) / "event_schemas"
_NAMES = ("task_failed", "task_silent", "batch_finished")

Emit = Callable[[str, dict[str, Any]], None]


def register_events(logger: Any) -> Emit:
    """Make our events known to the server's event logger; return what emits one by its name."""
    for name in _NAMES:
        logger.register_event_schema((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))

    def emit(name: str, data: dict[str, Any]) -> None:
        schema_id = f"https://events.jupyter.org/pyruns_jupyter/{name}/v1"
        logger.emit(schema_id=schema_id, data=data)

    return emit


class Endings:
    """The tasks of one workspace that wait or run."""

    def __init__(self) -> None:
        self._active: dict[str, str] = {}  # name -> status
        self._silent: set[str] = set()
        self._ended: Counter[str] = Counter()  # since the workspace was at rest

    @property
    def running(self) -> int:
        """How many tasks run, as far as it is known."""
        return sum(status == RUNNING for status in self._active.values())

    def take(self, changes: Changes) -> list[tuple[str, dict[str, Any]]]:
        """Take up what changed; return the events that come of it, without their workspace."""
        events: list[tuple[str, dict[str, Any]]] = []
        for row in changes.changed:
            if row.silent_since is None:
                self._silent.discard(row.name)
            elif row.name not in self._silent:
                self._silent.add(row.name)
                silent = {"task": row.name, "run": row.run, "silent_since": row.silent_since}
                events.append(("task_silent", silent))
            if row.status in ACTIVE:
                self._active[row.name] = row.status
                continue
            if self._active.pop(row.name, None) is None:
                continue
            self._ended[row.status] += 1
            if row.status == FAILED:
                facts = {"run": row.run, "exit_code": row.exit_code, "message": row.message}
                events.append(("task_failed", {"task": row.name, **facts}))
        for name in changes.removed:
            self._active.pop(name, None)
            self._silent.discard(name)
        if self._ended and not self._active:
            counts = {status: self._ended[status] for status in (COMPLETED, FAILED, CANCELLED)}
            events.append(("batch_finished", counts))
            self._ended.clear()
        return events
