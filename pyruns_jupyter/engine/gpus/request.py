"""What GPUs a task asks for, from the options of its queueing and the settings of its project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.workspace.settings import GpuSettings, Settings
from pyruns_jupyter.engine.queue.options import QueueOptions

GIB = 2**30
PEAK = "gpu_memory_peak_mb"  # in `run_environments`: MiB by the UUID of each GPU
_DEFAULT_GIB = GpuSettings().min_free_memory_gb
_DEFAULT_PART = 0.8  # of a GPU that is too small for the default


@dataclass(frozen=True)
class GpuRequest:
    """GPUs for one task.

    Attributes:
        count: how many.
        devices: indices, UUIDs or their beginnings to choose from; empty for any.
        memory: bytes that have to be free on each.
        is_usual: whether `memory` is the default, of which a smaller GPU needs only a part.
        shared: whether `memory` is all that it will use, so that others may have the rest.
        max_load: percent of load that a GPU may have.
        stable_seconds: for how long memory and load must have been like that.
        max_wait_seconds: after which it is given up.
        same_model: whether several have to be of the same model.
        visible: `CUDA_VISIBLE_DEVICES` of the user who queued it, None if every GPU may be used.
    """

    count: int = 1
    devices: tuple[str, ...] = ()
    memory: int = 8 * GIB
    is_usual: bool = False
    shared: bool = False
    max_load: float = 30.0
    stable_seconds: float = 15.0
    max_wait_seconds: float = 172_800.0
    same_model: bool = False
    visible: str | None = None


def gpu_count(options: QueueOptions, settings: Settings) -> int:
    """Return how many GPUs each task of a batch gets.

    What is asked for explicitly counts, whatever the settings say. Options that need a GPU imply one.
    """
    if options.gpus is not None:
        return options.gpus
    usual = settings.default_gpus
    if usual is None:
        usual = settings.gpus.count if settings.gpus.enabled else 0
    is_implied = options.gpu_memory is not None or bool(options.gpu_devices)
    return max(usual, 1) if is_implied else usual


def request_of(
    settings: Settings, options: QueueOptions, environment: Mapping[str, str], *, alone: bool = False
) -> GpuRequest | None:
    """Return what a task of a queueing asks for, None when it asks for no GPU.

    `environment` is that of the user who queued it. `alone`: it ran out of memory beside others before.
    """
    wanted = settings.gpus
    count = gpu_count(options, settings)
    if not count:
        return None
    memory = wanted.min_free_memory_gb if options.gpu_memory is None else options.gpu_memory
    respected = environment.get("CUDA_VISIBLE_DEVICES") if wanted.respect_visible else None
    return GpuRequest(
        count=count,
        devices=options.gpu_devices or wanted.devices,
        memory=int(memory * GIB),
        is_usual=options.gpu_memory is None and memory == _DEFAULT_GIB,
        shared=options.gpu_memory is not None and not alone,
        max_load=100.0 - wanted.min_idle_pct,
        stable_seconds=wanted.stable_seconds,
        max_wait_seconds=wanted.max_wait_seconds,
        same_model=wanted.same_model,
        visible=respected,
    )


def needed_memory(memory: int, is_usual: bool, device: Mapping[str, Any]) -> int:
    """Return how many bytes have to be free on a device; see `GpuRequest`."""
    return min(memory, int(_DEFAULT_PART * (device["memory_total"] or 0))) if is_usual else memory


def is_meant(words: tuple[str, ...], device: Mapping[str, Any]) -> bool:
    """Return whether one of the words means a device: its number, its UUID, or the beginning of it; also
    those of the GPU that a MIG device is a part of.
    """
    names = [str(device["label"]), str(device["uuid"]), *device["within"]]
    return any(
        word == name or (len(word) > 4 and name.lower().startswith(word.lower()))
        for word in words
        for name in names
    )
