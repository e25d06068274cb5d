"""The Python API for notebooks and scripts, with workspaces, plans and tasks as objects.

It does not depend on Jupyter. The command line and the notebook widgets are built on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .task import Task
from .task_list import TaskList
from .workspace import Workspace

if TYPE_CHECKING:
    from .executor import Executor
    from .plan import Plan

__all__ = ["Executor", "Plan", "Task", "TaskList", "Workspace"]

_RARE = {"Executor": ".executor", "Plan": ".plan"}  # slow to import, and few programs need them


def __getattr__(name: str) -> Any:
    if name not in _RARE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_RARE[name], __name__), name)
