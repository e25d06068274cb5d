"""Prometheus metrics at the server's `/metrics`, from data in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES

if TYPE_CHECKING:
    from .services import Services


class Metrics(Collector):
    """The metrics of one server."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the present metrics."""
        tasks = GaugeMetricFamily(
            "pyruns_tasks", "Tasks in the workspaces in use, by status", labels=["status"]
        )
        watchers = self._services.watchers.all()
        for status in SHOWN_STATUSES:
            tasks.add_metric([status], sum(watcher.counts[status] for watcher in watchers))
        yield tasks
        yield GaugeMetricFamily("pyruns_workspaces", "Workspaces in use", value=len(watchers))
        yield GaugeMetricFamily(
            "pyruns_workspaces_watched",
            "Workspaces that clients are watching",
            value=sum(watcher.watching for watcher in watchers),
        )
        yield GaugeMetricFamily("pyruns_streams", "Open Pyruns websockets", value=len(self._services.streams))

    def register(self) -> None:
        """Register the metrics. Only the first of several servers in one process has them."""
        with suppress(ValueError):
            REGISTRY.register(self)

    def unregister(self) -> None:
        """Unregister the metrics."""
        with suppress(KeyError):
            REGISTRY.unregister(self)
