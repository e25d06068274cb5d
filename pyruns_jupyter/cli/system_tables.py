"""The system metrics of a run as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from pyruns_jupyter.api.tables import text_table
from pyruns_jupyter.core.metrics.system_hints import hints_of

_HEADER = ("metric", "mean", "min", "max", "last")


class SystemTable:
    """The statistics of system metrics (see `Task.system_metrics`), a row each."""

    def __init__(self, metrics: Mapping[str, Sequence[float | None]]) -> None:
        self._metrics = metrics

    def __repr__(self) -> str:
        cells = []
        for name, values in self._metrics.items():
            known = [value for value in values if value is not None]
            if known and name != "time":
                numbers = (fmean(known), min(known), max(known), known[-1])
                cells.append([name, *(f"{number:.4g}" for number in numbers)])
        return text_table(_HEADER, cells) if cells else "This run has no system metrics."


def usage_lines(summary: Mapping[str, float]) -> list[str]:
    """Return what a run used (see `Task.system_summary`), and hints, as lines; empty if nothing is known."""
    texts = (
        ("cpu_percent", "CPU {:.0f} %", 1),
        ("memory_gib_max", "memory up to {:.2f} GiB", 1),
        ("gpu_utilization_percent", "GPU utilization {:.0f} %", 1),
        ("gpu_memory_share", "GPU memory up to {:.0f} %", 100),
        ("gpu_hours", "{:.4g} GPU-hours", 1),
        ("energy_kwh", "GPU energy {:.3g} kWh", 1),
    )
    parts = [text.format(factor * summary[name]) for name, text, factor in texts if name in summary]
    return [", ".join(parts), *(f"hint: {hint}" for hint in hints_of(summary))] if parts else []
