"""Texts that cost much to read: bounded in time and in memory, whatever their shape."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.time_limit import TookTooLong, check_time, time_limit
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.config.sweep.swept_text import MAX_VALUES
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.create import preview
from tests.core.making import script_workspace

N = 5_000
TEXTS = {
    "a key that is given again and again": "a: 1 | 2\n" * N,
    "aliases of what is swept": "a: &a\n"
    + "".join(f"  k{number}: 1 | 2\n" for number in range(N // 2))
    + "".join(f"b{number}: *a\n" for number in range(N // 2)),
    "sweeps in a text that is not YAML": "a: [1, 2\n" + "".join(f"k{number}: 1 | 2\n" for number in range(N)),
    "ranges": "".join(f"k{number}: 1:9999\n" for number in range(N // 2)),
    "functions": "".join(f"k{number}: lin(0, 1, 9999)\n" for number in range(N // 2)),
    "a value of spaces": f"a: 1{' ' * 20 * N}x | 2\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_took_minutes_takes_seconds(tmp_path: Path, text: str) -> None:
    workspace = script_workspace(tmp_path, source="import pyruns_jupyter\npyruns_jupyter.load()\n")
    began = time.process_time()
    SearchSpace(text)
    with suppress(InvalidInput):
        preview.plan_tasks(workspace, text, "t")
    assert time.process_time() - began < 20


def test_the_values_of_all_keys_are_bounded() -> None:
    keys = MAX_VALUES // 10_000 + 1
    text = "".join(f"k{number}: (0:10000)\n" for number in range(keys))
    [error] = SweepPlan(text).errors
    assert (error.field, error.line) == (f"k{keys - 1}", keys)
    assert "more than 200,000 values" in error.message


def test_a_count_of_thousands_of_digits_is_shown_briefly() -> None:
    text = "".join(f"k{number}: [1 | 1]\n" for number in range(N + N // 2))
    plan = SweepPlan(text)
    assert plan.count == 1
    assert plan.duplicates == 2**53 - 1
    assert plan.notices


def test_a_limit_ends_the_reading_and_the_outer_one_stays_in_force() -> None:
    text = "".join(f"k{number}: 1 | 2\n" for number in range(N))
    with time_limit(0.0), pytest.raises(TookTooLong, match="longer than 0 s"), time_limit(1000.0):
        Template.examine(text)
    check_time()
    assert Template.examine(text).readable
