"""Seeing to it that each active study has a driver.

While a study is active, a file in the engine's folder says so (the marker): with it, whoever looks at a
project finds the studies that need a driver without reading them all. Its lock is held by the driver.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.diskformat import check_format
from pyruns_jupyter.core.errors import PyrunsError, Unreadable
from pyruns_jupyter.core.filelock import is_locked
from pyruns_jupyter.core.files import dump_json, parse_json, write_atomic
from pyruns_jupyter.core.layout import EnginePaths
from pyruns_jupyter.core.place import Place
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.engine import batches
from pyruns_jupyter.engine.inherited import front_end_environment
from pyruns_jupyter.engine.launch import attend as attend_queue
from pyruns_jupyter.engine.launch import check_startable, start_detached

_SEPARATOR = "@"  # no name holds it
_PATIENCE = 5.0  # seconds until a driver that was started holds its lock
_started: dict[Path, float] = {}  # when this process last started each, monotonic seconds


@dataclass(frozen=True)
class Marker:
    """What a driver needs to know of the front end that began its study: `environment` and `python` of the
    trials, and the place of the engine's folder, to notice a copy of the project.
    """

    environment: dict[str, str]
    python: str
    place: Place | None

    def is_copied_to(self, folder: Path) -> bool:
        """Tell whether it was made for another folder than this one of an engine."""
        return self.place is None or self.place.is_copied_to(folder)


def marker_path(root: Path, workspace: str, study: str) -> Path:
    """Return the path of the file that stands for an active study."""
    return EnginePaths(root).studies / f"{workspace}{_SEPARATOR}{study}"


def mark_active(root: Path, workspace: str, study: str) -> None:
    """Say that a study needs a driver, which is to run its trials as this process would."""
    paths = EnginePaths(root)
    batches.prepare_folders(paths)
    with suppress(FileExistsError):
        paths.studies.mkdir(mode=0o700)
    content = {
        "environment": front_end_environment(),
        "python": sys.executable,
        "place": Place.of(paths.folder).to_dict(),
    }
    write_atomic(marker_path(root, workspace, study), dump_json(content))


def read_marker(path: Path) -> Marker:
    """Return what `mark_active` wrote.

    Raises:
        FileNotFoundError: when the study is not active.
        Unreadable: when it is damaged.
    """
    value = parse_json(path.read_bytes(), path)
    environment = value.get("environment")
    if not isinstance(environment, dict) or not isinstance(value.get("python"), str):
        raise Unreadable(f"{path} does not say how trials are run.")
    return Marker(
        {str(name): str(text) for name, text in environment.items()},
        value["python"],
        Place.from_dict(value.get("place")),
    )


def is_driven(root: Path, workspace: str, study: str) -> bool:
    """Tell whether a driver of a study lives on this machine."""
    try:
        return is_locked(marker_path(root, workspace, study))
    except OSError:
        return False


def active_studies(workspace: WorkspaceFolder) -> set[str]:
    """Return the names of the studies of a workspace that are active."""
    return {study for name, study in _marks(workspace.root) if name == workspace.name}


def _marks(root: Path) -> list[tuple[str, str]]:
    """Return workspace and study of each study that is active."""
    try:
        names = os.listdir(EnginePaths(root).studies)
    except (FileNotFoundError, NotADirectoryError):
        return []
    parted = (name.rpartition(_SEPARATOR) for name in names if not name.startswith("."))
    return [(workspace, study) for workspace, separator, study in parted if separator]


def attend(root: Path) -> bool:
    """Start what the work of a project needs and lacks, a scheduler and drivers of studies; tell whether
    something was started.

    Cheap when there is nothing to do: front ends call it whenever they look at a project.
    """
    driven = _attend_studies(root)
    return attend_queue(root) or driven


def _attend_studies(root: Path) -> bool:
    started = False
    for workspace, study in _marks(root):
        if is_driven(root, workspace, study):
            continue
        if time.monotonic() - _started.get(marker_path(root, workspace, study), -_PATIENCE) < _PATIENCE:
            continue  # on its way
        with suppress(PyrunsError):  # which is told to who begins or resumes it
            start_driver(root, workspace, study)
            started = True
    return started


def start_driver(root: Path, workspace: str, study: str) -> None:
    """Start a driver of an active study, which leaves at once when one lives.

    Raises:
        PyrunsError: when it cannot be started; the study stays active and waits for the next try.
    """
    check_startable()
    check_format(root)
    paths, path = EnginePaths(root), marker_path(root, workspace, study)
    _started[path] = time.monotonic()
    try:
        marker = read_marker(path)
        # What came here with a copy is not trusted to say what is executed; its driver ends the study.
        python = sys.executable if marker.is_copied_to(paths.folder) else marker.python
        words = [str(root), workspace, study]
        start_detached(paths, "pyruns_jupyter.studies.driver", words, paths.studies_log, python=python)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PyrunsError(
            f"The study {study} could not be started ({error}). It waits until the next try."
        ) from error
