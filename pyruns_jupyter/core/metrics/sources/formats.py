"""The formats of metric files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from . import huggingface, lines, mlflow, tensorboard, trackio, wandb
from .base import Source


def _no_pid(path: str) -> int | None:
    return None


class Format(NamedTuple):
    """A format of metric files.

    Attributes:
        name: for users.
        recognizes: returns whether a path can be such a file; only its name counts.
        open: returns the source of a file, to be read from an offset.
        writer_pid: returns the process that wrote a file, by its name or a file next to it, if known.
        family: formats of one family have the same points: only the first one of a metric counts.
        is_cumulative: whether each file of a run has the points of the earlier ones.
        is_tagged: returns whether a file has points that are marked as those of an attempt; None if files of
            this format have no such mark.
        is_shared: whether several runs can write to a file at once, so that it only counts in the artifacts
            folder of a run.
        has_images: whether a run can also log images with it, so that a file without metrics counts, too.
        is_alone: whether each file has curves of its own; else, the files in a folder have parts of the same.
        is_rewritten: whether a program can remove such a file and write it anew.
    """

    name: str
    recognizes: Callable[[str], bool]
    open: Callable[[Path, int, str], Source]
    writer_pid: Callable[[str], int | None] = _no_pid
    family: str = ""
    is_cumulative: bool = False
    is_tagged: Callable[[str, str], bool] | None = None
    is_shared: bool = False
    has_images: bool = False
    is_alone: bool = False
    is_rewritten: bool = False


def _opened(kind: Callable[[Path, int], Source]) -> Callable[[Path, int, str], Source]:
    return lambda path, offset, attempt: kind(path, offset)


PRINTED = Format(
    huggingface.PRINTED_FORMAT,
    lambda path: False,
    _opened(huggingface.PrintedFile),
    family=huggingface.FAMILY,
)
FORMATS = (
    Format(
        tensorboard.FORMAT,
        tensorboard.recognizes,
        _opened(tensorboard.EventFile),
        tensorboard.pid_in_name,
        has_images=True,
    ),
    Format(
        lines.CSV_FORMAT,
        lines.recognizes_csv,
        _opened(lines.TableFile),
        is_alone=True,
        is_rewritten=True,
    ),
    Format(
        lines.JSON_FORMAT,
        lines.recognizes_json,
        _opened(lines.JsonLinesFile),
        is_alone=True,
        is_rewritten=True,
    ),
    Format(wandb.FORMAT, wandb.recognizes, _opened(wandb.RunFile), wandb.writer_pid, has_images=True),
    Format(
        huggingface.STATE_FORMAT,
        huggingface.recognizes_state,
        _opened(huggingface.TrainerState),
        family=huggingface.FAMILY,
        is_cumulative=True,
        is_rewritten=True,
    ),
    Format(
        mlflow.FILES_FORMAT,
        mlflow.recognizes_files,
        _opened(mlflow.MetricFile),
        is_tagged=mlflow.is_tagged,
    ),
    Format(
        trackio.FORMAT,
        trackio.recognizes,
        _opened(trackio.TrackioDatabase),
        is_shared=True,
        is_alone=True,
    ),
    Format(
        mlflow.DATABASE_FORMAT,
        mlflow.recognizes_database,
        mlflow.MlflowDatabase,
        is_tagged=lambda path, attempt: True,
    ),
)


_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".wandb", ".db", "trainer_state.json")


def log_text(patterns: Sequence[str]) -> Format:
    """Return the format of a log in which patterns find metrics (see `LogPatterns`)."""
    # Imported here because few projects have patterns.
    from pyruns_jupyter.core.common.metric_patterns import LogPatterns

    from .log_text import FORMAT, LogText

    found = LogPatterns(patterns)
    return Format(FORMAT, lambda path: False, lambda path, offset, _: LogText(path, offset, found))


def is_candidate(name: str, in_metrics: bool) -> bool:
    """Return whether `format_of` can find a format for a file of this name: a fast test, as most files are
    none. `in_metrics`: whether a folder of its path has a name that begins with `metrics`.
    """
    return in_metrics or name.endswith(_SUFFIXES) or name.startswith("events.out.tfevents.")


def format_of(path: str) -> Format | None:
    """Return the format that a path suggests."""
    for candidate in FORMATS:
        if candidate.recognizes(path):
            return candidate
    return None
