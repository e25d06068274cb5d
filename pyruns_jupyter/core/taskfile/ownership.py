"""Whether a running task still has an owner, by locks and processes that cannot be mistaken for others."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.common.host_identity import host_name, process_alive
from pyruns_jupyter.core.common.json_floats import finite_number
from pyruns_jupyter.core.common.process_identity import ProcessId
from pyruns_jupyter.core.fs.atomic import dump_json, read_json
from pyruns_jupyter.core.fs.inode_identity import InodeIdentity
from pyruns_jupyter.core.fs.locks import FileLock, is_locked

from .paths import RUN_LOGS, owner_name
from .runs import RUNNING, Run, latest, status_of
from .task_file import TaskInfo

MAX_RECORD_BYTES = 64 * 1024  # of the file that an owner locks
UNKNOWN_END = "The supervisor of this run has ended. The outcome of the run is unknown."
COPIED = "The task was copied during this run. The outcome of the run is only known in the original."


class Ownership(NamedTuple):
    """The owner of a running task according to its file; `lease_until` is in epoch seconds."""

    here: bool  # on this host, so that its processes can be checked
    lease_until: float
    host: str = ""

    @classmethod
    def of(cls, info: TaskInfo) -> Ownership:
        """Return the owner according to a task file's content."""
        host = info.get("runner_host")
        known = host if isinstance(host, str) else ""
        return cls(host == host_name(), finite_number(info.get("lease_until"), 1e15) or 0.0, known)

    def is_orphaned(self, folder: Path | str, run: Run) -> bool:
        """Return whether no process can end this run any more: its supervisor and process have ended, or
        the lease of another host has expired.
        """
        if not self.here:
            is_known_here = (
                not self.host and run.pid is not None and process_alive(run.pid, run.pid_create_time)
            )
            return self.lease_until < time.time() and not is_known_here
        owner = f"{folder}/{RUN_LOGS}/{owner_name(run.index)}"  # faster than `Path`
        try:
            if _is_file(owner):
                if is_locked(owner):
                    return False
                if is_copied_run(folder, run.index):
                    return True
            elif self.lease_until > time.time():
                return False  # the owner is another program, whose lease is valid
        except OSError:
            return False
        if run.pid is not None and 0 < run.pid < 2**31:
            return not process_alive(run.pid, run.pid_create_time)
        return self.lease_until < time.time()


def _is_file(path: str) -> bool:
    """Return whether there is a regular file, and no link, at a path."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def owner_record(lock: FileLock) -> bytes:
    """Return what the owner of a run writes into its locked file: its process, and the file's identity."""
    return dump_json({**ProcessId.ours().to_dict(), "place": lock.identity().to_dict()})


def is_copied_run(folder: Path | str, run: int) -> bool:
    """Return whether a task's folder was copied during the run, which then belongs to the original."""
    path = Path(folder, RUN_LOGS, owner_name(run))
    try:
        place = InodeIdentity.from_dict(read_json(path, most=MAX_RECORD_BYTES).get("place"))
        return place is not None and place.is_copied_to(path)
    except (OSError, Unreadable):
        return False


def abandoned_run(info: TaskInfo, folder: Path) -> Run | None:
    """Return the run of a task marked as running whose owner has provably ended, else None."""
    run = latest(info) if status_of(info) == RUNNING else None
    if run is None or not run.attempt or run.attempt != info.get("_attempt_id"):
        return None
    return run if Ownership.of(info).is_orphaned(folder, run) else None
