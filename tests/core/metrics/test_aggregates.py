"""Aggregates of metrics: how they are written, and that each way to their values gives the same ones."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.aggregate import JournalReader
from pyruns_jupyter.core.metrics.expressions import Aggregate, parse_aggregate
from pyruns_jupyter.core.metrics.goals import Goals
from pyruns_jupyter.core.metrics.journal import TRACK, Appender
from pyruns_jupyter.core.metrics.read import add_points
from pyruns_jupyter.core.metrics.row_statistics import stored_statistics
from pyruns_jupyter.core.metrics.run_aggregates import JournalAggregates, of_values, running_values
from pyruns_jupyter.core.metrics.statistics import CurveStatistics
from pyruns_jupyter.core.metrics.step_progress import StepProgress, progress_of, totals_among
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts

VALUES = st.lists(
    st.one_of(st.floats(width=32), st.integers(-1000, 1000), st.sampled_from(["text", None, "NaN"])),
    max_size=30,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("min(loss)", Aggregate("min", "loss")),
        ("MAX( val/loss )", Aggregate("max", "val/loss")),
        ("mean(loss)", Aggregate("mean", "loss")),
        ("mean(loss, 10)", Aggregate("mean", "loss", 10)),
        ("at(loss, 1234567)", Aggregate("at", "loss", 1234567.0)),
        ("at(loss, 0.123456789)", Aggregate("at", "loss", 0.123456789)),
        ("at(val loss,1e3)", Aggregate("at", "val loss", 1000)),
        ('best("a, (b)")', Aggregate("best", "a, (b)")),
        ('last("say \\"hi\\"")', Aggregate("last", 'say "hi"')),
        ("loss", None),
        ("f(x)", None),
        ("min(loss) ", None),
    ],
)
def test_how_they_are_written(text: str, expected: Aggregate | None) -> None:
    found = parse_aggregate(text)
    assert found == expected
    assert found is None or parse_aggregate(str(found)) == found


@pytest.mark.parametrize(
    "text", ["min()", "min(loss, 3)", "mean(loss, 0)", "mean(loss, 1.5)", "mean(loss, 1001)", "at(loss)",
             "at(loss, inf)", "at(loss, x)", "mean(loss,)"]
)  # fmt: skip
def test_wrong_arguments_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="Write "):
        parse_aggregate(text)


def expected(values: list[Any], function: str) -> float | None:
    numbers = [math.nan if one == "NaN" else float(one) for one in values if one not in ("text", None)]
    known = [one for one in numbers if one == one]
    if function == "mean":
        return sum(numbers) / len(numbers) if numbers else None
    return (min if function == "min" else max)(known, default=None)


def same(one: float | None, other: float | None) -> bool:
    if one is None or other is None or not (math.isfinite(one) and math.isfinite(other)):
        return one == other or (one != one and other != other)
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


@given(VALUES, VALUES, st.sampled_from(["min", "max", "mean"]))
def test_statistics_in_parts_and_from_a_task_file(first: list[Any], second: list[Any], function: str) -> None:
    wanted = Aggregate(function, "x")
    parts = CurveStatistics()
    parts.add(first)
    parts.add(second)
    right = expected(first + second, function)
    assert same(parts.value(wanted), right)
    assert same(of_values(first + second, wanted), right)
    info: TaskInfo = {"tracks": [{"x": list(first)}]}
    journal = CurveStatistics()
    journal.add(second)
    add_points(info, 1, {"x": second}, whole=True, statistics={"x": journal})
    stored = stored_statistics(own_facts(json.loads(json.dumps(info))), 1)
    if stored is not None:
        assert same(stored.value(wanted), right)


@pytest.mark.parametrize(
    "stored",
    [
        *(None, 3, [], {"1": 3}, {"1": {"x": 3}}, {"1": {"x": [1, 2, 3]}}, {"1": {"x": ["a", {}, [], 1]}}),
        {"1": {"x" * number: [1, 1, 1, 1] for number in range(1, 1002)}},
    ],
)
def test_damaged_statistics_harm_nobody(stored: Any) -> None:
    found = stored_statistics({"aggregates": stored}, 1)
    assert found is None or found.value(Aggregate("min", "x")) is None


def test_numbers_outside_of_the_range_of_a_float() -> None:
    for values in ([10**400, 1], [1, -(10**400), 10**400]):
        found = CurveStatistics()
        found.add(values)
        assert found.count == 1
        assert [found.value(Aggregate(one, "x")) for one in ("min", "max", "mean")] == [1, 1, 1]


def test_a_running_run_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "run1.points"
    appender = Appender(path)
    live = JournalAggregates(path)
    values: list[float] = []
    for step in range(0, 3000, 10):
        value = math.cos(step)
        values.append(value)
        appender.append(TRACK, {"loss": value, "step": step}, float(step))
        if step % 500:
            continue
        live.refresh()
        assert live.value(Aggregate("min", "loss")) == min(values)
        assert live.value(Aggregate("max", "loss")) == max(values)
        assert same(live.value(Aggregate("mean", "loss")), fmean(values))
        assert same(live.value(Aggregate("mean", "loss", 7)), fmean(values[-7:]))
        assert live.value(Aggregate("at", "loss", 100)) == (math.cos(100) if step >= 100 else None)
        assert live.value(Aggregate("at", "loss", 101)) is None
        assert live.value(Aggregate("min", "other")) is None
    appender.close()
    reader = JournalReader(100, 200)  # as at the end of a run with a large journal
    reader.feed(path)
    assert reader.statistics()["loss"].value(Aggregate("min", "loss")) == min(values)


def test_values_of_the_script_replace_imported_ones(tmp_path: Path) -> None:
    path = tmp_path / "run1.points"
    path.write_text(
        '{"t":1,"source":1,"track":{"loss":-5}}\n{"t":2,"track":{"loss":2}}\n{"t":3,"track":{"loss":4}}\n'
    )
    live = JournalAggregates(path)
    live.refresh()
    assert live.value(Aggregate("min", "loss")) == 2
    assert live.value(Aggregate("mean", "loss")) == 3


@pytest.mark.parametrize("is_split", [False, True])
def test_the_value_at_a_step_is_not_an_imported_one_that_was_replaced(tmp_path: Path, is_split: bool) -> None:
    path = tmp_path / "run1.points"
    imported = '{"t":1,"source":1,"track":{"loss":9,"step":5}}\n'
    own = '{"t":2,"track":{"loss":2,"step":6}}\n{"t":3,"track":{"loss":4,"step":5}}\n'
    live = JournalAggregates(path)
    wanted = Aggregate("at", "loss", 5.0)
    if is_split:
        path.write_text(imported)
        assert live.value(wanted) == 9
    path.write_text(imported + own)
    assert live.value(wanted) == 4


@given(st.lists(st.one_of(st.none(), st.floats(-5, 5)), max_size=12), st.integers(1, 4))
def test_running_values(values: list[float | None], last: int) -> None:
    for wanted in (Aggregate("min", "x"), Aggregate("max", "x"), Aggregate("mean", "x", last)):
        assert all(
            same(one, of_values(values[: number + 1], wanted))
            for number, one in enumerate(running_values(values, wanted))
        )
    assert running_values(values, Aggregate("last", "x")) == values


def test_goals(tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    studies.mkdir()
    for name, objective, direction in [
        ("a", "min(fuel)", "minimize"),
        ("b", "score", "minimize"),
        ("c", "time", "minimize"),
        ("d", "time", "maximize"),
        ("e", "loss", "maximize"),
    ]:
        (studies / f"{name}.json").write_text(json.dumps({"objective": objective, "direction": direction}))
    (studies / "f.json").write_text("{damaged")
    goals = Goals({"loss": "minimize", "acc": "minimize"}, tmp_path)
    found = {name: goals.find(name) for name in ("loss", "acc", "fuel", "score", "time", "val_f1", "val/err")}
    assert found == {
        "loss": ("minimize", "settings"),  # also against a study
        "acc": ("minimize", "settings"),  # and against the name
        "fuel": ("minimize", "study"),
        "score": ("minimize", "study"),
        "time": None,  # the studies differ
        "val_f1": ("maximize", "name"),
        "val/err": ("minimize", "name"),
    }
    assert goals.find("temperature") is None
    short = ("process_time", "processed_tokens", "accumulated_steps", "indices", "supplied", "dissimilarity")
    assert [goals.find(name) for name in (*short, "various", "maestro")] == [None] * 8
    more = ("valAcc", "top1_acc", "test/auroc", "rocAUC", "ROC", "mIoU", "ms_ssim", "macro_f1", "avgReturn")
    assert {goals.find(name) for name in (*more, "trainacc", "mAP50")} == {("maximize", "name")}
    less = ("valloss", "trainLoss", "MAE", "val_rmse", "ppl", "testErr", "l2Error", "top1err")
    assert {goals.find(name) for name in less} == {("minimize", "name")}
    assert goals.find("acc_loss") is None  # the name suggests both


def test_progress_is_never_guessed() -> None:
    config = totals_among({"training.epochs": 10, "max_steps": 500, "a.n_iter": 3, "b.n_iter": 4, "lr": 1})
    assert progress_of({"epoch": 4, "loss": 1}, config) == StepProgress("epoch", 4, 10, "training.epochs")
    assert progress_of({"step": 50, "epoch": 4}, config) == StepProgress("step", 50, 500, "max_steps")
    assert progress_of({"iter": 1}, config) is None  # two different numbers
    assert progress_of({"epoch": 11}, config) is None  # the total means something else
    assert progress_of({"epoch": "4"}, config) is None
    assert progress_of({"epoch": math.nan}, config) is None
    assert progress_of({"loss": 1}, config) is None
    assert progress_of({"step": 5}, {}) is None
    # What the script says wins.
    said = progress_of({"step": 5, "total_steps": 20}, totals_among({"max_steps": 0}))
    assert said == StepProgress("step", 5, 20, "total_steps")
