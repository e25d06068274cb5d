"""What Dask's words mean; none of this needs a cluster."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from pyruns_jupyter.core.workspace.cluster_settings import ClusterAccess
from pyruns_jupyter.engine.cluster.base import JobContext
from pyruns_jupyter.engine.cluster.dask import Dask, end_reason, resources_of, why_waiting
from pyruns_jupyter.engine.cluster.submissions import output_size, read_output
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
    assert resources_of(need(gpus=0).over(need(resources={"GPU": 1}))) == {}  # `--gpus 0`


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
    mark = "noise\npyruns: the Dask worker of this task has ended\n"
    reason = dask.end_reason_from_output(mark, JobContext("1_0", 0))
    assert reason is not None
    assert reason.message.startswith("The worker of Dask job 1_0 failed")
    assert reason.interrupted


def test_what_an_earlier_start_of_a_job_told_is_not_read_again(tmp_path: Path) -> None:
    pattern = tmp_path / "job.%.out"
    assert output_size(pattern, 3) == 0
    (tmp_path / "job.3.out").write_text("earlier\n")
    start = output_size(pattern, 3)
    assert read_output(pattern, 3, start) == ""
    with (tmp_path / "job.3.out").open("a") as stream:
        stream.write("later\n")
    assert read_output(pattern, 3, start) == "later\n"
    assert read_output(pattern, 3) == "earlier\nlater\n"


def test_a_call_can_be_passed_to_a_new_interpreter() -> None:
    assert pickle.loads(pickle.dumps(Dask(os.environ, ClusterAccess()).max_tasks))() == 1000


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
