"""What a cluster does to jobs: told in the user's words, and run again where that is wanted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.queue.launch import ensure_running
from pyruns_jupyter.engine.queue.status import read_queue
from tests.engine.support import Project, age_lock
from tests.support import wait_until

from .cluster import Cluster
from .support import PATIENT, job_of, messages, need, why


@pytest.fixture(autouse=True)
def healthy(cluster: Cluster) -> None:
    """Each test finds two idle nodes."""
    wait_until(
        lambda: cluster.states() == ["idle", "idle"], message=lambda: str(cluster.states()), interval=0.25
    )


def begin_again(cluster: Cluster, project: Project, name: str) -> None:
    """Let Slurm start a job again at once that it put back: else it waits for two minutes."""
    wait_until(lambda: "BeginTime" in why(project), message=lambda: f"{why(project)} {cluster.jobs()}")
    cluster.run("scontrol", "update", f"JobId={job_of(project, name)}", "StartTime=now")


def age_lease(project: Project, name: str) -> None:
    """Let the time be over for which a node that is gone has said that its run goes on, and has locked it."""
    age_lock(project.paths(name).folder)
    with edit_task(project.paths(name).folder) as info:
        info["lease_until"] = time.time() - 1


def test_preempted_and_run_again(project: Project, cluster: Cluster) -> None:
    project.task("a", PATIENT)
    project.submit("a", cluster=need(cpus=8, extra=["--nodelist=node1"]))
    project.wait_for_output("a", b"up")
    cluster.run("sbatch", "--partition=urgent", "--nodelist=node1", "--cpus-per-task=8", "--wrap=sleep 2")
    wait_until(lambda: project.status("a") == "queued", message=lambda: str(project.info("a")))
    assert "told" in project.log("a").decode()
    assert messages(project, "a")["1"].startswith("Slurm preempted job ")
    begin_again(cluster, project, "a")
    project.wait_for_output("a", b"up", run=2)
    (project.folder / "go").touch()
    assert project.wait("a") == ["completed"]
    assert project.info("a")["run_statuses"] == ["failed", "completed"]
    assert job_of(project, "a", 1) == job_of(project, "a", 2)


def test_preempted_and_not_run_again(project: Project, cluster: Cluster) -> None:
    project.task("a", PATIENT)
    project.submit("a", resume=False, cluster=need(cpus=8, extra=["--nodelist=node1"]))
    project.wait_for_output("a", b"up")
    cluster.run("sbatch", "--partition=urgent", "--nodelist=node1", "--cpus-per-task=8", "--wrap=true")
    assert project.wait("a") == ["failed"]
    assert messages(project, "a")["1"].startswith("Slurm preempted job ")
    assert len(project.info("a")["run_statuses"]) == 1


def test_the_time_that_the_job_asked_for(project: Project, cluster: Cluster) -> None:
    project.task("a", PATIENT)
    project.submit("a", cluster=need(time="1h"))
    project.wait_for_output("a", b"up")
    # Slurm looks at the times of jobs twice a minute.
    cluster.run("scontrol", "update", f"JobId={job_of(project, 'a')}", "EndTime=now+1")
    assert project.wait("a") == ["failed"]
    job = job_of(project, "a")
    assert messages(project, "a") == {
        "1": f"Slurm ended job {job} because it reached the requested time limit."
    }
    assert b"told" in project.output("a")


def test_a_signal_before_the_time_limit_and_a_checkpoint(project: Project, cluster: Cluster) -> None:
    project.task(
        "a",
        'mkdir -p "$PYRUNS_CHECKPOINT_DIR"; [ -z "$PYRUNS_RESUMED_FROM" ] || '
        '{ cat "$PYRUNS_CHECKPOINT_DIR/state"; exit; }\n'
        "trap 'echo saved > \"$PYRUNS_CHECKPOINT_DIR/state\"; exit 75' USR1; echo up\n"
        "while true; do sleep 0.1; done",
    )
    project.submit("a", signal="USR1@60", cluster=need(time="1h"))
    project.wait_for_output("a", b"up")
    # Slurm looks at the times of jobs twice a minute.
    cluster.run("scontrol", "update", f"JobId={job_of(project, 'a')}", "EndTime=now+59")
    assert project.wait("a", timeout=120) == ["completed"], project.log("a").decode()
    assert project.output("a", 2) == b"saved\n"
    assert b"Sent SIGUSR1 to 1 process of this run." in project.log("a")
    assert messages(project, "a") == {
        "1": "The script exited with code 75. The task was requeued (requeue 1 of at most 20)."
    }


@pytest.mark.parametrize("again", [True, False])
def test_a_node_that_fails(project: Project, cluster: Cluster, again: bool) -> None:
    project.task("a", PATIENT)
    project.submit("a", resume=again, cluster=need(extra=["--nodelist=node2"]))
    project.wait_for_output("a", b"up")
    cluster.stop_node("node2")
    try:
        assert project.status("a") == "running"  # nobody can know yet
        wait_until(
            lambda: cluster.states() != ["idle", "mixed"] and "down*" in cluster.states(), interval=0.25
        )
        assert project.status("a") == "running"
        age_lease(project, "a")
        if again:
            wait_until(lambda: project.status("a") == "queued", message=lambda: str(project.info("a")))
            assert "failed, or the job was removed from the node" in messages(project, "a")["1"]
            cluster.run("scontrol", "update", f"JobId={job_of(project, 'a')}", "NodeList=node1")
            begin_again(cluster, project, "a")
            project.wait_for_output("a", b"up", run=2)
            assert project.info("a")["run_environments"][1]["host"] == "node1"
            (project.folder / "go").touch()
            assert project.wait("a") == ["completed"]
        else:
            assert project.wait("a") == ["failed"]
            assert "The node node2 of Slurm job" in messages(project, "a")["1"]
    finally:
        cluster.start_node("node2")


def test_a_node_that_starts_the_job_again_before_anybody_looked(project: Project, cluster: Cluster) -> None:
    """No scheduler is there to see that the run has lost its supervisor: the job itself does."""
    project.task("a", PATIENT)
    project.submit("a", cluster=need(extra=["--nodelist=node2"]))
    project.wait_for_output("a", b"up")
    project.kill_scheduler()
    cluster.stop_node("node2")
    wait_until(lambda: "down*" in cluster.states(), interval=0.25)
    cluster.start_node("node2")
    wait_until(
        lambda: cluster.states() == ["idle", "idle"], message=lambda: str(cluster.states()), interval=0.25
    )
    # Slurm waits for two minutes: it still owes the node the end of the job that failed, which would hit the
    # one that is started again. It tries that for MessageTimeout, 5 s.
    cluster.run("scontrol", "update", f"JobId={job_of(project, 'a')}", "StartTime=now+10")
    project.wait_for_output("a", b"up", run=2)
    assert "failed, or the job was removed from the node" in messages(project, "a")["1"]
    (project.folder / "go").touch()

    def is_completed() -> bool:
        """Slurm may have put it back once more, see below; then it is started again at once."""
        ensure_running(project.root)
        if "BeginTime" in why(project):
            cluster.run("scontrol", "update", f"JobId={job_of(project, 'a')}", "StartTime=now")
        return project.status("a") == "completed"

    wait_until(is_completed, interval=0.25)
    # On a busy machine Slurm tells the node to end the job only when it has started it again: one run more.
    *interrupted, last = project.info("a")["run_statuses"]
    said = messages(project, "a")
    assert (set(interrupted), last) == ({"failed"}, "completed")
    assert all("node" in said[str(run)] for run in range(1, len(interrupted) + 1)), said


def test_a_controller_that_is_gone_for_a_while(project: Project, cluster: Cluster) -> None:
    for name in ("runs", "later"):
        project.task(name, PATIENT)
    project.submit("runs")
    project.wait_for_output("runs", b"up")
    cluster.stop_controller()
    try:
        project.submit("later")
        wait_until(
            lambda: why(project, 1).startswith("Slurm is not responding: "),
            message=lambda: why(project, 1),
        )
        assert "Retrying." in why(project, 1)
        # What runs goes on, and ends.
        (project.folder / "go").touch()
        assert project.wait("runs") == ["completed"]
        assert project.status("later") == "queued"
        # Nobody waits until Slurm says so, too.
        wait_until(lambda: len(read_queue(project.root).batches) == 1, message=lambda: why(project))
    finally:
        cluster.start_controller()
    assert project.wait("later") == ["completed"]


def test_all_that_slurm_knew_is_lost(project: Project, cluster: Cluster, tmp_path: Path) -> None:
    """A controller without its memory knows no job: what waits is submitted again."""
    project.task("a", PATIENT)
    project.submit("a", cluster=need(extra=["--begin=now+600"]))
    wait_until(lambda: "BeginTime" in why(project), message=lambda: why(project))
    before = cluster.jobs("%i")
    cluster.stop_controller()
    cluster.start_controller("-c")
    wait_until(lambda: cluster.jobs("%i") not in ([], before), interval=0.25)
    cluster.run("scontrol", "update", f"JobId={cluster.jobs('%F')[0]}", "StartTime=now")
    project.wait_for_output("a", b"up")
    (project.folder / "go").touch()
    assert project.wait("a") == ["completed"]
    assert project.info("a")["run_statuses"] == ["completed"]
