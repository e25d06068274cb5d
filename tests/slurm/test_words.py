"""What Slurm's words mean; none of this needs a cluster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.taskfile.runs import CANCELLED, FAILED
from pyruns_jupyter.engine.cluster.base import JobContext, Phase
from pyruns_jupyter.engine.cluster.slurm import Slurm, options_of, state_of, why_waiting

from .support import need

ERROR = "slurmstepd-n1: error: *** {} 2 ON n1 CANCELLED AT 2026-11-26T07:24:35{} ***\n"


@pytest.mark.parametrize(
    ("cause", "said", "status", "interrupted"),
    [
        (" DUE TO TIME LIMIT", "ended job 2_0 because it reached the requested time limit", FAILED, False),
        (" DUE TO PREEMPTION", "preempted job 2_0 for a job with a higher priority", FAILED, True),
        (" DUE TO JOB REQUEUE", "requeued job 2_0", FAILED, True),
        (" DUE TO NODE FAILURE", "The node of Slurm job 2_0 failed", FAILED, True),
        (" DUE TO FULL MOON", "Slurm ended job 2_0: full moon.", FAILED, True),
        ("", "Slurm job 2_0 was cancelled.", CANCELLED, False),
    ],
)
def test_why_a_job_was_ended(cause: str, said: str, status: str, interrupted: bool) -> None:
    for what in ("JOB", "STEP"):
        reason = Slurm({}).end_reason_from_output("noise\n" + ERROR.format(what, cause), JobContext("2_0", 0))
        assert reason is not None
        assert said in reason.message
        assert (reason.status, reason.interrupted) == (status, interrupted)


def test_a_job_that_nobody_ended() -> None:
    assert Slurm({}).end_reason_from_output("Traceback: CANCELLED AT noon\n", JobContext("2_0", 0)) is None


def test_the_last_word_counts() -> None:
    """A job that was put back goes on writing to its output."""
    output = ERROR.format("JOB", " DUE TO PREEMPTION") + ERROR.format("JOB", " DUE TO TIME LIMIT")
    reason = Slurm({}).end_reason_from_output(output, JobContext("2_0", 0))
    assert reason is not None
    assert "time" in reason.message


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Resources", "the requested resources are not available (Resources)"),
        ("QOSMaxGRESPerUser", "a limit of this cluster was reached (QOSMaxGRESPerUser)"),
        ("AssocGrpCpuLimit", "a limit of this cluster was reached (AssocGrpCpuLimit)"),
        (
            "ReqNodeNotAvail, UnavailableNodes:n1",
            "the nodes that could run it are not available (ReqNodeNotAvail)",
        ),
        ("", "it was just submitted (None)"),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_why_a_job_waits(reason: str, said: str) -> None:
    assert why_waiting(reason).startswith(said)


@given(st.text(), st.text(), st.text())
def test_any_state_is_understood(state: str, reason: str, node: str) -> None:
    found = state_of(state, reason, node, "1_0")
    assert (found.reason is not None) == (found.phase is Phase.ENDED)


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETING", "SUSPENDED"])
def test_what_runs(state: str) -> None:
    assert state_of(state, "None", "n1", "1_0").phase is Phase.RUNS


def test_what_a_job_asks_for() -> None:
    asked = need(
        partition="gpu,big",
        account="lab",
        gpus="a100:2",
        cpus=4,
        memory="16G",
        time=90,
        extra=["--qos=x", "date"],
    )
    assert options_of(asked) == [
        *("--partition=gpu,big", "--account=lab", "--mem=16G", "--gres=gpu:a100:2", "--cpus-per-task=4"),
        *("--time=2", "--qos=x"),
    ]
    assert options_of(need(gpus=0)) == []
    assert options_of(need(extra=["--comment='two words'"])) == ["--comment=two words"]
