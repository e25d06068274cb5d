"""The Python interface: workspaces, plans and tasks as objects, in a notebook, a script or a terminal.

It stands on the engine and knows no Jupyter; the command line and the notebook stand on it.
"""

from .plan import Plan
from .task import Task, TaskList
from .workspace import Workspace

__all__ = ["Plan", "Task", "TaskList", "Workspace"]
