"""The names of the metrics of a run with several files."""

from __future__ import annotations

import pytest

from pyruns_jupyter.core.metrics.sources import metric_names
from pyruns_jupyter.core.metrics.sources.base import Point
from pyruns_jupyter.core.metrics.sources.formats import format_of
from pyruns_jupyter.core.metrics.sources.metric_names import MetricNames


def named(names: MetricNames, path: str, *points: dict[str, float]) -> list[dict[str, float]]:
    """What is stored for the points of a file."""
    file_format = format_of(path)
    assert file_format is not None
    found = names.named(path, file_format, [Point(None, values) for values in points])
    return [values for _, values in found]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/w/train.csv", "/w/val.csv", "/w/train.csv"], ["loss", "val/loss", "loss"]),
        (["/w/a.jsonl", "/w/b.jsonl"], ["loss", "b/loss"]),
        (["/w/trackio/p.db", "/w/trackio/q.db"], ["loss", "q/loss"]),
        (["/w/x.csv", "/w/x.tsv"], ["loss", "x/loss"]),
        (["/w/y.csv", "/w/x.csv", "/w/x.tsv"], ["loss", "x/loss", "x.tsv/loss"]),
        (["/w/a/metrics.csv", "/w/b/metrics.csv"], ["loss", "b/loss"]),
        (
            ["/w/a/train.csv", "/w/a/val.csv", "/w/b/train.csv", "/w/b/val.csv"],
            ["loss", "val/loss", "b/loss", "b/val/loss"],
        ),
        (["/w/a.csv", "/w/b.jsonl", "/w/c.jsonl"], ["loss", "json lines/loss", "json lines/c/loss"]),
        (["/w/events.out.tfevents.1.a", "/w/events.out.tfevents.2.b"], ["loss", "loss"]),
        (
            ["/w/a/events.out.tfevents.1.x", "/w/b/events.out.tfevents.1.x"],
            ["loss", "b/loss"],
        ),
    ],
)
def test_a_metric_of_the_same_name_in_several_files(paths: list[str], expected: list[str]) -> None:
    """Each file of a format that is written at once has curves of its own; event files of a folder do not."""
    names = MetricNames()
    found = [named(names, path, {"step": 1, "loss": 2})[0] for path in paths]
    assert found == [{"step": 1, name: 2} for name in expected]


def test_the_states_of_two_trainings() -> None:
    """A state has the points of earlier states of its own training, and more at the same step."""
    names = MetricNames()
    first = [{"step": 500, "loss": 0.5}, {"step": 1000, "loss": 0.25}, {"step": 1000, "eval_loss": 1.0}]
    second = [{"step": 500, "loss": 0.75}, {"step": 1000, "loss": 0.5}]
    state = "trainer_state.json"
    assert named(names, f"/w/fold0/checkpoint-500/{state}", *first[:1]) == first[:1]
    assert named(names, f"/w/fold0/checkpoint-1000/{state}", *first[:2]) == first[1:2]
    assert named(names, f"/w/fold0/{state}", *first) == first[2:]
    assert named(names, f"/w/fold0/checkpoint-500/{state}", *first[:1]) == []
    assert named(names, f"/w/fold1/checkpoint-500/{state}", *second[:1]) == second[:1]
    assert named(names, f"/w/fold1/checkpoint-1000/{state}", *second) == second[1:]


def test_a_run_has_a_limited_number_of_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_names, "_MAX_KEYS", 2)
    names = MetricNames()
    assert named(names, "/w/a.csv", {"step": 1, "x": 1, "y": 2}) == [{"step": 1, "x": 1, "y": 2}]
    assert not names.is_full
    assert named(names, "/w/a.csv", {"step": 2, "x": 3, "z": 4}) == [{"step": 2, "x": 3}]
    assert names.is_full
