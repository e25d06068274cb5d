"""The system metrics of runs in Python, queries, exports, groups, curves, archives and in the terminal."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.cli.terminal import main
from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.metrics.system_metrics import encode_facts, encode_sample
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.service.curves import CurvesRequest, curves
from pyruns_jupyter.service.groups import GroupRequest
from pyruns_jupyter.service.tasks import TaskPageRequest, detail, task_page
from tests.core.making import end_run, script_workspace, start_run

HOUR = 3600.0
SUMMARY = {"seconds": HOUR, "cores": 16.0, "cpu_percent": 100.0, "gpu_low_share": 1.0, "energy_kwh": 0.25}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three tasks: the first ran for an hour on two GPUs, the second on one, the third without any."""
    workspace = Workspace(script_workspace(tmp_path))
    for task, gpus in zip(workspace.create("lr: 1 | 2 | 3", "t"), ([0, 1], ["2:0"], []), strict=True):
        start_run(task.folder, pid=1, create_time=1.0)
        end_run(task.folder, tracks={"loss": [2.0, 1.0]})
        lines = [encode_facts({"began": 100.0})]
        for at in range(3):
            values = {"cpu_percent": 50.0 * at} | ({"gpu0_power_watts": 100.0} if gpus else {})
            lines.append(encode_sample(101.0 + at, values))
        (task.folder / "run_logs" / "run1.system.jsonl").write_bytes(b"".join(lines))
        with edit_task(task.folder) as info:
            info["run_environments"][0] = {"assigned_gpu_ids": gpus}
            info["durations"][0] = HOUR
            info["pyruns_jupyter"]["times"] = {"1": [0.0, HOUR]}
            summary: dict[str, Any] = SUMMARY if gpus else {"seconds": HOUR}
            info["pyruns_jupyter"]["system"] = {"1": summary}
    return workspace


def names(workspace: Workspace, query: str = "", sort: str = "name") -> list[str]:
    return [name.rpartition("lr=")[2] for name in workspace.tasks(query, sort=sort, order="asc").names]


def test_of_a_task(workspace: Workspace) -> None:
    task = workspace[workspace.tasks(sort="name", order="asc").names[0]]
    assert task.system_metrics() == {
        "time": [101, 102, 103],
        "cpu_percent": [0, 50, 100],
        "gpu0_power_watts": [100, 100, 100],
    }
    assert task.system_summary() == {**SUMMARY, "gpu_hours": 2}
    assert task.system_metrics(7) == {}
    with pytest.raises(NotFound, match="has no run 7"):
        task.system_summary(7)
    pending = workspace.create("lr: 9", "pending")[0]
    assert (pending.system_metrics(), pending.system_summary()) == ({}, {})


def test_in_queries_and_tables(workspace: Workspace, tmp_path: Path) -> None:
    assert names(workspace, "gpu_hours>1") == ["1"]
    assert names(workspace, "has:energy_kwh") == ["1", "2"]
    assert names(workspace, "no:gpu_hours") == ["3"]
    assert names(workspace, sort="-gpu_hours")[:2] == ["1", "2"]
    workspace.export(tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    found = [(row["gpu_hours"], row["energy_kwh"]) for row in rows]
    assert found == [("2.0", "0.25"), ("1.0", "0.25"), ("", "")]


def test_sums_of_groups_and_of_all_matching_tasks(workspace: Workspace) -> None:
    index = TaskIndex(workspace.folder)
    index.refresh()
    page = task_page(index, TaskPageRequest(limit=1))()
    assert page["usage"] == {"gpu_hours": 3, "energy_kwh": 0.5}
    page = task_page(index, TaskPageRequest(query="lr=3"))()
    assert page["usage"] == {"gpu_hours": None, "energy_kwh": None}
    found = GroupRequest(by=("opt",)).reader(index, lambda: False)()
    assert [(group["gpu_hours"], group["energy_kwh"]) for group in found["items"]] == [(3, 0.5)]
    found = GroupRequest(by=("lr",), sort="gpu_hours", order="desc").reader(index, lambda: False)()
    assert [group["gpu_hours"] for group in found["items"]] == [2, 1, None]


def test_details_have_hints(workspace: Workspace) -> None:
    index = TaskIndex(workspace.folder)
    index.refresh()
    first = detail(index, workspace.tasks(sort="name", order="asc").names[0])
    (run,) = first["history"]
    assert run["system"] == SUMMARY
    assert run["gpu_hours"] == first["task"]["gpu_hours"] == 2
    assert len(run["hints"]) == 1
    assert "data loader" in run["hints"][0]


def test_as_curves(workspace: Workspace) -> None:
    name, *_ = sorted(workspace.tasks().names)

    def found(*keys: str) -> dict[str, list[float]]:
        items = curves(workspace.folder, CurvesRequest(name=(name,), key=keys))["items"]
        return {item["key"]: item["values"] for item in items}

    system = {"system/cpu_percent": [0, 50, 100], "system/gpu0_power_watts": [100, 100, 100]}
    assert found() == {**system, "loss": [2, 1]}
    assert found("loss") == {"loss": [2, 1]}
    assert found("system/cpu_percent", "system/none") == {"system/cpu_percent": [0, 50, 100]}
    assert found("loss", "system/") == {**system, "loss": [2, 1]}
    with edit_task(workspace.folder.paths(name).folder) as info:
        info["tracks"][0]["system/cpu_percent"] = [7.0]
    assert found()["system/cpu_percent"] == [7]  # of the script


def test_on_the_command_line(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workspace.folder.root.parent)
    name, _, last = sorted(workspace.tasks().names)
    assert main(["show", name]) == 0
    shown = capsys.readouterr().out
    assert "  CPU 100 %, 2 GPU-hours, GPU energy 0.25 kWh\n  hint: GPU utilization was below 30 %" in shown
    assert main(["show", "--system", name]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split() for line in table] == [
        ["metric", "mean", "min", "max", "last"],
        ["cpu_percent", "50", "0", "100", "100"],
        ["gpu0_power_watts", "100", "100", "100", "100"],
    ]
    assert main(["show", "--system", "--json", name]) == 0
    assert json.loads(capsys.readouterr().out)["cpu_percent"] == [0, 50, 100]
    workspace.folder.paths(last).system(1).unlink()
    assert main(["show", "--system", last]) == 0
    assert capsys.readouterr().out == "This run has no system metrics.\n"


def test_they_move_with_their_task(workspace: Workspace, tmp_path: Path) -> None:
    name = sorted(workspace.tasks().names)[0]
    task = workspace[name]
    before = task.system_metrics()
    copy = task.duplicate("copy", runs=True)
    assert copy.system_metrics() == before
    assert "system" not in (read_task(task.duplicate("fresh").folder).get("pyruns_jupyter") or {})
    task.rename("renamed")
    assert workspace["renamed"].system_metrics() == before
    workspace.archive("renamed", tmp_path / "a.zip")
    other = tmp_path / "other"
    other.mkdir()
    (task,) = Workspace.unpack(tmp_path / "a.zip", other)
    assert task.system_metrics() == before
    assert task.system_summary() == {**SUMMARY, "gpu_hours": 2}
