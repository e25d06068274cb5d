"""Slurm through its commands sbatch, squeue, scancel, scontrol, without accounting (sacct, slurmdbd).

Source of states and reasons: the pages of squeue(1), sbatch(1) and resource limits of Slurm 24.11. Nodes may
not have the commands; there, the reason is what `slurmstepd` writes to the output of a job before it ends it
(`CANCELLED AT ... DUE TO TIME LIMIT`).
"""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyruns_jupyter.core.taskfile.runs import CANCELLED
from pyruns_jupyter.core.workspace.cluster_settings import JobResources
from pyruns_jupyter.engine.queue.jobs import EndReason

from .base import Element, JobContext, JobRequest, JobState, Phase, Refused, Unreachable

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol")
_TIMEOUT_SECONDS = 30.0  # of a command; if there are too many jobs, sbatch itself retries for minutes
_FORMAT = "%F|%K|%T|%r|%N"
_DEFAULT_ARRAY_SIZE = 1001
_MAX_LISTED = 500  # jobs on a command line
# Variables of the job in which this process may run, and the user's defaults for the output of commands.
_IGNORED_VARIABLES = re.compile(r"(SLURM|SLURMD|SQUEUE|SCANCEL|SRUN|SALLOC|PMI|PMIX)_(?!CONF$|CLUSTERS$).*")
_VISIBLE = (
    *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
    *("GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK"),
)

_WAITING = {
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "SPECIAL_EXIT",
    "RESV_DEL_HOLD",
}
_RUNNING = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}

_REASONS = {
    "None": "it was just submitted",
    "Resources": "the requested resources are not available",
    "Priority": "other jobs have a higher priority",
    "BeginTime": "Slurm restarts it after a delay",
    "Dependency": "it depends on other jobs",
    "JobArrayTaskLimit": "the maximum number of its tasks are running",
    "JobHeldUser": "it is held; `scontrol release` releases it",
    "JobHeldAdmin": "it is held by an administrator",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition is not active",
    "PartitionTimeLimit": "it requests more time than its partition allows",
    "PartitionNodeLimit": "it requests more than its partition has",
    "ReqNodeNotAvail": "the nodes that could run it are not available",
    "NodeDown": "the nodes that could run it are down",
    "Licenses": "it is waiting for licenses",
    "Reservation": "it is waiting for its reservation",
    "InvalidAccount": "its account is not valid",
    "InvalidQOS": "its quality of service is not valid",
    "launch failed requeued held": "it could not be started and is held; `scontrol release` releases it",
}
_LIMITS = re.compile(r"(QOS|Assoc|Max|Grp)\w*")
_CROWDED = re.compile(r"(submit|job) ?limit|MaxJobCount|MaxSubmit|temporarily unable", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"unable to contact|connect|socket timed out|timed out|zero bytes|not responding|try again|"
    r"communication|authentication|munge|temporarily unavailable|in standby mode|resolve|backup controller",
    re.IGNORECASE,
)
_CAUSE = re.compile(r"\*\*\* (?:JOB|STEP) \S+ ON \S+ CANCELLED AT \S+ ?(?:DUE TO ([A-Z ]+))?")


