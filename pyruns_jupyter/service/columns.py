"""The parameters and metrics of a workspace's tasks: the columns that a table can show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from operator import ne
from typing import Any

from pyruns_jupyter.core.query.fields import count_keys
from pyruns_jupyter.core.tasks.index import TaskIndex

MAX_KEYS = 2000
_PLAIN = frozenset({str, int, float, bool, type(None)})


def columns_reader(index: TaskIndex) -> Callable[[], dict[str, Any]]:
    """Return a slow function that makes the `Columns` from the present index."""
    rows, shapes, goals = index.rows, index.shapes(), index.goals()

    def make() -> dict[str, Any]:
        configs = index.configs()
        values: dict[str, set[Hashable]] = {}
        having: Counter[str] = Counter()
        known = [config for config in map(configs.get, rows) if config]
        for config in known:
            for key, value in config.items():
                having[key] += 1
                values.setdefault(key, set()).add(value_key(value))
        swept, metrics = count_keys("swept", shapes), count_keys("figures", shapes)
        # Configurations that are missing or too large to be read: only their swept keys are known.
        keys = [*values, *(key for key in swept if key not in values)]
        return {
            "parameters": [
                {
                    "key": key,
                    # To have no value counts as one value.
                    "distinct": len(values.get(key, ())) + (0 < having[key] < len(known)),
                    "tasks": having[key] or swept[key],
                    "swept": key in swept,
                }
                for key in keys[:MAX_KEYS]
            ],
            "figures": [
                {"key": key, "tasks": metrics[key], "goal": goal and goal.direction}
                for key in [*metrics][:MAX_KEYS]
                for goal in (goals.find(key),)
            ],
        }

    return make


def value_keys(values: Sequence[Any]) -> Sequence[Hashable]:
    """Return keys of which two are equal where the `value_key` of the values is."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= _PLAIN and not any(map(ne, values, values)):  # the latter only for NaN
        return values
    known: dict[int, Hashable] = {}  # configurations share equal lists
    found = []
    for value in values:
        if type(value) is dict or type(value) is list:
            key = known.get(id(value))
            if key is None:
                key = known[id(value)] = value_key(value)
            found.append(key)
        else:
            found.append(value_key(value))
    return found


def value_key(value: Any) -> Hashable:
    """Return a key that is equal for equal values of the same type: 1, 1.0 and true are three values."""
    kind = type(value)
    if kind is dict or kind is list:
        return json.dumps(value, sort_keys=True, default=str)
    if value != value:
        return "nan", float
    return value, kind
