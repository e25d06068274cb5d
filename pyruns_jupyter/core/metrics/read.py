"""Read the curves and records of a run from where they are at present: the task file, the run's journal, or
the database of `pyruns`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.common.json_floats import decode_nonfinite
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import ACTIVE, Run
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, run_fact, set_run_fact

from . import journal, peer_tracks
from .aggregate import WHOLE_BYTES, JournalReader, compact, evenly, read_journal
from .downsample import Curve, CurveDownsampler, write_curves
from .sources.facts import messages_of
from .statistics import CurveStatistics, store_statistics

POINTS_SHOWN = 10_000  # values of a curve that are enough to draw it
_VALUES_SHOWN = 200_000

# In our part of the task file: per run, how many values at the end of each curve are a selection from a
# journal that was kept: `{"1": {"loss": 1000}}`.
_THINNED = "thinned"


class RunMetrics(NamedTuple):
    """The metrics of a run: records by key, curves by key, and messages about read errors."""

    records: dict[str, Any]
    tracks: dict[str, list[Any]]
    messages: list[str]


class _FollowedJournal:
    """A journal that is being followed: only new lines are read."""

    def __init__(self) -> None:
        self.downsampler = CurveDownsampler()
        self.reader = JournalReader(POINTS_SHOWN, _VALUES_SHOWN, self.downsampler)
        self.lock = threading.Lock()


def run_metrics(
    info: TaskInfo, run: Run, paths: TaskPaths, *, thinned: bool = False, strict: bool = False
) -> RunMetrics:
    """Return the metrics of run `run` of the task with the file content `info`.

    While a run is running, its points are in its journal; at its end they are copied to the task file. If the
    journal is kept, it has all points, and the task file has only some or none. With `thinned`, curves have
    at most 10,000 evenly chosen values, which is enough for a chart.

    Raises:
        Unreadable, OSError: with `strict`, for what otherwise is a message.
    """
    messages: list[str] = []
    records = dict(run.records)
    try:
        tracks = stored_curves(info, run, paths)
    except Unreadable as error:
        if strict:
            raise
        tracks = _curves_in(run)
        messages.append(error.message)
    path = paths.journal(run.index)
    tails = tails_of(info, run.index)
    try:
        size = path.lstat().st_size
    except OSError:
        size = 0
    if size:
        try:
            leftover = size <= WHOLE_BYTES and run.status not in ACTIVE
            logged, points = _thinned_journal(path) if thinned and not leftover else read_journal(path)
            if not tails and leftover:
                points = _not_stored(tracks, points)
            for key, values in points.items():
                kept = tracks.get(key, [])
                tracks[key] = kept[: max(0, len(kept) - tails.get(key, 0))] + values
            records |= logged
        except OSError as error:
            if strict:
                raise
            messages.append(f"{path} cannot be read: {error.strerror or error}.")
    messages += messages_of(info, run.index)
    if thinned:
        tracks = {key: evenly(values, POINTS_SHOWN) for key, values in tracks.items()}
    return RunMetrics(records, tracks, messages)


def stored_curves(info: TaskInfo, run: Run, paths: TaskPaths) -> dict[str, list[Any]]:
    """Return the curves of a run that are stored in the task file or in the database of `pyruns`.

    Raises:
        Unreadable: when the database cannot be read.
    """
    tracks = _curves_in(run)
    if peer_tracks.is_stored(info):
        tracks |= peer_tracks.stored_tracks(paths.folder, info, run.index)
    return tracks


def _curves_in(run: Run) -> dict[str, list[Any]]:
    return {
        key: decode_nonfinite(list(values)) for key, values in run.tracks.items() if isinstance(values, list)
    }


def last_metrics(info: TaskInfo, run: Run, paths: TaskPaths) -> dict[str, Any]:
    """Return the last value of each curve of a run and its records; a record replaces a curve of the same
    name.
    """
    tracks, records = run.tracks, run.records
    newest: dict[str, Any] = {}
    path = paths.journal(run.index)
    if run.status not in ACTIVE and not peer_tracks.is_stored(info) and tails_of(info, run.index):
        newest = journal.tail_latest(path)  # the values from after the end of the run
    elif run.status in ACTIVE or peer_tracks.is_stored(info) or path.is_file():
        records, tracks, _ = run_metrics(info, run, paths, thinned=True)
    last = {
        key: decode_nonfinite(values[-1])
        for key, values in tracks.items()
        if isinstance(values, list) and values
    }
    return {**last, **newest, **records}


def newest_beside(info: TaskInfo, run: int, folder: Path | str) -> dict[str, Any]:
    """Return the last values of run `run` (from 1) from the files next to a task file without points."""
    if not peer_tracks.is_stored(info):
        return {}
    paths = TaskPaths(Path(folder))
    return {
        **peer_tracks.stored_latest(paths.folder, info, run),
        **journal.tail_latest(paths.journal(run)),
    }


def compact_journal(
    paths: TaskPaths, run: int, statistics: dict[str, CurveStatistics], taken: int
) -> tuple[dict[str, Any], dict[str, list[Any]], bool]:
    """Return `aggregate.compact` of the journal of run `run`, which has ended; store the downsampled curves,
    and add the statistics of the curves to `statistics`. `add_points` is the next step. `taken` is the size
    of the task file in bytes.

    Raises:
        OSError: when the journal cannot be read.
    """
    journal, downsampler = paths.journal(run), CurveDownsampler()
    found = compact(journal, taken, downsampler, statistics)
    curves = downsampler.curves()
    if curves:
        with suppress(OSError):  # they are only a cache
            write_curves(paths.curves(run), curves, journal.stat().st_size)
    return found


def add_points(
    info: TaskInfo,
    run: int,
    tracks: dict[str, list[Any]],
    *,
    whole: bool,
    statistics: Mapping[str, CurveStatistics] | None = None,
) -> bool:
    """Append the points of a journal to the slot of run `run` (from 1), and store the statistics of its
    curves; `statistics` are those of the journal.

    Without `whole`, the journal is kept, and the next call replaces these points. Return whether the journal
    can be deleted: not when the points of the task are stored in the database of `pyruns`, as those in the
    task file are not used then.
    """
    if peer_tracks.is_stored(info):
        return not tracks
    slot = run_slot(info, "tracks", run)
    earlier = tails_of(info, run)
    if statistics is not None:
        found = dict(statistics)
        for key, values in slot.items():  # other programs added these
            if isinstance(values, list) and len(values) > earlier.get(key, 0):
                others = CurveStatistics()
                others.add(values[: len(values) - earlier.get(key, 0)])
                found[key] = others.merged(found.get(key))
        if found or slot or run_slot(info, "records", run):
            store_statistics(info, run, found)
    for key, values in tracks.items():
        present = slot.get(key)
        if not isinstance(present, list):
            present = []
        slot[key] = present[: max(0, len(present) - earlier.get(key, 0))] + values
    if earlier or (tracks and not whole):
        tails = {key: len(values) for key, values in tracks.items()}
        set_run_fact(info, _THINNED, run, None if whole else tails or None)
    return whole


def run_slot(info: TaskInfo, key: str, run: int) -> dict[str, Any]:
    """Return the curves or records (`key`) of run `run` (from 1) in a task file, to change them."""
    slots = info.get(key)
    if not isinstance(slots, list):
        slots = info[key] = []
    slots.extend({} for _ in range(run - len(slots)))
    slot = slots[run - 1]
    if not isinstance(slot, dict):
        slot = slots[run - 1] = {}
    return slot


def tails_of(info: TaskInfo, run: int) -> dict[str, int]:
    """Return, for each curve of run `run` (from 1), how many values at the end of its list in the task file
    are from a journal that was kept; empty when no journal was kept.
    """
    tails = run_fact(info, _THINNED, run)
    if not isinstance(tails, dict):
        return {}
    return {key: count for key, count in tails.items() if type(count) is int and count > 0}


def _not_stored(tracks: dict[str, list[Any]], points: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the curves of a journal that are not in the task file: the process that ended the run may have
    died before it deleted the journal.
    """
    return {
        key: values
        for key, values in points.items()
        if json.dumps(tracks.get(key, [])[-len(values) :]) != json.dumps(values)  # as text: NaN is not NaN
    }


def journal_curves(path: Path, keys: Collection[str] | None = None) -> dict[str, Curve]:
    """Return the curves in the journal of a running run, downsampled: all, or those of `keys`.

    Raises:
        OSError: when it cannot be read.
    """
    followed = _followed(path)
    with followed.lock:
        followed.reader.feed(path, to_end=False)
        return followed.downsampler.curves(keys)


def _thinned_journal(path: Path) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    followed = _followed(path)
    with followed.lock:
        followed.reader.feed(path, to_end=False)
        return dict(followed.reader.records), followed.reader.tracks()


@lru_cache(maxsize=64)
def _followed(path: Path) -> _FollowedJournal:
    return _FollowedJournal()
