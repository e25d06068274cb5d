"""`failures`: why tasks of a sweep failed, and what these tasks have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.cli.terminal import main
from tests.engine.support import stop_everything

SCRIPT = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--bs", type=int, default=32)
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
if args.bs == 512:
    raise MemoryError(f"CUDA out of memory. Tried to allocate {args.lr} GiB")
if args.lr == 1.0:
    raise SystemExit("lr is too large")
"""


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    (tmp_path / "train.py").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.open(tmp_path / "train.py")
    tasks = workspace.create("bs: 32 | 512\nlr: 0.1 | 0.2 | 1.0\n", "t")
    workspace.run(tasks, jobs=2).wait(timeout=120)
    yield workspace
    stop_everything(tmp_path)


def test_failures_are_grouped(sweep: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["failures"]) == 0
    assert capsys.readouterr().out == (
        "4 of 6 tasks failed.\n"
        "\n"
        "3 tasks: MemoryError: CUDA out of memory. Tried to allocate 0.1 GiB\n"
        "  all have bs=512 (no other task)\n"
        "  t_4_bs=512,lr=0.1, t_5_bs=512,lr=0.2, t_6_bs=512,lr=1.0\n"
        "  Reserve more GPU memory (--gpu-memory), or retry with exclusive GPUs (--retry-alone).\n"
        "\n"
        "1 task: Exit code 1\n"
        "  t_3_bs=32,lr=1.0\n"
    )
    assert main(["failures", "--json", "lr<1"]) == 0
    (group,) = json.loads(capsys.readouterr().out)
    assert group["names"] == ["t_4_bs=512,lr=0.1", "t_5_bs=512,lr=0.2"]
    assert (group["others"], group["shared"]) == (2, [{"key": "bs", "value": 512, "others": 0}])
    assert sweep.failures("bs:32")[0].names == ("t_3_bs=32,lr=1.0",)
    assert main(["failures", "lr:0.1", "bs:32"]) == 0
    assert capsys.readouterr().out == "No task failed.\n"
