"""Aggregates of metrics in queries, sort orders, exports and frames, of runs by the engine."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.cli.terminal import main
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import Aggregate
from pyruns_jupyter.core.metrics.journal import RECORD, TRACK, Appender
from pyruns_jupyter.core.tasks.index import TaskIndex
from tests.engine.support import stop_everything
from tests.recorder import Recorder

# The loss falls to 1 and rises again: with `bend` 3 it is 4, 3, 2, 1, 2, 3, ...
SCRIPT = """
import argparse
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--bend", type=int, default=3)
parser.add_argument("--steps", type=int, default=10)
args = parser.parse_args()
for step in range(args.steps):
    pyruns.track(loss=1 + abs(step - args.bend), step=10 * step)
    if step % 5 == 0:
        pyruns.track(odd=-step, step=10 * step)
pyruns.record(score=args.bend)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "train.py").write_text(SCRIPT)
    workspace = Workspace.open(tmp_path / "train.py")
    workspace.run(workspace.create("bend: 3 | 6 | 9", "t"), jobs=3)
    workspace.wait(timeout=120, progress=False)
    yield workspace
    stop_everything(tmp_path)


def names(workspace: Workspace, query: str = "", sort: str = "created") -> list[str]:
    return [name.removeprefix("t_").partition("_")[2] for name in workspace.tasks(query, sort=sort).names]


