"""The steps a task takes: each only from where it may come, and a refused one changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import MAX_RUNS

Step = Callable[[dict[str, Any]], object]


def queued(attempt: str = "a" * 32) -> dict[str, Any]:
    info: dict[str, Any] = {"name": "t", "status": "pending", "foreign": [1]}
    runs.queue(info, attempt=attempt, batch="b")
    return info


def start(info: dict[str, Any], attempt: str = "a" * 32) -> int:
    index = runs.start(info, attempt=attempt, command="c", workdir="/w")
    runs.set_process(info, attempt, 7, 1.0)
    return index


def finish(info: dict[str, Any], attempt: str = "a" * 32, **more: Any) -> None:
    runs.finish(info, attempt=attempt, status="completed", exit_code=0, **more)


def refused(info: dict[str, Any], step: Step) -> None:
    before = copy.deepcopy(info)
    with pytest.raises(Conflict):
        step(info)
    assert info == before


def test_a_run_starts_once_and_only_for_its_attempt() -> None:
    info = queued()
    refused(info, lambda info: start(info, "b" * 32))
    assert start(info) == 1
    refused(info, start)
    refused(info, lambda info: runs.queue(info, attempt="c" * 32, batch="c"))
    finish(info)
    refused(info, start)


def test_a_run_that_shall_stop_does_not_start() -> None:
    info = queued()
    runs.request_cancel(info)
    refused(info, start)
    runs.unqueue(info)
    assert (info["status"], runs.slot_count(info)) == ("cancelled", 0)


def test_an_unknown_run_cannot_end() -> None:
    info = queued()
    refused(info, finish)
    start(info)
    refused(info, lambda info: finish(info, "b" * 32))


def test_what_a_script_wrote_itself_stays() -> None:
    info = queued()
    start(info)
    info["records"][0] = {"own": 1, "both": 1}
    info["tracks"][0] = {"loss": [1.0]}
    finish(info, records={"both": 2})
    assert info["records"] == [{"own": 1, "both": 2}]
    assert info["tracks"] == [{"loss": [1.0]}]


def test_a_thousand_runs_are_the_most() -> None:
    info: dict[str, Any] = {"name": "t", "status": "completed", "start_times": [""] * MAX_RUNS}
    refused(info, lambda info: runs.queue(info, attempt="a" * 32, batch="b"))


@given(st.integers(1, 5), st.sampled_from(sorted(runs.SLOTS)), st.integers(0, 5))
def test_short_arrays_of_old_files_are_filled(count: int, short: str, length: int) -> None:
    info: dict[str, Any] = {"name": "t", "status": "pending", "foreign": {"kept": True}}
    for number in range(count):
        attempt = f"{number:032x}"
        runs.queue(info, attempt=attempt, batch="b")
        info[short] = info.get(short, [])[:length]
        assert start(info, attempt) == number + 1
        assert {len(info[key]) for key in runs.SLOTS} == {number + 1}
        if short != "run_attempt_ids":
            finish(info, attempt)
        else:
            finish(info, info["run_attempt_ids"][-1])
    assert info["foreign"] == {"kept": True}
    assert "runner_id" not in info
