"""What tasks and the scheduler inherit from the front end that queues or starts them."""

from __future__ import annotations

import os
from collections.abc import Mapping

# What tells a process that it is part of a run must not reach another one.
RUN_VARIABLES = (
    "PYRUNS_RUN_INDEX",
    "PYRUNS_RUN_ATTEMPT_ID",
    "PYRUNS_TASK_DIR",
    "PYRUNS_ASSIGNED_GPUS",
    "__PYRUNS_CONFIG__",
    "__PYRUNS_ROOT__",
)
# Of the front end's terminal or of its Jupyter session, and wrong for a process that has its own.
_NOT_FOR_TASKS = (*RUN_VARIABLES, "COLUMNS", "LINES", "JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_API_TOKEN")


def front_end_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what tasks inherit from a front end: its environment without what belongs to it alone."""
    source = os.environ if environment is None else environment
    kept = {
        str(name): str(value)
        for name, value in source.items()
        if name and "=" not in name and "\0" not in f"{name}{value}" and name not in _NOT_FOR_TASKS
    }
    if kept.get("MPLBACKEND", "").startswith("module://"):
        del kept["MPLBACKEND"]  # draws into a notebook, which a task has none of
    return kept
