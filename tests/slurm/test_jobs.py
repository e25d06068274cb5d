"""Tasks as jobs of a real Slurm cluster, whose nodes share nothing with this machine but the folder."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.engine.client.submit import cancel, submit
from pyruns_jupyter.engine.cluster.submissions import ClusterSubmission
from pyruns_jupyter.engine.queue.launch import ensure_running, pause, resume
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.queue.status import read_queue
from tests.engine.support import ENDED, Project
from tests.support import wait_until

from .cluster import NODES, Cluster
from .support import PATIENT, job_of, messages, need, queued, told, why

SCRIPT = """
import os, socket, time
import pyruns_jupyter as pr
config = pr.load()
for step in range(20):
    pr.track(loss=config.lr / (step + 1), step=step)
pr.record(lr=config.lr, node=socket.gethostname())
"""


def test_a_sweep_is_an_array_of_jobs(project: Project, cluster: Cluster) -> None:
    script = "hostname; env | grep ^CUDA; while [ ! -e go ]; do sleep 0.1; done"
    names = [project.task(f"t{number}", script) for number in range(6)]
    batch = project.submit(*names, jobs=1000, gpus=1).batch
    wait_until(lambda: len(cluster.jobs("%F")) == 6, message=lambda: str(cluster.jobs()), interval=0.25)
    assert len(set(cluster.jobs("%F"))) == 1  # one array for all
    assert set(cluster.jobs("%j %b")) == {"_shell_ gres/gpu:1"}
    # All four GPUs are in use before the first task ends.
    wait_until(lambda: sum(b"CUDA" in project.log(name) for name in names) == 4)
    (project.folder / "go").touch()
    assert project.wait(*names) == ["completed"] * 6
    seen = set()
    for name in names:
        facts = project.info(name)["run_environments"][0]
        node, visible = project.output(name).decode().split()
        assert (facts["host"], facts["engine"]) == (node, "slurm")
        assert visible.removeprefix("CUDA_VISIBLE_DEVICES=") == str(facts["assigned_gpu_ids"][0])
        seen.add((node, visible))
    assert len(seen) == 4  # two GPUs of two nodes
    assert {job_of(project, name).partition("_")[0] for name in names} == {job_of(project, "t0")[:-2]}
    # Nothing is left of it once the scheduler has heard of the end.
    wait_until(lambda: not read_queue(project.root).batches, message=lambda: project.scheduler_log())
    assert os.listdir(project.engine.cluster) == []
    assert batch and project.scheduler_log() == ""


def test_a_job_does_not_get_the_gpus_of_the_submitter(
    project: Project, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL")
    for name in chosen:
        monkeypatch.setenv(name, "7")
    monkeypatch.setenv("OF_THE_SUBMITTER", "7")
    project.task("a", f"env | grep -E '^({'|'.join(chosen)}|OF_THE_SUBMITTER)='")
    project.submit("a")
    assert project.wait("a") == ["completed"]
    assert project.output("a") == b"OF_THE_SUBMITTER=7\n"


def test_a_script_and_its_curves(cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, SCRIPT)
    project.settings("workspaces: {job: {engine: slurm, slurm: {cpus: 2, memory: 50M, extra: [--hold]}}}\n")
    project.task("a", "lr: 0.5\n")
    project.submit("a")
    wait_until(
        lambda: cluster.jobs("%C %m") == ["2 50M"], message=lambda: str(cluster.jobs("%C %m")), interval=0.25
    )
    cluster.run("scontrol", "release", *cluster.jobs("%i"))
    assert project.wait("a") == ["completed"]
    info = project.info("a")
    assert info["records"][0]["lr"] == 0.5 and info["records"][0]["node"] in NODES
    assert len(info["tracks"][0]["loss"]) == 20
    assert project.paths("a").curves(1).is_file()
    project.stop_everything()


def test_what_waits_says_why_and_can_be_stopped(project: Project, cluster: Cluster) -> None:
    for name in ("a", "b", "c"):
        project.task(name, PATIENT)
    project.submit("a", "b", "c", jobs=1000, gpus=2)
    wait_until(lambda: "Resources" in why(project), message=lambda: why(project))
    wait_until(lambda: (queued(project).waiting, queued(project).running) == (1, 2))
    batch = queued(project)
    assert why(project).startswith(
        "Waiting in Slurm as job "
    ) and "the requested resources are not available" in why(project)
    assert list(batch.next) == ["c"]
    assert cancel(project.workspace, "c") == "cancelled"
    wait_until(lambda: len(cluster.jobs()) == 2, message=lambda: str(cluster.jobs()), interval=0.25)
    project.wait_for_output("a", b"up")
    # What runs is stopped by its own supervisor: here it is on another host.
    assert cancel(project.workspace, "a") == "running"
    assert project.wait("a") == ["cancelled"]
    assert project.output("a").endswith(b"told\n")
    (project.folder / "go").touch()
    assert project.wait("b") == ["completed"]


def test_so_many_at_a_time(project: Project) -> None:
    names = [project.task(f"t{number}", "sleep 0.5") for number in range(5)]
    project.submit(*names, jobs=2)
    assert project.wait(*names) == ["completed"] * 5
    times = [project.info(name)["pyruns_jupyter"]["times"]["1"] for name in names]
    for start, _ in times:
        assert sum(begin <= start < end for begin, end in times) <= 2


def test_more_tasks_than_an_array_may_have(project: Project) -> None:
    names = [project.task(f"t{number:02d}", "true") for number in range(11)]
    project.submit(*names, jobs=1000)
    assert project.wait(*names) == ["completed"] * 11
    assert len({job_of(project, name).partition("_")[0] for name in names}) == 2  # of nine at most


def test_retries_and_a_time_limit_of_our_own(project: Project, cluster: Cluster) -> None:
    project.task("again", '[ -e "$PYRUNS_TASK_DIR/once" ] || { touch "$PYRUNS_TASK_DIR/once"; exit 1; }')
    project.task("slow", "sleep 600")
    project.submit("again", retries=1, retry_delay=0.1)
    project.submit("slow", time_limit=1.0, grace=1.0, cluster=need(extra=["--hold"]))
    wait_until(lambda: "2:00" in cluster.jobs("%l"), message=lambda: str(cluster.jobs("%l")), interval=0.25)
    cluster.run("scontrol", "release", *cluster.jobs("%i"))
    assert project.wait("again", "slow") == ["completed", "failed"]
    assert project.info("again")["run_statuses"] == ["failed", "completed"]
    assert messages(project, "slow") == {"1": "Stopped because it exceeded its time limit of 1.0 s."}


def test_lines_of_the_job(project: Project, cluster: Cluster) -> None:
    project.task("a", 'echo "$GREETING $USER_CHOICE $OPTION"')
    extra = ["export GREETING='hello world'", "--nodelist=node2", "--time=7"]
    options = QueueOptions(cluster=need(extra=extra))
    submit(project.workspace, ["a"], options=options, environment={**os.environ, "USER_CHOICE": "mine"})
    assert project.wait("a") == ["completed"]
    assert project.output("a") == b"hello world mine \n"
    assert project.info("a")["run_environments"][0]["host"] == "node2"


def test_what_slurm_refuses(project: Project) -> None:
    for name in ("a", "b", "c"):
        project.task(name, "true")
    project.submit("a", "b", jobs=9, cluster=need(partition="nosuch"))
    project.submit("c", cluster=need(memory="90G"))
    assert project.wait("a", "b", "c") == ["cancelled"] * 3
    refusal = "Cancelled: Slurm rejected the job: Invalid partition name specified."
    assert (told(project, "a"), told(project, "b")) == (refusal, refusal)
    assert (
        told(project, "c")
        == "Cancelled: Slurm rejected the job: Requested node configuration is not available."
    )
    wait_until(lambda: os.listdir(project.engine.cluster) == [])


def test_what_is_not_for_a_cluster_is_refused_before_it_is_queued(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.task("a", "true")
    with pytest.raises(InvalidInput, match="gpu_memory has no effect on Slurm"):
        project.submit("a", gpu_memory=4.0)
    with pytest.raises(InvalidInput, match="cluster has no effect with the local executor"):
        project.submit("a", engine="local", cluster=need(cpus=2))
    with pytest.raises(InvalidInput, match="sbatch, squeue, scancel, scontrol on the PATH"):
        submit(project.workspace, ["a"], environment={"PATH": "/nowhere"})
    assert project.status("a") == "pending"


def test_a_job_that_cannot_start(project: Project) -> None:
    project.settings("engine: slurm\nslurm: {poll_seconds: 1, python: /no/such/python}\n")
    project.task("a", "true")
    project.submit("a")
    assert project.wait("a") == ["cancelled"]
    assert told(project, "a").startswith(
        "Cancelled because its Slurm job ended 3 times before the task could start."
    )
    assert "/no/such/python" in told(project, "a")


def test_jobs_cancelled_in_slurm(project: Project, cluster: Cluster) -> None:
    project.task("runs", PATIENT)
    project.submit("runs")
    project.wait_for_output("runs", b"up")
    waiting = [project.task(name, "true") for name in ("alone", "one", "two")]
    project.submit("alone", cluster=need(extra=["--hold"]))
    project.submit("one", "two", jobs=9, cluster=need(extra=["--hold"]))
    wait_until(lambda: str([one.why for one in read_queue(project.root).batches]).count("JobHeld") == 2)
    # Of an array, Slurm does not tell any more of what is cancelled before it begins.
    for job in [job for job in cluster.jobs("%i") if not job.endswith("_1")]:
        cluster.run("scancel", job)
    ended = project.wait("runs", "alone", "one")
    assert ended == ["cancelled"] * 3
    assert messages(project, "runs")["1"].endswith(" was cancelled.")
    assert project.output("runs").endswith(b"told\n")
    assert all(told(project, name).endswith(" was cancelled.") for name in waiting[:2])
    cluster.run("scontrol", "release", *cluster.jobs("%i"))
    assert project.wait("two") == ["completed"]


def test_a_paused_queue_starts_nothing_that_waits_in_slurm(project: Project, cluster: Cluster) -> None:
    project.task("a", "true")
    project.submit("a", cluster=need(extra=["--hold"]))
    wait_until(lambda: "JobHeldUser" in why(project))
    pause(project.root)
    [job] = cluster.jobs("%i")
    cluster.run("scontrol", "release", job)
    wait_until(lambda: not cluster.jobs(), interval=0.25)
    wait_until(lambda: why(project) == "The queue is paused.", message=lambda: why(project))
    assert project.status("a") == "queued"
    resume(project.root)
    wait_until(lambda: "JobHeldUser" in why(project))  # a new job, asked for in the same way
    cluster.run("scontrol", "release", *cluster.jobs("%i"))
    assert project.wait("a") == ["completed"]
    assert len(project.info("a")["run_statuses"]) == 1


def test_a_moved_project(project: Project, cluster: Cluster) -> None:
    """What waits in Slurm knows the old place: it is submitted again."""
    project.task("a", "pwd")
    project.submit("a", cluster=need(extra=["--begin=now+600"]))
    wait_until(lambda: "BeginTime" in why(project), message=lambda: why(project))
    place = project.folder.with_name("elsewhere")
    project.folder.rename(place)
    project.folder, project.root = place, place / "_pyruns_"
    moved = Project.__new__(Project)
    moved.__dict__.update(project.__dict__)
    info = place / "_pyruns_" / "_shell_" / "tasks" / "a" / "task_info.json"

    def has_ended() -> bool:
        """Whatever waits in Slurm, the old job or the new one, begins now."""
        ensure_running(place / "_pyruns_")
        for job in cluster.jobs("%F"):
            cluster.run("scontrol", "update", f"JobId={job}", "StartTime=now")
        return json.loads(info.read_bytes())["status"] in ENDED

    wait_until(has_ended, message=info.read_text, interval=0.5)
    assert json.loads(info.read_bytes())["status"] == "completed"


def test_the_scheduler_may_be_gone(project: Project) -> None:
    """Tasks run to their end without it; who comes later only learns of it."""
    names = [project.task(f"t{number}", PATIENT) for number in range(4)]
    project.submit(*names, jobs=1000)
    wait_until(lambda: project.status("t0") != "queued")
    project.kill_scheduler()
    (project.folder / "go").touch()
    assert project.wait(*names) == ["completed"] * 4
    assert read_queue(project.root).batches
    wait_until(lambda: (ensure_running(project.root), not read_queue(project.root).batches)[1])


def test_a_scheduler_killed_at_any_moment(project: Project, cluster: Cluster) -> None:
    """Whether it had asked Slurm, or heard the answer, is not known: all run once all the same."""
    names = [project.task(f"t{number:02d}", "echo ran >> ran") for number in range(12)]
    for count, start in enumerate(range(0, 12, 2)):
        project.submit(*names[start : start + 2], jobs=1000)
        time.sleep(0.08 * count)
        project.kill_scheduler()
        ensure_running(project.root)
    wait_until(
        lambda: (ensure_running(project.root), all(project.status(name) in ENDED for name in names))[1],
    )
    for name in names:
        assert project.info(name)["run_statuses"] == ["completed"]
    assert (project.folder / "ran").read_text() == "ran\n" * 12
    wait_until(
        lambda: (ensure_running(project.root), not read_queue(project.root).batches and not cluster.jobs())[1]
    )
    wait_until(
        lambda: os.listdir(project.engine.cluster) == [],
        message=lambda: str(os.listdir(project.engine.cluster)),
    )


def test_a_job_that_is_there_twice(project: Project, cluster: Cluster) -> None:
    """One that seemed refused may have been taken all the same: what runs in another job is left alone."""
    project.task("a", PATIENT)
    project.submit("a")
    project.wait_for_output("a", b"up")
    job = job_of(project, "a")
    script = project.folder / "again.sh"
    script.write_text(cluster.run("scontrol", "write", "batch_script", job, "-"))
    # As on a file server that does not show another host's locks.
    project.paths("a").owner(1).unlink()
    said = project.folder / "said"
    cluster.run("sbatch", "--wait", "--array=0", f"--output={said}", str(script))
    assert said.read_text() == ""
    assert project.info("a")["run_statuses"] == ["running"]
    (project.folder / "go").touch()
    assert project.wait("a") == ["completed"]


def test_an_answer_that_nobody_heard(project: Project, cluster: Cluster) -> None:
    """A scheduler is killed after Slurm took the job: the next one finds it, and submits nothing again."""
    project.task("a", "true")
    project.submit("a", cluster=need(extra=["--hold"]))
    wait_until(lambda: "JobHeldUser" in why(project), message=lambda: why(project))
    before = cluster.jobs("%i")
    project.kill_scheduler()
    [name] = [name for name in os.listdir(project.engine.cluster) if name.endswith(".json")]
    path = project.engine.cluster / name
    ClusterSubmission.read(project.key, path.stem).known_as("").write(project.key)
    wait_until(lambda: (ensure_running(project.root), json.loads(path.read_bytes())["job"])[1])
    assert cluster.jobs("%i") == before
    cluster.run("scontrol", "release", *before)
    assert project.wait("a") == ["completed"]
