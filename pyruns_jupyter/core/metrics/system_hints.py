"""Hints about the use of the machine by a run, from the summary of its system metrics."""

from __future__ import annotations

from collections.abc import Mapping

from .system_metrics import LOW_PERCENT

_MIN_SECONDS = 180.0  # a shorter run says little about the GPUs
_LOW_SHARE = 0.8  # of the time with a low utilization
_ONE_CORE = (80.0, 130.0)  # CPU usage (percent) of a program that is limited by one core
_ALL_CORES = 0.85  # of the cores are busy
_MEMORY_SHARE, _LIMIT_SHARE = 0.5, 0.9


def hints_of(summary: Mapping[str, float]) -> list[str]:
    """Return hints for a user, as sentences that say what was measured. Most runs have none."""
    return [hint for hint in (_utilization(summary), _gpu_memory(summary), _limit(summary)) if hint]


def _utilization(summary: Mapping[str, float]) -> str:
    share, cpu = summary.get("gpu_low_share"), summary.get("cpu_percent")
    if share is None or share < _LOW_SHARE or summary.get("seconds", 0.0) < _MIN_SECONDS:
        return ""
    measured = f"GPU utilization was below {LOW_PERCENT:.0f} % for {100 * share:.0f} % of the run"
    cores = summary.get("cores", 0.0)
    if cpu is not None and cores and cpu >= _ALL_CORES * 100 * cores:
        return (
            f"{measured}, and the CPU usage was {cpu:.0f} % of {100 * cores:.0f} %. The CPU cores may be the "
            "limit."
        )
    if cpu is not None and _ONE_CORE[0] <= cpu <= _ONE_CORE[1]:
        return (
            f"{measured}, and the CPU usage was {cpu:.0f} %, about one core. The data loader, or other code "
            "that uses one core, may be the limit. Try more worker processes in the data loader."
        )
    usage = "" if cpu is None else f", and the CPU usage was {cpu:.0f} % (100 % is one core)"
    return f"{measured}{usage}. The run may have waited for data, for example from a disk or the network."


def _gpu_memory(summary: Mapping[str, float]) -> str:
    used, load = summary.get("gpu_memory_share"), summary.get("gpu_utilization_percent")
    if used is None or used >= _MEMORY_SHARE or summary.get("gpu_memory_shared"):
        return ""
    if load is None or load >= 100 * _MEMORY_SHARE or summary.get("seconds", 0.0) < _MIN_SECONDS:
        return ""
    return (
        f"At most {100 * used:.0f} % of the GPU memory was used, and the mean GPU utilization was "
        f"{load:.0f} %. Two tasks could share a GPU: reserve only a part of its memory, with the run option "
        "GPU memory (--gpu-memory)."
    )


def _limit(summary: Mapping[str, float]) -> str:
    used, limit = summary.get("memory_gib_max"), summary.get("memory_limit_gib")
    if used is None or not limit or used < _LIMIT_SHARE * limit:
        return ""
    return (
        f"The processes used up to {used:.1f} GiB of memory, {100 * used / limit:.0f} % of the limit of "
        f"{limit:.1f} GiB. A run that exceeds the limit is killed."
    )
