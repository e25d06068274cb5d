"""A run as an object."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.taskfile.runs import Run

from .tables import html_table, value_text


@dataclass(frozen=True)
class TaskRun(Run):
    """A run that shows itself; see `core.runs.Run` for what it holds."""

    @classmethod
    def of(cls, run: Run) -> TaskRun:
        """Return a run as one that shows itself."""
        return cls(**vars(run))

    def _repr_html_(self) -> str:
        began = (
            ""
            if self.started_at is None
            else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.started_at))
        )
        facts = {
            "status": self.status,
            "started": began,
            "duration": duration_text(self.duration),
            "exit code": value_text(self.exit_code),
            **{key: value_text(value) for key, value in self.records.items()},
            "host": value_text(self.environment.get("host")),
            "source": self.source,
        }
        cells = [[key, text] for key, text in facts.items() if text]
        return html_table(["", ""], cells, f"Run {self.index}")
