"""Plans as files, and sweeps laid over a configuration."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.plan import Plan
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.config.sweep.overlay import MAX_ADDED_KEYS, overlaid
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.sweep.planfile import PlanFile, parse_plan, plan_text
from pyruns_jupyter.core.config.yamltext.template import Template
from tests.core.making import script_workspace

TEXT = "# mine\nseed: 1 | 2   # which\nlr: 0.1 | 1e-2 | 0.01\nopt: adam\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(script_workspace(tmp_path / "project"))


def test_a_plan_is_saved_and_read_again_exactly(workspace: Workspace, tmp_path: Path) -> None:
    plan = workspace.sweep(TEXT, "{lr}-{seed}")
    assert plan.text == TEXT  # nothing was left out, so nothing is changed
    assert plan.names == ["0.1-1", "1e-2-1", "0.1-2", "1e-2-2"]
    path = plan.save(tmp_path / "plan.yaml")
    assert path.read_text() == (
        "# Pyruns plan of 4 tasks\n# name: {lr}-{seed}\n# script: train.py\n# ----\n" + TEXT
    )
    for again in (workspace.plan(path), Plan.load(path), Plan.load(path, workspace)):
        assert (again.text, again.name, again.script) == (TEXT, "{lr}-{seed}", "train.py")
        assert [again[index] for index in range(4)] == [plan[index] for index in range(4)]
        again.save(path, overwrite=True)
        assert path.read_text().endswith(TEXT)
    made = workspace.create(workspace.plan(path))
    assert made.names == plan.names
    text = made[1].folder.joinpath("config.yaml").read_text()
    assert text == "# mine\nseed: 1   # which\nlr: 0.01\nopt: adam\n"


def test_folded_values_are_told(workspace: Workspace) -> None:
    plan = workspace.sweep(TEXT)
    assert (len(plan), plan.duplicates, plan.folded) == (4, 2, [{"lr": "1e-2", "times": 2}])
    assert "lr=1e-2 occurs twice" in plan.notices[0]
    assert "2 duplicates removed: lr=1e-2" in repr(plan)
    kept = SweepPlan.parse('a: 1 | 1.0 | true | "1" | 1e0\nb: ({x: 1, y: 2} | {y: 2, x: 1})\nc: (u | u)\n')
    assert (kept.count, kept.duplicates) == (4, 6)
    assert [fold.values["a" if "a" in fold.values else "b"] for fold in kept.folds] == ["1.0", "{x: 1, y: 2}"]


def test_a_plan_file_keeps_its_comments_where_defaults_are_added(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "p.yaml").write_text("# Pyruns plan of 2 tasks\n# name: x\n# ----\nlr: 1 | 2\n")
    plan = workspace.plan(tmp_path / "p.yaml")
    assert list(plan[0]) == ["lr", "seed", "opt"]
    assert plan.name == "x"
    (tmp_path / "p.yaml").write_text("# Pyruns plan of 2 tasks\n# name: x\n# ----\nlr: 1 | | 2\n")
    with pytest.raises(InvalidInput) as caught:
        workspace.plan(tmp_path / "p.yaml")
    assert (caught.value.field, caught.value.line) == ("lr", 4)


def test_files_that_are_not_ours_stay(workspace: Workspace, tmp_path: Path) -> None:
    plan = workspace.sweep("lr: 1 | 2\n")
    path = tmp_path / "plan.yaml"
    path.write_text("lr: 3\n")
    for overwrite in (False, True):
        with pytest.raises(Conflict):
            plan.save(path, overwrite=overwrite)
    assert path.read_text() == "lr: 3\n"
    path.unlink()
    plan.save(path)
    with pytest.raises(Conflict, match="already exists"):
        plan.save(path)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    with pytest.raises(Conflict):
        plan.save(link)
    plan.save(link, overwrite=True, name="new")
    assert link.is_symlink()
    assert "# name: new" in path.read_text()
    with pytest.raises(InvalidInput, match="folder"):
        plan.save(tmp_path, overwrite=True)
    with pytest.raises(InvalidInput, match="_pyruns_"):
        plan.save(workspace.folder.folder / "config_default.yaml.plan")
    with pytest.raises(NotFound):
        plan.save(tmp_path / "none" / "plan.yaml")
    plan.save("/dev/null", overwrite=True)
    assert not os.path.isfile("/dev/null")
    with pytest.raises(InvalidInput, match="line break"):
        plan.save(tmp_path / "other.yaml", name="a\nb")
    assert not (tmp_path / "other.yaml").exists()


def test_files_that_are_no_plans(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        workspace.plan(tmp_path / "none.yaml")
    with pytest.raises(NotFound):
        Plan.load(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(Unreadable):
        workspace.plan(tmp_path / "b.yaml")
    (tmp_path / "c.yaml").write_text("lr: 1 | 2 # no leading lines\n")
    assert (len(workspace.plan(tmp_path / "c.yaml")), workspace.plan(tmp_path / "c.yaml").name) == (2, "")


LINES = st.sampled_from(
    ["# ----", "# name: x", "# Pyruns plan of 2 tasks", "# script: y", "a: 1", "#", "", "\ufeff", " ", "# é"]
)


@given(st.lists(LINES, max_size=6), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "n", "{a}", "# x"]))
def test_any_text_survives_a_plan_file(lines: list[str], end: str, name: str) -> None:
    plan = PlanFile(end.join(lines), name, "s.py")
    again = parse_plan(plan_text(plan, 3))
    assert (again.text, again.name, again.script) == (plan.text, name, "s.py")
    assert parse_plan(plan_text(PlanFile(plan.text), 1)).text == plan.text


def test_a_title_without_its_end_line() -> None:
    assert parse_plan("# Pyruns plan\n# name: a\nlr: 1\n") == PlanFile("lr: 1\n", "a")
    assert parse_plan("# Pyruns plan") == PlanFile("")
    assert parse_plan("# name: a\nlr: 1\n") == PlanFile("# name: a\nlr: 1\n")


DEFAULT = """\
# top
lr: 0.1  # rate
opt:
    name: adam  # which
    betas: [0.9, 0.999]
    inner: {k: 1}
