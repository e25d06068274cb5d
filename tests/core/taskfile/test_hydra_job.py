"""The entry of a job of Hydra in a task file."""

from __future__ import annotations

from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.taskfile.hydra_job import HydraJob, hydra_job_of


def test_a_job_is_read_as_it_was_written() -> None:
    job = HydraJob(("lr=0.1", "title='a, b'"), 2)
    assert hydra_job_of({"pyruns_jupyter": job.to_facts()}) == job
    assert hydra_job_of({"pyruns_jupyter": {"swept": {}}}) is None
    assert hydra_job_of({}) is None


@pytest.mark.parametrize(
    "entry",
    [
        "lr=0.1",
        {},
        {"overrides": ["lr=0.1"]},
        {"overrides": "lr=0.1", "packages": 0},
        {"overrides": ["lr=0.1", 2], "packages": 0},
        {"overrides": ["lr=\0"], "packages": 0},
        {"overrides": [], "packages": -1},
        {"overrides": [], "packages": True},
    ],
)
def test_an_entry_that_is_not_valid_is_an_error(entry: Any) -> None:
    with pytest.raises(InvalidInput, match="Duplicate the task"):
        hydra_job_of({"pyruns_jupyter": {"hydra_job": entry}})
