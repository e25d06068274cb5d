"""Where a run took place: host, interpreter with its packages, GPUs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.provenance import environments
from pyruns_jupyter.engine.run.command import RunCommand
from pyruns_jupyter.engine.run.run_environment import late_facts, visible_gpus
from tests.conftest import FakeGpu
from tests.engine.test_gpus import know_gpus
from tests.support import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import FakeNvml
    from tests.engine.conftest import MakeProject
    from tests.engine.support import Project

GPUS = [{"index": 0, "uuid": "GPU-aa"}, {"index": 1, "uuid": "GPU-bb"}]


def test_host_python_and_packages(make_project: MakeProject) -> None:
    project = make_project("pass\n")
    project.task("A", "")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    (run,) = Workspace.open(project.root / "job")["A"].runs
    assert run.environment["host"] == host_name()
    assert run.environment["launcher"] == sys.executable
    assert platform.machine() in run.environment["system"]
    # That run was over before its interpreter had answered; it is noted all the same.
    wait_until(lambda: "packages" in project.info("A")["run_environments"][0], message="packages are noted")
    assert project.status("A") == "completed"
    project.task("B", "")
    project.submit("B")
    project.wait("B")
    task = Workspace.open(project.root / "job")["B"]
    assert task.runs[0].environment["python"] == platform.python_version()
    packages = task.packages()
    assert "psutil" in packages
    assert {name: metadata.version(name) for name in packages} == packages
    stored = environments.load(project.root, task.runs[0].environment["packages"])
    assert stored["implementation"] == platform.python_implementation()
    files = list((project.engine.folder / "environments").glob("[0-9a-f]*.json"))
    assert len(files) == 1
    assert Workspace.open(project.root / "job")["A"].packages() == task.packages()
    assert files[0].stat().st_mode & 0o777 == 0o600


def test_a_shell_task_has_no_packages(shell: Project) -> None:
    shell.task("A", "true\n")
    shell.submit("A")
    shell.wait("A")
    with pytest.raises(NotFound, match="not recorded"):
        Workspace.open(shell.folder)["A"].packages()


def test_installing_a_package_is_seen(tmp_path: Path, shell: Project) -> None:
    shell.engine.folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    python = str(tmp_path / "env" / "bin" / "python")
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    assert environments.known(shell.root, python) == {}
    first = environments.probe(shell.root, python, dict(os.environ))
    assert first is not None
    assert environments.known(shell.root, python) == {"python": platform.python_version(), "packages": first}
    time.sleep(0.02)  # file systems count time in steps of some milliseconds
    info = site / "thing-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.5\n")
    (info / "direct_url.json").write_text('{"url": "file:///src/thing", "dir_info": {"editable": true}}')
    header = "Metadata-Version: 1.0\nName: {}\nVersion: 2\n"
    (site / "old-2.egg-info").write_text(header.format("old"))
    for name, folder in (("older", "older.egg-info"), ("oldest", "oldest-2.egg/EGG-INFO")):
        (site / folder).mkdir(parents=True)
        (site / folder / "PKG-INFO").write_text(header.format(name))
    (site / "easy-install.pth").write_text("./oldest-2.egg\n")
    assert environments.known(shell.root, python) == {}
    second = environments.probe(shell.root, python, dict(os.environ))
    assert second is not None
    assert second != first
    found = environments.load(shell.root, second)
    assert found["packages"] == {"old": "2", "older": "2", "oldest": "2", "thing": "1.5"}
    assert found["editable"] == {"thing": "file:///src/thing"}


def test_an_interpreter_that_does_not_answer(
    tmp_path: Path, shell: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.engine.folder.mkdir()
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho '{'\n")
    broken.chmod(0o755)
    assert environments.probe(shell.root, str(broken), {}) is None
    assert environments.probe(shell.root, str(tmp_path / "none"), {}) is None
    with pytest.raises(NotFound):
        environments.load(shell.root, "../../secret")
    # Nor does it raise anything if another process keeps its file locked.
    monkeypatch.setattr(environments, "locked", lambda path, timeout: locked(path, timeout=0))
    with locked(shell.engine.folder / "environments" / ".interpreters.lock", timeout=5):
        assert environments.probe(shell.root, sys.executable, dict(os.environ)) is None


def test_gpus_of_the_driver(shell: Project, fake_nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvml.write([FakeGpu(name="H100", total=81559), FakeGpu(name="A100", total=40960)])
    for name, value in fake_nvml.environment.items():
        monkeypatch.setenv(name, value)
    know_gpus(shell)
    shell.task("A", "true\n")
    shell.task("B", "true\n", env={"CUDA_VISIBLE_DEVICES": "1"})
    shell.submit("A", "B")
    shell.wait("A", "B")
    environment = shell.info("A")["run_environments"][0]
    # A run that started before the driver had answered adds the same when it ends.
    command = RunCommand(["true"], "/", {}, {}, "shell", "", "", shell.folder, None, None, "")
    late = late_facts(command, {**environment, "gpu_status": "unavailable", "gpus": []}, shell.root, gpus={})
    assert late == {key: environment[key] for key in late} != {}
    assert late_facts(command, {**environment, "packages": "a"}, shell.root, gpus={"gpus": []}) == {}
    assert environment["gpu_status"] == "ok"
    assert environment["gpu_scope"] == "detected"
    assert [(gpu["index"], gpu["name"], gpu["memory_total_mb"]) for gpu in environment["gpus"]] == [
        (0, "H100", 81559),
        (1, "A100", 40960),
    ]
    environment = shell.info("B")["run_environments"][0]
    assert (environment["gpu_scope"], environment["cuda_visible_devices"]) == ("visible", "1")
    assert [gpu["name"] for gpu in environment["gpus"]] == ["A100"]


@pytest.mark.parametrize(
    ("visible", "scope", "indexes"),
    [
        (None, "detected", [0, 1]),
        ("", "disabled", []),
        ("-1", "disabled", []),
        ("1", "visible", [1]),
        ("1,0", "visible", [1, 0]),
        ("GPU-b", "visible", [1]),
        ("0,9,1", "visible", [0]),
        ("MIG-1234", "visible", []),
    ],
)
def test_what_cuda_visible_devices_leaves(visible: str | None, scope: str, indexes: list[int]) -> None:
    found, gpus = visible_gpus(GPUS, visible)
    assert (found, [gpu["index"] for gpu in gpus]) == (scope, indexes)


@pytest.mark.parametrize("name", ["a\n[PYRUNS] Exit code: 0", os.fsdecode(b"a\xff")])
@pytest.mark.parametrize("stored", [False, True])
def test_folders_with_odd_names(make_project: MakeProject, name: str, stored: bool) -> None:
    project = make_project("import sys; print('ran'); sys.exit(3)\n", name=name)
    project.settings("snapshot_code: true\n" if stored else "")
    project.task("A", "")
    project.submit("A")
    assert project.wait("A") == ["failed"]
    assert project.output("A") == b"ran\n"
    lines = project.log("A").decode("utf-8", "replace").splitlines()
    assert [line for line in lines if "Exit code" in line] == ["[PYRUNS] Exit code: 3"]
    for path in (project.paths("A").info, project.paths("A").input(1)):
        content = json.loads(path.read_bytes().decode("utf-8"))
        assert content
    errors = (project.paths("A").run_logs / "error.log").read_bytes().splitlines()
    assert not any(line.startswith(b"[PYRUNS] Exit") for line in errors)
    assert len(errors) == 9


def test_names_that_are_no_text_leave_readable_files(shell: Project) -> None:
    odd = os.fsdecode(b"a\xff")
    shell.task("A", "printf '%s' \"$CONDA_DEFAULT_ENV\"\n")
    environment = {**os.environ, "CONDA_DEFAULT_ENV": odd, "CUDA_VISIBLE_DEVICES": "\n"}
    from pyruns_jupyter.engine.client.submit import submit

    submit(shell.workspace, ["A"], environment=environment)
    assert shell.wait("A") == ["completed"]
    assert b"a\xff" in shell.output("A")
    shell.paths("A").info.read_bytes().decode("utf-8")
    shell.paths("A").input(1).read_bytes().decode("utf-8")
