"""The services that all handlers of one server share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import NotFound, PyrunsError
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.project_registry import living_projects
from pyruns_jupyter.engine.queue.status import read_queue
from pyruns_jupyter.live.event_emitter import Emit
from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.live.watcher import Watcher

from ..system.sampler import Sampler
from ..system.samples import Sample
from .activity import PERIOD_SECONDS, Activity
from .kernels import with_idle_times
from .metrics import Metrics
from .paths import Confinement
from .webhook import Webhook

_log = logging.getLogger(__name__)

SETTING = "pyruns_jupyter_services"  # key in the settings of the web application


@dataclass(frozen=True)
class Limits:
    """The limits that the administrator configured; see `PyrunsExtension`."""

    allow_execution: bool
    tasks_at_once: int
    jobs_at_once: int
    activity_hours: float
    activity_seconds: float = PERIOD_SECONDS


class Services(LiveRuntime):
    """The runtime of one server."""

    def __init__(
        self,
        root: Path,
        roots: Sequence[str],
        limits: Limits,
        application: Any,
        kernels: Any,
        emit: Emit,
        webhook: Webhook,
    ) -> None:
        """Create the runtime.

        Args:
            root: the root folder of the server.
            roots: the folders below `root` that may contain projects; if empty, all of them.
            limits: the configured limits.
            application: the server's web application.
            kernels: the server's kernel manager.
            emit: emits an event of the server's event system.
            webhook: sends events to another service.
        """
        super().__init__(Sampler(root))
        self.limits = limits
        self.paths = Confinement(root, roots)
        self._kernels = kernels
        self._emit = emit
        self._webhook = webhook
        self._activity = Activity(
            application,
            self.watchers.in_use,
            self._watch_active,
            limits.activity_hours,
            self.background,
            limits.activity_seconds,
        )
        self._metrics = Metrics(self)
        self._metrics.register()

    def start(self) -> None:
        """Start the background work. Called on the event loop."""
        if not self.is_stopping:
            self._activity.start()

    async def _watch_active(self) -> tuple[bool, list[Watcher]]:
        """Return whether any project of this user is active on this machine, in any folder, and the watchers
        of the workspaces with open batches, also those that were queued elsewhere.
        """
        projects, workspaces = await self.run(self._find_active)
        return bool(projects), [self.watchers.get(workspace) for workspace in workspaces]

    def _find_active(self) -> tuple[list[Path], list[WorkspaceFolder]]:
        projects = living_projects()
        found = []
        for root in projects:
            try:
                batches = read_queue(root).batches
            except (PyrunsError, OSError):
                continue  # not readable at the moment
            for folder in {root / batch.workspace for batch in batches if not batch.foreign}:
                with suppress(NotFound):  # not below the root of this server
                    found.append(self.paths.at(folder))
        return projects, found

    async def close(self) -> None:
        """Stop everything. A thread that hangs is abandoned."""
        self.is_stopping = True
        self._metrics.unregister()
        await self._activity.stop()
        await self._webhook.close()
        await super().close()

    def notify(self, workspace: WorkspaceFolder, name: str, facts: dict[str, Any]) -> None:
        """Send an event to the webhook and to the event system of the server."""
        try:
            data = {"workspace": self.paths.identifier(workspace), **facts}
            self._webhook.send(name, data)
            self._emit(name, data)
        except Exception:  # noqa: BLE001 - a request must not fail because of an event
            _log.exception("Cannot send the event %s.", name)

    def labelled(self, sample: Sample) -> Sample:
        """Return a sample with the idle times of this server's kernels."""
        return with_idle_times(sample, self._kernels)

    def ensure_scheduler(self, root: Path) -> object:
        """Start the scheduler of a project if it needs one, unless the administrator disabled execution."""
        return self.limits.allow_execution and super().ensure_scheduler(root)
