"""Find the runs of other programs below a folder, without following links."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME

from . import hydra, logdir, mlflow, optuna_database, optuna_journal, sqlite_runs, wandb
from .found_run import FoundRun

MAX_RUNS = 10_000
_MAX_FOLDERS, _MAX_ENTRIES, _MAX_DEPTH = 100_000, 1_000_000, 16
_MAX_REASONS = 3  # in an error
_SKIPPED = frozenset({ROOT_NAME, "node_modules", "__pycache__", "site-packages"})
KINDS = (
    "TensorBoard log folders, MLflow (mlruns, mlflow.db), W&B (wandb), Hydra (outputs, multirun) and Optuna "
    "(SQLite databases, journal files)"
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SQLITE_URL = "sqlite:///"


@dataclass
class _Search:
    """A search, and what was found so far."""

    top: Path
    check: Callable[[], object] | None = None  # may raise an error to end the search
    runs: list[FoundRun] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    folders: int = 0
    entries: int = 0

    def name_of(self, folder: Path) -> str:
        """Return the name of the run in a folder: its path below the top, or the name of the top."""
        return "_".join(folder.relative_to(self.top).parts) or folder.name

    def is_full(self) -> bool:
        """Return whether a limit is reached; a notice says so."""
        if self.check is not None:
            self.check()
        if len(self.runs) >= MAX_RUNS:
            text = f"Only the first {MAX_RUNS:,} runs are used. Import the rest from a subfolder."
        elif self.folders >= _MAX_FOLDERS or self.entries >= _MAX_ENTRIES:
            text = f"Only the first {_MAX_FOLDERS:,} folders and {_MAX_ENTRIES:,} files were searched."
        else:
            return False
        if text not in self.notices:
            self.notices.append(text)
        return True


def path_of_runs(text: str) -> str:
    """Return the path in a text of the user: a path, or the URL of an SQLite database as Optuna uses it.

    Raises:
        InvalidInput: if it is another URL.
    """
    if text.startswith(_SQLITE_URL):
        return text.removeprefix(_SQLITE_URL).partition("?")[0]
    if _URL.match(text):
        raise InvalidInput(
            f"{text[:200]!r} is the URL of a server, from which runs cannot be imported. Specify a folder, a "
            f"file or {_SQLITE_URL}PATH.",
            field="path",
        )
    return text


def contains_runs(path: Path) -> bool:
    """Return whether a path may have runs: a folder, or a file of a program that stores its runs in one."""
    is_database = path.suffix in sqlite_runs.SUFFIXES
    return path.is_dir() or is_database or optuna_journal.is_journal(path)


def find_runs(path: Path, check: Callable[[], object] | None = None) -> tuple[list[FoundRun], list[str]]:
    """Return the runs below a folder, or in a file of MLflow or Optuna, and notices about the search.
    `check` is called again and again; it may raise an error to end the search.

    Raises:
        NotFound: if there is no such file or folder, or it has no runs.
        InvalidInput: if it is in a `_pyruns_` folder, or a file of another kind.
    """
    top = Path(os.path.realpath(path))
    if ROOT_NAME in top.parts:
        raise InvalidInput(f"{path} is in a {ROOT_NAME} folder. Use 'archive' to move tasks.", field="path")
    search = _Search(top, check)
    if top.is_file():
        if not _add_file(search, top):
            raise InvalidInput(
                f"{path} is not a database of MLflow or Optuna, or a journal of Optuna. Specify one of these "
                f"files, or a folder with runs of {KINDS}.",
                field="path",
            )
    elif top.is_dir():
        _visit(search, top, False, _MAX_DEPTH)
    else:
        raise NotFound(f"The file or folder {path} does not exist.")
    if not search.runs:
        reasons = "".join(f" {text}" for text in search.notices[:_MAX_REASONS])
        raise NotFound(f"No runs were found in {path}.{reasons} Supported programs: {KINDS}.")
    search.is_full()
    return search.runs[:MAX_RUNS], search.notices


def _add_file(search: _Search, path: Path) -> bool:
    """Add the runs in a file; return whether it is one that can contain runs.

    Raises:
        InvalidInput: if it cannot be read.
    """
    if mlflow.is_database(path):
        search.runs += mlflow.found_in_database(path)
    elif optuna_database.is_database(path):
        search.runs += optuna_database.found_in_database(path)
    elif optuna_journal.is_journal(path):
        runs, notices = optuna_journal.found_in_journal(path, search.check)
        search.runs += runs
        search.notices += notices
    else:
        return False
    return True


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
        if search.is_full():
            return
        if name.endswith((*sqlite_runs.SUFFIXES, *optuna_journal.SUFFIXES)):
            try:
                _add_file(search, folder / name)
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
