"""An option that would have no effect is refused with a sentence, or implies what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.engine.client.batch_options import parse_options
from tests.conftest import FakeGpu, FakeNvml

from .support import Project

NO_EFFECT = [
    ({"retry_delay": "1m"}, "retry_delay has no effect without retries"),
    (
        {"retry_delay": 10, "retries": 0},
        "retry_delay has no effect without retries",
    ),  # also when it is the default
    ({"retry_alone": True}, "retry_alone has no effect without gpu_memory"),
    ({"retry_alone": True, "gpus": 1}, "retry_alone has no effect without gpu_memory"),
    ({"gpus": 0, "gpu_memory": 4}, "gpu_memory has no effect with gpus: 0"),
    ({"gpus": 0, "gpu_devices": ["1"]}, "gpu_devices has no effect with gpus: 0"),
    ({"cluster": {"cpus": 4}}, "cluster has no effect with the local executor"),
    ({"engine": "local", "cluster": {"partition": "gpu"}}, "cluster has no effect with the local executor"),
    ({"engine": "slurm", "gpu_memory": 4}, "gpu_memory has no effect on Slurm"),
    ({"engine": "slurm", "gpu_devices": ["1"]}, "gpu_devices has no effect on Slurm"),
    ({"engine": "slurm", "gpu_memory": 4, "retry_alone": True}, "has no effect on Slurm"),
    ({"engine": "dask", "gpu_memory": 4}, "gpu_memory has no effect on Dask"),
    ({"engine": "dask", "cluster": {"cpus": 4}}, "cluster: cpus has no effect with the executor dask"),
    ({"engine": "slurm", "cluster": {"resources": {"GPU": 1}}}, "cluster: resources has no effect"),
    ({"engine": "dask", "signal": "USR1@60"}, "signal has no effect without time_limit"),
    ({"engine": "slurm", "gpus": 1, "cluster": {"gpus": "a100:2"}}, "gpus and cluster.gpus"),
]


@pytest.mark.parametrize(("given", "sentence"), NO_EFFECT)
def test_an_option_without_effect_is_refused(shell: Project, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        parse_options(shell.workspace, given)
    assert refused.value.field in given


def test_options_that_do_nothing_in_the_settings_engine_are_refused_too(shell: Project) -> None:
    shell.settings("engine: slurm\n")
    with pytest.raises(InvalidInput, match="has no effect on Slurm"):
        parse_options(shell.workspace, {"gpu_devices": ["0"]})
    parse_options(shell.workspace, {"cluster": {"cpus": 4}})


def test_what_is_switched_off_is_no_option_without_effect(shell: Project) -> None:
    options = parse_options(
        shell.workspace, {"retry_alone": False, "gpu_memory": None, "gpu_devices": [], "cluster": {}}
    )
    assert options.gpus is None


@pytest.mark.parametrize(
    ("given", "visible"),
    [
        ({"gpu_devices": ["2", "3"]}, {"2", "3"}),
        ({"gpu_memory": 2.0}, {"0", "1", "2", "3"}),
        ({"gpu_memory": 2.0, "gpu_devices": ["1"], "retry_alone": True}, {"1"}),
    ],
)
@pytest.mark.parametrize("enabled", ["false", "true"])
def test_gpu_options_imply_one_gpu(
    shell: Project,
    fake_nvml: FakeNvml,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, Any],
    visible: set[str],
    enabled: str,
) -> None:
    for name, value in fake_nvml.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYRUNS_GPU_LEDGER", str(tmp_path / "ledger"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    fake_nvml.write([FakeGpu(total=10240, used=100) for _ in range(4)])
    shell.settings(f"gpu_scheduler_enabled: {enabled}\ngpu_scheduler_stable_seconds: 0\n")
    shell.task("T", 'echo "gpus:$PYRUNS_ASSIGNED_GPUS"')
    Workspace(shell.workspace).run("T", **given)
    assert shell.wait("T") == ["completed"]
    assert shell.output("T").decode().split("gpus:")[1].strip() in visible
