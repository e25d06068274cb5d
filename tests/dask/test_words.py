"""What Dask's words mean; none of this needs a cluster."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyruns_jupyter.core.workspace.cluster_settings import ClusterAccess
from pyruns_jupyter.engine.cluster.base import JobContext
from pyruns_jupyter.engine.cluster.dask import Dask, end_reason, resources_of, why_waiting
from tests.slurm.support import need


class KilledWorker(Exception):
    """Called as that of Dask."""


def test_what_a_task_asks_for() -> None:
    assert resources_of(need(gpus=2, memory="1G", resources={"TPU": 0.5})) == {
        "GPU": 2.0,
        "MEMORY": float(1 << 30),
        "TPU": 0.5,
    }
    assert resources_of(need(gpus=0)) == {}


@pytest.mark.parametrize(
    ("status", "has_workers", "said"),
    [
        ("no-worker", True, "no worker has the requested resources"),
        ("no-worker", False, "no worker is connected"),
        ("queued", False, "no worker is connected"),
        ("processing", True, "all workers that could run it are busy"),
    ],
)
def test_why_a_task_waits(status: str, has_workers: bool, said: str) -> None:
    assert why_waiting(status, has_workers=has_workers) == said


@pytest.mark.parametrize(
    ("error", "said", "interrupted"),
    [
        (subprocess.CalledProcessError(127, ["sh"]), "ended with exit code 127 before the task did.", False),
        (
            FileNotFoundError(2, "No such file", "/x"),
            "could not start job 1_0: [Errno 2] No such file",
            False,
        ),
        (KilledWorker("key"), "Dask gave up job 1_0", True),
    ],
)
def test_why_a_job_ended(error: Exception, said: str, interrupted: bool) -> None:
    reason = end_reason(error, "1_0")
    assert reason is not None
    assert said in reason.message
    assert reason.interrupted is interrupted


def test_what_the_output_of_a_job_tells() -> None:
    dask = Dask({}, ClusterAccess())
    assert dask.end_reason_from_output("Traceback: the worker has ended\n", JobContext("1_0", 0)) is None


@pytest.mark.parametrize(
    ("access", "said"),
    [
        (ClusterAccess(address="tcp://a:1"), "needs the package distributed (pip install"),
        (ClusterAccess(cluster="mine"), "needs the package dask-gateway."),
    ],
)
def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch, access: ClusterAccess, said: str) -> None:
    for name in ("distributed", "dask_gateway"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    assert Dask({}, access).obstacle().startswith(said)


def test_an_address_of_the_environment() -> None:
    variable = {"DASK_SCHEDULER_ADDRESS": "tcp://a:1"}
    assert Dask(variable, ClusterAccess()).obstacle() == ""
    assert Dask({}, ClusterAccess()).obstacle().startswith("needs the address of a Dask scheduler.")
