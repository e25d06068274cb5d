"""A script that can be searched, and studies whose processes are gone after the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from tests.engine.support import stop_everything

# The best is lr=1e-3, layers=4, opt=adam with 0; a run gets there in ten steps.
SCRIPT = """
import argparse, math, os, sys, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--layers", type=int, default=2)
parser.add_argument("--opt", choices=["adam", "sgd"], default="adam")
parser.add_argument("--pause", type=float, default=0.0)
parser.add_argument("--linger", type=float, default=0.0)
parser.add_argument("--until", default="")
parser.add_argument("--code", type=int, default=0)
args = parser.parse_args()
acc = -(math.log10(args.lr) + 3) ** 2 - (args.layers - 4) ** 2 / 10 - (args.opt == "sgd")
for step in range(1, 11):
    pyruns.track(acc=acc * (1 + 1 / step))
    time.sleep(args.pause)
if args.opt == "sgd":
    time.sleep(args.linger)
while not os.path.exists(os.path.join(os.environ["PYRUNS_TASK_DIR"], args.until)):
    time.sleep(0.05)
pyruns.record(acc=acc, loss=-acc)
sys.exit(args.code)
"""
SPACE = "lr: log(1e-5, 1e-1)\nlayers: 1:9\nopt: adam | sgd\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "train.py").write_text(SCRIPT)
    yield Workspace.open(tmp_path / "train.py")
    stop_everything(tmp_path)
