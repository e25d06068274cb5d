"""The shared project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .shared import Shared


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests more time: each command of the other program takes a second or two of a core."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture
def shared(reference_pyr: Path, tmp_path: Path) -> Iterator[Shared]:
    """An empty project whose processes are gone after the test."""
    project = Shared(reference_pyr, tmp_path)
    yield project
    project.close()
