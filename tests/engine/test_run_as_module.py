"""Scripts that are started with `python -m`, because they import from their own package."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.scripts.source.modules import module_of
from tests.engine.support import stop_everything

SCRIPT = """\
import argparse, json, os, sys
{line}
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
print(json.dumps([__name__, __package__, os.getcwd(), helper.value, args.lr, sys.argv[0], __file__]))
"""


def package(folder: Path, line: str) -> Path:
    inner = folder / "pkg" / "tools"
    inner.mkdir(parents=True)
    (folder / "pkg" / "__init__.py").touch()
    (inner / "__init__.py").touch()
    (folder / "pkg" / "helper.py").write_text("value = 'before'\n")
    script = inner / "train.py"
    script.write_text(SCRIPT.format(line=line))
    return script


@pytest.mark.parametrize("line", ["from .. import helper", "from pkg import helper"])
@pytest.mark.parametrize("is_stored", [False, True])
def test_a_script_of_a_package(tmp_path: Path, line: str, is_stored: bool) -> None:
    script = package(tmp_path, line)
    (tmp_path / "pyproject.toml").touch()
    if is_stored:  # otherwise, only the folder of the script is stored
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    workspace = Workspace.open(script)
    settings = f"snapshot_code: {str(is_stored).lower()}\n"
    if "pkg" in line:
        settings += "workspaces: {train: {as_module: true}}\n"
    (workspace.folder.root / "_pyruns_settings.yaml").write_text(settings)
    plan = workspace.sweep("lr: 0.5 | 0.1\n")
    assert plan.commands(workspace.folder) == [
        "python -m pkg.tools.train --lr 0.5",
        "python -m pkg.tools.train",
    ]
    [task] = workspace.create("lr: 0.5\n", name="a")
    try:
        task.run().wait(timeout=120)
    finally:
        stop_everything(tmp_path)
    [line] = [one for one in task.log().splitlines() if one.startswith("[") and "PYRUNS" not in one]
    name, home, folder, value, lr, first, file = json.loads(line)
    assert (name, home, folder, value, lr) == ("__main__", "pkg.tools", str(tmp_path), "before", 0.5)
    assert first == file and (file == str(script)) is not is_stored


def test_names_of_modules(tmp_path: Path) -> None:
    script = package(tmp_path, "")
    assert module_of(script) == (tmp_path, "pkg.tools.train")
    assert module_of(script, 3) == (tmp_path.parent, f"{tmp_path.name}.pkg.tools.train")
    with pytest.raises(InvalidInput, match="cannot be started as a module"):
        module_of(tmp_path / "my-pkg" / "x.py")
