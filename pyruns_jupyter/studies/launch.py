"""Ensuring that each active study has a driver.

An active study has a file in the engine's folder, the marker, so that a front end finds the studies that need
a driver without reading them all. Its lock is held by the driver, which also holds one of its own
(`driver_lock_path`), because it serves all studies that were started with one interpreter.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, convert
from msgspec.structs import asdict

from pyruns_jupyter.core.common.errors import Conflict, PyrunsError, Unreadable, Untrusted
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.core.taskfile.format_version import check_format
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import (
    STUDIES,
    EngineKey,
    claim_engine,
    require_engine,
    trusted_engine,
)
from pyruns_jupyter.core.trust.signatures import SealedFolder, remove_foreign, sealed_names
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.launch import check_startable, front_end_environment, start_detached
from pyruns_jupyter.engine.queue.launch import ensure_running as ensure_scheduler_running

if TYPE_CHECKING:
    from pyruns_jupyter.engine.client.requeue import Requeued

_SEPARATOR = "@"  # not allowed in names
_START_TIMEOUT_SECONDS = 5.0  # for a new driver to take its lock
_started: dict[
    Path, float
] = {}  # when this process last started each driver (by its lock), monotonic seconds


class StudyId(NamedTuple):
    """The workspace and the name of a study."""

    workspace: str
    name: str


class Marker(Struct, frozen=True):
    """The data of a marker: environment and interpreter of the trials, which are those of the front end that
    started the study. `id` distinguishes it from later markers of the study.
    """

    id: str
    environment: dict[str, str]
    python: str


def marker_path(root: Path, workspace: str, study: str) -> Path:
    """Return the path of the marker of an active study."""
    return EnginePaths(root).studies / _marker_name(workspace, study)


def driver_lock_path(root: Path, python: str) -> Path:
    """Return the path of the lock file of the driver that serves the studies of one interpreter."""
    digest = hashlib.sha256(os.fsencode(python)).hexdigest()[:16]
    return EnginePaths(root).folder / f"driver-{digest}.lock"


def _marker_name(workspace: str, study: str) -> str:
    return f"{workspace}{_SEPARATOR}{study}"


def mark_active(root: Path, workspace: str, study: str) -> None:
    """Write the marker of a study, whose trials get the environment and the interpreter of this process."""
    key = claim_engine(root)
    with suppress(FileExistsError):
        EnginePaths(root).studies.mkdir(mode=0o700)
    name, marker = (
        _marker_name(workspace, study),
        Marker(new_token(), front_end_environment(), sys.executable),
    )
    SealedFolder(key, STUDIES).write(name, {"name": name, **asdict(marker)})


def unmark(root: Path, workspace: str, study: str) -> None:
    """Remove the marker of a study that no longer needs a driver, ours or not."""
    name, key = _marker_name(workspace, study), trusted_engine(root)
    if key is not None:
        with suppress(FileNotFoundError, Unreadable, Untrusted):
            SealedFolder(key, STUDIES).remove(name, read_marker(key, workspace, study).id)
            return
    remove_foreign(root, STUDIES, name)


def read_marker(key: EngineKey, workspace: str, study: str) -> Marker:
    """Return the marker that `mark_active` wrote.

    Raises:
        FileNotFoundError: if the study is not active.
        Untrusted: if it was not written here.
        Unreadable: if it is damaged.
    """
    name = _marker_name(workspace, study)
    try:
        return convert(SealedFolder(key, STUDIES).read(name), Marker)
    except ValueError as error:
        raise Unreadable(f"The marker {name} is damaged: {error}.") from error


def is_begun_here(root: Path, workspace: str, study: str) -> bool:
    """Return whether a study was started or resumed here, so that it gets a driver."""
    key = trusted_engine(root)
    if key is None:
        return False
    try:
        read_marker(key, workspace, study)
    except (FileNotFoundError, Untrusted):
        return False
    except (OSError, Unreadable):
        return True  # unknown at this moment
    return True


def is_driven(root: Path, workspace: str, study: str) -> bool:
    """Return whether a driver of a study runs on this machine."""
    try:
        return is_locked(marker_path(root, workspace, study))
    except OSError:
        return False


def active_studies(workspace: WorkspaceFolder) -> set[str]:
    """Return the names of the studies of a workspace that are active."""
    return {study.name for study in _marks(workspace.root) if study.workspace == workspace.name}


def undriven_studies(root: Path, python: str) -> list[StudyId]:
    """Return the active studies without a driver that were started or resumed here with an interpreter."""
    return [study for study, marker in _undriven(root) if marker.python == python]


def _undriven(root: Path) -> Iterator[tuple[StudyId, Marker]]:
    """Yield the active studies without a driver that were started or resumed here, with their markers."""
    undriven = [study for study in _marks(root) if not is_driven(root, *study)]
    key = trusted_engine(root) if undriven else None
    if key is None:
        return
    for study in undriven:
        with suppress(PyrunsError, OSError):
            yield study, read_marker(key, *study)


def _marks(root: Path) -> list[StudyId]:
    """Return the studies that are active."""
    parted = (name.rpartition(_SEPARATOR) for name in sealed_names(root, STUDIES))
    return [StudyId(workspace, study) for workspace, separator, study in parted if separator]


def requeue(root: Path) -> Requeued:
    """Queue the tasks again that were queued elsewhere, and drive the studies that were started elsewhere.

    Raises:
        Conflict: if some of the tasks are refused; the others are queued.
        PyrunsError, OSError: see `engine.requeue`.
    """
    from pyruns_jupyter.engine.client.requeue import requeue as requeue_tasks  # slow to import

    done = requeue_tasks(root)
    for workspace, study in _marks(root):
        if not is_begun_here(root, workspace, study):
            mark_active(root, workspace, study)
            with suppress(PyrunsError, OSError):  # `ensure_running` retries it
                start_driver(root, workspace, study)
    for task, why in done.refused.items():
        raise Conflict(
            f"{task} cannot be queued again: {why} (queued: {len(done.queued)}, refused: {len(done.refused)})"
        )
    return done


def ensure_running(root: Path) -> bool:
    """Start the scheduler and the drivers of studies that a project needs; return whether one was started.

    Cheap if there is nothing to do: front ends call it whenever they read a project.
    """
    started = False
    for study, marker in _undriven(root):
        last = _started.get(driver_lock_path(root, marker.python), -_START_TIMEOUT_SECONDS)
        if time.monotonic() - last >= _START_TIMEOUT_SECONDS:  # else it is starting
            with suppress(PyrunsError, OSError):  # shown to the user who starts or resumes the study
                started = _start(root, study, marker) or started
    return ensure_scheduler_running(root) or started


def start_driver(root: Path, workspace: str, study: str) -> None:
    """Start a driver of an active study, unless one is running that will serve it.

    Raises:
        Untrusted: if the study was not started or resumed here.
        PyrunsError: if it cannot be started; the study stays active and waits for the next attempt.
    """
    key = require_engine(root)
    try:
        marker = read_marker(key, workspace, study)
    except OSError as error:
        raise _not_started(study, error) from error
    _start(root, StudyId(workspace, study), marker)


def _start(root: Path, study: StudyId, marker: Marker) -> bool:
    """Start a driver unless one is running that will serve the study; return whether one was started.

    The marker is on disk already. A driver releases its lock before it checks the markers for the last time,
    so it finds this one if the lock is held now.
    """
    from subprocess import CalledProcessError  # slow to import

    check_startable()
    check_format(root)
    lock = driver_lock_path(root, marker.python)
    try:
        if is_locked(lock):
            return False
        _started[lock] = time.monotonic()
        words = [str(root), *study]
        log = EnginePaths(root).studies_log
        start_detached("pyruns_jupyter.studies.driver", words, log, python=marker.python)
    except (OSError, CalledProcessError) as error:
        raise _not_started(study.name, error) from error
    return True


def _not_started(study: str, error: Exception) -> PyrunsError:
    return PyrunsError(f"The study {study} could not be started ({error}). Pyruns will try again.")
