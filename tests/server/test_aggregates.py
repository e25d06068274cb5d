"""Aggregates, best values, goals and progress over REST."""

from __future__ import annotations

import csv
import io

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.metrics.journal import TRACK, Appender
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service import exports
from tests.recorder import Recorder
from tests.server.client import Api, until
from tests.server.conftest import WS

TASKS, METRICS, EXPORT = (f"/workspaces/{{ws}}/{name}" for name in ("tasks", "metrics", "export"))


def finish(train: WorkspaceFolder, name: str, **tracks: list[float]) -> None:
    task = Recorder(train, name)
    task.start()
    task.finish(tracks=tracks)


async def test_columns_and_best_values(api: Api, train: WorkspaceFolder) -> None:
    first, second, third = create_tasks(train, "lr: 1 | 2 | 3\nopt: sgd\n", "t")
    finish(train, first, loss=[3, 1, 2], temperature=[1, 2])
    finish(train, second, loss=[4, 3, 1.5], temperature=[3, 4])
    finish(train, third, loss=[9])
    wanted = {
        "fields": ["lr", "min(loss)", "mean(loss, 2)", "at(loss, 1)", "min(none)"],
        "best": ["loss", "min(loss)", "temperature", "none"],
        "sort": "min(loss)",
        "order": "asc",
        "limit": 2,
    }
    page = await api.get(TASKS, wanted, ws=WS)
    assert [item["values"] for item in page["items"]] == [
        {"lr": 1, "min(loss)": 1, "mean(loss, 2)": 1.5, "at(loss, 1)": 1},
        {"lr": 2, "min(loss)": 1.5, "mean(loss, 2)": 2.25, "at(loss, 1)": 3},
    ]
    less = {"direction": "minimize", "origin": "name"}
    assert page["best"] == {"loss": {"value": 1.5, **less}, "min(loss)": {"value": 1, **less}}
    # Of the matching tasks, also those that are not on the page.
    page = await api.get(TASKS, {**wanted, "query": "lr>1", "limit": 1}, ws=WS)
    assert page["best"]["min(loss)"] == {"value": 1.5, **less}
    assert [item["name"] for item in page["items"]] == [second]
    # All values are equal, so none is the best.
    page = await api.get(TASKS, {**wanted, "query": "lr:1"}, ws=WS)
    assert page["best"] == {}


async def test_huge_integers(api: Api, train: WorkspaceFolder) -> None:
    """A value outside of the range of a float is not a number of its curve."""
    first, second = create_tasks(train, "lr: 1 | 2\nopt: sgd\n", "t")
    finish(train, first, loss=[10**400, 1])
    finish(train, second, loss=[3, 10**400])
    wanted = {"fields": ["min(loss)", "max(loss)", "mean(loss, 2)"], "best": ["loss", "max(loss)"]}
    page = await api.get(TASKS, {**wanted, "query": "max(loss)>0", "sort": "max(loss)"}, ws=WS)
    assert {item["name"]: item["values"]["max(loss)"] for item in page["items"]} == {first: 1, second: 3}


async def test_goals(api: Api, train: WorkspaceFolder) -> None:
    first, second = create_tasks(train, "lr: 1 | 2\nopt: sgd\n", "t")
    finish(train, first, temperature=[1, 2])
    finish(train, second, temperature=[3, 4])
    answer = await api("patch", METRICS, {"name": "temperature", "goal": "maximize"}, ws=WS)
    assert (answer.status, answer.body) == (200, {"goals": {"temperature": "maximize"}})

    async def defined() -> bool:
        page = await api.get(TASKS, {"best": ["temperature"]}, ws=WS)
        expected = {"value": 4, "direction": "maximize", "origin": "settings"}
        return bool(page["best"] == {"temperature": expected})

    await until(defined, "the goal")
    (metric,) = (await api.get("/workspaces/{ws}/columns", ws=WS))["figures"]
    assert metric["goal"] == "maximize"
    page = await api.get(TASKS, {"query": "best(temperature)=4"}, ws=WS)
    assert page["goals"] == {
        "temperature": {"direction": "maximize", "origin": "settings", "automatic": None}
    }
    assert ([item["name"] for item in page["items"]], page["notices"]) == ([second], [])
    answer = await api("patch", METRICS, {"name": "temperature"}, ws=WS)
    assert answer.body == {"goals": {}}
    refused = await api("get", TASKS, query={"query": "best(temperature)=4"}, ws=WS)
    assert refused.status == 400
    assert refused.body["suggestions"] == ["min(temperature)=4", "max(temperature)=4"]
    refused = await api("patch", METRICS, {"name": " "}, ws=WS)
    assert (refused.status, refused.body["field"]) == (400, "name")


