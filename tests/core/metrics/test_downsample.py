"""Sketches of curves: what stands out stays, what is counted is right, and a file never lies."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.metrics import read as figures
from pyruns_jupyter.core.metrics.aggregate import read_journal
from pyruns_jupyter.core.metrics.columns import columns_of
from pyruns_jupyter.core.metrics.curves import curves_of_run
from pyruns_jupyter.core.metrics.downsample import (
    Curve,
    CurveDownsampler,
    number,
    read_curves,
    select_points,
    thinned,
    write_curves,
)
from pyruns_jupyter.core.metrics.journal import TRACK, encode
from pyruns_jupyter.core.metrics.read import compact_journal
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import runs

VALUES = st.lists(st.one_of(st.floats(), st.integers(-5, 5), st.none(), st.text(max_size=2)), max_size=400)


def sketch(values: list[Any], points: int = 2000, pieces: int = 7) -> Curve | None:
    sketches = CurveDownsampler(points)
    entries = [{"t": 1000.0 + n, TRACK: {"loss": value, "step": 2 * n}} for n, value in enumerate(values)]
    for begin in range(0, len(entries), pieces):
        sketches.take(columns_of(entries[begin : begin + pieces], (), set()))
    return sketches.curves().get("loss")


@given(VALUES, st.integers(4, 60))
def test_what_is_kept(values: list[Any], points: int) -> None:
    curve = sketch(values, points)
    if curve is None:
        assert not values
        return
    assert curve.total == len(values)
    assert curve.places == sorted(set(curve.places))
    assert len(curve.places) <= points
    assert (curve.places[0], curve.places[-1]) == (0, len(values) - 1)
    assert curve.times == [1000.0 + place for place in curve.places]
    assert curve.steps == {"step": [2 * place for place in curve.places]}
    numbers = [value for value in values if type(value) in (int, float) and math.isfinite(value)]
    for place, value in zip(curve.places, curve.values, strict=True):
        assert value == values[place] if value is not None else values[place] not in numbers
    if numbers:
        kept = [value for value in curve.values if value is not None]
        assert (min(kept), max(kept)) == (min(numbers), max(numbers))


def check_extremes(values: list[float], pieces: int = 7) -> None:
    curve = sketch(values, 64, pieces)
    assert curve is not None
    # The parts are as long as a power of two, and there are at most 31 of them.
    width = 1
    while -(-len(values) // width) > 31:
        width *= 2
    for begin in range(0, len(values), width):
        part = values[begin : begin + width]
        kept = [
            value
            for place, value in zip(curve.places, curve.values, strict=True)
            if begin <= place < begin + width
        ]
        assert {min(part), max(part)} <= set(kept)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=600))
def test_extremes_of_every_part_stay(values: list[float]) -> None:
    check_extremes(values)


@pytest.mark.parametrize("pieces", [7, 900])
@pytest.mark.parametrize("count", [31, 32, 100, 1000, 2999])
def test_extremes_of_every_part_of_a_long_curve_stay(count: int, pieces: int) -> None:
    check_extremes([math.sin(n * n) for n in range(count)], pieces)


@pytest.mark.parametrize(("total", "most"), [(20_000, 200), (100, 100)])
def test_many_curves_have_fewer_points(total: int, most: int) -> None:
    """So that all of them together need a limited amount of memory."""
    sketches = CurveDownsampler(2000, total)
    for begin in range(0, 1000, 50):
        lines = range(begin, begin + 50)
        points = [{"step": line, **{f"k{n}": line * n % 101 for n in range(1, 100)}} for line in lines]
        sketches.take(columns_of([{"t": 1.0, TRACK: point} for point in points], (), set()))
    kept = [point for points in sketches._curves.values() for point in points]
    assert len(kept) <= 2 * 100 * most
    assert len({id(steps) for *_, steps in kept}) <= 1000
    for key, curve in sketches.curves().items():
        assert most / 4 < len(curve.places) <= most
        assert curve.total == 1000
        assert curve.steps["step"] == curve.places
        assert max(value or 0 for value in curve.values) == (999 if key == "step" else 100)


def test_old_curves_have_fewer_points_as_new_ones_come() -> None:
    sketches = CurveDownsampler(2000, 20_000)
    for key in map(str, range(100)):
        points = [{key: line} for line in range(2000)]
        sketches.take(columns_of([{"t": 1.0, TRACK: point} for point in points], (), set()))
    assert sum(map(len, sketches._curves.values())) <= 2 * 20_000
    assert all(curve.values[-1] == 1999 for curve in sketches.curves().values())


@given(VALUES.filter(bool))
def test_a_file_tells_what_was_written(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    path = tmp_path_factory.mktemp("curves") / "run1.curves.jsonl"
    curve = sketch(values)
    assert curve is not None
    write_curves(path, {"loss": curve, 'odd "key"': curve}, 77)
    assert read_curves(path) == (77, {"loss": curve, 'odd "key"': curve})
    assert read_curves(path, ['odd "key"', "none"]) == (77, {'odd "key"': curve})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '{"version": 2, "journal": 1}',
        '{"version": 1}',
        '{"version":1,"journal":1}\n{"key":"a","total":1,"places":[0],"values":[1,2],"steps":{}}',
        '{"version":1,"journal":1}\n{"key":"a","total":1,"places":[0],"val',
        '{"version":1,"journal":1}\n{"key":"a","total":1,"places":[0],"values":[1],"steps":[]}',
        *(
            f'{{"version":1,"journal":1}}\n{{"key":"a","total":9,"places":{places},'
            '"values":[1,2],"steps":{}}'
            for places in ("[2,1]", "[1,1]", "[-1,0]", "[0,NaN]", "[0,2.5]", "[false,true]", '"01"')
        ),
        (
            '{"version":1,"journal":1}\n{"key":"a","total":1,"places":[0],"values":[1],"steps":{},'
            f'"times":[0.5],"began":1{"0" * 400}}}'
        ),
        *(
            f'{{"version":1,"journal":1}}\n{{"key":"a","total":{total},"places":[0,1],"values":{values},'
            f'"steps":{{"step":{steps}}},"times":{times},"began":{began}}}'
            for total, values, steps, times, began in (
                ('"2"', "[1,2]", "[1,2]", "[0,1]", "5"),
                ("2", '[1,"2"]', "[1,2]", "[0,1]", "5"),
                ("2", "[1,[2]]", "[1,2]", "[0,1]", "5"),
                ("2", "[1,NaN]", "[1,2]", "[0,1]", "5"),
                ("2", '"12"', "[1,2]", "[0,1]", "5"),
                ("2", "[1,2]", '["1",2]', "[0,1]", "5"),
                ("2", "[1,2]", "[1,1e999]", "[0,1]", "5"),
                ("2", "[1,2]", "[1,2]", '["0","1"]', '"5"'),
                ("2", "[1,2]", "[1,2]", "[0,null]", "5"),
                ("2", "[1,2]", "[1,2]", "[0,1]", "NaN"),
            )
        ),
    ],
)
def test_a_file_that_is_none_of_ours(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run1.curves.jsonl"
    path.write_text(text)
    assert read_curves(path)[0] in (-1, 1)
    assert read_curves(path) in ((-1, {}), (1, {}))


@pytest.mark.parametrize("places", [[math.nan, 1, 2, 3, 9], [0, *[math.nan] * 3, 9]])
def test_places_that_do_not_ascend_have_an_end(places: list[Any]) -> None:
    assert select_points([1.0, 2.0, 3.0, 4.0, 5.0], 4, places)


class Task:
    """A task file with one run, made by hand."""

    def __init__(self, folder: Path, status: str, tracks: dict[str, list[Any]]) -> None:
        self.paths = TaskPaths(folder)
        self.paths.run_logs.mkdir(parents=True)
        self.info: dict[str, Any] = {
            "name": folder.name,
            "status": status,
            "start_times": ["2026-01-01_00-00-00"],
            "run_statuses": [status],
            "tracks": [tracks],
        }
        self.write()

    def write(self) -> None:
        self.paths.info.write_text(json.dumps(self.info))

    def journal(self, points: int, begin: int = 0) -> int:
        """Write so many points behind what is there; return how long the journal is."""
        lines = [
            encode(TRACK, {"loss": 1 / (n + 1), "epoch": n // 10}, 1000.0 + n) for n in range(begin, points)
        ]
        with self.paths.journal(1).open("ab") as stream:
            stream.write(b"".join(lines))
        return self.paths.journal(1).stat().st_size

    def curves(self, *keys: str) -> dict[str, Curve]:
        return curves_of_run(self.info, runs(self.info)[0], self.paths, keys or None)


@pytest.mark.parametrize(
    "times", [("1e308", "-1e308"), ("1" + "0" * 400,), ("true",), ("NaN",), ("-1e12", "5"), ('"5"', "null")]
)
def test_times_that_are_none_do_not_count(tmp_path: Path, times: tuple[str, ...]) -> None:
    task = Task(tmp_path / "t", "running", {})
    lines = [f'{{"t":{time},"track":{{"loss":{n}}}}}\n' for n, time in enumerate(times)]
    task.paths.journal(1).write_text("".join(lines))
    assert task.curves()["loss"].times is None
    values = [*range(len(times))]
    assert compact_journal(task.paths, 1, {}, 0) == ({}, {"loss": values}, True)
    (curve,) = read_curves(task.paths.curves(1))[1].values()
    assert (curve.values, curve.times) == (values, None)


def test_a_living_run_grows(tmp_path: Path) -> None:
    task = Task(tmp_path / "t", "running", {})
    assert task.curves() == {}
    task.journal(50)
    assert task.curves()["loss"].total == 50
    task.journal(5000, begin=50)
    found = task.curves("loss", "missing")
    assert set(found) == {"loss"}
    assert found["loss"].total == 5000
    assert len(found["loss"].places) <= 2000
    assert found["loss"].steps["epoch"][-1] == 499
    assert found["loss"].times is not None
    assert found["loss"].times[-1] == 1000.0 + 4999


def test_a_long_run_is_read_from_its_sketches_as_long_as_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(tmp_path / "t", "completed", {"loss": [1.0] * 1000, "epoch": [0] * 1000})
    size = task.journal(30_000)
    task.info["pyruns_jupyter"] = {"thinned": {"1": {"loss": 1000, "epoch": 1000}}}
    task.write()
    sketches = CurveDownsampler()
    entries = [{"t": 5.0, TRACK: {"loss": n % 9, "epoch": n}} for n in range(30_000)]
    sketches.take(columns_of(entries, (), set()))
    write_curves(task.paths.curves(1), sketches.curves(), size)
    read: list[Path] = []

    def reading(path: Path) -> Any:
        read.append(path)
        return read_journal(path)

    monkeypatch.setattr(figures, "read_journal", reading)
    assert max(value or 0 for value in task.curves()["loss"].values) == 8
    assert not read
    # Another process of the run goes on: the sketches are not all of it.
    task.journal(30_001, begin=30_000)
    assert task.curves()["loss"].total == 30_001
    assert len(read) == 1
    # What was found the slow way is remembered, until something changes.
    assert task.curves("loss")["loss"].total == 30_001
    assert len(read) == 1
    task.journal(30_002, begin=30_001)
    assert task.curves()["loss"].total == 30_002
    assert len(read) == 2


def test_a_short_run_has_its_values_from_the_task_file_and_times_from_the_sketches(tmp_path: Path) -> None:
    values = [0.5, 0.25, 0.125]
    task = Task(tmp_path / "t", "completed", {"loss": [*values], "step": [10, 20, 30], "other": [1, 2]})
    sketches = CurveDownsampler()
    entries = [{"t": 100.0 + n, TRACK: {"loss": value}} for n, value in enumerate(values)]
    sketches.take(columns_of(entries, (), set()))
    write_curves(task.paths.curves(1), sketches.curves(), 50)
    found = task.curves()
    assert found["loss"].times == [100.0, 101.0, 102.0]
    assert found["other"] == Curve(2, [0, 1], [1, 2], None, {})
    # The other program added a value since: the file counts.
    task.info["tracks"][0]["loss"].append(7.0)
    assert task.curves()["loss"] == Curve(4, [0, 1, 2, 3], [*values, 7.0], None, {})
    task.info["tracks"][0]["step"].append(40)
    assert task.curves("loss")["loss"].steps == {"step": [10, 20, 30, 40]}


@given(st.integers(2, 50))
def test_thinning_keeps_columns_together(points: int) -> None:
    curve = sketch([math.sin(n / 3) for n in range(500)])
    assert curve is not None
    few = thinned(curve, points)
    assert len(few.places) <= points
    assert few.total == 500
    assert few.values == [math.sin(place / 3) for place in few.places]
    assert few.times == [1000.0 + place for place in few.places]
    assert few.steps == {"step": [2 * place for place in few.places]}


NUMBERS = st.one_of(st.floats(), st.integers(-5, 5), st.none(), st.text(max_size=2), st.booleans())


@given(st.lists(NUMBERS, max_size=300), st.integers(2, 60))
def test_which_points_are_selected(values: list[object], points: int) -> None:
    places = select_points([*map(number, values)], points)
    assert places == sorted(set(places))
    assert len(places) <= max(points, 2)
    assert len(places) == len(values) or len(values) > points
    if values:
        assert places[0] == 0
        assert places[-1] == len(values) - 1
    numbers = [found for value in values if (found := number(value)) is not None]
    if numbers and points >= 4:
        kept = [values[place] for place in places]
        assert min(numbers) in kept
        assert max(numbers) in kept


def test_a_peak_is_seen() -> None:
    values = [0.0] * 100_000
    values[70_123] = 5.0
    values[12] = -1.0
    places = select_points([*map(number, values)], 500)
    assert {12, 70_123} <= set(places)
    assert len(places) <= 500
