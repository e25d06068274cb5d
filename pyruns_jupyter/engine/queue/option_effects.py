"""Options that would have no effect. An option of a batch is used, implies what it needs, or is refused.

This table is the only place for it: Python, command line, magics, REST and the form all come through here.
What is implied is in `gpus.request.gpu_count`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL, NOTHING

from .options import QueueOptions

# What depends on the executor, which the settings may choose.
EXECUTOR_OPTIONS = ("gpu_memory", "gpu_devices", "retry_alone", "cluster")


class _Rule(NamedTuple):
    """`option` has an effect only where `has_effect` (of the options and the executor); else `problem`."""

    option: str
    has_effect: Callable[[QueueOptions, str], bool]
    problem: str


_RULES = (
    *(
        _Rule(
            option,
            lambda options, executor: executor == LOCAL,
            f"{option} is for GPUs of this machine; in a cluster, Slurm assigns the GPUs.",
        )
        for option in ("gpu_memory", "gpu_devices", "retry_alone")
    ),
    *(
        _Rule(
            option,
            lambda options, executor: options.gpus != 0,
            f"{option} has no effect with gpus: 0. Leave one of them out.",
        )
        for option in ("gpu_memory", "gpu_devices")
    ),
    _Rule(
        "retry_alone",
        lambda options, executor: options.gpu_memory is not None,
        "retry_alone needs gpu_memory: a task without it has its GPUs to itself from the start.",
    ),
    _Rule(
        "retry_delay",
        lambda options, executor: options.retries > 0,
        "retry_delay needs retries: without them, a failed task is not run again.",
    ),
    _Rule(
        "cluster",
        lambda options, executor: executor != LOCAL,
        "cluster needs engine: slurm (--engine slurm): its values are what a Slurm job asks for.",
    ),
    _Rule(
        "cluster",
        lambda options, executor: options.gpus is None or not options.cluster.gpus,
        "gpus and cluster.gpus both say how many GPUs a job gets. Leave one of them out.",
    ),
    _Rule(
        "cluster",
        lambda options, executor: options.memory is None or not options.cluster.memory,
        "memory and cluster.memory both say how much memory a job gets. Leave one of them out.",
    ),
)


def check_effects(options: QueueOptions, executor: str, given: Collection[str]) -> None:
    """Check that each of the options `given` has an effect where the tasks run.

    Raises:
        InvalidInput: with the option as `field`.
    """
    for rule in _RULES:
        if rule.option not in given or _is_off(getattr(options, rule.option)):
            continue
        if not rule.has_effect(options, executor):
            raise InvalidInput(rule.problem, field=rule.option)


def _is_off(value: object) -> bool:
    return value is None or value is False or value in ((), NOTHING)
