"""The program inside a job: the supervisor of one of its tasks.

It reads what it needs from the shared folder. The environment of the task is that of the front end, as
changed by the cluster and, with Slurm, the lines of the job's script.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import ExitStack
from pathlib import Path

from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.provenance.git_state import SourceState
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.runs import latest
from pyruns_jupyter.core.taskfile.task_file import TaskInfo
from pyruns_jupyter.core.trust.engine_key import CLUSTER
from pyruns_jupyter.core.trust.signatures import read_foreign
from pyruns_jupyter.engine.processes.native import SignalPipe, gather_orphans
from pyruns_jupyter.engine.processes.process_name import name_process
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.entries import EntryState, QueueEntry, open_batch, read_state
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.launch import is_paused
from pyruns_jupyter.engine.run.orphan_cleanup import finalize_orphan, has_owner
from pyruns_jupyter.engine.run.run_environment import EnvironmentProbe
from pyruns_jupyter.engine.run.supervisor import AGAIN, DONE, supervise

from .base import Cluster, JobContext, cluster_of, lost_node
from .submissions import SUFFIX, ClusterSubmission, output_size, read_output

# The search path is set here, since the environment is that of the tasks. It lacks the working folder, which
# `-c` puts first: others may have put modules there.
_START = (
    "import sys; sys.path = [one for one in sys.path if one not in ('', '.')] + [sys.argv.pop(1)]; "
    "from {module} import main; sys.exit(main())"
)
_OWNER_POLL_SECONDS = 1.0
_PACKAGE_PARENT = Path(__file__).resolve().parents[3]


def command(python: str, root: Path, submission: ClusterSubmission, digest: str) -> list[str]:
    """Return the command of this program in a job of the project whose `_pyruns_` folder is `root`.

    `python` is by default this interpreter. `digest` is that of the batch's file, so that a node needs no
    key.
    """
    words = [python or sys.executable, "-c", _START.format(module=__name__)]
    return [*words, str(_PACKAGE_PARENT), str(root), submission.id, digest]


def main() -> int:
    """Run one task of a job; return the exit code."""
    if len(sys.argv) != 4:
        print("usage: runner <_pyruns_ folder> <submission> <digest of the batch>", file=sys.stderr)
        return 2
    name_process("pyruns-run")
    gather_orphans()
    signals = SignalPipe(is_supervisor=True)
    root, paths = Path(sys.argv[1]), EnginePaths(Path(sys.argv[1]))
    try:
        submission = _read_submission(root, sys.argv[2])
        cluster = cluster_of(submission.engine, os.environ)
        inside = cluster.inside()
        output = submission.output(paths)
        job = _job(root, submission, sys.argv[3], cluster, inside, signals)
        if job is None:
            return DONE
        # A restart of the job appends to its output, where the reasons of earlier ends remain.
        start = output_size(output, inside.number)
        with ExitStack() as held:
            return supervise(
                job,
                EnvironmentProbe().look(job),
                signals,
                held,
                explain=lambda: cluster.end_reason_from_output(
                    read_output(output, inside.number, start), inside
                ),
            )
    except FileNotFoundError as error:
        print(f"Nothing to run: {error.filename} no longer exists.", file=sys.stderr)
        return AGAIN
    except PyrunsError as error:
        print(error.message, file=sys.stderr)
        return AGAIN


def _read_submission(root: Path, name: str) -> ClusterSubmission:
    return ClusterSubmission.from_dict(read_foreign(root, CLUSTER, f"{name}{SUFFIX}"), name)


def _job(
    root: Path,
    submission: ClusterSubmission,
    digest: str,
    cluster: Cluster,
    inside: JobContext,
    signals: SignalPipe,
) -> Job | None:
    """Return the current run of the task of this job, None if it is not to run."""
    if is_paused(root):
        return None  # the scheduler submits it again
    try:
        opened = open_batch(root, batches.read_exact(root, submission.batch, digest))
    except FileNotFoundError:
        return None
    name = submission.tasks[inside.number]
    entry = next((one for one in opened.waiting if one.job.task == name), None)
    if entry is None:
        return None
    state, info = read_state(entry, opened)
    if state is EntryState.RUNNING and _job_of_latest(info) == inside.job:
        # This job was restarted, so its run ended with its former node. A run in another job is not ended:
        # the cluster may have accepted a job that seemed to be rejected.
        while not cluster.is_durable and has_owner(entry.job):
            select.select([signals.descriptor], [], [], _OWNER_POLL_SECONDS)
            if signals.read():
                return None
        finalize_orphan(entry.job, lost_node(cluster, inside.job))
        state, _ = read_state(entry, opened)
    return _inside(entry, submission, inside) if state is EntryState.WAITING else None


def _job_of_latest(info: TaskInfo) -> str:
    run = latest(info)
    return "" if run is None else str(run.environment.get("cluster_job"))


def _inside(entry: QueueEntry, submission: ClusterSubmission, inside: JobContext) -> Job:
    environment = dict(os.environ if inside.variables is None else entry.job.environment)
    for name, value in (inside.variables or {}).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    if inside.gpus:
        environment["PYRUNS_ASSIGNED_GPUS"] = ",".join(inside.gpus)
    source = entry.job.source if entry.job.code else SourceState.from_dict(submission.source)
    return replace(
        entry.job, environment=environment, source=source, gpu_labels=inside.gpus, cluster_job=inside.job
    )
