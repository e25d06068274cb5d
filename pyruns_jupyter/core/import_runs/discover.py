"""Find the runs of other programs below a folder, without following links."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME

from . import hydra, logdir, mlflow, wandb
from .found_run import FoundRun

MAX_RUNS = 10_000
_MAX_FOLDERS, _MAX_ENTRIES, _MAX_DEPTH = 100_000, 1_000_000, 16
_MAX_REASONS = 3  # in an error
_SKIPPED = frozenset({ROOT_NAME, "node_modules", "__pycache__", "site-packages"})
KINDS = "TensorBoard log folders, MLflow (mlruns, mlflow.db), W&B (wandb) and Hydra (outputs, multirun)"


@dataclass
class _Search:
    """A search, and what was found so far."""

    top: Path
    runs: list[FoundRun] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    folders: int = 0
    entries: int = 0

    def name_of(self, folder: Path) -> str:
        """Return the name of the run in a folder: its path below the top, or the name of the top."""
        return "_".join(folder.relative_to(self.top).parts) or folder.name

    def is_full(self) -> bool:
        """Return whether a limit is reached; a notice says so."""
        if len(self.runs) >= MAX_RUNS:
            text = f"Only the first {MAX_RUNS:,} runs are used. Import the rest from a subfolder."
        elif self.folders >= _MAX_FOLDERS or self.entries >= _MAX_ENTRIES:
            text = f"Only the first {_MAX_FOLDERS:,} folders and {_MAX_ENTRIES:,} files were searched."
        else:
            return False
        if text not in self.notices:
            self.notices.append(text)
        return True


def find_runs(path: Path) -> tuple[list[FoundRun], list[str]]:
    """Return the runs below a folder, or in a database of MLflow, and notices about the search.

    Raises:
        NotFound: if there is no such file or folder, or it has no runs.
        InvalidInput: if it is in a `_pyruns_` folder, or a file of another kind.
    """
    top = Path(os.path.realpath(path))
    if ROOT_NAME in top.parts:
        raise InvalidInput(f"{path} is in a {ROOT_NAME} folder. Use 'archive' to move tasks.", field="path")
    search = _Search(top)
    if top.is_file():
        if not mlflow.is_database(top):
            raise InvalidInput(
                f"{path} is not a database of MLflow. Specify a folder with runs of {KINDS}.", field="path"
            )
        search.runs = mlflow.found_in_database(top)
    elif top.is_dir():
        _visit(search, top, False, _MAX_DEPTH)
    else:
        raise NotFound(f"The file or folder {path} does not exist.")
    if not search.runs:
        reasons = "".join(f" {text}" for text in search.notices[:_MAX_REASONS])
        raise NotFound(f"No runs were found in {path}.{reasons} Supported programs: {KINDS}.")
    search.is_full()
    return search.runs[:MAX_RUNS], search.notices


def _visit(search: _Search, folder: Path, parent_is_run: bool, depth: int) -> None:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        search.notices.append(f"{folder} cannot be read: {error.strerror or error}.")
        return
    search.folders += 1
    search.entries += len(listed)
    files = [entry.name for entry in listed if entry.is_file(follow_symlinks=False)]
    folders = [entry.name for entry in listed if entry.is_dir(follow_symlinks=False)]
    if hydra.FOLDER in folders and hydra.is_run(folder):
        search.runs.append(hydra.found_run(folder, search.name_of(folder)))
        return
    if wandb.is_run(folder.name):
        search.runs.append(wandb.found_run(folder))
        return
    if mlflow.is_run(folder, folders, files):
        search.runs.append(mlflow.found_run(folder))
        return
    for name in files:
        if name.endswith(".db") and mlflow.is_database(folder / name):
            try:
                search.runs += mlflow.found_in_database(folder / name)
            except InvalidInput as error:
                search.notices.append(error.message)
    metric_files = logdir.metric_files(files)
    if metric_files and not logdir.is_part(folder, parent_is_run):
        paths = [folder / name for name in metric_files]
        for name in folders:
            if logdir.is_part(folder / name, True):
                paths += logdir.event_files(folder / name)
        search.runs.append(logdir.found_run(folder, search.name_of(folder), paths))
    for name in folders:
        if search.is_full() or not depth:
            return
        if name[0] != "." and name not in _SKIPPED:
            _visit(search, folder / name, bool(metric_files), depth - 1)
