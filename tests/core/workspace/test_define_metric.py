"""Changing the goals of metrics in settings that users wrote: everything else stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import Direction
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME
from pyruns_jupyter.core.workspace.define_metric import define_metric
from pyruns_jupyter.core.workspace.settings import Settings

BLOCK = """\
max_jobs: 2
metrics:
  # mine
  a: minimize  # from the paper

# another comment
  b: maximize

# what follows
resume: true
"""
FLOW = """\
"metrics": {
  a: minimize,  # from the paper
  b: maximize
}
resume: true
"""


@pytest.mark.parametrize(
    ("before", "name", "goal", "after"),
    [
        (BLOCK, "a", "maximize", BLOCK.replace("a: minimize", "a: maximize")),
        (BLOCK, "b", None, BLOCK.replace("  b: maximize\n", "")),
        (BLOCK, "a", None, BLOCK.replace("  a: minimize  # from the paper\n", "")),
        (
            BLOCK,
            "c d",
            "minimize",
            BLOCK.replace("  b: maximize\n", '  b: maximize\n  "c d": minimize\n'),
        ),
        (FLOW, "a", "maximize", FLOW.replace("minimize", "maximize")),
        (FLOW, "a", None, FLOW.replace("  a: minimize,", "  ")),
        (FLOW, "b", None, FLOW.replace("  b: maximize\n", "  \n")),
        (FLOW, "c", "minimize", FLOW.replace("{", '{"c": minimize, ')),
        ("metrics: {\n  a: minimize\n}\n", "b", "maximize", 'metrics: {"a": "minimize", "b": "maximize"}\n'),
        ("metrics: {\n  a: minimize\n}\n", "a", None, ""),
        ('"metrics":\n  a: minimize', "a", None, ""),
        ("metrics:\n  a: minimize", "b", "maximize", 'metrics:\n  a: minimize\n  "b": maximize\n'),
        ("metrics:\n  # mine\n  a: minimize\n", "a", None, "metrics:\n  # mine\n"),
        ("metrics:  # mine\nx: 1\n", "a", "minimize", 'metrics: {"a": "minimize"}  # mine\nx: 1\n'),
        ("resume: true", "a", "minimize", 'resume: true\nmetrics: {"a": "minimize"}\n'),
        ("  resume: true\n", "a", "minimize", '  resume: true\n  metrics: {"a": "minimize"}\n'),
        ('{"metrics": {"a": "minimize"}, "resume": true}', "a", "maximize",
         '{"metrics": {"a": "maximize"}, "resume": true}'),
        (BLOCK, "a", "minimize", BLOCK),
        (BLOCK, "c", None, BLOCK),
    ],
)  # fmt: skip
def test_a_change_keeps_the_rest(
    tmp_path: Path, before: str, name: str, goal: Direction | None, after: str
) -> None:
    path = tmp_path / SETTINGS_NAME
    path.write_text(before)
    wanted = {**Settings.load(tmp_path).metrics, name: goal}
    found = define_metric(tmp_path, name, goal)
    assert found == {key: one for key, one in wanted.items() if one is not None}
    assert path.read_text() == after
    assert Settings.load(tmp_path).metrics == found


@pytest.mark.parametrize(
    "text",
    [
        "x: &m {a: minimize}\nmetrics: *m\n",
        "x: &m\n  a: minimize\nmetrics: *m\n",
        "x: &m {a: minimize}\nmetrics:\n  <<: *m\n",
        '{"metrics": {"a": "minimize"}, "resume": true}\n',
    ],
)
def test_what_cannot_be_changed_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / SETTINGS_NAME
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"cannot be changed automatically\. Edit the file"):
        define_metric(tmp_path, "a", None)
    assert path.read_text() == text
