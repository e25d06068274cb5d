"""What all handlers of one server share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.project_registry import living_projects
from pyruns_jupyter.live.event_emitter import Emit
from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.live.watcher import Watcher

from ..studies.launch import ensure_running
from ..system.sampler import Sampler
from .activity import PERIOD, Activity
from .kernels import Kernels
from .metrics import Metrics
from .paths import Confinement
from .webhook import Webhook

_log = logging.getLogger(__name__)

SETTING = "pyruns_jupyter_services"  # under which the web application holds them


@dataclass(frozen=True)
class Limits:
    """What the administrator decided."""

    allow_execution: bool
    tasks_at_once: int
    jobs_at_once: int
    activity_hours: float
    activity_seconds: float = PERIOD


class Services(LiveRuntime):
    """The runtime of one server, with what belongs to servers alone."""

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
        """`roots` are the folders below `root` in which projects may lie, all of it when empty;
        `application` and `kernels` are the server's, `emit` tells its event system, `webhook` somebody else.
        """
        super().__init__(Sampler(root), self._attend, self._notify)
        self.limits = limits
        self.paths = Confinement(root, roots)
        self.kernels = Kernels(kernels)
        self._emit = emit
        self._webhook = webhook
        self._activity = Activity(
            application,
            self._watchers_in_use,
            self._lives,
            limits.activity_hours,
            self.background,
            limits.activity_seconds,
        )
        self._metrics = Metrics(self)
        self._metrics.register()

    def start(self) -> None:
        """Begin what goes on without anybody asking; on the event loop."""
        if not self._is_closed:
            self._activity.start()

    async def _lives(self) -> bool:
        """Tell whether something of this user runs on this machine, below the server's root or not."""
        return bool(await self.run(living_projects))

    def watchers(self) -> list[Watcher]:
        """Return the watchers of all workspaces that were looked at."""
        return self._watchers.all()

    def known_watcher(self, workspace: WorkspaceFolder) -> Watcher | None:
        """Return the watcher of a workspace if it was looked at lately."""
        return self._watchers.find(workspace)

    def drop_idle_watchers(self) -> None:
        """Free the memory of workspaces that are not used any more."""
        self._watchers.drop_idle()

    def _watchers_in_use(self) -> list[Watcher]:
        self.drop_idle_watchers()
        return self.watchers()

    async def close(self) -> None:
        """End everything; a thread that is stuck is left behind."""
        self._is_closed = True
        self._metrics.unregister()
        await self._activity.stop()
        await self._webhook.close()
        await super().close()

    def _notify(self, workspace: WorkspaceFolder, name: str, facts: dict[str, Any]) -> None:
        try:
            told = {"workspace": self.paths.identifier(workspace), **facts}
            self._webhook.tell(name, told)
            self._emit(name, told)
        except Exception:  # noqa: BLE001 - nobody's answer depends on it
            _log.exception("The event %s could not be told.", name)

    def _attend(self, root: Path) -> bool:
        # Going on with what was queued starts processes: not where the administrator forbids that.
        return self.limits.allow_execution and ensure_running(root)
