"""The server extension, as Jupyter Server loads and stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Float, Integer, List, TraitError, Unicode, validate

from pyruns_jupyter.engine.queue.options import MAX_JOBS
from pyruns_jupyter.live.event_emitter import register_events

from .routes import routes
from .services import SETTING, Limits, Services
from .staticfiles import StaticHandler
from .webhook import Webhook

STATIC = Path(__file__).parent.parent / "static"


class PyrunsExtension(ExtensionApp):
    """Sweeps, tasks and logs of the projects below the server's root."""

    name = "pyruns_jupyter"
    description = "Create, run and monitor sweeps of scripts on this server."
    load_other_extensions = True

    allow_execution = Bool(
        True,
        help="""Allow users to start and stop tasks. If False, users can still view, create and change tasks,
        but this server starts no task, not even one that was queued elsewhere.""",
    ).tag(config=True)
    tasks_at_once = Integer(
        10_000,
        min=1,
        help="Maximum number of tasks that one sweep may create.",
    ).tag(config=True)
    jobs_at_once = Integer(
        MAX_JOBS,
        min=1,
        max=MAX_JOBS,
        help="Maximum number of parallel tasks of one batch on this machine.",
    ).tag(config=True)
    activity_hours = Float(
        7 * 24.0,
        min=0.0,
        help="""Hours for which running tasks count as activity while there is no other activity, so that a
        hub does not stop the server and its tasks. 0: running tasks do not count as activity.""",
    ).tag(config=True)
    activity_seconds = Float(
        60.0,
        min=0.1,
        help="Seconds between checks for running tasks; must be shorter than the timeout of the culler.",
    ).tag(config=True)
    roots = List(
        Unicode(),
        help="""Folders, relative to the server's root, that may contain projects. If empty, projects may be
        anywhere below the root. Projects elsewhere are neither listed nor opened.""",
    ).tag(config=True)

    webhook_url = Unicode(
        "",
        help="""URL of a webhook of a chat service. It gets a POST request (JSON with `text`) when a task
        fails or stalls, when a study ends, and when all tasks of a workspace have ended. Keep the URL in a
        file that only you can read: anyone who has it can post messages.""",
    ).tag(config=True)

    _services: Services | None = None

    @validate("webhook_url")
    def _check_webhook(self, proposal: dict[str, Any]) -> str:
        try:
            Webhook(proposal["value"])
        except ValueError as error:
            raise TraitError(str(error)) from None
        return str(proposal["value"])

    def initialize_settings(self) -> None:
        """Create the services. Before the first request, only a timer runs."""
        assert self.serverapp is not None
        limits = Limits(
            allow_execution=self.allow_execution,
            tasks_at_once=self.tasks_at_once,
            jobs_at_once=self.jobs_at_once,
            activity_hours=self.activity_hours,
            activity_seconds=self.activity_seconds,
        )
        self._services = Services(
            Path(self.serverapp.root_dir),
            self.roots,
            limits,
            self.serverapp.web_app,
            self.serverapp.kernel_manager,
            register_events(self.serverapp.event_logger),
            Webhook(self.webhook_url),
        )
        self.settings[SETTING] = self._services
        self.serverapp.io_loop.add_callback(self._services.start)

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(routes())
        self.handlers.append((r"/pyruns/static/(.*)", StaticHandler, {"path": str(STATIC)}))

    async def stop_extension(self) -> None:
        """Stop all websockets, watchers and threads."""
        services, self._services = self._services, None
        if services is not None:
            await services.close()
