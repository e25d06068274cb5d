"""The tool that fills a project for contributors makes tasks that the program takes for its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pyruns_jupyter import Workspace
from pyruns_jupyter.engine.client.doctor import examine

from .support import ROOT


def test_a_seeded_project_is_like_a_real_one(tmp_path: Path) -> None:
    project = tmp_path / "seeded"
    words = [sys.executable, str(ROOT / "tools" / "seed.py"), str(project), "--tasks", "160"]
    subprocess.run(words, check=True, capture_output=True)
    workspace = Workspace.open(project / "train.py")
    assert len(workspace) == 160
    counts = workspace.counts()
    assert counts["completed"] > 100 and counts["failed"] > 2 and counts["pending"] > 1
    assert [finding for finding in examine(project / "_pyruns_") if finding.severity == "error"] == []
    best = workspace.tasks(sort="-acc")[0]
    assert best.row.figures["acc"] > 0.9 and len(best.tracks()["loss"]) == 30
    assert 1e-3 < best.config["lr"] < 1e-1
    assert "epoch 30/30" in best.log()
    broken = workspace.tasks("status:failed")[0]
    assert broken.runs[-1].exit_code == 1
    again = subprocess.run(words, capture_output=True, text=True)
    assert again.returncode == 2 and "is there already" in again.stderr
