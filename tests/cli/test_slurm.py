"""Tasks that run in a cluster, from a terminal."""

from __future__ import annotations

import pytest

from tests.slurm import conftest as slurm
from tests.slurm.cluster import Cluster
from tests.support import wait_until

from .test_cli import Terminal, statuses, terminal

__all__ = ["terminal"]
cluster = slurm.cluster


@pytest.mark.timeout(400)  # a cluster starts before
def test_a_sweep_in_the_cluster(terminal: Terminal, cluster: Cluster) -> None:
    words = ["--executor", "slurm", "--cpus", "2", "--memory", "50M", "--sbatch=--hold", "--gpus", "1"]
    terminal("sweep", "-", "-n", "t", "--run", *words, "--sbatch", "export A=b", given="lr: 1 | 2\n")
    wait_until(lambda: "JobHeldUser" in terminal("queue"), message=lambda: terminal("queue"))
    [batch] = terminal.json("queue")["batches"]
    need = {"gpus": "1", "cpus": 2, "memory": "50M", "extra": ["--hold", "export A=b"]}
    options = {"jobs": 1000, "gpus": 1, "memory": 50 << 20, "resume": True}
    assert batch["options"] == {**options, "engine": "slurm", "cluster": need}
    cluster.run("scontrol", "release", *set(cluster.jobs("%F")))
    terminal("wait", "--timeout", "120")
    assert set(statuses(terminal).values()) == {"completed"}
    said = terminal("run", "t_1_lr=1", "--executor", "slurm", "--memory", "much", code=1)
    assert "memory must be a size with a unit, such as 800M or 16G, not 'much'." in said
