"""Pyodide gives the same answers as CPython: sweeps, previews, queries and groups."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import EXAMPLES, ROOT
from tools import demo_site

from . import answers

# Pyodide is compiled and loads all packages before it answers.
pytestmark = pytest.mark.timeout(600)

CONFIGURATIONS = (
    "lr: 0.01 | 0.1",
    "lr: 0.01 | 0.1\nseed: 0:3",
    "lr: 0.001:0.1:log5",
    "seed: 0:10:2",
    "seed: 3:0",
    "model: mlp | sgd\nhidden: [16] | [32, 32]",
    "hidden: [16] | [32] | [64, 64]\nlr: 0.01",
    "lr: (0.01 | 0.1)\nseed: (0 | 1)",
    "lr: (0.01 | 0.1)\nseed: (0 | 1 | 2)",
    "lr: (0.01 | 0.1 | 1)\nbatch_size: (16 | 32 | 64)\nmodel: mlp | sgd",
    "lr: fast",
    "lr: 0.01 |",
    "model: tree",
    "model: mlp | tree",
    "epochs: 2.5",
    "augment: true | false",
    "augment: maybe",
    "unknown: 1",
    "lrr: 1",
    "lr: [0.01",
    "lr: 0.1\nlr: 0.2",
    "seed: 0:100000",
    "seed: ${lr}",
    "epochs: ${seed}\nseed: 1 | 2",
    "lr: 1e-3 | 1e-2 # a comment",
    'model: "mlp" | "sgd"',
    "hidden: [[16], [32]]",
    "",
    "- a\n- b",
    "lr: .nan | .inf",
    "seed: 0:2\nlr: 0.1\nepochs: 10 | 20\nmodel: mlp | sgd\naugment: true",
    "batch-size: 16 | 32",
    "näme: ä | ö",
    "lr: 0.1 | 0.1",
)
TASKS = (
    {"name": "base", "text": "lr: 0.01\nmodel: mlp"},
    {"name": "grid", "text": "lr: 0.001 | 0.01 | 0.1\nmodel: mlp | sgd\nseed: 0:3"},
    {"name": "wide", "text": "hidden: [16] | [512, 512]"},
    {"name": "base", "text": "lr: 0.02"},
    {"name": "a/b", "text": "lr: 0.02"},
)
QUERIES = (
    "",
    "grid",
    "lr=0.01",
    "lr<0.05 model:sgd",
    "lr:0.001..0.01",
    "status:pending",
    "status:completed",
    "not lr=0.01",
    "model:sgd or lr=0.1",
    "(model:sgd or lr=0.1) seed=0",
    "name:/grid_0[1-3]/",
    "/gr[a-i]d/",
    "lr>",
    "acc>0.9",
    "hidden:[16]",
    "created>2d",
    "created<2d",
    "-model:sgd",
    "'base'",
    "lr=0.01 and (model:mlp",
)
GROUPS = ((), ("model",), ("lr", "model"), ("seed",), ("nothing",))


def _given() -> dict[str, Any]:
    return {
        "folder": "/tmp/pyruns-demo-answers/project",
        "script": "digits/train.py",
        "files": {"digits/train.py": (EXAMPLES / "digits" / "train.py").read_text(encoding="utf-8")},
        "previews": CONFIGURATIONS,
        "tasks": TASKS,
        "queries": QUERIES,
        "groups": GROUPS,
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers of CPython and those of Pyodide."""
    folder, site = tmp_path_factory.mktemp("answers") / "project", tmp_path_factory.mktemp("site") / "pyruns"
    demo_site.write_python(site, Path(sys.prefix, "pyodide"))
    given = json.dumps({**_given(), "folder": str(folder)})
    done = subprocess.run(
        ["node", str(ROOT / "demo" / "ask.mjs"), str(site), answers.__file__],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(answers.answer(given)), json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["parameters", "template", "created"])
def test_one_answer(both: tuple[dict[str, Any], dict[str, Any]], kind: str) -> None:
    here, browser = both
    assert here[kind]
    assert browser[kind] == here[kind]


@pytest.mark.parametrize(
    ("kind", "given"), [("previews", CONFIGURATIONS), ("queries", QUERIES), ("groups", GROUPS)]
)
def test_all_answers(
    both: tuple[dict[str, Any], dict[str, Any]], kind: str, given: tuple[object, ...]
) -> None:
    here, browser = both
    assert len(here[kind]) == len(given)
    for question, expected, found in zip(given, here[kind], browser[kind], strict=True):
        assert found == expected, question


def test_the_questions_have_different_answers(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    here, _ = both
    assert len({json.dumps(one) for one in here["previews"]}) > len(CONFIGURATIONS) * 0.7
    totals = [one.get("total") for one in here["queries"]]
    assert len(set(totals)) > 6
