"""A runner that does what a test says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psutil

from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.metrics.read import add_points
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task, own
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder


class Recorder:
    """Plays the part of a runner that owns a task, so that a test decides what happens when."""

    def __init__(self, workspace: WorkspaceFolder, name: str) -> None:
        self.paths: TaskPaths = workspace.paths(name)
        self.attempt = ""
        self.run = 0

    def queue(self) -> None:
        self.attempt = new_token()
        with edit_task(self.paths.folder) as info:
            runs.queue(info, attempt=self.attempt, batch="test")

    def start(self) -> Path:
        if not self.attempt:
            self.queue()
        me = psutil.Process(os.getpid())
        with edit_task(self.paths.folder) as info:
            self.run = runs.start(
                info,
                attempt=self.attempt,
                command="train",
                workdir="/",
            )
            runs.set_process(info, self.attempt, me.pid, me.create_time())
        self.paths.run_logs.mkdir(exist_ok=True)
        log = self.paths.log(self.run)
        log.touch()
        return log

    def finish(self, status: str = "completed", exit_code: int | None = 0, **more: Any) -> None:
        with edit_task(self.paths.folder) as info:
            tracks = more.pop("tracks", {})
            failure = more.pop("failure", None)
            if failure is not None:
                own(info).setdefault("failures", {})[str(self.run)] = failure
            runs.finish(info, attempt=self.attempt, status=status, exit_code=exit_code, **more)
            add_points(info, runs.slot_count(info), tracks, whole=True)
        self.attempt = ""
