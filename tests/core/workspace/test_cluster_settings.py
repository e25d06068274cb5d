"""What a job of a cluster asks for, as people write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.workspace.cluster_settings import (
    ClusterAccess,
    ClusterSettings,
    JobResources,
    seconds_of,
)
from pyruns_jupyter.core.workspace.default_settings import DEFAULT_TEXT
from pyruns_jupyter.core.workspace.settings import Settings


def parsed(text: str) -> Settings:
    return Settings.parse(text.encode(), Path("settings.yaml"))


def test_settings_of_a_project_and_of_a_workspace() -> None:
    settings = parsed(
        "engine: slurm\n"
        "slurm: {partition: gpu, cpus: 4, time: 4:00:00, gpus: 2, poll_seconds: 5, extra: [--qos=high]}\n"
        "workspaces:\n"
        "  train: {slurm: {cpus: 8, memory: 64G, extra: [module load cuda]}}\n"
        "  small: {engine: local}\n"
    )
    assert settings.problem is None
    cluster = settings.cluster
    assert cluster.access_of("slurm").poll_seconds == 5
    usual = JobResources(partition="gpu", gpus="2", cpus=4, time=14400.0, extra=("--qos=high",))
    assert cluster.of("anything") == ("slurm", usual)
    train = JobResources("gpu", "", "2", 8, "64G", 14400.0, ("--qos=high", "module load cuda"))
    assert cluster.of("train") == ("slurm", train)
    assert cluster.of("small") == ("local", JobResources())
    assert cluster.of("small", "slurm") == ("slurm", usual)


def test_settings_of_dask() -> None:
    settings = parsed(
        "engine: dask\n"
        "dask: {address: 'tls://scheduler:8786', python: /opt/python, gpus: 1, resources: {TPU: 2}}\n"
        "slurm: {partition: gpu}\n"
        "workspaces: {train: {dask: {memory: 64G, resources: {MPS: 0.5}}}}\n"
    )
    assert settings.problem is None
    cluster = settings.cluster
    assert cluster.access_of("dask") == ClusterAccess("/opt/python", address="tls://scheduler:8786")
    assert cluster.access_of("slurm") == ClusterAccess()
    assert cluster.of("anything") == ("dask", JobResources(gpus="1", resources={"TPU": 2}))
    both = {"TPU": 2.0, "MPS": 0.5}
    assert cluster.of("train") == ("dask", JobResources(gpus="1", memory="64G", resources=both))
    assert cluster.of("train", "slurm") == ("slurm", JobResources(partition="gpu"))


def test_without_settings_everything_is_local() -> None:
    assert parsed(DEFAULT_TEXT).cluster == ClusterSettings()
    assert ClusterSettings().of("x") == ("local", JobResources())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("engine: slrum", "engine must be local, slurm or dask, not 'slrum'."),
        ("slurm: {memory: 16}", "slurm: memory must be a size with a unit such as 800M or 16G, not 16."),
        ("slurm: {nodes: 2}", "Unknown cluster option 'nodes'. Valid options: partition, account, gpus"),
        ("slurm: {partition: '--help'}", "slurm: partition must be a name"),
        (
            "slurm: {poll_seconds: 0}",
            "slurm.poll_seconds must be a number of seconds from 1",
        ),
        ("slurm: {resources: {GPU: 1}}", "slurm: resources has no effect with the executor slurm."),
        (
            "dask: {partition: gpu}",
            "dask: partition has no effect with the executor dask. Valid options: gpus, ",
        ),
        ("dask: {gpus: 'a100:2'}", "dask: gpus must be a number with the executor dask, not 'a100:2'."),
        ("dask: {resources: {GPU: 0}}", "dask: resources must be a mapping of resources of the workers"),
        ("dask: {address: 8786}", "dask.address must be an address such as tcp://scheduler:8786, not 8786."),
        ("dask: {address: 'x y'}", "dask.address must be an address such as tcp://scheduler:8786, not"),
        ("dask: {address: 'tcp://a:1', cluster: b}", "dask.address and dask.cluster both name a cluster."),
        ("dask: {poll_seconds: 0}", "dask.poll_seconds must be a number of seconds from 1"),
        ("slurm: 3", "slurm must be a mapping such as {partition: gpu, cpus: 4}."),
        ("workspaces: [a]", "workspaces must be a mapping of names to settings."),
        ("workspaces: {a: 3}", "workspaces.a must be a mapping such as {engine: slurm}."),
        ("workspaces: {a: {engine: x}}", "workspaces.a.engine must be local, slurm or dask, not 'x'."),
        ('slurm: {extra: ["--x=\'a"]}', "slurm: extra must be a list of at most 100 printable lines"),
        ('slurm: {extra: ["a\\nb"]}', "slurm: extra must be a list of at most 100 printable lines"),
    ],
)
def test_what_is_wrong_is_said_and_not_used(text: str, said: str) -> None:
    settings = parsed(f"{text}\nmax_jobs: 3\n")
    assert settings.problem is not None
    assert said in settings.problem
    assert settings.problem.endswith("This setting is ignored.")
    assert settings.max_jobs == 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *((90, 90), (1.5, 1.5), ("90m", 5400), ("1h30m", 5400), ("4:00:00", 14400), ("1-12:00", 129600)),
        *(("1-0:0:5", 86405), ("10:30", 630), ("2d", 172800)),
    ],
)
def test_times(value: object, seconds: float) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize("value", [0, -1, "soon", "", True, "1:99", float("nan"), "1-", None, [1]])
def test_what_is_no_time(value: object) -> None:
    assert seconds_of(value) is None


texts = st.text(max_size=8)


@given(
    st.dictionaries(
        st.sampled_from(
            ["partition", "account", "gpus", "cpus", "memory", "time", "extra", "resources", "other"]
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | texts
        | st.lists(texts, max_size=3)
        | st.dictionaries(texts, st.floats()),
    )
)
def test_any_mapping_is_understood_or_refused(value: dict[str, Any]) -> None:
    """Nothing in it can become another word of the cluster's command, or another line of the job's script."""
    try:
        need = JobResources.from_dict(value)
    except InvalidInput:
        return
    assert JobResources.from_dict(need.to_dict()) == need
    for text in (need.partition, need.account, need.gpus, need.memory):
        assert not text.startswith("-")
        assert not set(text) & set(" \n\0'\"$;")
    assert all(line.isprintable() for line in need.extra)


@given(st.integers(1, 9), st.text(max_size=3))
def test_a_need_over_nothing_is_itself(cpus: int, name: str) -> None:
    need = JobResources(cpus=cpus, partition=name)
    assert need.over(JobResources()) == need
    assert JobResources().over(need) == need