class Slurm:
    """Slurm for a user with this environment (see `base.Cluster`)."""

    title, node = "Slurm", "node"
    limits_concurrency = is_durable = True

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {
            name: value
            for name, value in environment.items()
            if not _IGNORED_VARIABLES.fullmatch(name) and name not in _VISIBLE
        }

    def obstacle(self) -> str:
        """Return which commands are missing on this machine, empty if none."""
        path = self._environment.get("PATH")
        missing = [name for name in COMMANDS if shutil.which(name, path=path) is None]
        if not missing:
            return ""
        return (
            f"needs {', '.join(missing)} on the PATH of this machine. Queue the tasks on a machine from "
            "which jobs can be submitted."
        )

    def max_tasks(self) -> int:
        """Return how many tasks a job may have: MaxArraySize is the first index that is too large."""
        found = re.search(
            r"^MaxArraySize\s*=\s*(\d+)", self._run(["scontrol", "show", "config"]), re.MULTILINE
        )
        return max(1, int(found[1])) if found else _DEFAULT_ARRAY_SIZE

    def submit(self, request: JobRequest) -> str:
        """Submit a job, as an array when it has several tasks; return its id."""
        array = f"0-{request.count - 1}"
        if request.concurrency < request.count:
            array += f"%{request.concurrency}"
        words = ["sbatch", "--parsable", f"--job-name={request.name}", f"--comment={request.tag}"]
        words += [f"--chdir={request.folder}", "--open-mode=append", "--export=ALL", f"--array={array}"]
        words += [f"--output={_pattern(request.output)}", "--input=/dev/null"]
        words.append("--requeue" if request.requeue else "--no-requeue")
        if request.signal:
            name, _, seconds = request.signal.partition("@")
            words.append(f"--signal=B:{name}@{math.ceil(float(seconds))}")  # to the supervisor
        # Not as options in the script, which environment variables would override.
        done = self._call([*words, *options_of(request.need)], _script(request))
        if done.returncode == 0:
            return done.stdout.strip().partition(";")[0]
        message = _error_in(done.stderr)
        if _CROWDED.search(message):
            raise Refused(message, is_crowded=True)
        if _UNREACHABLE.search(message):
            raise Unreachable(message)
        raise Refused(message)

    def find(self, tag: str) -> str:
        """Return the id of the job with this comment, empty if there is none."""
        shown = self._run(["squeue", "--noheader", "--me", "--states=all", "--format=%F|%k"])
        for line in shown.splitlines():
            job, _, comment = line.partition("|")
            if comment.strip() == tag:
                return job
        return ""

    def look(self, jobs: Sequence[str]) -> dict[Element, JobState]:
        """Return the states of the tasks of jobs; ended ones are known for at least MinJobAge (300 s)."""
        found: dict[Element, JobState] = {}
        for start in range(0, len(jobs), _MAX_LISTED):
            listed = ",".join(jobs[start : start + _MAX_LISTED])
            words = ["squeue", "--noheader", "--array", "--states=all", f"--format={_FORMAT}"]
            done = self._call([*words, f"--jobs={listed}"])
            if done.returncode and "Invalid job id" not in done.stderr:  # none of them is known any more
                raise Unreachable(_error_in(done.stderr))
            for line in done.stdout.splitlines():
                job, _, rest = line.partition("|")
                number, _, rest = rest.partition("|")
                state, _, rest = rest.partition("|")
                reason, _, node = rest.rpartition("|")
                # An array of one task that was cancelled while pending has no index any more.
                index = int(number) if number.isdigit() else 0
                found[job, index] = state_of(state, reason, node, f"{job}_{index}")
        return found

    def cancel(self, elements: Sequence[Element]) -> None:
        """Cancel tasks of jobs."""
        for start in range(0, len(elements), _MAX_LISTED):
            part = [f"{job}_{number}" for job, number in elements[start : start + _MAX_LISTED]]
            done = self._call(["scancel", "--quiet", *part])
            if done.returncode and _UNREACHABLE.search(done.stderr):
                raise Unreachable(_error_in(done.stderr))

    def inside(self) -> JobContext:
        """Return the context of this process."""
        values = os.environ
        array, number = values.get("SLURM_ARRAY_JOB_ID"), values.get("SLURM_ARRAY_TASK_ID", "0")
        job = f"{array}_{number}" if array else values.get("SLURM_JOB_ID", "")
        gpus = values.get("SLURM_JOB_GPUS") or values.get("SLURM_STEP_GPUS") or ""
        return JobContext(job, int(number), tuple(one for one in gpus.split(",") if one))

    def end_reason_from_output(self, output: str, inside: JobContext) -> EndReason | None:
        """Return why Slurm ended this job, according to what `slurmstepd` wrote to its output."""
        causes: list[str] = _CAUSE.findall(output)
        if not causes:
            return None
        cause = causes[-1].strip()
        state = _CAUSES.get(cause)
        if state is None:
            return EndReason(f"Slurm ended job {inside.job}: {cause.lower()}.", interrupted=True)
        return end_reason(state, inside.job, os.environ.get("SLURMD_NODENAME", ""))

    def _run(self, words: Sequence[str]) -> str:
        done = self._call(words)
        if done.returncode:
            raise Unreachable(_error_in(done.stderr))
        return done.stdout

    def _call(self, words: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                words,
                input=given,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_SECONDS,
                env=self._environment,
                check=False,
            )
        except FileNotFoundError:
            raise Unreachable(f"the command {words[0]} was not found") from None
        except subprocess.TimeoutExpired as error:
            output = error.stderr.decode("utf-8", "replace") if isinstance(error.stderr, bytes) else ""
            if _CROWDED.search(output):
                raise Refused(_error_in(output), is_crowded=True) from error
            raise Unreachable(f"{words[0]} did not finish within {_TIMEOUT_SECONDS:g} s") from error
        except OSError as error:
            raise Unreachable(f"{words[0]} could not be started ({type(error).__name__})") from error


