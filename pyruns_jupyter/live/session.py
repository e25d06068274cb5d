"""One request to one workspace, as the event loop of its front end carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.operations import Abandoned

from .runtime import LiveRuntime
from .watcher import MAX_AGE_SECONDS, Watcher

T = TypeVar("T")


@dataclass(frozen=True)
class Encoded:
    """A result that is JSON already."""

    text: str


class LiveSession:
    """The part of a `Session` that is the same for all front ends: which threads do the work."""

    def __init__(self, runtime: LiveRuntime, workspace: WorkspaceFolder | None = None) -> None:
        """Without a `workspace`, `open` has to find it."""
        self.runtime = runtime
        self._workspace = workspace

    @property
    def is_abandoned(self) -> bool:
        return self.runtime.is_stopping

    async def open(self) -> WorkspaceFolder:
        assert self._workspace is not None
        return self._workspace

    @property
    def watcher(self) -> Watcher:
        """The watcher of the workspace, which was opened before."""
        assert self._workspace is not None, "the operation has not opened the workspace"
        return self.runtime.watcher(self._workspace)

    async def look(self, read: Callable[[TaskIndex], T], *, refresh: bool = False) -> T:
        return await self.watcher.look(read, max_age=0.0 if refresh else MAX_AGE_SECONDS)

    async def answer(self, question: Any, read: Callable[[TaskIndex], Callable[[], object]]) -> object:
        return Encoded(self.watcher.known(question) or await self.watcher.answer(question, read))

    async def run(self, function: Callable[[], T]) -> T:
        return await self.runtime.run(function)

    async def search(self, function: Callable[[], T]) -> T:
        return await self.runtime.search(self._unless_abandoned(function))

    async def preview(self, function: Callable[[], T]) -> T:
        return await self.runtime.preview(self._unless_abandoned(function))

    def touch(self) -> None:
        self.watcher.touch()

    def _unless_abandoned(self, function: Callable[[], T]) -> Callable[[], T]:
        """Return a function that raises Abandoned when the client has gone before its turn."""

        def checked() -> T:
            if self.is_abandoned:
                raise Abandoned
            return function()

        return checked
