"""Projects made by hand, and looks at what the engine did to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from pyruns_jupyter.core.common.host_identity import process_alive
from pyruns_jupyter.core.fs.atomic import dump_json, read_json
from pyruns_jupyter.core.fs.locks import is_locked, locked
from pyruns_jupyter.core.taskfile.lock import LEFT_SECONDS
from pyruns_jupyter.core.taskfile.paths import EnginePaths, TaskPaths
from pyruns_jupyter.core.trust.engine_key import EngineKey, claim_engine
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import Submission, submit
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from pyruns_jupyter.engine.queue.options import QueueOptions
from tests.support import ROOT, wait_until

# A scheduler whose clock is fast by a second for each byte of the file `clock`, like that of its supervisors.
CLOCK = """
import os, sys, time
from pathlib import Path
os.environ["PYRUNS_START_METHOD"] = "fork"
real, clock = time.monotonic, Path(sys.argv[1]).with_name("clock")
clock.touch()
time.monotonic = lambda: real() + os.path.getsize(clock)
from pyruns_jupyter.engine.scheduler import process
sys.exit(process.main([sys.argv[1]]))
"""
ENDED = {"completed", "failed", "cancelled"}


class Project:
    """A folder with one workspace: of a script when `script` (its text) is given, else the shell's."""

    def __init__(self, folder: Path, script: str | None = None) -> None:
        self.folder = folder
        self.root = folder / "_pyruns_"
        name = "_shell_" if script is None else "job"
        self.script = folder / "job.py"
        (self.root / name / "tasks").mkdir(parents=True)
        info = {"workspace_kind": "shell" if script is None else "script", "script_name": name}
        if script is not None:
            self.script.write_text(script, encoding="utf-8")
            info["script_path"] = str(self.script)
        (self.root / name / "script_info.json").write_text(json.dumps(info), encoding="utf-8")
        self.workspace = WorkspaceFolder.at(self.root / name)
        self.engine = EnginePaths(self.root)

    def settings(self, text: str) -> None:
        (self.root / "_pyruns_settings.yaml").write_text(text, encoding="utf-8")

    def task(self, name: str, text: str = "", **more: Any) -> str:
        """Make a pending task; `text` is its configuration, or its shell script."""
        folder = self.workspace.tasks / name
        folder.mkdir()
        shell = self.workspace.name == "_shell_"
        kind: dict[str, Any] = {
            "task_kind": "python",
            "config_file": "config.yaml",
            "script": str(self.script),
        }
        if shell:
            kind = {"task_kind": "shell", "config_file": "config.sh", "workdir": str(self.folder), "env": {}}
        (folder / kind["config_file"]).write_text(text, encoding="utf-8")
        info = {"name": name, "status": "pending", "progress": 0.0, **kind, **more}
        (folder / "task_info.json").write_text(json.dumps(info), encoding="utf-8")
        return name

    def task_environment(self, name: str, **values: str) -> None:
        """Set the environment variables of a task."""
        path = self.paths(name).info
        path.write_text(json.dumps({**self.info(name), "env": values}), encoding="utf-8")

    def paths(self, name: str) -> TaskPaths:
        return self.workspace.paths(name)

    def info(self, name: str) -> dict[str, Any]:
        content = json.loads(self.paths(name).info.read_bytes())
        assert isinstance(content, dict)
        return content

    def status(self, name: str) -> str:
        return str(self.info(name)["status"])

    def log(self, name: str, run: int = 1) -> bytes:
        path = self.paths(name).log(run)
        return path.read_bytes() if path.exists() else b""

    def output(self, name: str, run: int = 1) -> bytes:
        """What the task wrote: the log without the banner lines."""
        lines = self.log(name, run).splitlines(keepends=True)
        return b"".join(line for line in lines if not line.startswith(b"[PYRUNS] "))

    def submit(self, *names: str, skip_done: bool = False, **options: Any) -> Submission:
        return submit(self.workspace, names, options=QueueOptions(**options), skip_done=skip_done)

    def wait(self, *names: str, timeout: float = 120.0) -> list[str]:
        """Wait until all these tasks have ended, and return how."""
        wait_until(
            lambda: all(self.status(name) in ENDED for name in names),
            timeout,
            lambda: f"{[self.status(name) for name in names]}; {self.scheduler_log()}",
        )
        return [self.status(name) for name in names]

    def wait_for_output(self, name: str, text: bytes, run: int = 1) -> None:
        wait_until(
            lambda: text in self.log(name, run),
            message=lambda: f"{text!r} in {self.log(name, run)!r}",
        )

    def wait_for_exit(self) -> None:
        """Wait until the scheduler has left by itself, and what it started has ended."""
        wait_until(
            lambda: not scheduler_alive(self.root) and not processes_below(self.folder),
            message=lambda: str(processes_below(self.folder)),
        )

    @contextmanager
    def scheduler(self, program: str = CLOCK) -> Iterator[None]:
        """Start a scheduler by a Python program; it does not leave before the end of the block."""
        claim_engine(self.root)
        with locked(self.engine.door_lock, timeout=60, shared=True):
            with self.engine.log.open("ab") as log:
                # The shell ends at once, so there is no child to wait for.
                words = ["sh", "-c", '"$@" & exit 0', "sh", sys.executable, "-c", program, str(self.root)]
                subprocess.run(words, cwd=ROOT, stdout=log, stderr=log, check=True)
            wait_until(lambda: scheduler_alive(self.root), message=self.scheduler_log)
            yield

    def pass_time(self, seconds: int = 5000) -> None:
        """Let time pass for the scheduler with the program `CLOCK`, and for its supervisors."""
        with (self.folder / "clock").open("ab") as clock:
            clock.write(bytes(seconds))

    @property
    def key(self) -> EngineKey:
        """The key of the engine folder, which is made if it is missing."""
        return claim_engine(self.root)

    def has_work(self) -> bool:
        return batches.has_work(self.key)

    def scheduler_log(self) -> str:
        return self.engine.log.read_text("utf-8", "replace") if self.engine.log.exists() else ""

    def scheduler_pid(self) -> int:
        def read() -> int:
            try:
                pid = int(json.loads(self.engine.scheduler_lock.read_bytes())["pid"])
            except (OSError, ValueError):
                return 0
            # A new one holds the lock a moment before its name stands there instead of the former one's.
            return pid if is_locked(self.engine.scheduler_lock) and process_alive(pid, None) else 0

        return wait_until(read, message="a scheduler")

    def supervisor_pid(self, name: str, run: int = 1) -> int:
        return int(json.loads(self.paths(name).owner(run).read_bytes())["pid"])

    def pid(self, name: str) -> int:
        """Wait until the process of a task's first run is known, and return its pid."""

        def read() -> int:
            return int((self.info(name).get("pids") or [0])[0] or 0)

        return wait_until(read, message=f"the pid of {name}")

    def kill_scheduler(self) -> int:
        """Kill the scheduler with -9 and wait until it is gone."""
        pid = self.scheduler_pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not scheduler_alive(self.root), message="the scheduler is dead")
        return pid

    def reboot(self, name: str) -> None:
        """Kill all processes of the project while a task runs, and start its scheduler as after a reboot."""
        self.kill_scheduler()
        supervisor = psutil.Process(self.supervisor_pid(name))
        for process in (supervisor, *supervisor.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # the loss of their terminal ends them, too
                process.kill()
        owner = self.paths(name).owner(1)
        owner.write_bytes(dump_json({**read_json(owner), "boot": "another boot"}))  # in place, as it would be
        wait_until(lambda: ensure_running(self.root) or scheduler_alive(self.root))

    def stop_everything(self) -> None:
        """Leave no process of this project behind."""
        stop_everything(self.folder)


def age_lock(folder: Path) -> None:
    """Let the time be over for which a task's lock file counts that a dead host may have left."""
    lock = folder / ".task_info.json.lock"
    with suppress(FileNotFoundError):
        os.utime(lock, (time.time() - LEFT_SECONDS - 1,) * 2)


def stop_everything(folder: Path | str) -> None:
    """Leave no process behind that works below a folder, nor a lock that one held."""
    while found := processes_below(folder):  # again, for what one of them started meanwhile
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=30)


def processes_below(folder: Path | str) -> list[psutil.Process]:
    """Return the processes that work below a folder, other than this one and its parents."""
    found = []
    us = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    for pid in {*psutil.pids()} - us:
        with suppress(psutil.Error, OSError):
            if _works_below(pid, os.fsencode(folder)):
                found.append(psutil.Process(pid))
    return found


def _works_below(pid: int, folder: bytes) -> bool:
    """Whether a process has a folder in its command line, or as that of its task, or works below it."""
    if sys.platform != "linux":
        process = psutil.Process(pid)
        places = [*process.cmdline(), process.environ().get("PYRUNS_TASK_DIR", ""), process.cwd()]
        return any(os.fsdecode(folder) in place for place in places)
    # Read here, since psutil needs three times as long, and each test looks at all processes.
    for name, words in (("cmdline", folder), ("environ", b"PYRUNS_TASK_DIR=" + folder)):
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as stream:
            if words in stream.read():
                return True  # one that was started a moment ago has the words of its parent
    return folder in os.readlink(os.fsencode(f"/proc/{pid}/cwd"))


def python(text: str) -> str:
    """A shell line that runs a Python program."""
    return f"{sys.executable} - <<'PROGRAM'\n{text}\nPROGRAM\n"
