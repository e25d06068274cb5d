"""Looks at the drivers of a project, and their end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.studies import launch
from tests.support import wait_until


def drivers(workspace: Workspace) -> list[psutil.Process]:
    """The processes that drive studies of a project."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "pyruns_jupyter.studies.driver" in words and str(workspace.folder.root) in words:
            found.append(process)
    return found


def marks(workspace: Workspace) -> list[str]:
    """What says that a study is active."""
    folder = workspace.folder.root / ".engine" / "studies"
    return sorted(os.listdir(folder)) if folder.exists() else []


def held_locks(workspace: Workspace) -> list[Path]:
    """The locks that drivers of a project hold."""
    engine = workspace.folder.root / ".engine"
    files = [*engine.glob("driver-*.lock"), *(engine / "studies").glob("[!.]*")]
    return [path for path in files if is_locked(path)]


def kill_drivers(workspace: Workspace) -> int:
    """Kill the drivers of a project, and return how many there were once they are gone."""
    found = drivers(workspace)
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    # A process that ends loses its command line before its locks.
    wait_until(lambda: not held_locks(workspace) and not drivers(workspace), message="they are gone")
    launch._started.clear()  # else front ends wait for the one that was killed
    return len(found)