def state_of(state: str, reason: str, node: str, job: str) -> JobState:
    """Return the state of a task of a job from the fields of squeue; `job` is its name for users."""
    if state in _WAITING:
        return JobState(Phase.WAITS, why_waiting(reason))
    if state in _RUNNING:
        return JobState(Phase.RUNS)
    return JobState(Phase.ENDED, reason=end_reason(state, job, node))


def why_waiting(reason: str) -> str:
    """Return a reason of squeue as the end of a sentence, with Slurm's own name for it."""
    reason = reason.strip() or "None"
    word = reason.partition(",")[0]
    known = _REASONS.get(reason) or _REASONS.get(word)
    if known is None and _LIMITS.fullmatch(word):
        known = "a limit of this cluster was reached"
    return f"{known} ({word})" if known else reason


def end_reason(state: str, job: str, node: str) -> EndReason | None:
    """Return the message for a final state of Slurm; None if the end of the task itself says more."""
    where = f"The node {node}" if node else "The node"
    match state:
        case "COMPLETED":
            return None
        case "TIMEOUT":
            message = f"Slurm ended job {job} because it reached the requested time limit."
            return EndReason(message, is_time_limit=True)
        case "PREEMPTED":
            return EndReason(f"Slurm preempted job {job} for a job with a higher priority.", interrupted=True)
        case "NODE_FAIL" | "BOOT_FAIL":
            return EndReason(f"{where} of Slurm job {job} failed.", interrupted=True)
        case "REQUEUED":
            return EndReason(f"Slurm requeued job {job}.", interrupted=True)
        case "CANCELLED":
            return EndReason(f"Slurm job {job} was cancelled.", status=CANCELLED)
        case "OUT_OF_MEMORY":
            return EndReason(f"The task exceeded the requested memory of Slurm job {job}.")
        case "DEADLINE":
            return EndReason(f"The deadline of Slurm job {job} was reached.")
    return EndReason(f"Slurm job {job} ended ({state}) before the task did.")


_CAUSES = {
    "": "CANCELLED",
    "TIME LIMIT": "TIMEOUT",
    "PREEMPTION": "PREEMPTED",
    "JOB REQUEUE": "REQUEUED",
    "NODE FAILURE": "NODE_FAIL",
}


def options_of(need: JobResources) -> list[str]:
    """Return the resources of a job as options of sbatch."""
    named = {"partition": need.partition, "account": need.account, "mem": need.memory}
    words = [f"--{option}={value}" for option, value in named.items() if value]
    if need.gpus and need.gpus != "0":
        words.append(f"--gres=gpu:{need.gpus}")
    if need.cpus:
        words.append(f"--cpus-per-task={need.cpus}")
    if need.time:
        words.append(f"--time={math.ceil(need.time / 60)}")
    for line in need.extra:
        if line.startswith("-"):
            words += shlex.split(line)
    return words


def _script(request: JobRequest) -> str:
    setup = [line for line in request.need.extra if not line.startswith("-")]
    return "\n".join(["#!/bin/bash", *setup, f"exec {shlex.join(request.command)}", ""])


def _pattern(output: Path) -> str:
    """Return a path as sbatch expects it, where a percent sign starts a placeholder."""
    return f"{str(output.parent).replace('%', '%%')}/{output.name.replace('%', '%a')}"


def _error_in(text: str) -> str:
    """Return the last error message of a command, without its name."""
    lines = [re.sub(r"^\w+: (error|fatal): ", "", line.strip()) for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else "no reason given"
    return last.removeprefix("Batch job submission failed: ")
