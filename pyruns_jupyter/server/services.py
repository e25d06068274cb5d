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

from ..system.sampler import Sampler
from ..system.samples import Sample
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
        super().__init__(Sampler(root))
        self.limits = limits
        self.paths = Confinement(root, roots)
        self.kernels = Kernels(kernels)
        self._emit = emit
        self._webhook = webhook
        self._activity = Activity(
            application,
            self.watchers.in_use,
            self._lives,
            limits.activity_hours,
            self.background,
            limits.activity_seconds,
        )
        self._metrics = Metrics(self)
        self._metrics.register()

    def start(self) -> None:
        """Begin what goes on without anybody asking; on the event loop."""
        if not self.is_stopping:
            self._activity.start()

    async def _lives(self) -> bool:
        """Tell whether something of this user runs on this machine, below the server's root or not."""
        return bool(await self.run(living_projects))

    async def close(self) -> None:
        """End everything; a thread that is stuck is left behind."""
        self.is_stopping = True
        self._metrics.unregister()
        await self._activity.stop()
        await self._webhook.close()
        await super().close()

    def notify(self, workspace: WorkspaceFolder, name: str, facts: dict[str, Any]) -> None:
        """Send an event to the webhook and to the event system of the server."""
        try:
            told = {"workspace": self.paths.identifier(workspace), **facts}
            self._webhook.tell(name, told)
            self._emit(name, told)
        except Exception:  # noqa: BLE001 - nobody's answer depends on it
            _log.exception("The event %s could not be told.", name)

    def labelled(self, sample: Sample) -> Sample:
        """Return a sample in which processes on GPUs have the idle time of their kernels."""
        return self.kernels.labelled(sample)

    def attend(self, root: Path) -> object:
        """Start the scheduler of a project if it needs one, unless the administrator forbids execution."""
        return self.limits.allow_execution and super().attend(root)
