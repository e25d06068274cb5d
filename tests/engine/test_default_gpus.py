"""Which tasks get a GPU that nobody asked for: those of scripts that import a GPU framework."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.scripts.frameworks import imported_framework
from pyruns_jupyter.engine.gpus import reservations
from pyruns_jupyter.engine.queue import launch
from pyruns_jupyter.engine.queue.status import read_queue
from tests.conftest import FakeGpu, FakeNvml
from tests.support import ROOT

from .conftest import MakeProject
from .support import Project

NOW = "gpu_scheduler_stable_seconds: 0\n"
SHOW = "import os\nprint('gpus:' + os.environ.get('CUDA_VISIBLE_DEVICES', 'all') + '.', flush=True)\n"
TORCH = f"{SHOW}if 0:\n    import torch\n"  # statically imported, and not installed here
SUBMIT = """
import sys
from pathlib import Path
from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
options = eval(sys.argv[2])
workspace = Workspace(WorkspaceFolder.at(Path(sys.argv[1])))
workspace.run(workspace.tasks(), **options)
print(*sys.modules)
"""


@pytest.fixture(autouse=True)
def nvml(fake_nvml: FakeNvml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    for name, value in fake_nvml.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(reservations.VARIABLE, str(tmp_path / "ledger"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    fake_nvml.write([FakeGpu(name="Fake", total=6144, used=300) for _ in range(2)])  # less than 8 GiB
    return fake_nvml


def run(project: Project, options: dict[str, Any], **environment: str) -> str:
    """Queue the task T by a process of its own; return the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", SUBMIT, str(project.workspace.folder), repr(options)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def visible(project: Project, options: dict[str, Any], **environment: str) -> str:
    """What CUDA_VISIBLE_DEVICES is in the task T when it was queued like that."""
    run(project, options, **environment)
    assert project.wait("T") == ["completed"]
    return project.output("T").decode().split("gpus:")[1].split(".")[0]


@pytest.mark.parametrize("options", [{}, {"gpus": 1}])
def test_a_script_that_imports_a_framework_gets_a_gpu(
    make_project: MakeProject, options: dict[str, Any]
) -> None:
    project = make_project(TORCH)
    project.settings(NOW)
    project.task("T", "{}\n")
    assert visible(project, options).startswith("GPU-")


def test_it_gets_none_where_it_is_told_so(make_project: MakeProject, nvml: FakeNvml) -> None:
    cases: list[tuple[str, str, dict[str, Any], dict[str, str], str]] = [
        (TORCH, "", {"gpus": 0}, {}, ""),
        (TORCH, "default_gpus: 0\n", {}, {}, "all"),
        (TORCH, "default_gpus: auto\n", {}, {"CUDA_VISIBLE_DEVICES": ""}, ""),
        (TORCH, "global_env: {CUDA_VISIBLE_DEVICES: '7'}\n", {}, {}, "7"),
        (SHOW, "", {}, {}, "all"),
        (TORCH, "", {}, {"LD_LIBRARY_PATH": ""}, "all"),  # no driver
    ]
    for number, (script, settings, options, environment, expected) in enumerate(cases):
        project = make_project(script, name=f"p{number}")
        project.settings(NOW + settings)
        project.task("T", "{}\n")
        assert visible(project, options, **environment) == expected, cases[number]
    project = make_project(TORCH, name="own")
    project.task("T", "{}\n", env={"CUDA_VISIBLE_DEVICES": "5"})
    assert visible(project, {}) == "5"


def test_without_a_driver_the_script_is_not_read(make_project: MakeProject) -> None:
    project = make_project(TORCH)
    project.task("T", "{}\n")
    imported = run(project, {}, LD_LIBRARY_PATH="").split()
    assert "pyruns_jupyter.engine.client.submit" in imported
    assert not [name for name in imported if name.startswith("pyruns_jupyter.core.scripts")]
    assert project.wait("T") == ["completed"]


def test_a_number_counts_for_every_task(make_project: MakeProject, shell: Project) -> None:
    shell.settings(f"{NOW}default_gpus: 2\n")
    shell.task("T", 'echo "gpus:$CUDA_VISIBLE_DEVICES."')
    assert visible(shell, {}).count("GPU-") == 2


def test_the_gpu_is_recorded_in_the_batch(make_project: MakeProject) -> None:
    project = make_project(TORCH)
    project.settings(NOW)
    project.task("T", "{}\n")
    project.key  # noqa: B018 - the engine folder is made
    launch.pause(project.root)
    run(project, {"priority": 3})
    (batch,) = read_queue(project.root).batches
    assert batch.options.gpus == 1
    project.script.write_text(SHOW)  # what the script is later does not count
    launch.resume(project.root)
    assert project.wait("T") == ["completed"]
    assert b"gpus:GPU-" in project.output("T")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch\n", "torch"),
        ("from torch.nn import Linear\n", "torch"),
        ("def main():\n    import tensorflow as tf\n", "tensorflow"),
        ("from numba import cuda\n", "numba.cuda"),
        ("import numba\n", ""),
        ("import torchx\n", ""),
        ("import model\n", "jax"),  # through a module of the project
        ("from package import layers\n", "cupy"),
        ("import keras\n", ""),  # a module of the project has this name
        ("x = 'import torch'\n", ""),
        ("import (\n", ""),
    ],
)
def test_imports_are_read_from_the_source(tmp_path: Path, source: str, found: str) -> None:
    (tmp_path / "model.py").write_text("import jax.numpy\nraise SystemExit('never run')\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "layers.py").write_text("import cupy\n")
    (tmp_path / "keras.py").write_text("")
    script = tmp_path / "train.py"
    script.write_text(source)
    assert imported_framework(script) == found


def test_a_change_of_any_file_counts(tmp_path: Path) -> None:
    script, module = tmp_path / "train.py", tmp_path / "model.py"
    script.write_text("import model\n")
    assert imported_framework(script) == ""
    module.write_text("import numpy\n")
    assert imported_framework(script) == ""
    module.write_text("import torch  # now\n")
    assert imported_framework(script) == "torch"
    script.write_text("import os, sys\n")
    assert imported_framework(script) == ""
    notebook = tmp_path / "train.ipynb"
    cell = {"cell_type": "code", "source": ["%matplotlib inline\n", "import torch\n"], "metadata": {}}
    notebook.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert imported_framework(notebook) == "torch"
