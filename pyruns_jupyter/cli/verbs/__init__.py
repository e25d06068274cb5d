"""What each verb does, and its words. A verb returns the exit code: 0, or 1 when a task or target failed."""

from . import changing, creating, exporting, looking, project, running, searching, trashing

ALL = (creating, running, searching, looking, exporting, changing, trashing, project)
