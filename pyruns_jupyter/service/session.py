"""What an operation needs of the front end that performs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .workspaces import ListRequest, OpenRequest

T = TypeVar("T")


class Session(Protocol):
    """A request of one client, mostly to one workspace."""

    @property
    def max_tasks(self) -> int: ...  # that one request may create

    @property
    def max_jobs(self) -> int | None: ...  # parallel tasks of one batch on this machine

    @property
    def is_abandoned(self) -> bool: ...  # whether the client is gone

    async def open(self) -> WorkspaceFolder:
        """Return the workspace, or raise NotFound."""

    async def is_allowed(self, action: str) -> bool:
        """Return whether the user may perform `action`."""

    async def require(self, action: str) -> None:
        """Raise Forbidden if the user may not perform `action`."""

    async def look(self, read: Callable[[TaskIndex], T], *, refresh: bool = False) -> T:
        """Return what `read` returns for the workspace's index, with `refresh` after reading the disk."""

    async def answer(self, question: object, read: Callable[[TaskIndex], Callable[[], object]]) -> object:
        """Return what the function that `read` returns returns; the same question may get a cached result
        until the workspace changes.
        """

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function that waits for the disk."""

    async def search(self, function: Callable[[], T]) -> T:
        """Run a function that may take seconds, or raise Abandoned."""

    async def import_runs(self, function: Callable[[], T]) -> T:
        """Run a function that may take minutes, or raise Abandoned."""

    async def ask(self, function: Callable[[], T]) -> T:
        """Run a function that waits for a script, or raise Abandoned."""

    async def poll(self, function: Callable[[], T]) -> T:
        """Run a function that waits for the supervisor of a task, or raise Abandoned."""

    async def preview(self, function: Callable[[], T]) -> T:
        """Run a function that reads a script or a configuration, or raise Abandoned or Busy."""

    def touch(self) -> None:
        """Note that this request changed the disk."""

    async def describe(self) -> dict[str, Any]:
        """Return the `Workspace`."""

    async def list_workspaces(self, wanted: ListRequest) -> list[dict[str, Any]]:
        """Return a `Workspace` for each workspace that the client can open."""

    async def open_workspace(self, wanted: OpenRequest) -> object:
        """Return the `Workspace` of a script or folder, as `Created` if it is new."""

    def target(self, path: str) -> Path:
        """Return the file or folder that a client names, or raise InvalidInput or NotFound."""

    async def sample(self) -> object:
        """Return a `SystemSample`."""

    def problems(self) -> list[str]:
        """Return a message for each background failure."""
