"""May a batch start another task now? If not, the sentence why."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core import runs
from pyruns_jupyter.core.errors import NotFound, Unreadable
from pyruns_jupyter.core.layout import SETTINGS_NAME, TASKS
from pyruns_jupyter.core.settings import Settings
from pyruns_jupyter.core.taskfile import read_task

from .base import Job
from .gpus.request import GpuRequest, request_of
from .options import After
from .pausing import is_paused
from .queueing import OpenBatch

_LOOK_SECONDS = 1.0  # between two looks at the tasks that a batch waits for

PAUSED = "The queue is paused."


@dataclass(frozen=True)
class Hold:
    """Why a batch starts nothing now, or never will (`is_final`)."""

    why: str
    is_final: bool = False


class Gate:
    """Decides for one project. `opened` are its batches that are not done, by id."""

    def __init__(self, root: Path, opened: Mapping[str, OpenBatch]) -> None:
        self._root = root
        self._opened = opened
        self._settings: tuple[object, Settings] | None = None
        self._met: set[str] = set()  # batches whose tasks to wait for have ended
        self._holds: dict[str, tuple[float, Hold]] = {}

    def look_again(self) -> None:
        """Look anew at what batches wait for: a run has ended."""
        self._holds.clear()

    def hold_all(self) -> Hold | None:
        """Return why nothing of the project starts now; None when something may."""
        return Hold(PAUSED) if is_paused(self._root) else None

    def hold(self, opened: OpenBatch) -> Hold | None:
        """Return why nothing of a batch starts now; None when something may."""
        batch = opened.batch
        if (
            batch.options.is_local
        ):  # a cluster is told how many may run, and what waits there wears nothing out
            held = self._hold_local(opened)
            if held is not None:
                return held
        if not batch.options.after or batch.id in self._met:
            return None
        known = self._holds.get(batch.id)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        for after in batch.options.after:
            held = self._after(after)
            if held is not None:
                self._holds[batch.id] = (time.monotonic() + _LOOK_SECONDS, held)
                return held
        self._met.add(batch.id)
        return None

    def _hold_local(self, opened: OpenBatch) -> Hold | None:
        jobs, most = opened.batch.options.jobs, self._current_settings().max_jobs
        if most is not None and most <= sum(
            len(one.running) for one in self._opened.values() if one.batch.options.is_local
        ):
            return Hold(f"{most} tasks of the project run, the most that max_jobs in {SETTINGS_NAME} allows.")
        if len(opened.running) >= jobs:
            return Hold(f"{jobs} of its tasks {'run' if jobs > 1 else 'runs'} at a time, as was asked for.")
        return None

    def gpus(self, job: Job) -> GpuRequest | None:
        """Return what a job asks for of the GPUs of this machine, None when nothing."""
        if not job.options.is_local:
            return None
        return request_of(self._current_settings(), job.options, job.environment, alone=job.alone)

    def _after(self, after: After) -> Hold | None:
        try:
            info = read_task(self._root / after.workspace / TASKS / after.task)
        except NotFound:
            return Hold(f"Cancelled: it was to run after {after}, which is gone.", True) if after.ok else None
        except (Unreadable, OSError) as error:
            return Hold(f"Waits for {after}, whose state cannot be read: {error}")
        status = runs.status_of(info)
        if status in runs.ENDED:
            if after.ok and status != runs.COMPLETED:
                return Hold(f"Cancelled: it was to run after {after}, which {_ENDED[status]}.", True)
            return None
        return Hold(f"Waits for {after}, which {_LIVING[status]}.")

    def _current_settings(self) -> Settings:
        """Return the project's settings, read again when their file changed."""
        try:
            status = os.stat(self._root / SETTINGS_NAME)
            mark: object = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            mark = None
        if self._settings is None or self._settings[0] != mark:
            self._settings = mark, Settings.load(self._root)
        return self._settings[1]


_ENDED = {runs.FAILED: "failed", runs.CANCELLED: "was cancelled"}
_LIVING = {runs.RUNNING: "runs", runs.QUEUED: "waits itself", runs.PENDING: "is not queued"}
