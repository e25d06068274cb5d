"""A cluster for the tests of a module, and projects that use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.support import Project
from tests.support import wait_until

from .cluster import Cluster


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests more time: a cluster answers late, and much of it starts interpreters."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    missing = Cluster.missing()
    if missing:
        pytest.skip(missing)
    made = Cluster(tmp_path_factory.mktemp("slurm"), array_size=9)
    try:
        made.start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", made.environment["SLURM_CONF"])
            yield made
    finally:
        made.stop()


@pytest.fixture
def project(cluster: Cluster, tmp_path: Path) -> Iterator[Project]:
    """A project whose shell tasks run in the cluster."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder)
    made.settings("engine: slurm\nslurm: {poll_seconds: 2}\n")
    yield made
    made.stop_everything()
    cluster.run("scancel", "--me")
    cluster.run("scancel", "--me", "--signal=KILL")
    wait_until(lambda: not cluster.jobs(), message=lambda: str(cluster.jobs()), interval=0.25)