async def test_groups(api: Api, train: WorkspaceFolder) -> None:
    curves: list[list[float]] = [[3, 1, 2], [4, 3], [9], [8, 7]]
    for name, losses in zip(
        create_tasks(train, "lr: 1 | 2\nopt: sgd\nepochs: 1 | 2\n", "t"),
        curves,
        strict=True,
    ):
        finish(train, name, loss=losses)
    wanted = {
        "fold": "epochs",
        "metrics": ["min(loss)", "none("],
        "sort": "figure.min(loss)",
        "order": "desc",
    }
    found = await api.get("/workspaces/{ws}/groups", wanted, ws=WS)
    assert [(item["values"], item["figures"]["min(loss)"]["mean"]) for item in found["items"]] == [
        ({"lr": 2}, 8),
        ({"lr": 1}, 2),
    ]
    assert found["goals"] == {"loss": "minimize", "min(loss)": "minimize"}


async def test_comparison(api: Api, train: WorkspaceFolder) -> None:
    first, second = create_tasks(train, "lr: 1 | 2\nopt: sgd\n", "t")
    finish(train, first, loss=[3, 1, 2])
    finish(train, second, loss=[4, 3, 5])
    await api("patch", METRICS, {"name": "loss", "goal": "maximize"}, ws=WS)
    metrics = ["mean(loss, 2)", "max(loss)", "min(other)"]
    answer = await api(
        "post", "/workspaces/{ws}/compare", {"names": [second, first], "metrics": metrics}, ws=WS
    )
    assert [(each["key"], each["values"], each["goal"]) for each in answer.body["figures"]] == [
        ("loss", [5, 2], "maximize"),
        ("mean(loss, 2)", [4, 1.5], "maximize"),
        ("max(loss)", [5, 3], "maximize"),
        ("min(other)", [None, None], None),
    ]
    found = await api.get(
        "/workspaces/{ws}/compare", {"query": "best(loss)=3", "metrics": ["max(loss)"]}, ws=WS
    )
    assert [each["values"] for each in found["figures"]] == [[2], [3]]


async def test_export(api: Api, train: WorkspaceFolder) -> None:
    (name,) = create_tasks(train, "lr: 1\nopt: sgd\n", "t")
    finish(train, name, loss=[3, 1, 2])
    table = await api.get(EXPORT, {"metrics": ["min(loss)", "mean(loss, 2)"]}, ws=WS)
    (row,) = csv.DictReader(io.StringIO(table.decode()))
    assert (row["loss"], row["min(loss)"], row["mean(loss, 2)"]) == ("2", "1.0", "1.5")
    for metric in ("best(x)", "min(los)"):
        refused = await api("get", EXPORT, query={"metrics": [metric]}, ws=WS)
        assert (refused.status, refused.body["field"]) == (400, "metrics")
    (name,) = create_tasks(train, "lr: 2\nopt: sgd\n", "u")
    finish(train, name, **{"train.acc": [1.0]})
    table = await api.get(EXPORT, {"metrics": ["max(acc)"], "query": "lr:2"}, ws=WS)
    (row,) = csv.DictReader(io.StringIO(table.decode()))
    assert row["max(acc)"] == "1.0"


async def test_an_export_that_reads_points_is_bounded(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in create_tasks(train, "lr: 1 | 2\nopt: sgd\n", "t"):
        finish(train, name, loss=[3, 1, 2])
    monkeypatch.setattr(exports, "POINTS_SECONDS", -1.0)
    refused = await api("get", EXPORT, query={"metrics": ["min(loss)", "mean(loss, 2)"]}, ws=WS)
    assert (refused.status, refused.body["field"]) == (400, "metrics")
    assert refused.body["message"] == (
        "Reading metrics was stopped after -1 s. 2 tasks not read completely. Export fewer tasks, or use "
        "`jupyter pyruns export`, which has no time limit."
    )
    assert len((await api.get(EXPORT, ws=WS)).splitlines()) == 3


async def test_the_progress_of_a_running_task(api: Api, train: WorkspaceFolder) -> None:
    (name,) = create_tasks(train, "lr: 1\nopt: sgd\nepochs: 20\n", "t")
    task = Recorder(train, name)
    task.start()
    appender = Appender(task.paths.journal(task.run))
    appender.append(TRACK, {"epoch": 5, "loss": 1.0}, 1.0)
    appender.close()

    async def shown() -> bool:
        (item,) = (await api.get(TASKS, ws=WS))["items"]
        steps = {"key": "epoch", "step": 5, "total": 20, "source": "epochs"}
        return (item["steps"], item["progress"]) == (steps, 0.25)

    await until(shown, "the progress")
    task.finish()
