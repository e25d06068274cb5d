"""A cluster for the tests of a module, and projects that use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import nodes
from tests.engine.support import Project
from tests.support import wait_until

from .cluster import NODES, DaskCluster


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests more time: a cluster answers late, and much of it starts interpreters."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    missing = nodes.missing()
    if missing:
        pytest.skip(missing)
    made = DaskCluster(tmp_path_factory.mktemp("dask"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def project(cluster: DaskCluster, tmp_path: Path) -> Iterator[Project]:
    """A project whose shell tasks run in the cluster."""
    wait_until(lambda: len(cluster.workers()) == len(NODES), 120, cluster.log, interval=0.5)
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder)
    made.settings(f"engine: dask\ndask: {{address: '{cluster.address}', poll_seconds: 1}}\n")
    yield made
    made.stop_everything()
    with cluster.client() as client:
        for name in client.list_datasets():
            client.unpublish_dataset(name)
