"""What Prometheus is told at the server's `/metrics`: what is in memory, nothing is looked up for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pyruns_jupyter.core.taskfile.runs import STATUSES

if TYPE_CHECKING:
    from .services import Services


class Metrics(Collector):
    """The figures of one server."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the figures as they are known now."""
        tasks = GaugeMetricFamily(
            "pyruns_tasks", "Tasks in the workspaces that were looked at, by status", labels=["status"]
        )
        watchers = self._services.watchers.all()
        for status in STATUSES:
            tasks.add_metric([status], sum(watcher.counts[status] for watcher in watchers))
        yield tasks
        yield GaugeMetricFamily("pyruns_workspaces", "Workspaces that were looked at", value=len(watchers))
        yield GaugeMetricFamily(
            "pyruns_workspaces_watched",
            "Workspaces that somebody watches now",
            value=sum(watcher.watching for watcher in watchers),
        )
        yield GaugeMetricFamily(
            "pyruns_streams", "Open websockets of Pyruns", value=len(self._services.streams)
        )

    def register(self) -> None:
        """Let them be told; of several servers in one process, those of the first one are."""
        with suppress(ValueError):
            REGISTRY.register(self)

    def unregister(self) -> None:
        """Let them be told no more."""
        with suppress(KeyError):
            REGISTRY.unregister(self)
