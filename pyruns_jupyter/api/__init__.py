"""The Python API for notebooks and scripts, with workspaces, plans and tasks as objects.

It does not depend on Jupyter. The command line and the notebook widgets are built on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .task import Task
from .task_list import TaskList
from .workspace import Workspace

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["Plan", "Task", "TaskList", "Workspace"]


def __getattr__(name: str) -> Any:
    if name != "Plan":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .plan import Plan  # slow to import, and only what creates tasks needs it

    return Plan
