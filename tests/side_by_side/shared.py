"""One project on which both programs work."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import Submission, submit
from pyruns_jupyter.engine.queue.launch import scheduler_alive
from pyruns_jupyter.engine.queue.options import QueueOptions
from tests.engine.support import stop_everything
from tests.forks import run
from tests.support import wait_until

# Runs under either program: the Python of the reference program knows the real `pyruns`.
SCRIPT = """\
import argparse
import os
import time

import pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
parser.add_argument("--layers", type=int, nargs="+", default=[8])
parser.add_argument("--cache", action="store_true")
parser.add_argument("--gate", help="a file to wait for")
options = parser.parse_args()

print("lr", options.lr, "layers", options.layers, "cache", options.cache, flush=True)
pyruns.track(loss=1.0, step=1)
while options.gate and not os.path.exists(options.gate):
    time.sleep(0.05)
pyruns.track(loss=options.lr / 2, step=2)
pyruns.record(acc=1 - options.lr)
print("end", flush=True)
"""


class Shared:
    """A project folder, the reference program with a HOME of its own, and our side of it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.python = program.parent / "python"
        self.project = folder / "project"
        self.root = self.project / "_pyruns_"
        self.engine = EnginePaths(self.root)
        self.gate = folder / "gate"
        home = folder / "home"
        for made in (self.project, home):
            made.mkdir()
        self.environment = {**os.environ, "HOME": str(home), "TERM": "dumb"}

    # Workspaces

    def script(self, source: str = SCRIPT) -> WorkspaceFolder:
        """Open the workspace of the script `train.py`, which runs with the reference program's Python."""
        (self.project / "train.py").write_text(source, encoding="utf-8")
        workspace, _ = open_workspace(self.project / "train.py")
        settings = self.root / "_pyruns_settings.yaml"
        text = settings.read_text("utf-8").replace("python_executable:", f"python_executable: {self.python}")
        settings.write_text(text, encoding="utf-8")
        return workspace

    def shell(self) -> WorkspaceFolder:
        """Open the project's shell workspace."""
        return open_workspace(self.project)[0]

    def gated(self, begin: str = "begin", end: str = "end") -> str:
        """Return a shell script that prints `begin`, waits until `open_gate` was called, prints `end`."""
        return f"echo {begin}\nwhile [ ! -e {self.gate} ]; do sleep 0.1; done\necho {end}\n"

    def open_gate(self) -> None:
        """Let everything go on that waits."""
        self.gate.touch()

    # The reference program

    def pyr(
        self, *arguments: str, workspace: WorkspaceFolder | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end; with `check` a failure is an error of the test."""
        words = self._words(arguments, workspace)
        done = run([str(self.python), words[0]], words[1:], self.project, self.environment)
        if check:
            assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}\n{done.stderr}"
        return done

    def start_pyr(self, *arguments: str, workspace: WorkspaceFolder | None = None) -> subprocess.Popen[str]:
        """Start it and go on."""
        return subprocess.Popen(
            self._words(arguments, workspace),
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _words(self, arguments: tuple[str, ...], workspace: WorkspaceFolder | None) -> list[str]:
        where = ["-w", str(workspace.folder)] if workspace else []
        return [str(self.program), *where, *arguments]

    def listed(self, workspace: WorkspaceFolder) -> dict[str, dict[str, Any]]:
        """What `ls` tells, by task name."""
        answer = json.loads(self.pyr("ls", "--json", workspace=workspace).stdout)
        return {task["name"]: task for task in answer["tasks"]}

    def statuses(self, workspace: WorkspaceFolder) -> dict[str, str]:
        """Task name -> status, as `ls` tells it."""
        return {name: task["status"] for name, task in self.listed(workspace).items()}

    def shown(self, workspace: WorkspaceFolder, name: str) -> dict[str, Any]:
        """What `show` tells."""
        answer = json.loads(self.pyr("show", "--json", name, workspace=workspace).stdout)
        assert isinstance(answer, dict)
        task = answer.get("task", answer)
        assert isinstance(task, dict)
        return task

    def add(self, workspace: WorkspaceFolder, name: str, text: str) -> str:
        """Have it make one script task."""
        source = self.project / f"{name}.yaml"
        source.write_text(text, encoding="utf-8")
        self.pyr("add", str(source), "-n", name, workspace=workspace)
        return name

    # Our side

    def submit(self, workspace: WorkspaceFolder, *names: str, jobs: int = 1) -> Submission:
        """Queue tasks here."""
        return submit(workspace, names, options=QueueOptions(jobs=jobs), environment=self.environment)

    def wait_for(self, workspace: WorkspaceFolder, name: str, *statuses: str) -> dict[str, Any]:
        """Wait until a task has one of these statuses and return its file's content."""
        paths = workspace.paths(name)

        def status() -> str:
            return runs.status_of(read_task(paths.folder))

        wait_until(
            lambda: status() in {*statuses, *runs.ENDED},
            message=lambda: f"{name} {statuses}, is {status()}; {self.scheduler_log()}",
        )
        info = read_task(paths.folder)
        if runs.status_of(info) not in statuses:
            logs = "".join(path.read_text("utf-8", "replace") for path in paths.run_logs.glob("*.log"))
            raise AssertionError(f"{name} is {runs.status_of(info)}, not {statuses}: {logs}")
        return info

    def wait_for_output(self, workspace: WorkspaceFolder, name: str, text: bytes, run: int = 1) -> None:
        """Wait until a task has written something."""
        log = workspace.paths(name).log(run)
        wait_until(lambda: log.exists() and text in log.read_bytes(), message=f"{text!r} in {log}")

    def scheduler_log(self) -> str:
        """What our scheduler had to say."""
        return self.engine.log.read_text("utf-8", "replace") if self.engine.log.exists() else ""

    def close(self) -> None:
        """End every process of this project."""
        stop_everything(self.project)

    def wait_for_scheduler_exit(self) -> None:
        """Wait until our scheduler has left by itself."""
        wait_until(lambda: not scheduler_alive(self.root), message="the scheduler leaves")


def rows(workspace: WorkspaceFolder) -> dict[str, TaskRow]:
    """What our tables show, by task name."""
    index = TaskIndex(workspace)
    index.refresh()
    return index.rows


def facts(folder: Path) -> dict[str, Any]:
    """The task file without what pinning changes."""
    return {key: value for key, value in read_task(folder).items() if key != "pinned"}
