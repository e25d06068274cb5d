"""The GPUs that a task requests, from the options of its batch and the settings of its project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from pyruns_jupyter.core.workspace.settings import MAX_GPUS, GpuSettings, Settings
from pyruns_jupyter.engine.queue.options import QueueOptions

from .visibility import chosen_by

GIB = 2**30
PEAK = "gpu_memory_peak_mb"  # in `run_environments`: MiB by the UUID of each GPU
_DEFAULT_GIB = GpuSettings().min_free_memory_gb
_DEFAULT_PART = 0.8  # of a GPU that is too small for the default
_Word = Annotated[str, Meta(max_length=1000)]
_Devices = Annotated[str, Meta(max_length=4096)]  # of a host with many MIG devices


class GpuRequest(Struct, frozen=True):
    """GPUs for one task. Another user may have written it.

    Attributes:
        count: the number of GPUs.
        devices: indices, UUIDs or their prefixes to choose from; empty for any.
        memory: bytes that have to be free on each.
        is_usual: whether `memory` is the default, of which a smaller GPU needs only a part.
        shared: whether the task uses only `memory`, so that others may use the rest.
        max_load: the utilization that a GPU may have, in percent.
        stable_seconds: for how long memory and utilization must have been like that.
        max_wait_seconds: after which the request is given up.
        same_model: whether several GPUs have to be of the same model.
        visible: the variables with which the user who queued it chose GPUs.
    """

    count: Annotated[int, Meta(ge=1, le=MAX_GPUS)] = 1
    devices: Annotated[tuple[_Word, ...], Meta(max_length=1000)] = ()
    memory: Annotated[int, Meta(ge=0, lt=1 << 60)] = 8 * GIB
    is_usual: bool = False
    shared: bool = False
    max_load: float = 30.0
    stable_seconds: float = 15.0
    max_wait_seconds: float = 172_800.0
    same_model: bool = False
    visible: Annotated[dict[_Word, _Devices], Meta(max_length=3)] = field(default_factory=dict)


def gpu_count(options: QueueOptions, settings: Settings) -> int:
    """Return how many GPUs each task of a batch gets.

    An explicit number overrides the settings. Options that need a GPU imply one.
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
    """Return the request of a task of a batch, None if it needs no GPU.

    `environment` is that of the user who queued it. `alone`: it exhausted GPU memory that it shared.
    """
    wanted = settings.gpus
    count = gpu_count(options, settings)
    if not count:
        return None
    memory = wanted.min_free_memory_gb if options.gpu_memory is None else options.gpu_memory
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
        visible=chosen_by(environment) if wanted.respect_visible else {},
    )


def needed_memory(memory: int, is_usual: bool, device: Mapping[str, Any]) -> int:
    """Return the bytes that have to be free on a device; see `GpuRequest`."""
    return min(memory, int(_DEFAULT_PART * (device["memory_total"] or 0))) if is_usual else memory
