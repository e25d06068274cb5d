"""Tasks that run in a cluster, over the wire: a real server, a real Slurm."""

from __future__ import annotations

from typing import Any

import pytest

from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.engine.support import stop_everything
from tests.server.client import Api, until
from tests.server.conftest import WS
from tests.slurm import conftest as slurm
from tests.slurm.cluster import NODES, Cluster

cluster = slurm.cluster
pytestmark = pytest.mark.timeout(400)  # a cluster starts before
WORKSPACE, TASKS, TASK, QUEUE = (
    f"/workspaces/{{ws}}{end}" for end in ("", "/tasks", "/tasks/{task}", "/queue")
)
SETTINGS = "engine: slurm\nslurm: {poll_seconds: 2}\n"


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"jobs_at_once": 4}}], ids=[""])
async def test_a_sweep_in_the_cluster(api: Api, train: WorkspaceFolder, cluster: Cluster) -> None:
    assert (await api.get(WORKSPACE, ws=WS))["engine"] == "local"
    need = {"cpus": 2, "memory": "50M", "extra": ["--hold"]}
    run = {"jobs": 1000, "engine": "slurm", "cluster": need}
    names = (await api.post(TASKS, {"text": "lr: 1 | 2 | 3", "name": "t", "run": run}, ws=WS))["names"]

    async def held() -> Any:
        batches = (await api.get(QUEUE, ws=WS))["batches"]
        return batches[0] if "JobHeldUser" in batches[0]["why"] else None

    batch = await until(held, "why they wait")
    assert (batch["waiting"], batch["running"], batch["next"]) == (3, 0, names)
    assert (batch["options"]["engine"], batch["options"]["cluster"]) == ("slurm", need)
    cluster.run("scontrol", "release", *set(cluster.jobs("%F")))

    async def ended() -> bool:
        return bool((await api.get(TASKS, ws=WS))["counts"]["completed"] == 3)

    await until(ended, "three completed tasks")
    place = (await api.get(TASK, ws=WS, task=names[1]))["history"][0]["environment"]
    assert place["host"] in NODES
    assert place["cluster_job"].endswith("_1")


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"jobs_at_once": 4}}], ids=[""])
async def test_what_is_for_this_machine_is_limited(
    api: Api, train: WorkspaceFolder, cluster: Cluster
) -> None:
    (train.root / "_pyruns_settings.yaml").write_text(SETTINGS)
    assert (await api.get(WORKSPACE, ws=WS))["engine"] == "slurm"
    wanted: dict[str, Any] = {"text": "lr: 1", "name": "t", "run": {"jobs": 5, "engine": "local"}}
    answer = await api("post", TASKS, wanted, ws=WS)
    assert (answer.status, "At most 4 tasks" in answer.body["message"]) == (400, True)
    wanted["run"] = {"jobs": 5}
    assert (await api.post(TASKS, wanted, ws=WS))["names"] == ["t"]
    stop_everything(train.project)  # its scheduler would ask the cluster as long as the task waits
