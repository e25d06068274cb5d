"""Tasks on the workers of a real Dask cluster, whose nodes share nothing with this machine but the folder."""

from __future__ import annotations

import os
import re

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.engine.client.submit import cancel, submit
from pyruns_jupyter.engine.queue.launch import ensure_running
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.queue.status import read_queue
from tests.engine.support import ENDED, Project
from tests.slurm.support import PATIENT, need, queued, told, why
from tests.support import wait_until

from .cluster import NODES, DaskCluster


def test_a_sweep_on_the_gpus_of_the_workers(project: Project, cluster: DaskCluster) -> None:
    # Those of one node wait for one on the other, which could be late, or busy.
    both = f"touch on.$(hostname); until [ -e on.{NODES[0]} -a -e on.{NODES[1]} ]; do sleep 0.1; done"
    names = [project.task(f"t{number}", f"hostname; env | grep ^CUDA; {both}") for number in range(5)]
    project.submit(*names, jobs=1000, gpus=1)
    assert project.wait(*names) == ["completed"] * 5
    seen = set()
    for name in names:
        facts = project.info(name)["run_environments"][0]
        node, visible = project.output(name).decode().split()
        assert (facts["host"], facts["engine"]) == (node, "dask")
        assert facts["assigned_gpu_ids"] == [NODES.index(node)]
        assert visible == f"CUDA_VISIBLE_DEVICES={NODES.index(node)}"
        seen.add(node)
    assert seen == {*NODES}
    # Nothing is left of it once the scheduler has heard of the end.
    wait_until(lambda: not read_queue(project.root).batches, message=project.scheduler_log)
    wait_until(lambda: os.listdir(project.engine.cluster) == [])
    wait_until(lambda: cluster.datasets() == [], message=lambda: str(cluster.datasets()), interval=0.25)
    assert project.scheduler_log() == ""


def test_the_environment_is_that_of_the_front_end(project: Project) -> None:
    project.task("a", 'echo "$USER_CHOICE $CUDA_VISIBLE_DEVICES $PYRUNS_DASK_JOB"')
    submit(
        project.workspace, ["a"], options=QueueOptions(), environment={**os.environ, "USER_CHOICE": "mine"}
    )
    assert project.wait("a") == ["completed"]
    assert project.output("a") in (b"mine 0 \n", b"mine 1 \n")
    assert project.info("a")["run_environments"][0]["assigned_gpu_ids"] == []


def test_what_waits_says_why_and_can_be_stopped(project: Project, cluster: DaskCluster) -> None:
    for name in ("a", "b", "c"):
        project.task(name, PATIENT)
    project.submit("a", "b", "c", jobs=1000, gpus=1)
    said = re.compile(r"Waiting in Dask as job \w+: all workers that could run it are busy\.")
    wait_until(lambda: said.fullmatch(why(project)), message=lambda: why(project))
    [waiting] = wait_until(lambda: one.next if (one := queued(project)).running == 2 else ())
    first, second = sorted({"a", "b", "c"} - {waiting})
    assert cancel(project.workspace, waiting) == "cancelled"
    wait_until(lambda: len(cluster.datasets()) == 2, message=lambda: str(cluster.datasets()), interval=0.25)
    project.wait_for_output(first, b"up")
    # What runs is stopped by its own supervisor: here it is on another host.
    assert cancel(project.workspace, first) == "running"
    assert project.wait(first) == ["cancelled"]
    assert project.output(first).endswith(b"told\n")
    (project.folder / "go").touch()
    assert project.wait(second) == ["completed"]
    assert "run_statuses" not in project.info(waiting)


def test_no_worker_has_what_is_requested(project: Project) -> None:
    project.task("a", "true")
    project.submit("a", cluster=need(resources={"TPU": 1}))
    wait_until(
        lambda: why(project).endswith(": no worker has the requested resources."),
        message=lambda: why(project),
    )
    assert cancel(project.workspace, "a") == "cancelled"
    assert project.wait("a") == ["cancelled"]


def test_so_many_at_a_time(project: Project) -> None:
    names = [project.task(f"t{number}", "sleep 0.5") for number in range(5)]
    project.submit(*names, jobs=2)
    assert project.wait(*names) == ["completed"] * 5
    times = [project.info(name)["pyruns_jupyter"]["times"]["1"] for name in names]
    for start, _ in times:
        assert sum(begin <= start < end for begin, end in times) <= 2


def test_retries(project: Project) -> None:
    project.task("a", '[ -e "$PYRUNS_TASK_DIR/once" ] || { touch "$PYRUNS_TASK_DIR/once"; exit 1; }')
    project.submit("a", retries=1, retry_delay=0.1)
    assert project.wait("a") == ["completed"]
    assert project.info("a")["run_statuses"] == ["failed", "completed"]


def test_a_scheduler_that_is_killed(project: Project, cluster: DaskCluster) -> None:
    """The next one finds its tasks in Dask, and submits nothing again."""
    for name in ("a", "b", "c"):
        project.task(name, PATIENT)
    project.submit("a", "b", "c", jobs=1000, gpus=1)
    wait_until(lambda: queued(project).running == 2 and "busy" in why(project), message=lambda: why(project))
    before = cluster.datasets()
    project.kill_scheduler()
    wait_until(
        lambda: (
            ensure_running(project.root),
            queued(project).running == 2 and "busy" in why(project),
        )[1],
        message=lambda: why(project),
    )
    assert cluster.datasets() == before
    project.kill_scheduler()
    (project.folder / "go").touch()
    names = ("a", "b", "c")
    wait_until(
        lambda: (ensure_running(project.root), all(project.status(name) in ENDED for name in names))[1]
    )
    assert [project.info(name)["run_statuses"] for name in names] == [["completed"]] * 3
    wait_until(lambda: (ensure_running(project.root), cluster.datasets() == [])[1], interval=0.25)


def test_an_address_that_does_not_respond(project: Project, cluster: DaskCluster) -> None:
    address = "tcp://127.0.0.1:1"  # nobody listens there
    project.settings(f"engine: dask\ndask: {{address: '{address}', poll_seconds: 1}}\n")
    project.task("a", "true")
    project.submit("a")
    wait_until(lambda: why(project).startswith("Dask is not responding: "), message=lambda: why(project))
    assert address in why(project) and why(project).endswith("Retrying.")
    project.settings(f"engine: dask\ndask: {{address: '{cluster.address}', poll_seconds: 1}}\n")
    assert project.wait("a") == ["completed"]


def test_an_interpreter_that_the_workers_do_not_have(project: Project, cluster: DaskCluster) -> None:
    project.settings(
        f"engine: dask\ndask: {{address: '{cluster.address}', poll_seconds: 1, python: /no/such/python}}\n"
    )
    project.task("a", "true")
    project.submit("a")
    assert project.wait("a") == ["cancelled"]
    assert told(project, "a").startswith(
        "Cancelled because its Dask job ended 3 times before the task could start."
    )
    assert "/no/such/python" in told(project, "a")


def test_what_is_not_for_dask_is_refused_before_it_is_queued(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    project.task("a", "true")
    with pytest.raises(InvalidInput, match="gpu_memory has no effect on Dask"):
        project.submit("a", gpu_memory=4.0)
    with pytest.raises(InvalidInput, match="partition has no effect with the executor dask"):
        project.submit("a", cluster=need(partition="gpu"))
    project.settings("engine: dask\n")
    with pytest.raises(InvalidInput, match="needs the address of a Dask scheduler"):
        project.submit("a")
    assert project.status("a") == "pending"
