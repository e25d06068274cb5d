"""Scripts in a folder of a larger project, whose parser lies elsewhere in it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.create.preview import script_parameters

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import MakeProject

OPTIONS = """\
import argparse

def get_parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=3)
    return parser
"""
SCRIPT = """\
import json, os, sys
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from pkg.options import get_parser
print(json.dumps(vars(get_parser().parse_args())))
"""


@pytest.mark.parametrize(("mark", "stored"), [("pyproject.toml", False), (".git", False), (".git", True)])
def test_opening_a_script_does_not_change_what_it_takes(
    make_project: MakeProject, tmp_path: Path, mark: str, stored: bool
) -> None:
    whole = tmp_path / "whole"
    (whole / "pkg").mkdir(parents=True)
    (whole / "pkg" / "options.py").write_text(OPTIONS)
    if mark == ".git":
        subprocess.run(["git", "init", "-q"], cwd=whole, check=True)
    else:
        (whole / mark).write_text("[project]\nname = 'whole'\n")
    project = make_project(SCRIPT, name="scripts", folder=whole)
    project.settings(f"snapshot_code: {str(stored).lower()}\n")
    known = script_parameters(project.workspace)
    assert [one.name for one in known.parameters] == ["lr", "epochs"]

    workspace = Workspace.open(project.root / "job")
    made = workspace.create("lr: 0.5 | 0.25\nepochs: 3\n", "t")
    workspace.run(made)
    assert project.wait(*made.names) == ["completed", "completed"]
    said = [json.loads(project.output(name)) for name in made.names]
    assert said == [{"lr": 0.5, "epochs": 3}, {"lr": 0.25, "epochs": 3}]
