"""Runs of TensorBoard: each folder with event files is one. Lightning stores parameters next to them.

The folder that `SummaryWriter.add_hparams` adds to a run, named like the time, belongs to the run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.metrics.sources import tensorboard
from pyruns_jupyter.core.metrics.sources.formats import format_of

from .found_run import FoundRun, RunSource
from .hparams import read_hparams

PROGRAM = "TensorBoard"
_PARAMETERS, _METRICS = "hparams.yaml", "metrics.csv"  # of Lightning's loggers
_ADDED = re.compile(r"\d{9,11}\.\d+")


def metric_files(files: list[str]) -> list[str]:
    """Return the names of the files in a folder that make it a run; none if it is not one."""
    events = [name for name in files if tensorboard.recognizes(name)]
    if not events and _PARAMETERS in files and _METRICS in files:
        return [_METRICS]
    return events


def event_files(folder: Path) -> list[Path]:
    """Return the event files in a folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                Path(entry.path)
                for entry in entries
                if entry.is_file(follow_symlinks=False) and tensorboard.recognizes(entry.name)
            )
    except OSError:
        return []


def is_part(folder: Path, parent_is_run: bool) -> bool:
    """Return whether a folder with event files belongs to the run in the folder above it."""
    return parent_is_run and _ADDED.fullmatch(folder.name) is not None


def found_run(folder: Path, name: str, files: list[Path]) -> FoundRun:
    """Return the run in a folder; `files` are those with metrics."""

    def opened() -> list[RunSource]:
        return [opened_file(path) for path in files]

    run = FoundRun(PROGRAM, f"logdir:{folder}", folder, name, opened)
    parameters: dict[str, Any] = run.config(folder / _PARAMETERS)
    for path in files:
        if path.suffix != ".csv":
            parameters |= read_hparams(path)
    run.set_parameters(parameters)
    changed = [os.lstat(path).st_mtime for path in files]
    run.finished = max(changed, default=None)
    return run


def opened_file(path: Path) -> RunSource:
    """Return the source of a file by its name."""
    file_format = format_of(str(path))
    assert file_format is not None
    return RunSource(str(path), file_format, file_format.open(path, 0, ""))
