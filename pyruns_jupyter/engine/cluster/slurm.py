"""Slurm by its commands: sbatch, squeue, scancel, scontrol. Accounting (sacct, slurmdbd) is not needed.

Source of states and reasons: the pages of squeue(1), sbatch(1) and resource limits of Slurm 24.11. What
`slurmstepd` writes into a job's output before it ends it (`CANCELLED AT ... DUE TO TIME LIMIT`) is read too,
since a node need not have the commands.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyruns_jupyter.core.taskfile.runs import CANCELLED
from pyruns_jupyter.core.workspace.cluster_settings import JobResources
from pyruns_jupyter.engine.queue.jobs import EndReason

from .base import Element, JobContext, JobRequest, JobState, Phase, Refused, Unreachable

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol")
_SECONDS = 30.0  # for a command; sbatch itself would try for minutes when there are too many jobs
_FORM = "%F|%K|%T|%r|%N"
_DEFAULT_ARRAY_SIZE = 1001
_MAX_WORDS = 500  # of one command line
# Of the job in which we may be, nothing is the new job's; what people set for their own looks is not for us.
_NOT_OURS = re.compile(r"(SLURM|SLURMD|SQUEUE|SCANCEL|SRUN|SALLOC|PMI|PMIX)_(?!CONF$|CLUSTERS$).*")
_VISIBLE = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK")

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
    "None": "it was only just submitted",
    "Resources": "nothing that it asks for is free",
    "Priority": "others come first",
    "BeginTime": "Slurm starts it again after a pause",
    "Dependency": "it waits for other jobs",
    "JobArrayTaskLimit": "as many run at a time as was asked for",
    "JobHeldUser": "it is held; `scontrol release` lets it go",
    "JobHeldAdmin": "an administrator holds it",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition is not active",
    "PartitionTimeLimit": "it asks for more time than its partition allows",
    "PartitionNodeLimit": "it asks for more than its partition has",
    "ReqNodeNotAvail": "the nodes that could run it are not available",
    "NodeDown": "the nodes that could run it are down",
    "Licenses": "it waits for licences",
    "Reservation": "it waits for its reservation",
    "InvalidAccount": "its account is not valid",
    "InvalidQOS": "its quality of service is not valid",
    "launch failed requeued held": "it could not be started and is held; `scontrol release` lets it go",
}
_LIMITS = re.compile(r"(QOS|Assoc|Max|Grp)\w*")
_CROWDED = re.compile(r"(submit|job) ?limit|MaxJobCount|MaxSubmit|temporarily unable", re.IGNORECASE)
_AWAY = re.compile(
    r"unable to contact|connect|socket timed out|timed out|zero bytes|not responding|try again|"
    r"communication|authentication|munge|temporarily unavailable|in standby mode|resolve|backup controller",
    re.IGNORECASE,
)
_CAUSE = re.compile(r"\*\*\* (?:JOB|STEP) \S+ ON \S+ CANCELLED AT \S+ ?(?:DUE TO ([A-Z ]+))?")


class Slurm:
    """Slurm as who has this environment reaches it (see `base.Cluster`)."""

    title = "Slurm"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {
            name: value
            for name, value in environment.items()
            if not _NOT_OURS.fullmatch(name) and name not in _VISIBLE
        }

    def most_tasks(self) -> int:
        """Return how many tasks one job may have: MaxArraySize is the first number that is too large."""
        found = re.search(
            r"^MaxArraySize\s*=\s*(\d+)", self._run(["scontrol", "show", "config"]), re.MULTILINE
        )
        return max(1, int(found[1])) if found else _DEFAULT_ARRAY_SIZE

    def submit(self, request: JobRequest) -> str:
        """Submit a job, as an array when it has several tasks; return its id."""
        array = f"0-{request.count - 1}"
        if request.at_once < request.count:
            array += f"%{request.at_once}"
        words = ["sbatch", "--parsable", f"--job-name={request.name}", f"--comment={request.tag}"]
        words += [f"--chdir={request.folder}", "--open-mode=append", "--export=ALL", f"--array={array}"]
        words += [f"--output={_pattern(request.output)}", "--input=/dev/null"]
        words.append("--requeue" if request.again else "--no-requeue")
        # Options of a script would give way to variables of the environment.
        done = self._call([*words, *options_of(request.need)], _script(request))
        if done.returncode == 0:
            return done.stdout.strip().partition(";")[0]
        message = _complaint(done.stderr)
        if _CROWDED.search(message):
            raise Refused(message, is_crowded=True)
        if _AWAY.search(message):
            raise Unreachable(message)
        raise Refused(message)

    def find(self, tag: str) -> str:
        """Return the id of the job with this comment, empty without one."""
        shown = self._run(["squeue", "--noheader", "--me", "--states=all", "--format=%F|%k"])
        for line in shown.splitlines():
            job, _, comment = line.partition("|")
            if comment.strip() == tag:
                return job
        return ""

    def look(self, jobs: Sequence[str]) -> dict[Element, JobState]:
        """Return how the tasks of jobs stand; ended ones are known for MinJobAge (300 s) at least."""
        found: dict[Element, JobState] = {}
        for start in range(0, len(jobs), _MAX_WORDS):
            listed = ",".join(jobs[start : start + _MAX_WORDS])
            words = ["squeue", "--noheader", "--array", "--states=all", f"--format={_FORM}"]
            done = self._call([*words, f"--jobs={listed}"])
            if done.returncode and "Invalid job id" not in done.stderr:  # all of them are forgotten
                raise Unreachable(_complaint(done.stderr))
            for line in done.stdout.splitlines():
                job, _, rest = line.partition("|")
                number, _, rest = rest.partition("|")
                state, _, rest = rest.partition("|")
                reason, _, node = rest.rpartition("|")
                # An array of one that is cancelled while it waits has no numbers any more.
                index = int(number) if number.isdigit() else 0
                found[job, index] = state_of(state, reason, node, f"{job}_{index}")
        return found

    def cancel(self, elements: Sequence[Element]) -> None:
        """Cancel tasks of jobs."""
        for start in range(0, len(elements), _MAX_WORDS):
            part = [f"{job}_{number}" for job, number in elements[start : start + _MAX_WORDS]]
            done = self._call(["scancel", "--quiet", *part])
            if done.returncode and _AWAY.search(done.stderr):
                raise Unreachable(_complaint(done.stderr))

    def inside(self) -> JobContext:
        """Return where this process runs."""
        values = os.environ
        array, number = values.get("SLURM_ARRAY_JOB_ID"), values.get("SLURM_ARRAY_TASK_ID", "0")
        job = f"{array}_{number}" if array else values.get("SLURM_JOB_ID", "")
        gpus = values.get("SLURM_JOB_GPUS") or values.get("SLURM_STEP_GPUS") or ""
        return JobContext(job, int(number), tuple(one for one in gpus.split(",") if one))

    def end_reason_from_output(self, output: str, inside: JobContext) -> EndReason | None:
        """Return why Slurm ended this job, as `slurmstepd` wrote it into the output."""
        causes: list[str] = _CAUSE.findall(output)
        if not causes:
            return None
        cause = causes[-1].strip()
        state = _CAUSES.get(cause)
        if state is None:
            return EndReason(f"Slurm ended its job {inside.job}: {cause.lower()}.", interrupted=True)
        return word_of(state, inside.job, os.environ.get("SLURMD_NODENAME", ""))

    def _run(self, words: Sequence[str]) -> str:
        done = self._call(words)
        if done.returncode:
            raise Unreachable(_complaint(done.stderr))
        return done.stdout

    def _call(self, words: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                words,
                input=given,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                env=self._environment,
                check=False,
            )
        except FileNotFoundError:
            raise Unreachable(f"the command {words[0]} is not there") from None
        except subprocess.TimeoutExpired as error:
            said = (error.stderr or b"").decode("utf-8", "replace") if isinstance(error.stderr, bytes) else ""
            if _CROWDED.search(said):
                raise Refused(_complaint(said), is_crowded=True) from error
            raise Unreachable(f"{words[0]} does not answer within {_SECONDS:g} s") from error
        except OSError as error:
            raise Unreachable(f"{words[0]} does not answer ({type(error).__name__})") from error


def state_of(state: str, reason: str, node: str, job: str) -> JobState:
    """Return what squeue's words about one task of a job mean; `job` is what people call it."""
    if state in _WAITING:
        return JobState(Phase.WAITS, why_waiting(reason))
    if state in _RUNNING:
        return JobState(Phase.RUNS)
    return JobState(Phase.ENDED, word=word_of(state, job, node))


