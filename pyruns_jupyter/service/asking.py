"""Asking a script for its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta

from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from . import generator
from .request import Request

MAX_SECONDS = 600


class AskRequest(Request, frozen=True):
    """A request to run a script up to its command-line parser."""

    stub_missing: bool = False
    seconds: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] = 60.0


def ask(workspace: WorkspaceFolder, wanted: AskRequest, is_abandoned: Callable[[], bool]) -> dict[str, Any]:
    """Ask a script and return the `AskResult`.

    Raises:
        InvalidInput: if the workspace has no Python script.
        PyrunsError: if it cannot be started, or the answer cannot be stored.
    """
    from pyruns_jupyter.engine.run.ask_script import ask_script  # few scripts are asked

    asked = ask_script(
        workspace, stub_missing=wanted.stub_missing, seconds=wanted.seconds, is_abandoned=is_abandoned
    )
    stop = asked.answer.stop
    return {
        "problem": asked.problem or None,
        "missing": (stop.missing if stop is not None else "") or None,
        "output": asked.output if stop is not None else "",
        "parameters": parameters(workspace),
    }


def parameters(workspace: WorkspaceFolder) -> dict[str, Any]:
    """Return the `Parameters` of a workspace, with the date of a stored answer."""
    from pyruns_jupyter.engine.run.ask_script import known_answer  # as in `ask`

    answer = generator.parameters(workspace)
    stored = known_answer(workspace)
    if stored is None:
        return {**answer, "asked": None}
    record = stored.record
    description = {
        "asked_at": record.asked_at,
        "interpreter": record.interpreter,
        "library": record.answer.library or record.answer.framework,
        "stubbed": list(record.answer.stubbed),
        "written": list(record.answer.written),
        "changed": stored.changed or None,
    }
    return {**answer, "asked": description}
