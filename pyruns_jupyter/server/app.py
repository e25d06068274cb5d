"""The server extension as Jupyter Server loads and stops it."""

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
    """Sweeps, tasks and their logs below the server's root."""

    name = "pyruns_jupyter"
    description = "Sweeps of experiments on this server: create, run, watch."
    load_other_extensions = True

    allow_execution = Bool(
        True,
        help="""Whether users may start and stop tasks. When False, everything can still be looked at, created
        and changed, but nothing is started by this server, also nothing that was queued elsewhere.""",
    ).tag(config=True)
    tasks_at_once = Integer(
        10_000,
        min=1,
        help="How many tasks one sweep may create at most.",
    ).tag(config=True)
    jobs_at_once = Integer(
        MAX_JOBS,
        min=1,
        max=MAX_JOBS,
        help="How many tasks of one queueing may run at a time at most.",
    ).tag(config=True)
    activity_hours = Float(
        7 * 24.0,
        min=0.0,
        help="""For how many hours without any other activity running tasks keep this server from counting as
        idle, so that a hub does not stop it and them with it; 0 for never.""",
    ).tag(config=True)
    activity_seconds = Float(
        60.0,
        min=0.1,
        help="How often it is looked whether tasks run, in seconds; less than a culler waits.",
    ).tag(config=True)
    roots = List(
        Unicode(),
        help="""Folders, relative to the server's root, in which projects may lie; when empty, anywhere below
        it. What lies elsewhere is neither listed nor opened.""",
    ).tag(config=True)

    webhook_url = Unicode(
        "",
        help="""An address that is told (POST, JSON with `text`, as chat services take it) when a task fails
        or falls silent, and when all tasks of a workspace are done. Whoever knows it can often write there:
        keep it in a file that only you can read.""",
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
        """Make what the handlers share. Nothing but a timer runs before the first request."""
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
        """End sockets, watchers, the sampler and all threads."""
        services, self._services = self._services, None
        if services is not None:
            await services.close()
