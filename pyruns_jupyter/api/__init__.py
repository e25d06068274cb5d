"""The Python API: workspaces, plans and tasks as objects, in a notebook, a script or a terminal.

It does not depend on Jupyter. The command line and the notebook part use it.
"""

from .plan import Plan
from .task import Task
from .task_list import TaskList
from .workspace import Workspace

__all__ = ["Plan", "Task", "TaskList", "Workspace"]
