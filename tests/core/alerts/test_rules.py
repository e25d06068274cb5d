"""Alert rules: what they say, and when they alert."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pyruns_jupyter.core.alerts.rules import NOTIFY, STOP, TAG, parse_rule
from pyruns_jupyter.core.common.errors import InvalidInput

NAN, INF = math.nan, math.inf


def alerted_at(rule: str, points: list[dict[str, Any]], metric: str = "m") -> int | None:
    """Return the index of the first point at which a rule alerts, None if it does at none."""
    watch = parse_rule(rule).watch()
    for index, point in enumerate(points):
        if watch.add(point[metric], point):
            return index
    return None


def values(*numbers: float) -> list[dict[str, Any]]:
    return [{"m": number} for number in numbers]


@pytest.mark.parametrize(
    ("rule", "numbers", "expected"),
    [
        ("m is nan", (1.0, INF, NAN, 1.0), 2),
        ("m is nan", (1.0, INF), None),
        ("m > 2", (1.0, 2.0, 2.5), 2),
        ("m >= 2", (1.0, 2.0), 1),
        ("m < .5e0", (1.0, 0.5, 0.4), 2),
        ("m<=-1", (NAN, 0.0, -1.0), 2),
        ("m > 2 for 3 points", (3.0, 3.0, 1.0, 3.0, 3.0, 3.0), 5),
        ("m > 2 for 1 point", (3.0,), 0),
        ("m > 2 for 3 points", (3.0, NAN, 3.0, 3.0), None),
        ("m > 1.5 * min", (1.0, 1.4, 1.6), 2),
        ("m > 1.5 * min", (9.0, 2.0, 2.9, 3.1), 3),
        ("m > 1.5*min for 2 points", (1.0, 2.0, 2.0), 2),
        ("m < 0.5 * max", (1.0, 4.0, 2.0, 1.9), 3),
        ("m > max", (1.0, 1.0, 1.1), 2),
        ("m > 2 * first", (1.0, 0.1, 2.1), 2),
        ("m > 2 * mean", (1.0, 1.0, 4.0), 2),
        ("m > min", (NAN, 1.0, 1.5), 2),
        ("m > 2 * mean", (1.0, math.inf), 1),
        ("m > 2 * mean", (math.inf, 1.0, 1.0, 4.0), 3),
        ("no decrease of m in 3 points", (5.0, 4.0, 4.0, 4.0, 4.0), 4),
        ("no decrease of m in 3 points", (5.0, 4.0, 4.5, 3.9, 4.0, 4.0, 3.9), 6),
        ("no increase of m in 2 points", (0.1, 0.2, 0.2, 0.2), 3),
        ("no decrease of m in 2 points", (NAN, NAN, NAN), 2),
        ("no decrease of m in 2 points", (3.0, 2.0, 1.0, 0.0), None),
    ],
)
def test_when_a_rule_alerts(rule: str, numbers: tuple[float, ...], expected: int | None) -> None:
    assert alerted_at(rule, values(*numbers)) == expected


def test_steps_and_epochs_are_counted_by_the_metrics_of_this_name() -> None:
    points = [{"m": 1.0, "step": 10 * index, "epoch": index // 4} for index in range(20)]
    assert alerted_at("no decrease of m in 50 steps", points) == 5
    assert alerted_at("no decrease of m in 2 epochs", points) == 8
    assert alerted_at("no decrease of m in 5 points", points) == 5
    assert alerted_at("m > 0 for 30 steps", points) == 3


def test_without_such_a_metric_each_point_counts() -> None:
    assert alerted_at("no decrease of m in 5 epochs", values(*[1.0] * 9)) == 5


@pytest.mark.parametrize(
    ("text", "condition", "action", "tag", "metric", "seconds"),
    [
        ("loss is nan", "loss is nan", NOTIFY, "", "loss", 0),
        ("  loss   is nan->stop ", "loss is nan", STOP, "", "loss", 0),
        ("val/loss_1 > 3 -> tag to check", "val/loss_1 > 3", TAG, "to check", "val/loss_1", 0),
        ("no output for 1h30m -> notify", "no output for 1h30m", NOTIFY, "", "", 5400),
    ],
)
def test_what_a_rule_says(
    text: str, condition: str, action: str, tag: str, metric: str, seconds: float
) -> None:
    rule = parse_rule(text)
    assert (rule.condition, rule.action, rule.tag) == (condition, action, tag)
    assert (rule.metric, rule.seconds) == (metric, seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss", "An alert rule must be 'loss is nan',"),
        ("", "An alert rule must be"),
        (7, "An alert rule must be"),
        ("loss > fast", "An alert rule must be"),
        ("loss > 3 for 5 parsecs", "must be points, steps or epochs, not 'parsecs'"),
        ("loss > 3 for 0 points", "must be 1 or more"),
        ("no output for ever", "must be a duration such as 90s, 10m or 1h30m"),
        ("loss is nan -> explode", "must be notify, stop or tag NAME, not 'explode'"),
        ("loss is nan -> tag a,b", "Invalid tag 'a,b'"),
        ("x" * 400, "An alert rule must be"),
    ],
)
def test_a_wrong_rule_is_explained(text: object, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_rule(text)
    assert message in caught.value.message
    assert caught.value.field == "alerts"


def test_a_hostile_rule_takes_no_time() -> None:
    with pytest.raises(InvalidInput):
        parse_rule("a " * 140 + "-" * 20)
