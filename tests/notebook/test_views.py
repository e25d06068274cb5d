"""Every widget without a page: its traits, what it refuses, and what stands for it in a saved notebook."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from traitlets import TraitError

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.notebook import static_preview
from pyruns_jupyter.notebook.static_preview import MAX_BYTES
from pyruns_jupyter.notebook.widgets import Comparison, Dashboard, Generator, Gpus, Log, Plot, TaskTable, View
from tests.recorder import Recorder

WIDGET = "application/vnd.jupyter.widget-view+json"
MOST_SAVED = 20_000  # bytes of a widget and of the picture that stands for it
EVIL = "<img src=x onerror=alert(1)>\x1b[2J"


@pytest.fixture
def workspace(project: Path) -> Workspace:
    return Workspace.open(project / "train.py")


def told(workspace: Workspace, name: str, log: bytes = b"", **tracks: list[Any]) -> None:
    """Let a task have run once, with a log and curves."""
    recorder = Recorder(workspace.folder, name)
    recorder.start().write_bytes(log)
    recorder.finish(tracks=tracks)


def picture(view: View) -> dict[str, str]:
    """Return what is saved for a widget beside its traits."""
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    data = dict(bundle[0])
    assert WIDGET in data
    del data[WIDGET]
    return {kind: str(text) for kind, text in data.items()}


MAKERS: list[Callable[[Workspace], View]] = [
    TaskTable,
    Dashboard,
    Gpus,
    Generator,
    Comparison,
    Plot,
    lambda workspace: Log(next(iter(workspace))),
]


@pytest.mark.parametrize("make", MAKERS)
def test_little_is_saved_of_each(workspace: Workspace, make: Callable[[Workspace], View]) -> None:
    tasks = workspace.create("lr: (0:300:1)", name="a-rather-long-name-of-a-task")
    told(workspace, tasks[0].name, b"much to say " * 5000, loss=[1 / (n + 1) for n in range(5000)])
    view = make(workspace)
    saved = picture(view)
    state = json.dumps(view.get_state(), default=str)
    # The names of what is compared are all that grows.
    names = sum(len(name) + 4 for name in getattr(view, "names", ()))
    assert len(state) - names + sum(map(len, saved.values())) < MOST_SAVED
    assert saved["text/plain"]
    assert set(saved) & {"text/html", "image/svg+xml"}
    view.close()


def test_pictures_disarm_what_they_show(workspace: Workspace) -> None:
    [task] = workspace.create("lr: 1", name="one")
    task.notes = EVIL
    told(workspace, "one", f"{EVIL}\nprogress 1\rprogress 2\n".encode())
    shown = picture(Log(task))
    assert "<img" not in shown["text/html"] and "\x1b" not in shown["text/plain"]
    assert "progress 2" in shown["text/plain"] and "progress 1" not in shown["text/plain"]


def test_pictures_turn_no_text_round(workspace: Workspace) -> None:
    odd = "a\u202eb\x9b"
    [task] = workspace.create("lr: 1", name=odd)
    told(workspace, odd, f"{odd}\n".encode(), **{odd: [1.0, 0.5]})
    row, empty = workspace.table().rows, dict.fromkeys(("completed",), 1)
    found = [
        static_preview.log(task),
        static_preview.table(row, odd, odd),
        static_preview.table([], odd, odd),
    ]
    found += [
        static_preview.counts(odd, empty, row),
        static_preview.counts(odd, {}, []),
        static_preview.plan(None, odd),
    ]
    found.append(static_preview.curves(workspace.folder, [odd], []))
    for text in (text for shown in found for text in shown.values()):
        assert "\u202e" not in text and "\x9b" not in text


def test_curves_are_a_picture(workspace: Workspace) -> None:
    workspace.create("lr: 0.1 | 0.2", name="sweep")
    for name, factor in (("sweep_1_lr=0.1", 1.0), ("sweep_2_lr=0.2", 2.0)):
        told(workspace, name, loss=[factor / (n + 1) for n in range(500)], acc=[0.5, float("nan"), 0.7])
    shown = picture(Plot(workspace))
    image = ElementTree.fromstring(shown["image/svg+xml"])
    lines = [one for one in image if one.tag.endswith("polyline")]
    assert len(lines) == 4
    assert all(len(one.attrib["points"]) >= 4 for one in lines)
    texts = [one.text for one in image if one.tag.endswith("text")]
    assert {"loss", "acc", "sweep_1_lr=0.1", "sweep_2_lr=0.2"} <= set(texts)
    # Those of the file, not made up: the largest of all losses, the last of each task.
    assert "2" in texts and "0.002" in texts
    assert "0.004" in shown["text/plain"]
    only = picture(Plot(workspace, figures=["acc"]))
    assert "loss" not in only["image/svg+xml"] and "acc" in only["image/svg+xml"]


def test_names_in_a_picture_of_curves_are_text(workspace: Workspace) -> None:
    workspace.create("lr: 1", name="one")
    tracks: dict[str, list[Any]] = {"<b>loss & co": [1.0, 0.5]}
    told(workspace, "one", b"", **tracks)
    image = ElementTree.fromstring(picture(Plot(workspace))["image/svg+xml"])
    assert "<b>loss & co" in [one.text for one in image]


def test_a_large_table_says_what_it_leaves_out(workspace: Workspace) -> None:
    workspace.create("lr: (0:300:1)", name="n")
    shown = picture(TaskTable(workspace))
    assert sum(map(len, shown.values())) <= MAX_BYTES
    assert "of 300 tasks" in shown["text/html"] and "of 300 tasks" in shown["text/plain"]


def planned(view: Generator) -> int | None:
    """Return how many tasks a generator would create, None without a plan."""
    return None if view.plan is None else len(view.plan)


def test_the_generator_is_a_plan(workspace: Workspace) -> None:
    view = Generator(workspace)
    assert planned(view) == 1
    assert "lr: 0.1" in view.text
    seen: list[Any] = []
    view.observe(lambda change: seen.append(change["new"]), "plan")
    view.text = "lr: 0.1 | 0.2 | 0.3\nseconds: 0.0"
    assert planned(view) == 3
    assert seen == [view.plan]
    assert view.text.startswith("lr: 0.1 | 0.2 | 0.3")  # as it was typed
    view.text = "lr: fast"
    assert planned(view) is None
    assert "lr" in view.error
    plan = workspace.sweep("lr: 5 | 6", name="given")
    view.plan = plan
    assert (view.text, view.name, view.error) == (plan.text, "given", "")
    assert len(workspace.create(view.plan)) == 2
    assert planned(Generator(workspace, plan=plan)) == 2
    assert "lr: 3 | 4" in Generator(workspace, text="lr: 3 | 4").text


def test_a_shell_generator_has_a_script(project: Path) -> None:
    view = Generator(project)
    assert "echo" in view.text


def test_what_can_be_compared(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    tasks = workspace.create("lr: 0.1 | 0.2", name="t")
    assert Comparison(workspace).names == tasks.names
    assert Comparison(tasks[0]).names == [tasks[0].name]
    assert Plot(workspace.tasks("lr:0.2"), x="step").names == [tasks[1].name]
    other = tmp_path_factory.mktemp("other") / "train.py"
    other.write_text("print(1)\n")
    [foreign] = Workspace.open(other).create("", name="t")
    for wrong, words in (([], "at least one"), ([tasks[0], foreign], "one workspace")):
        with pytest.raises(InvalidInput, match=words):
            Comparison(wrong)
    workspace.create("lr: (0:600:1)", name="many")
    with pytest.raises(InvalidInput, match="At most 500"):
        Plot(workspace)


def test_traits_refuse_what_they_cannot_be(workspace: Workspace) -> None:
    [task] = workspace.create("lr: 1", name="one")
    with pytest.raises(TraitError):
        Comparison(task, tab="pie")
    with pytest.raises(TraitError):
        Plot(task, smoothing=2.0)
    with pytest.raises(TraitError):
        TaskTable(workspace, height=3)
    view = Log(task)
    with pytest.raises(TraitError):
        view.folder = "/elsewhere"


def test_a_picture_of_what_is_gone_says_so(workspace: Workspace) -> None:
    [task] = workspace.create("lr: 1", name="one")
    view = Log(task)
    task.delete()
    assert "one" in picture(view)["text/plain"]
