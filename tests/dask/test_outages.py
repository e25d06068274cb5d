"""Workers and schedulers of Dask that end: told in the user's words, and run again where that is wanted."""

from __future__ import annotations

import pytest

from pyruns_jupyter.engine.queue.status import read_queue
from tests.engine.support import Project
from tests.slurm.support import PATIENT, messages, why
from tests.slurm.test_outages import age_lease
from tests.support import wait_until

from .cluster import NODES, DaskCluster


def node_of(project: Project, name: str, run: int = 1) -> str:
    return str(project.info(name)["run_environments"][run - 1]["host"])


@pytest.mark.parametrize("again", [True, False])
def test_a_worker_that_is_killed(project: Project, cluster: DaskCluster, again: bool) -> None:
    """Its nanny starts another one. The run ends with the worker, also where Dask cannot see it."""
    project.task("a", PATIENT)
    project.submit("a", gpus=1, resume=again)
    project.wait_for_output("a", b"up")
    cluster.kill_worker(node_of(project, "a"))
    if again:
        project.wait_for_output("a", b"up", run=2)
        (project.folder / "go").touch()
        assert project.wait("a") == ["completed"]
        assert project.info("a")["run_statuses"] == ["failed", "completed"]
    else:
        assert project.wait("a") == ["failed"]
        assert project.info("a")["run_statuses"] == ["failed"]
    assert project.output("a").endswith(b"told\n")
    assert messages(project, "a")["1"].startswith("The worker of Dask job ")
    assert "failed, or the job was removed from the worker." in messages(project, "a")["1"]


def test_a_failure_after_the_death_of_a_worker(project: Project, cluster: DaskCluster) -> None:
    """The job goes on with the same output, but what it says of the first run is not the reason here."""
    project.task("a", f'[ ! -e "$PYRUNS_TASK_DIR/once" ] || exit 3; touch "$PYRUNS_TASK_DIR/once"; {PATIENT}')
    project.submit("a", gpus=1)
    project.wait_for_output("a", b"up")
    cluster.kill_worker(node_of(project, "a"))
    wait_until(lambda: len(project.info("a").get("run_statuses", ())) == 2)
    assert project.wait("a") == ["failed"]
    assert project.info("a")["run_statuses"] == ["failed", "failed"]
    assert "2" not in messages(project, "a")


def test_a_node_that_dies(project: Project, cluster: DaskCluster) -> None:
    """Nobody on it can tell its end, so the task waits on another one until the run has lost its lease."""
    project.task("a", PATIENT)
    project.submit("a", gpus=1)
    project.wait_for_output("a", b"up")
    node = node_of(project, "a")
    cluster.stop_node(node)
    try:
        wait_until(lambda: cluster.workers() == [one for one in NODES if one != node], interval=0.25)
        assert project.status("a") == "running"
        age_lease(project, "a")
        project.wait_for_output("a", b"up", run=2)
        assert node_of(project, "a", 2) != node
        (project.folder / "go").touch()
        assert project.wait("a") == ["completed"]
    finally:
        cluster.start_node(node)
    assert project.info("a")["run_statuses"] == ["failed", "completed"]
    assert messages(project, "a")["1"].startswith("The worker of Dask job ")


def test_a_scheduler_that_does_not_answer_for_a_while(project: Project, cluster: DaskCluster) -> None:
    """Nobody waits for it when a run has ended; later it is told to forget the task."""
    for name in ("a", "b"):
        project.task(name, PATIENT)
    project.submit("a")
    project.wait_for_output("a", b"up")
    with cluster.silent_scheduler():
        (project.folder / "go").touch()
        assert project.wait("a") == ["completed"]
        wait_until(lambda: not read_queue(project.root).batches, message=lambda: why(project))
        assert not project.info("a").get("run_statuses", [])[1:]
    project.submit("b")
    assert project.wait("b") == ["completed"]
    wait_until(lambda: cluster.datasets() == [], message=lambda: str(cluster.datasets()))


def test_all_that_dask_knew_is_lost(project: Project, cluster: DaskCluster) -> None:
    """Its workers leave with the scheduler, here with their nodes: all is submitted again."""
    for name in ("a", "b", "c"):
        project.task(name, PATIENT)
    project.submit("a", "b", "c", jobs=1000, gpus=1)
    wait_until(lambda: "busy" in why(project), message=lambda: why(project))
    names = ("a", "b", "c")
    wait_until(lambda: sum(bool(project.info(name).get("run_statuses")) for name in names) == 2)
    cluster.stop_scheduler()
    wait_until(lambda: why(project).startswith("Dask is not responding: "), message=lambda: why(project))
    for node in NODES:
        cluster.stop_node(node)
    began = [name for name in ("a", "b", "c") if project.info(name).get("run_statuses")]
    for name in began:
        age_lease(project, name)
    cluster.start_scheduler()
    for node in NODES:
        cluster.start_node(node)
    (project.folder / "go").touch()
    assert project.wait("a", "b", "c", timeout=120) == ["completed"] * 3
    assert [project.info(name)["run_statuses"] for name in began] == [["failed", "completed"]] * 2
