"""The settings of a project over REST: the text is the user's, and nobody's change is lost."""

from __future__ import annotations

import asyncio

import pytest

from pyruns_jupyter.core.workspace.default_settings import DEFAULT_TEXT
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.server.client import Api
from tests.server.conftest import WS

SETTINGS = "/workspaces/{ws}/settings"
TEXT = "# mine\nterminal: false   # faster\nunknown_key: [1, 2]\nmax_jobs: 3\n"


async def test_they_are_read_and_replaced(api: Api, train: WorkspaceFolder) -> None:
    path = train.root / "_pyruns_settings.yaml"
    found = await api.get(SETTINGS, ws=WS)
    assert found == {"text": DEFAULT_TEXT, "problem": None}
    answer = await api("patch", SETTINGS, {"text": TEXT, "expected": DEFAULT_TEXT}, ws=WS)
    assert (answer.status, answer.body) == (200, {"text": TEXT, "problem": None})
    assert path.read_text() == TEXT
    assert Settings.load(train.root).max_jobs == 3

    path.write_text("terminal: 1\n")  # by hand, wrong
    found = await api.get(SETTINGS, ws=WS)
    assert "terminal" in found["problem"]
    answer = await api("patch", SETTINGS, {"text": TEXT, "expected": found["text"]}, ws=WS)
    assert answer.status == 200
    path.unlink()
    assert (await api.get(SETTINGS, ws=WS))["text"] == DEFAULT_TEXT
    path.write_bytes(b"\xff\xfe")
    assert (await api("get", SETTINGS, ws=WS)).status == 409


@pytest.mark.parametrize(
    "text", ["a: [", "- 1\n", "terminal: 7\n", "max_jobs: -1\n", "x: " + "y" * 1_100_000, "a: !!int ''"]
)
async def test_what_cannot_be_used_is_refused(api: Api, train: WorkspaceFolder, text: str) -> None:
    answer = await api("patch", SETTINGS, {"text": text, "expected": DEFAULT_TEXT}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, "text")
    assert (await api.get(SETTINGS, ws=WS))["text"] == DEFAULT_TEXT


async def test_one_of_many_wins(api: Api, train: WorkspaceFolder) -> None:
    texts = [f"max_jobs: {number + 1}\n" for number in range(10)]
    answers = await asyncio.gather(
        *(api("patch", SETTINGS, {"text": text, "expected": DEFAULT_TEXT}, ws=WS) for text in texts)
    )
    statuses = [answer.status for answer in answers]
    assert sorted(statuses) == [200] + [409] * 9
    assert (await api.get(SETTINGS, ws=WS))["text"] == texts[statuses.index(200)]


async def test_alert_rules(api: Api, train: WorkspaceFolder) -> None:
    address = "/workspaces/{ws}/alerts"
    found = await api.get(address, ws=WS)
    assert found == {"project": [], "workspace": [], "problem": None}
    rules = {"project": ["loss  is nan -> stop"], "workspace": ["no output for 10m"]}
    answer = await api("patch", address, {**rules, "expected": {}}, ws=WS)
    stored = {**rules, "project": ["loss is nan -> stop"]}
    assert (answer.status, answer.body) == (200, {**stored, "problem": None})
    assert Settings.load(train.root).alert_rules("train") == ("loss is nan -> stop", "no output for 10m")
    assert (await api("patch", address, {**rules, "expected": {}}, ws=WS)).status == 409
    wrong = {"workspace": ["loss is nan", "loss is high", "x"], "expected": stored}
    answer = await api("patch", address, wrong, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, "workspace[1]")
    assert [error["field"] for error in answer.body["errors"]] == ["workspace[1]", "workspace[2]"]
    (train.root / "_pyruns_settings.yaml").write_text("alerts: [loss is high, loss is nan]\n")
    found = await api.get(address, ws=WS)
    assert found["project"] == ["loss is nan"]
    assert "This rule is ignored" in found["problem"]
    answer = await api("patch", address, {"expected": {"project": ["loss is nan"]}}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, "text")
