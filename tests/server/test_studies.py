"""Adaptive sweeps over the wire."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service import operations
from pyruns_jupyter.service.request import StudyRequest
from pyruns_jupyter.service.studies import StudyList
from pyruns_jupyter.studies import importance, samplers
from pyruns_jupyter.studies.definition import Definition
from tests.server.client import Api, until
from tests.server.conftest import WS

IMPORTANCE = "/workspaces/{ws}/studies/{study}/importance"
STUDIES, STUDY, SEARCHES = (
    "/workspaces/{ws}/studies",
    "/workspaces/{ws}/studies/{study}",
    "/workspaces/{ws}/searches",
)
QUEUE = "/workspaces/{ws}/queue"
DETAILS = ("text", "trials", "dimensions", "warm_start_trials")
REQUEST: dict[str, Any] = {
    "text": "lr: log(1e-3, 1)\nopt: adam | sgd",
    "name": "s",
    "objective": "acc",
    "n": 4,
}


async def test_a_study_is_begun_looked_at_and_removed(api: Api, train: WorkspaceFolder) -> None:
    assert await api.get(STUDIES, ws=WS) == {"available": True, "items": [], "damaged": []}
    begun = await api.post(STUDIES, {**REQUEST, "jobs": 2, "run": {"time_limit": "1m"}}, ws=WS)
    assert (begun["state"], begun["n"], begun["jobs"], begun["best"]) == ("active", 4, 2, None)

    async def over() -> Any:
        found = await api.get(STUDY, ws=WS, study="s")
        return found if found["state"] != "active" else None

    found = await until(over, "the end of the study")
    assert (found["state"], found["message"]) == ("finished", "")
    assert found["counts"] == {"open": 0, "complete": 4, "pruned": 0, "failed": 0}
    assert [trial["task"] for trial in found["trials"]] == ["s_1", "s_2", "s_3", "s_4"]
    assert found["best"] == max(found["trials"], key=lambda trial: trial["value"])
    assert "epochs: 3" in found["text"]
    rows = {row["name"]: row for row in (await api.get("/workspaces/{ws}/tasks", ws=WS))["items"]}
    assert rows["s_2"]["study"] == {"name": "s", "number": 2, "pruned": None}
    assert rows["s_2"]["swept"] == found["trials"][1]["values"]

    [item] = (await api.get(STUDIES, ws=WS))["items"]
    assert item == {key: value for key, value in found.items() if key not in DETAILS} | {
        "driven": item["driven"]
    }
    answer = await api("post", STUDY, {"action": "resume"}, ws=WS, study="s")
    assert (answer.status, answer.body["field"]) == (400, "n")
    await api.post(QUEUE, {"paused": True}, ws=WS)  # so that it does not end by itself
    again = await api.post(STUDY, {"action": "resume", "n": 5}, ws=WS, study="s")
    assert (again["state"], again["n"]) == ("active", 5)
    assert (await api("delete", STUDY, ws=WS, study="s")).status == 409
    stopped = await api.post(STUDY, {"action": "stop", "running": True}, ws=WS, study="s")
    assert stopped["state"] == "stopped"
    await api.post(QUEUE, {"paused": False}, ws=WS)
    assert (await api("delete", STUDY, ws=WS, study="s")).status == 204
    assert (await api("get", STUDY, ws=WS, study="s")).status == 404
    assert (await api.get(STUDIES, ws=WS))["items"] == []


async def test_several_objectives_with_constraints(api: Api, train: WorkspaceFolder) -> None:
    objectives = [
        {"metric": "acc", "direction": "maximize"},
        {"metric": "min(acc)", "direction": "minimize"},
    ]
    wanted = {
        "text": "lr: log(1e-3, 1)\nopt: adam | sgd\nepochs: 2:5 if opt == sgd else 3",
        "name": "s",
        "objectives": objectives,
        "constraints": ["acc < 1e9"],
        "n": 6,
        "jobs": 2,
        "sampler": "nsga2",
        "n_startup_trials": 4,
        "seed": 1,
    }
    await api.post(STUDIES, wanted, ws=WS)

    async def over() -> Any:
        found = await api.get(STUDY, ws=WS, study="s")
        return found if found["state"] != "active" else None

    found = await until(over, "the end of the study")
    assert (found["state"], found["best"]) == ("finished", None), found
    assert {key: found[key] for key in ("objective", "direction", "objectives", "constraints")} == {
        "objective": "acc",
        "direction": "maximize",
        "objectives": objectives,
        "constraints": ["acc < 1e9"],
    }
    assert (found["n_startup_trials"], found["min_resource"], found["warm_start"]) == (4, None, 0)
    for trial in found["trials"]:
        assert trial["value"] is None and trial["is_feasible"] and trial["constraint_values"][0] < 0
        assert len(trial["objective_values"]) == 2 and None not in trial["objective_values"]
        assert trial["started_at"] <= trial["finished_at"]
        assert ("epochs" in trial["values"]) == (trial["values"]["opt"] == "sgd")
    assert set(found["pareto_front"]) <= {trial["task"] for trial in found["trials"]}
    assert found["pareto_front"] and found["warm_start_trials"] == []
    assert [one["key"] for one in found["dimensions"]] == ["lr", "opt", "epochs"]

    told = await api.get(IMPORTANCE, {"objective": "1"}, ws=WS, study="s")
    assert (told["objective"], told["trials"], told["message"]) == ("min(acc)", 6, "")
    assert sorted(one["key"] for one in told["parameters"]) == ["lr", "opt"]
    assert sum(one["importance"] for one in told["parameters"]) == pytest.approx(1)
    answer = await api("get", IMPORTANCE, query={"objective": "2"}, ws=WS, study="s")
    assert (answer.status, answer.body["field"]) == (400, "objective")

    warm = {
        **{key: wanted[key] for key in ("text", "constraints", "objectives")},
        "name": "w",
        "n": 1,
        "warm_start": "study:s",
    }
    begun = await api.post(STUDIES, warm, ws=WS)
    assert begun["warm_start"] == 6
    detail = await api.get(STUDY, ws=WS, study="w")
    assert [one["values"] for one in detail["warm_start_trials"]] == [
        one["values"] for one in found["trials"]
    ]
    await api.post(STUDY, {"action": "stop", "running": True}, ws=WS, study="w")


async def test_without_scikit_learn(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = train.folder / "studies"
    folder.mkdir()
    good = Definition("good", "lr: 1:9", "acc", state="finished", created_at=1.0).to_dict()
    (folder / "good.json").write_text(json.dumps(good))
    told = await api.get(IMPORTANCE, ws=WS, study="good")
    assert told == {
        "objective": "acc",
        "trials": 0,
        "parameters": [],
        "message": "Parameter importance needs at least 4 completed trials.",
    }
    monkeypatch.setattr(importance, "find_spec", lambda name: None)
    answer = await api("get", IMPORTANCE, ws=WS, study="good")
    assert (answer.status, answer.body["code"]) == (409, "unavailable")
    assert "pip install scikit-learn" in answer.body["message"]


async def test_the_end_is_told_once_and_not_that_of_each_trial(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any
) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.append((schema_id.split("/")[-2], data))

    for name in ("study_ended", "batch_finished"):
        schema_id = f"https://events.jupyter.org/pyruns_jupyter/{name}/v1"
        jp_serverapp.event_logger.add_listener(schema_id=schema_id, listener=listen)
    stream = await api.stream("/workspaces/{ws}/events", ws=WS)
    await stream.message("EventMessage")
    slow = {**REQUEST, "text": "lr: log(1e-3, 1)\nsleep: 0.3", "n": 3}  # so that each is seen
    await api.post(STUDIES, slow, ws=WS)

    async def told() -> bool:
        return len(heard) == 2

    await until(told, "both events")
    assert dict(heard) == {
        "study_ended": {"workspace": WS, "study": "s", "state": "finished", "message": ""},
        "batch_finished": {"workspace": WS, "completed": 3, "failed": 0, "cancelled": 0},
    }


async def test_what_would_be_searched(api: Api, train: WorkspaceFolder) -> None:
    found = await api.post(
        SEARCHES, {**REQUEST, "text": "lr: log(1e-3, 1)\nepochs: 1:4\nopt: adam | sgd"}, ws=WS
    )
    assert (found["errors"], found["size"]) == ([], None)
    told = {
        one["key"]: (one["kind"], one["low"], one["high"], one["log"], one["whole"], one["values"])
        for one in found["dimensions"]
    }
    assert told == {
        "lr": ("interval", 0.001, 1, True, False, []),
        "epochs": ("interval", 1, 3, False, True, []),
        "opt": ("choice", None, None, False, False, ["adam", "sgd"]),
    }
    text = (
        "opt: adam | sgd\nlr: 0.1 | 0.2 if opt == sgd else 0.5\n"
        "epochs: 1:4 if opt == adam else 5:9 if opt == sgd else 9"
    )
    found = await api.post(SEARCHES, {**REQUEST, "text": text, "n": 2}, ws=WS)
    lr, epochs, opt = sorted(found["dimensions"], key=lambda one: ["lr", "epochs", "opt"].index(one["key"]))

    def condition(value: str) -> dict[str, Any]:
        return {"key": "opt", "operator": "==", "values": [value]}

    assert (opt["condition"], opt["otherwise"], opt["alternative"]) == (None, None, None)
    assert (lr["condition"], lr["otherwise"], lr["alternative"]) == (condition("sgd"), 0.5, None)
    assert (epochs["condition"], epochs["otherwise"], epochs["high"]) == (condition("adam"), None, 3)
    other = epochs["alternative"]
    assert (other["condition"], other["otherwise"], other["low"]) == (condition("sgd"), 9, 5)
    for change, field in (
        ({"text": "lr: (1 | 2)"}, "lr"),
        ({"text": "opt: adam | rmsprop"}, "opt"),
        ({"text": "opt: adam | sgd"}, "n"),
        ({"objective": ""}, "objective"),
        ({"name": "a/b"}, "name"),
    ):
        found = await api.post(SEARCHES, {**REQUEST, **change}, ws=WS)
        assert [error["field"] for error in found["errors"]] == [field], found
    assert train.task_names() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"n": 0}, "n"),
        ({"direction": "up"}, "direction"),
        ({"objectives": [{"metric": "acc", "direction": "maximize"}]}, "objective"),
        ({"objective": None}, "objective"),
        ({"constraints": ["acc"]}, "constraints"),
        ({"warm_start": "status:completed"}, "warm_start"),
        ({"sampler": "qmc", "n_startup_trials": 3}, "n_startup_trials"),
        ({"run": {"jobs": 2}}, "run.jobs"),
        ({"run": {"retries": -1}}, "retries"),
        ({"text": "lr: log(1, 0)"}, "lr"),
        ({"more": 1}, "more"),
    ],
)
async def test_what_cannot_be_begun(
    api: Api, train: WorkspaceFolder, change: dict[str, Any], field: str
) -> None:
    answer = await api("post", STUDIES, {**REQUEST, **change}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, field)
    assert not (train.folder / "studies").exists()


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"jobs_at_once": 2}}], ids=[""])
async def test_the_administrators_limit_holds(api: Api, train: WorkspaceFolder) -> None:
    answer = await api("post", STUDIES, {**REQUEST, "jobs": 3}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, "jobs")


async def test_without_optuna(api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samplers, "find_spec", lambda name: None)
    assert not (await api.get(STUDIES, ws=WS))["available"]
    answer = await api("post", STUDIES, REQUEST, ws=WS)
    assert (answer.status, answer.body["code"]) == (409, "unavailable")
    assert "pip install" in answer.body["message"]
    assert not (train.folder / "studies").exists()


@pytest.mark.parametrize(
    "name",
    ["./../../../evil", "_pyruns_/train", "/etc/passwd", "../../x", "..", "a\0b", "a\nb", "x" * 300],
)
async def test_a_name_that_no_study_can_have_leaves_nothing(
    api: Api, train: WorkspaceFolder, jp_root_dir: Path, name: str
) -> None:
    (train.folder / "studies").mkdir()
    before = sorted(jp_root_dir.parent.rglob("*"))
    answers = [
        await api("get", STUDY, ws=WS, study=name),
        await api("post", STUDY, {"action": "stop"}, ws=WS, study=name),
        await api("post", STUDY, {"action": "resume"}, ws=WS, study=name),
        await api("delete", STUDY, ws=WS, study=name),
    ]
    assert {answer.status for answer in answers} <= {400, 404}
    assert sorted(jp_root_dir.parent.rglob("*")) == before


async def test_an_unknown_study_leaves_nothing(api: Api, train: WorkspaceFolder) -> None:
    before = sorted(train.folder.rglob("*"))
    for method, body in (("post", {"action": "stop"}), ("post", {"action": "resume"}), ("delete", None)):
        assert (await api(method, STUDY, body, ws=WS, study="unknown")).status == 404
    assert sorted(train.folder.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
async def test_nothing_is_written_through_a_linked_folder_of_studies(
    api: Api, train: WorkspaceFolder, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (train.folder / "studies").symlink_to(other)
    answer = await api("post", STUDIES, REQUEST, ws=WS)
    assert (answer.status, answer.body["code"]) == (409, "conflict")
    assert list(other.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"retry_delay": 10**400}},
        {"created_at": 10**400},
        {"created_at": "now"},
        {"version": float("inf")},
        {"message": {}},
        {"text": None},
        {"n": 10**400},
        {"name": 3},
        {"options": [1]},
    ],
    ids=str,
)
async def test_a_damaged_study_is_named_and_the_others_are_listed(
    api: Api, train: WorkspaceFolder, change: dict[str, Any]
) -> None:
    folder = train.folder / "studies"
    folder.mkdir()
    good = Definition("good", "lr: 1:9", "acc", state="finished", created_at=1.0).to_dict()
    (folder / "good.json").write_text(json.dumps(good))
    (folder / "bad.json").write_text(json.dumps({**good, "name": "bad", **change}))
    found = await api.get(STUDIES, ws=WS)
    assert [item["name"] for item in found["items"]] == ["good"]
    assert ["bad.json" in one for one in found["damaged"]] == [True]
    answer = await api("get", STUDY, ws=WS, study="bad")
    assert answer.status < 500
    assert "bad.json" in answer.body["message"]


async def test_options_that_no_float_holds_are_refused(api: Api, train: WorkspaceFolder) -> None:
    for key in ("retry_delay", "time_limit", "grace", "gpu_memory", "priority"):
        for address in (STUDIES, SEARCHES):
            answer = await api("post", address, {**REQUEST, "run": {key: 10**400}}, ws=WS)
            if address == STUDIES:
                assert (answer.status, answer.body["field"]) == (400, key)
            else:
                assert [one["field"] for one in answer.body["errors"]] == [key]


@pytest.mark.parametrize("name", ["_list_studies", "_get_study"])
async def test_trials_are_read_as_slow_work(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Reading the points of trials may take long, and ends when the client is gone."""

    class Found:
        def listing(self, index: object, remaining: Callable[[], float]) -> float:
            return remaining()

        detail = listing

    class Session:
        is_abandoned = False
        threads: ClassVar[list[str]] = []

        async def open(self) -> None:
            return None

        async def look(self, read: Callable[[object], object], *, refresh: bool) -> object:
            return read(None)

        async def run(self, function: Callable[[], object]) -> object:
            self.threads.append("run")
            return function()

        async def search(self, function: Callable[[], object]) -> object:
            self.threads.append("search")
            return function()

    for reader in ("read", "one"):
        monkeypatch.setattr(StudyList, reader, lambda *_: Found())
    session: Any = Session()
    perform = getattr(operations, name)
    assert await perform(session, StudyRequest(study="s")) == math.inf
    assert session.threads == ["run", "search"]
    session.is_abandoned = True
    with pytest.raises(operations.Abandoned):
        await perform(session, StudyRequest(study="s"))
