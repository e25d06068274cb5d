"""What each verb does. A verb returns the exit code: 0, or 1 when a task or target failed."""

from . import changing, configuring, creating, doctoring, exporting, looking, running, trashing
from .creating import create, show_plan
from .shared import Verb

__all__ = ["VERBS", "create", "show_plan"]

VERBS: dict[str, Verb] = {
    **creating.VERBS,
    **running.VERBS,
    **looking.VERBS,
    **changing.VERBS,
    **trashing.VERBS,
    **exporting.VERBS,
    **doctoring.VERBS,
    **configuring.VERBS,
}
