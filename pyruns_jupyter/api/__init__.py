"""The Python API for notebooks and scripts, with workspaces, plans and tasks as objects.

It does not depend on Jupyter. The command line and the notebook widgets are built on it.
"""

from .plan import Plan
from .task import Task
from .task_list import TaskList
from .workspace import Workspace

__all__ = ["Plan", "Task", "TaskList", "Workspace"]
