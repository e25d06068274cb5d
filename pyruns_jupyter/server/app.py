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
    """Server extension for the sweeps, tasks and logs of the projects below the server's root folder."""

    name = "pyruns_jupyter"
    description = "Create, run and monitor sweeps of scripts on this server."
    load_other_extensions = True

    allow_execution = Bool(
        True,
        help="""Whether users may start and stop tasks. If False, users can still view, create and change
        tasks, but this server does not start any tasks, including tasks that were queued elsewhere.""",
    ).tag(config=True)
    tasks_at_once = Integer(10_000, min=1, help="Maximum number of tasks that one sweep may create.").tag(
        config=True
    )
    jobs_at_once = Integer(
        MAX_JOBS,
        min=1,
        max=MAX_JOBS,
        help="Maximum number of parallel tasks that one batch may run on this machine.",
    ).tag(config=True)
    activity_hours = Float(
        7 * 24.0,
        min=0.0,
        help="""Number of hours for which queued and running tasks count as activity if there is no other
        activity. This prevents a hub from stopping the server and its tasks. With 0, tasks never count as
        activity.""",
    ).tag(config=True)
    activity_seconds = Float(
        60.0,
        min=0.1,
        help="""Number of seconds between checks for queued and running tasks. It must be smaller than the
        idle timeout of the culler.""",
    ).tag(config=True)
    roots = List(
        Unicode(),
        help="""Paths of folders that may contain projects, relative to the root folder of the server.
        Projects in other folders are neither listed nor opened, and runs in them are not imported. If the
        list is empty, all folders may contain projects.""",
    ).tag(config=True)

    webhook_url = Unicode(
        "",
        help="""URL of a webhook, for example of a chat service. The server sends a POST request (JSON with
        the key `text`) when a task fails or stalls, when a run sends an alert, when a study ends, and when
        all tasks of a workspace have ended. Store the URL in a file that only you can read, because anyone
        who knows it can post messages.""",
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
