"""The stacks of the processes of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta

from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client import stacks

from .logs import LogRequest
from .request import TaskRequest

MAX_SECONDS = 60


class StackRequest(TaskRequest, frozen=True):
    """A request for the stacks of a running task, and how long to wait for them."""

    seconds: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] = stacks.WAIT_SECONDS


def stored_stacks(workspace: WorkspaceFolder, wanted: LogRequest) -> dict[str, Any]:
    """Return the stored `StackDump` of a run.

    Raises:
        NotFound: if there is none.
        OSError: if it cannot be read.
    """
    return vars(stacks.stored_stacks(workspace, wanted.task, wanted.run))


def request_stacks(
    workspace: WorkspaceFolder, wanted: StackRequest, is_abandoned: Callable[[], bool]
) -> dict[str, Any]:
    """Return a new `StackDump` of a running task; see `engine.client.stacks.request_stacks`."""
    found = stacks.request_stacks(workspace, wanted.task, seconds=wanted.seconds, is_abandoned=is_abandoned)
    return vars(found)