layers:
- 1
- 2
tail: x"""


def test_a_partial_sweep_may_write_keys_as_flags_are_written(tmp_path: Path) -> None:
    source = """import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--model.width", dest="width", type=int, default=8)
parser.parse_args()
"""
    workspace = Workspace(script_workspace(tmp_path, source=source))
    created = workspace.create("batch-size: 16 | 64\nmodel.width: 4\n")
    assert [task.config for task in created] == [
        {"batch_size": 16, "width": 4},
        {"batch_size": 64, "width": 4},
    ]
    with pytest.raises(InvalidInput, match="set twice"):
        workspace.create("batch-size: 16 | 64\nbatch_size: 4\n")


def test_a_partial_sweep_keeps_the_default_around_it() -> None:
    assert overlaid(DEFAULT, "lr: 1 | 2\n") == DEFAULT.replace("0.1", "1 | 2")
    assert (
        overlaid(DEFAULT, "opt:\n  wd: 1 | 2\n  name: sgd\nnew:\n  a:\n    b: 3\n")
        == DEFAULT.replace("adam", "sgd")
        .replace("inner: {k: 1}\n", "inner: {k: 1}\n")
        .replace("    name: sgd  # which\n", "    name: sgd  # which\n    wd: 1 | 2\n")
        + "\nnew:\n  a:\n    b: 3\n"
    )
    assert overlaid(DEFAULT, DEFAULT.replace("# top", "# mine")).startswith("# mine")
    assert overlaid("", "a: 1 | 2\n") == "a: 1 | 2\n"
    shaped = Template.parse(overlaid(DEFAULT, "lr: {a: 1}\ntail: |\n  long\n")).base
    assert shaped["lr"] == {"a": 1}
    assert shaped["tail"] == "long\n"
    assert shaped["layers"] == [1, 2]


def test_new_keys_keep_their_order_and_their_place() -> None:
    default = "lr: 1\nopt:\n  name: adam\n  decay: 0\ntail:\n  last: 1"
    given = "opt:\n  a: 1 | 2\n  b: 2\ntail:\n  more: 3\nnew:\n  x: 1\n  w:\n    z: 2\n"
    assert overlaid(default, given) == (
        "lr: 1\nopt:\n  name: adam\n  a: 1 | 2\n  b: 2\n  decay: 0\ntail:\n  last: 1\n  more: 3\n"
        "new:\n  x: 1\n  w:\n    z: 2\n"
    )


def test_a_list_or_a_value_where_the_default_has_keys_is_kept_as_it_is() -> None:
    shaped = Template.parse(overlaid("lr: 1\nopt:\n  name: x\n", "layers:\n  - a: 1\n  - b: 2\nopt: 3\n"))
    assert shaped.base == {"layers": [{"a": 1}, {"b": 2}], "opt": 3, "lr": 1}


def test_many_new_keys_take_a_moment_and_too_many_are_refused() -> None:
    many = "".join(f"k{number}: {number}\n" for number in range(MAX_ADDED_KEYS))
    began = time.process_time()
    assert overlaid(DEFAULT, many).endswith(many)
    assert time.process_time() - began < 20  # it was minutes
    with pytest.raises(InvalidInput, match="2,001 keys are not in the default") as caught:
        overlaid(DEFAULT, f"{many}one: 1\n")
    assert caught.value.field == "yaml"
