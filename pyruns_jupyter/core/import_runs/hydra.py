"""Runs of Hydra: the folders with `.hydra/config.yaml` in `outputs` and `multirun`."""

from __future__ import annotations

import os
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, Unreadable
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.metrics.sources.formats import format_of

from .found_run import FoundRun, RunSource
from .logdir import opened_file

PROGRAM = "Hydra"
FOLDER = ".hydra"
_CONFIG, _OVERRIDES = "config.yaml", "overrides.yaml"
_MAX_FOLDERS, _MAX_FILES, _MAX_DEPTH = 2000, 1000, 8
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})


def is_run(folder: Path) -> bool:
    """Return whether a folder is the output folder of a run."""
    return (folder / FOLDER / _CONFIG).is_file()


def found_run(folder: Path, name: str) -> FoundRun:
    """Return the run in a folder. Hydra does not store whether it succeeded."""

    def opened() -> list[RunSource]:
        found: list[Path] = []
        _add_metric_files(folder, found, [_MAX_FOLDERS], _MAX_DEPTH)
        return [opened_file(path) for path in found]

    run = FoundRun(PROGRAM, f"hydra:{folder}", folder, name, opened)
    run.set_parameters(run.config(folder / FOLDER / _CONFIG))
    for override in _overrides(folder / FOLDER / _OVERRIDES):
        key, separator, value = override.partition("=")
        group = key.lstrip("+~").partition("@")[0]
        if separator and isinstance(run.parameters.get(group), dict):
            run.add_tag(f"{group}={value}")  # a choice of a group, which is not a parameter itself
    logs = [path for path in sorted(folder.glob("*.log")) if path.is_file() and not path.is_symlink()]
    run.log = logs[0] if len(logs) == 1 else None
    try:
        run.started = os.lstat(folder / FOLDER / _CONFIG).st_mtime
        run.finished = max([run.started, *(os.lstat(path).st_mtime for path in logs)])
    except OSError:
        run.finished = run.started
    return run


def _overrides(path: Path) -> list[str]:
    try:
        found = parse_config(f"overrides:\n{read_text(path, follow=False)}").get("overrides")
    except (FileNotFoundError, Unreadable, InvalidInput):
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _add_metric_files(folder: Path, found: list[Path], left: list[int], depth: int) -> None:
    """Add the metric files below a folder, without those of other runs."""
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in listed:
        if entry.is_file(follow_symlinks=False):
            file_format = format_of(entry.path)
            # Other runs can write to a database or a file store.
            is_own = file_format is not None and not file_format.is_shared and file_format.is_tagged is None
            if is_own and len(found) < _MAX_FILES:
                found.append(Path(entry.path))
        elif entry.is_dir(follow_symlinks=False) and not (entry.name[:1] == "." or entry.name in _SKIPPED):
            left[0] -= 1
            if depth and left[0] > 0 and not is_run(Path(entry.path)):
                _add_metric_files(Path(entry.path), found, left, depth - 1)
