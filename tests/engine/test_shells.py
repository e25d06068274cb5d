"""Real shells, and the environments of real interpreters."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.shells import kind_of
from tests.support import ROOT

from .conftest import MakeProject
from .support import Project

# What only this shell understands, so that nobody else can have run it; each prints its name and é.
SCRIPTS = {
    "bash": 'shopt -q nullglob; a=(x é); echo "bash ${a[1]} ${BASH_VERSION:+yes}"\n',
    "zsh": 'a=(x é); print -r -- "zsh ${a[2]} ${ZSH_VERSION:+yes}"\n',
    "fish": 'set a x é\nif test -n "$version"\n  echo "fish $a[2] yes"\nend\n',
    "dash": 'case $(readlink /proc/$$/exe) in */dash) echo "dash é ${BASH_VERSION:-yes}";; esac\n',
}


@pytest.fixture
def shell_path(request: pytest.FixtureRequest) -> str:
    found = shutil.which(str(request.param))
    if found is None:
        assert "CI" not in os.environ, f"{request.param} is missing"
        pytest.skip(f"{request.param} is not installed")
    return found


@pytest.mark.parametrize("shell_path", list(SCRIPTS), indirect=True)
@pytest.mark.parametrize("custom", [True, False])
def test_every_shell_runs_its_own_script(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, shell_path: str, custom: bool
) -> None:
    project = make_project(name="a project's folder")
    kind = kind_of(shell_path)
    if custom:
        project.settings(f"shell_mode: custom\nshell_executable: {shell_path}\n")
    else:
        monkeypatch.setenv("SHELL", shell_path)
        monkeypatch.setattr("pyruns_jupyter.core.workspace.shells._ancestors", list)
    (name,) = create_tasks(project.workspace, SCRIPTS[kind] + "exit 3\n", "a task's name")
    info = project.info(name)
    assert (info["shell_executable"], info["shell_kind"]) == (shell_path, kind)
    project.submit(name)
    assert project.wait(name) == ["failed"]
    assert project.info(name)["exit_codes"] == [3]
    assert project.output(name).decode() == f"{kind} é yes\n"
    given = json.loads(project.paths(name).input(1).read_text())
    assert given["launch_argv"][:-1] == [shell_path]
    assert not list(project.paths(name).folder.glob(".pyruns-input-*"))


@pytest.mark.parametrize("shell_path", ["zsh", "fish", "dash"], indirect=True)
def test_the_shell_of_the_terminal_is_followed(tmp_path: Path, shell_path: str) -> None:
    """A terminal in which another shell was started than the one that $SHELL names."""
    command = f"{sys.executable} -m pyruns_jupyter.cli"
    line = f"{command} open . && {command} exec -n T -- true; exit"
    words = (
        ["-C", line] if kind_of(shell_path) == "fish" else []
    )  # it forgets what is typed before its prompt
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [shell_path, "-i", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        start_new_session=True,
        env={
            **os.environ,
            "SHELL": "/bin/sh",
            "PYTHONPATH": str(ROOT),
            "HOME": str(tmp_path),
            "TERM": "dumb",
        },
    )
    os.close(theirs)
    command = f"{sys.executable} -m pyruns_jupyter.cli"
    os.write(ours, f"{command} open . && {command} exec -n T -- true; exit\n".encode())
    try:
        while os.read(ours, 4096):
            continue
    except OSError:
        pass  # it has ended
    finally:
        os.close(ours)
        process.wait(60)
    info = json.loads((tmp_path / "_pyruns_/_shell_/tasks/T/task_info.json").read_text())
    assert info["shell_kind"] == kind_of(shell_path)
    assert os.path.samefile(info["shell_executable"], shell_path)
    subprocess.run([*command.split(), "wait", "-w", "_shell_"], cwd=tmp_path, env=os.environ, check=False)


WHERE = """\
import json, os, shutil, subprocess, sys
import pyruns_jupyter
pyruns_jupyter.load()
names = ("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "FROM_STATE", "FROM_SCRIPT", "PYTHONHOME")
print(json.dumps([sys.prefix, shutil.which("python"), *map(os.environ.get, names)]))
"""


def where(project: Project, settings: str) -> list[str | None]:
    project.settings(f"{settings}global_env: {{PYTHONPATH: '{ROOT}'}}\n")
    name = project.task(f"t{len(list(project.workspace.tasks.iterdir()))}", "a: 1\n")
    project.submit(name)
    project.wait(name)
    assert project.status(name) == "completed", project.log(name).decode()
    return list(json.loads(project.output(name)))


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment with the packages that our own needs."""
    folder = tmp_path / "an env"
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    import yaml

    (packages / "ours.pth").write_text(str(Path(yaml.__file__).parents[1]))
    return folder


def test_a_virtual_environment_is_activated(
    make_project: MakeProject, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    project = make_project(WHERE)
    python = str(environment / "bin" / "python")
    for setting in (python, environment):
        found = where(project, f"python_executable: {setting}\n")
        assert found == [str(environment), python, str(environment), None, None, None, None, None]


def test_a_conda_environment_is_activated(
    make_project: MakeProject, environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laid out as conda does it; the interpreter in it is a real one."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CONDA_EXE", "CONDA_PREFIX", "CONDA_ENVS_PATH", "CONDA_ENVS_DIRS", "MAMBA_ROOT_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    prefix = tmp_path / "conda" / "envs" / "lab"
    prefix.parent.mkdir(parents=True)
    environment.rename(prefix)
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / "state").write_text('{"env_vars": {"FROM_STATE": "1"}}')
    scripts = prefix / "etc" / "conda" / "activate.d"
    scripts.mkdir(parents=True)
    (scripts / "a.sh").write_text('echo "noise"\nexport FROM_SCRIPT="$CONDA_DEFAULT_ENV é\nline 2"\n')
    project = make_project(WHERE)
    python = str(prefix / "bin" / "python")
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "environments.txt").write_text(f"/gone\n{prefix}\n")
    (prefix / "pyvenv.cfg").rename(prefix / "bin" / "pyvenv.cfg")  # Python finds it there too
    expected = [python, None, str(prefix), "lab", "1", "lab é\nline 2", None]
    for setting in ("lab", prefix):
        assert where(project, f"conda_env: {setting}\n")[1:] == expected
    monkeypatch.setenv("CONDA_EXE", str(tmp_path / "conda" / "bin" / "conda"))
    (tmp_path / ".conda" / "environments.txt").unlink()
    assert where(project, "conda_env: lab\n")[1:] == expected

    (scripts / "b.sh").write_text("return 1\n")
    name = project.task("broken", "a: 1\n")
    project.submit(name)
    assert project.wait(name) == ["failed"]
    assert "cannot be activated" in project.info(name)["pyruns_jupyter"]["messages"]["1"]


def test_a_conda_environment_that_is_not_there(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(WHERE)
    for setting, said in (
        ("nowhere", "conda environment 'nowhere'"),
        (tmp_path, "is not a conda environment"),
    ):
        project.settings(f"conda_env: {setting}\nconda_executable: no-such-conda\n")
        name = project.task(f"t{len(said)}", "a: 1\n")
        project.submit(name)
        assert project.wait(name) == ["failed"]
        assert said in project.info(name)["pyruns_jupyter"]["messages"]["1"]
