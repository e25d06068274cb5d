"""Results as tables of pandas and polars."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput
from tests.recorder import Recorder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "train.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--lr', type=float)\np.add_argument('--opt', default='sgd')\np.parse_args()\n"
    )
    workspace = Workspace.open(tmp_path / "train.py")
    workspace.create("lr: 1 | 0.5\nopt: sgd", name="t")
    for name, records in (("t_1_lr=1", {"acc": 1, "note": 3}), ("t_2_lr=0.5", {"acc": 0.75, "note": "x"})):
        recorder = Recorder(workspace.folder, name)
        recorder.start()
        recorder.finish(records=records)
    return workspace


def test_pandas(workspace: Workspace) -> None:
    frame = workspace.frame()
    assert list(frame["lr"]) == [1, 0.5]
    assert list(frame["acc"]) == [1, 0.75]
    assert list(frame["opt"]) == ["sgd", "sgd"]
    assert len(workspace.frame("lr<0.7", runs="latest")) == 1
    assert math.isclose(frame["acc"].mean(), 0.875)


def test_polars(workspace: Workspace) -> None:
    frame = workspace.frame(library="polars")
    assert frame["acc"].to_list() == [1.0, 0.75]
    assert frame["note"].to_list() == ["3", "x"]  # numbers and texts: as texts
    assert frame.columns == list(workspace.frame().columns)
    assert workspace.frame("lr>7", library="polars").height == 0


def test_no_library(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="pandas, polars"):
        workspace.frame(library="excel")  # type: ignore[call-overload]