def test_queries_sorting_and_exports(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert names(workspace, "min(loss)=1") == ["bend=3", "bend=6", "bend=9"]
    assert names(workspace, "max(loss)>=8") == ["bend=9"]
    assert names(workspace, "mean(loss, 2)<4 -max(loss)>8") == ["bend=6"]
    assert names(workspace, "mean( loss , 2 ) : 1..2") == ["bend=9"]
    assert names(workspace, "at(loss, 30)=1 OR at(loss,60)=1") == ["bend=3", "bend=6"]
    assert names(workspace, "at(odd,50)=-5 at(loss,35)=1") == []  # no such step
    assert names(workspace, "at(odd,50)=-5") == ["bend=3", "bend=6", "bend=9"]
    assert names(workspace, "best(score)>=6 last(loss)<5") == ["bend=6", "bend=9"]  # a summary value
    assert names(workspace, "has:mean(loss,3) no:min(odd)") == []
    assert names(workspace, "mean(score, 2)=6 no:at(score,0)") == ["bend=6"]
    assert names(workspace, sort="mean(loss, 2),-at(loss, 0)") == ["bend=9", "bend=6", "bend=3"]
    assert names(workspace, sort="-at(loss, 0)") == ["bend=9", "bend=6", "bend=3"]
    frame = workspace.frame(metrics=["min(loss)", "best(loss)", "mean(loss, 2)", "at(loss, 30)"])
    assert list(frame["best(loss)"]) == [1, 1, 1]
    assert list(frame["mean(loss, 2)"]) == [6.5, 3.5, 1.5]
    assert list(frame["at(loss, 30)"]) == [1, 4, 7]
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--metric", "max(loss)", "--metric", "mean(loss)", "max(loss)>7"]) == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert (row["max(loss)"], row["mean(loss)"], row["loss"]) == ("10.0", "5.5", "1")
    assert main(["ls", "--metric", "max(loss)", "--json", "--sort", "max(loss)"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [row["figures"]["max(loss)"] for row in shown] == [7, 7, 10]
    assert main(["ls", "--metric", "mean(loss, 2)", "max(loss)>8"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[-2:] == ["2)", "time"]
    assert main(["export", "--metric", "min(los)", "max(loss)>7"]) == 0
    said = capsys.readouterr()
    assert "No task has the metric `los` of `min(los)`. Did you mean `min(loss)`?" in said.err
    assert "min(los)" in said.out.splitlines()[0]
    assert workspace.export(tmp_path / "out.json", metrics=["best(score)"]) == 3
    assert [one["best(score)"] for one in json.loads((tmp_path / "out.json").read_text())] == [3, 6, 9]


def test_what_is_not_defined_is_refused(workspace: Workspace) -> None:
    for query, message in {
        "best(odd)>1": r"`min\(odd\)` or `max\(odd\)`. Use one of them, or define the goal of `odd`",
        "min(los)<1": r"Unknown field `min\(los\)`. Did you mean `min\(loss\)`",
        "at(loss)<1": r"Write at\(loss, 100\)",
        "mean(loss, 0)<1": "of the last 10 values",
        "has:at(loss)": r"Write at\(loss, 100\)",
    }.items():
        with pytest.raises(InvalidInput, match=message):
            workspace.tasks(query)
    with pytest.raises(InvalidInput, match="Write at") as caught:
        workspace.tasks(sort="at(loss)")
    assert caught.value.field == "sort"
    with pytest.raises(InvalidInput, match=r"`min\(odd\)` or `max\(odd\)`. Use one of them, or define"):
        workspace.frame(metrics=["best(odd)"])
    with pytest.raises(InvalidInput, match="not an aggregate"):
        workspace.frame(metrics=["loss"])
    with pytest.warns(RuntimeWarning, match=r"`los` of `min\(los\)`. Did you mean `min\(loss\)`"):
        frame = workspace.frame(metrics=["min(los)"])
    assert frame["min(los)"].isna().all()
    assert workspace.tasks("f(x)").names == []  # still a word
    assert workspace.tasks("min(loss)").names == []


def test_the_goal_of_a_metric(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "_pyruns_" / "_pyruns_settings.yaml"
    settings.write_text("# mine\nmax_jobs: 2  # few\n")
    found = workspace.tasks("best(loss)=1")
    assert len(found) == 3
    (notice,) = found.notices
    assert notice.startswith("`best(loss)` is `min(loss)`, because of the name of the metric.")
    workspace.define_metric("loss", "maximize")
    workspace.define_metric("odd", "minimize")
    assert workspace.metrics == {"loss": "maximize", "odd": "minimize"}
    assert settings.read_text().startswith("# mine\nmax_jobs: 2  # few\n")
    found = workspace.tasks("best(loss)=10")
    assert (len(found), found.notices) == (1, [])
    assert workspace.tasks("best(odd)=-5").notices == []
    monkeypatch.chdir(tmp_path)
    assert main(["metric", "loss", "none"]) == 0
    assert capsys.readouterr().out == "odd: minimize\n"
    assert main(["metric", "odd", "none"]) == 0
    assert settings.read_text() == "# mine\nmax_jobs: 2  # few\n"
    for name in ("验证 | loss: {x}", 'a "b"', "😀"):
        workspace.define_metric(name, "minimize")
        assert workspace.metrics == {name: "minimize"}
        workspace.define_metric(name, None)
    for name in ("", "a\x7f", "a\u2028b", "\ud800", "x" * 201):
        with pytest.raises(InvalidInput) as caught:
            workspace.define_metric(name, "minimize")
        assert caught.value.field == "name"
    assert settings.read_text() == "# mine\nmax_jobs: 2  # few\n"
    settings.write_text("metrics: {loss: up}\n")
    with pytest.raises(InvalidInput, match="minimize or maximize"):
        workspace.define_metric("odd", "minimize")
    with pytest.raises(InvalidInput, match="minimize or maximize"):
        workspace.define_metric("odd", "up")  # type: ignore[arg-type]


def test_tasks_are_not_read_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Aggregates without an argument come from the index; others are read once a change."""
    index = TaskIndex(workspace.folder)
    index.refresh()
    reads: list[Path] = []
    read = index.aggregates._paths

    def counted(name: str) -> object:
        reads.append(Path(name))
        return read(name)

    monkeypatch.setattr(index.aggregates, "_paths", counted)
    for function in ("min", "max", "mean", "last"):
        for row in index.rows.values():
            assert index.aggregates.value(row, Aggregate(function, "loss")) is not None
    assert reads == []
    for _ in range(3):
        for row in index.rows.values():
            assert index.aggregates.value(row, Aggregate("mean", "loss", 2)) is not None
    assert len(reads) == 3


def test_tasks_of_earlier_releases(workspace: Workspace) -> None:
    """Their files have no statistics: these follow from the points."""
    for task in workspace.tasks():
        path = workspace.folder.paths(task.name).info
        info = json.loads(path.read_text())
        assert list(info["pyruns_jupyter"].pop("aggregates")["1"]) == ["loss", "step", "odd"]
        path.write_text(json.dumps(info, indent=2))
    assert names(workspace, "max(loss)>=8") == ["bend=9"]
    assert names(workspace, "min(score)=3") == ["bend=3"]
    assert names(workspace, sort="-mean(loss)") == ["bend=9", "bend=3", "bend=6"]


def test_a_copy_has_no_values(workspace: Workspace) -> None:
    """Nor would its first run have those of the original."""
    copy = workspace.tasks()[0].duplicate("copy")
    assert "aggregates" not in copy.info["pyruns_jupyter"]
    recorder = Recorder(workspace.folder, "copy")
    recorder.start()
    recorder.finish(tracks={"loss": [8.0, 7.0]})
    assert workspace.tasks("min(loss)=7").names == ["copy"]


def test_a_running_task(workspace: Workspace) -> None:
    (task,) = workspace.create("bend: 3\nsteps: 40", "live")
    recorder = Recorder(workspace.folder, task.name)
    recorder.start()
    index = TaskIndex(workspace.folder)
    index.refresh()
    assert index.rows["live"].steps is None
    appender = Appender(recorder.paths.journal(recorder.run))
    for step, loss in enumerate([5.0, 1.0, 3.0]):
        appender.append(TRACK, {"loss": loss, "step": step}, float(step))
    index.refresh()
    row = index.rows["live"]
    assert row.to_dict()["steps"] == {"key": "step", "step": 2, "total": 40, "source": "steps"}
    assert row.progress == 2 / 40
    values = [index.aggregates.value(row, Aggregate(one, "loss")) for one in ("min", "max", "mean")]
    assert values == [1, 5, 3]
    assert workspace.tasks("min(loss)=1 mean(loss, 2)=2 at(loss, 0)=5 progress>0.04").names == ["live"]
    appender.append(TRACK, {"loss": 0.5, "step": 3}, 4.0)
    appender.append(RECORD, {"total_steps": 10}, 4.0)
    index.refresh()
    row = index.rows["live"]
    assert row.steps is None  # two different totals
    assert index.aggregates.value(row, Aggregate("min", "loss")) == 0.5
    appender.close()
    recorder.finish(tracks={"loss": [5.0, 1.0, 3.0, 0.25]})
    index.refresh()
    assert index.aggregates.value(index.rows["live"], Aggregate("min", "loss")) == 0.25
    assert index.aggregates._tasks["live"].live is None