def why_waiting(reason: str) -> str:
    """Return a reason of squeue as the end of a sentence, with Slurm's own word for it."""
    reason = reason.strip() or "None"
    word = reason.partition(",")[0]
    known = _REASONS.get(reason) or _REASONS.get(word)
    if known is None and _LIMITS.fullmatch(word):
        known = "a limit of this cluster is reached"
    return f"{known} ({word})" if known else reason


def word_of(state: str, job: str, node: str) -> EndReason | None:
    """Return what a final state of Slurm says to the user; None when the task's own end tells more."""
    where = f"The node {node}" if node else "A node"
    match state:
        case "COMPLETED":
            return None
        case "TIMEOUT":
            return EndReason(f"Slurm ended it: the time that its job {job} had asked for was over.")
        case "PREEMPTED":
            return EndReason(f"Slurm took its place for a job that comes first ({job}).", interrupted=True)
        case "NODE_FAIL" | "BOOT_FAIL":
            return EndReason(f"{where} failed, on which Slurm ran it ({job}).", interrupted=True)
        case "REQUEUED":
            return EndReason(f"Slurm put its job {job} back into the queue.", interrupted=True)
        case "CANCELLED":
            return EndReason(f"Its job {job} was cancelled in Slurm.", status=CANCELLED)
        case "OUT_OF_MEMORY":
            return EndReason(f"It used more memory than its job {job} had asked for.")
        case "DEADLINE":
            return EndReason(f"The deadline of its job {job} was over.")
    return EndReason(f"Its job {job} ended in Slurm ({state}) before it did.")


_CAUSES = {
    "": "CANCELLED",
    "TIME LIMIT": "TIMEOUT",
    "PREEMPTION": "PREEMPTED",
    "JOB REQUEUE": "REQUEUED",
    "NODE FAILURE": "NODE_FAIL",
}


def options_of(need: JobResources) -> list[str]:
    """Return what a job asks for as options of sbatch."""
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
    """Return a path as sbatch wants it: there a percent sign begins what is put in."""
    return f"{str(output.parent).replace('%', '%%')}/{output.name.replace('%', '%a')}"


def _complaint(text: str) -> str:
    """Return what a command said last, without its own name before it."""
    lines = [re.sub(r"^\w+: (error|fatal): ", "", line.strip()) for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else "no reason was given"
    return last.removeprefix("Batch job submission failed: ")
