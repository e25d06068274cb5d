"""A request to one workspace: the part of a session that the server and the kernel share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import NotFound, PyrunsError, os_sentence
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.operations import Abandoned
from pyruns_jupyter.service.workspaces import damaged_model, has_active_tasks, workspace_model
from pyruns_jupyter.system.samples import Sample

from .runtime import LiveRuntime
from .watcher import MAX_AGE_SECONDS, Watcher

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Encoded:
    """A result that is already JSON."""

    text: str


class LiveSession:
    """Runs the work of a request in the threads of a `LiveRuntime`; see `service.operations.Session`."""

    def __init__(self, runtime: LiveRuntime, workspace: WorkspaceFolder | None = None) -> None:
        """Without a `workspace`, the subclass has to find it in `open`."""
        self.runtime = runtime
        self._workspace = workspace

    @property
    def is_abandoned(self) -> bool:
        return self.runtime.is_stopping

    def path_of(self, path: Path) -> str | None:
        """Return the path that the client uses, None if the client cannot reach it."""
        return str(path)

    async def open(self) -> WorkspaceFolder:
        assert self._workspace is not None
        return self._workspace

    @property
    def watcher(self) -> Watcher:
        """The watcher of the workspace, which must be open."""
        assert self._workspace is not None, "the operation has not opened the workspace"
        return self.runtime.watchers.get(self._workspace)

    async def look(self, read: Callable[[TaskIndex], T], *, refresh: bool = False) -> T:
        return await self.watcher.look(read, max_age=0.0 if refresh else MAX_AGE_SECONDS)

    async def answer(self, question: Any, read: Callable[[TaskIndex], Callable[[], object]]) -> object:
        return Encoded(self.watcher.known(question) or await self.watcher.answer(question, read))

    async def run(self, function: Callable[[], T]) -> T:
        return await self.runtime.run(function)

    async def search(self, function: Callable[[], T]) -> T:
        return await self.runtime.search(self._unless_abandoned(function))

    async def import_runs(self, function: Callable[[], T]) -> T:
        return await self.runtime.import_runs(self._unless_abandoned(function))

    async def ask(self, function: Callable[[], T]) -> T:
        return await self.runtime.ask(self._unless_abandoned(function))

    async def poll(self, function: Callable[[], T]) -> T:
        return await self.runtime.poll(self._unless_abandoned(function))

    async def preview(self, function: Callable[[], T]) -> T:
        return await self.runtime.preview(self._unless_abandoned(function))

    def touch(self) -> None:
        self.watcher.touch()

    async def sample(self) -> Sample:
        return self.runtime.labelled(await self.run(self.runtime.sampler.sample))

    def problems(self) -> list[str]:
        return self.runtime.background.problems()

    async def describe(self, *, is_listed: bool = False) -> dict[str, Any]:
        """Return the `Workspace`, also if its tasks cannot be read: `problem` then says why.

        In a list of workspaces (`is_listed`), tasks are read only while some are queued or running.

        Raises:
            NotFound, FileNotFoundError: if the workspace is gone.
        """
        workspace = await self.open()
        try:
            try:
                if not is_listed or await self._is_active(workspace):
                    return await self.look(
                        lambda index: workspace_model(workspace, index.counts, self.path_of)
                    )
                watcher = self.runtime.watchers.find(workspace)
                counts = None if watcher is None else watcher.known_counts
                return await self.run(lambda: workspace_model(workspace, counts, self.path_of))
            except (NotFound, FileNotFoundError):
                raise
            except PyrunsError as error:
                problem = error.message
            except OSError as error:
                problem = os_sentence(error)
            return await self.run(lambda: workspace_model(workspace, {}, self.path_of, problem))
        except (NotFound, FileNotFoundError):
            raise
        except Exception as error:  # noqa: BLE001 - one workspace must not break a list of them
            if not isinstance(error, (PyrunsError, OSError)):
                _log.exception("Cannot describe the workspace %s.", workspace.folder)
            return damaged_model(workspace, self.path_of)

    async def _is_active(self, workspace: WorkspaceFolder) -> bool:
        watcher = self.runtime.watchers.find(workspace)
        if watcher is not None and watcher.active:
            return True
        return await self.run(lambda: has_active_tasks(workspace.root))

    def _unless_abandoned(self, function: Callable[[], T]) -> Callable[[], T]:
        """Return a function that raises Abandoned instead if the client is gone when it is its turn."""

        def checked() -> T:
            if self.is_abandoned:
                raise Abandoned
            return function()

        return checked
