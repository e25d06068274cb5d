"""Mistakes in a sweep: all of them at once, each with key, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.yamltext.values import compose
from pyruns_jupyter.core.create.preview import check_template, plan_tasks
from tests.core.making import one_task, script_workspace, shell_workspace, snapshot

SUBCOMMANDS = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
commands = parser.add_subparsers(dest="cmd", required=True)
train = commands.add_parser("train")
train.add_argument("--lr", type=float, default=0.1)
test = commands.add_parser("test")
test.add_argument("--size", type=int, default=1)
test.add_argument("--split", choices=["a", "b"], required=True)
print(parser.parse_args())
"""


def told(error: InvalidInput) -> list[tuple[str | None, int | None, int | None]]:
    errors = error.errors if isinstance(error, InvalidInputs) else [error]
    return [(one.field, one.line, one.column) for one in errors]


def mistakes(text: str) -> list[tuple[str | None, int | None, int | None, str]]:
    return [(one.field, one.line, one.column, one.message) for one in SweepPlan(text).errors]


def test_every_kind_of_mistake_is_told_at_once(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    before = snapshot(tmp_path)
    text = "seed: x | 1 | y\nlr: 1 |\nlr: 2\nopt: (sgd | rms)\nmore: &a 1 | 2\n"
    with pytest.raises(InvalidInputs) as caught:
        plan_tasks(workspace, text, "a/b")
    assert told(caught.value) == [
        ("seed", 1, 7),
        ("seed", 1, 7),
        ("lr", 2, 8),
        ("lr", 3, 1),
        ("opt", 4, 6),
        ("more", 5, 7),
        ("name", None, None),
    ]
    assert all(one.message.endswith((".", "?")) for one in caught.value.errors)
    assert snapshot(tmp_path) == before


def test_what_is_no_yaml_does_not_hide_the_rest(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    (tmp_path / "train.py").unlink()
    with pytest.raises(InvalidInputs) as caught:
        plan_tasks(workspace, "lr: 1 | | 2\nm:\n  k: |\n    a | b\n  seed: 1 | [2\nopt: [1, 2\n", ".x")
    assert [field for field, _, _ in told(caught.value)] == ["script", "lr", "m.seed", "opt", "name"]
    shell = shell_workspace(tmp_path / "other")
    with pytest.raises(InvalidInputs) as caught:
        plan_tasks(shell, " \n", "con")
    assert [field for field, _, _ in told(caught.value)] == ["yaml", "name"]


def test_a_wrong_pattern_is_told_beside_wrong_values(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    with pytest.raises(InvalidInputs) as caught:
        plan_tasks(workspace, "lr: 1 | | 2\nseed: 1 | 2\n", "{lr}-{sead}")
    assert [field for field, _, _ in told(caught.value)] == ["lr", "name"]
    assert "Did you mean {seed}" in caught.value.errors[1].message


def test_taken_names(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace, "0.5")
    with pytest.raises(InvalidInput, match="already exists"):
        plan_tasks(workspace, "lr: 0.5\n", "{lr}")
    assert plan_tasks(workspace, "lr: 0.5 | 1\n", "{lr}").names == ["0.5_2", "1"]
    proposal = plan_tasks(workspace, "lr: 1 | 2\nseed: 1 | 2\n", "{lr}")
    assert proposal.names == ["1", "1_2", "2", "2_2"]
    assert "{seed} or {n}" in proposal.name_notices[0]


@pytest.mark.parametrize(
    ("text", "field", "line", "column", "words"),
    [
        ('a: 1\nb: "x\nc: 2\n', "b", 2, 4, "quote is never closed"),
        ("a: 'x' y\n", "a", 1, 8, "Quote all of it"),
        ("a: {x: 1\nb: 2\n", "a", 1, 4, "'{' is never closed"),
        ("a: [1 2: }\n", "a", 1, 10, "Quote the value"),
        ("a: @x\n", "a", 1, 4, "Quote the value"),
        ("a: *\n", "a", 1, 5, "Quote the value"),
        ("a: |x\n", "a", 1, 4, "before or after a bar"),
        ("a: >x\n", "a", 1, 5, "Quote the value"),
        ("a: !x!y z\n", "a", 1, 4, "tag"),
        ('a: "\\d"\n', "a", 1, 5, "single quotes"),
        ("a: 1\nb\n", "yaml", 2, 1, "no colon"),
        ("a:\n  b: 1\n c: 2\n", "yaml", 3, 2, "indentation"),
        ("a: 1\n...\nb: 2\n", "yaml", 3, 1, "single document"),
        ("a: 0:1000000000000\n", "a", 1, 4, "1,000,000,000,000 values, but at most 10,000"),
        ("a: 0:1e300:1e-300\n", "a", 1, 4, "about 1e+600"),
        ("a: 0:200\nb: 0:100\n", "a", 1, 4, "20,000 tasks, but at most 10,000"),
        ("a: [0:200, 0:200]\n", "a.0", 1, 5, "40,000 tasks"),
        ("a: [0:200, 0:200] | 1\n", "a", 1, 4, "40,000 values"),
        ("a: choice(1, choice(2, 3))\n", "a", 1, 14, "inside another"),
        ("a: choice(1:3, n=5)\n", "a", 1, 11, "maximum is 2"),
        ("a: log(0, 1, 3)\n", "a", 1, 8, "positive"),
        ("a: (1, 2 | 3) | x\n", "a", 1, 4, "inside brackets"),
        ("a: x | ((1, ), , 2)\n", "a", 1, 16, "missing"),
    ],
)
def test_where_and_what_to_do(text: str, field: str, line: int, column: int, words: str) -> None:
    found = mistakes(text)
    assert [one[:3] for one in found] == [(field, line, column)], found
    assert words.lower() in found[0][3].lower()


def test_deep_nesting_is_refused_before_it_overflows_the_stack() -> None:
    for text in (
        "- " * 50_000,
        "[" * 50_000,
        "a: " + "{a: " * 50_000,
        "? " * 50_000,
        "a: !x " + "[" * 50_000,
    ):
        assert "nested" in mistakes(text)[0][3]
        with pytest.raises(Exception, match=r"nest|expected|did not find"):
            compose(text)


def test_a_megabyte_is_read_or_refused() -> None:
    size = 1_000_000
    assert SweepPlan.parse("a: [x" + " " * size + "]\nb: 1 | 2\n").count == 2
    assert SweepPlan.parse("a: |\n" + "  x | y\n" * (size // 8) + "b: 1 | 2\n").count == 2
    assert SweepPlan.parse("a: '" + "x | " * (size // 4) + "'\nb: 1 | 2\n").count == 2
    assert mistakes("a: " + "(" * size + "| x\n")
    assert mistakes("\n".join(f"k{number}: [" for number in range(size // 8)))
    assert mistakes("a: " + "x | " * (size // 4) + "x\n")
    assert "at most 2,000,000" in mistakes("a: " + "x" * 2_000_001)[0][3]


def test_each_value_is_put_to_the_script(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    text = "lr: 0:50 | x\nseed: 0:50 | 0.5 | true\nopt: sgd | adam | rms\n"
    with pytest.raises(InvalidInputs) as caught:
        check_template(workspace, text)
    assert told(caught.value) == [("lr", 1, 5), ("seed", 2, 7), ("seed", 2, 7), ("opt", 3, 6)]
    messages = " ".join(one.message for one in caught.value.errors)
    assert all(value in messages for value in ("'x'", "0.5", "true", "'rms'"))


def test_values_meet_below_subcommands(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path, source=SUBCOMMANDS)
    good = "cmd: train | test\ntrain:\n  lr: 0.1 | 0.2\ntest:\n  size: 1:30\n  split: a | b\nseed: 0:10\n"
    assert check_template(workspace, good).count == 2 * 2 * 29 * 2 * 10
    bad = good.replace("1:30", "1:30 | x").replace("a | b", "a | null").replace("0.2", "y")
    with pytest.raises(InvalidInputs) as caught:
        check_template(workspace, bad)
    assert [field for field, _, _ in told(caught.value)] == ["train.lr", "test.size", "test.split"]


def test_the_sweep_of_a_script_that_loads_its_configuration(tmp_path: Path) -> None:
    source = "import pyruns_jupyter as pyruns\nprint(pyruns.load())\n"
    (tmp_path / "config.yaml").write_text("a: 1\nm: {k: 2}  # note\n")
    workspace = script_workspace(tmp_path, source=source)
    proposal = plan_tasks(workspace, "a: 1 | [x, y] | {z: null}\nm: {k: 2 | 3}  # note\n", "{k}-{n}")
    assert proposal.names == ["2-1", "3-2", "2-3", "3-4", "2-5", "3-6"]
    assert proposal.config_text(5) == "a: {z: null}\nm: {k: 3}  # note\n"
    with pytest.raises(InvalidInput, match="10,100 tasks"):
        plan_tasks(workspace, "a: 0:101\nm: {k: 0:100}\n", "x")


def test_a_sweep_far_too_large_is_refused_at_once(tmp_path: Path) -> None:
    source = "import argparse\nparser = argparse.ArgumentParser()\n" + "".join(
        f"parser.add_argument('--k{number}', type=int)\n" for number in range(40)
    )
    workspace = script_workspace(tmp_path, source=source + "parser.parse_args()\n")
    with pytest.raises(InvalidInput, match="about 1e") as caught:
        plan_tasks(workspace, "".join(f"k{number}: 1 | null | 3 | -1\n" for number in range(40)), "x")
    assert told(caught.value) == [("k0", 1, 5)]
