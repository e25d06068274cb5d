"""What each verb does. A verb returns the exit code: 0, or 1 when a task or target failed."""

from . import changing, configuring, creating, doctoring, exporting, looking, running, searching, trashing
from .creating import create, show_plan
from .searching import optimize
from .shared import Verb

__all__ = ["VERBS", "create", "optimize", "show_plan"]

VERBS: dict[str, Verb] = {
    **creating.VERBS,
    **running.VERBS,
    **searching.VERBS,
    **looking.VERBS,
    **changing.VERBS,
    **trashing.VERBS,
    **exporting.VERBS,
    **doctoring.VERBS,
    **configuring.VERBS,
}
