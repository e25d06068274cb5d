"""The shared project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .shared import Shared


@pytest.fixture
def shared(reference_pyr: Path, tmp_path: Path) -> Iterator[Shared]:
    """An empty project whose processes are gone after the test."""
    project = Shared(reference_pyr, tmp_path)
    yield project
    project.close()
