"""The curves and records of a run, wherever they are at the moment: in the task file, in the run's journal,
in the database of the other program.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.common.json_floats import decode_nonfinite
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import ACTIVE, Run
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own, own_facts

from . import journal, peer_tracks
from .aggregate import WHOLE_BYTES, JournalReader, evenly, read_journal
from .downsample import Curve, CurveDownsampler

POINTS_SHOWN = 10_000  # values of a curve that are enough to draw it
_VALUES_SHOWN = 200_000

# Our own fact: per run how many values at the end of each curve in the task file stand for a journal that
# stayed, because it holds more of them: `{"1": {"loss": 1000}}`.
_THINNED = "thinned"

_MAX_READINGS = 64  # running runs whose journals are followed
_readings: OrderedDict[Path, _Reading] = OrderedDict()
_readings_lock = threading.Lock()


class RunMetrics(NamedTuple):
    """The metrics of a run: records by key, curves by key, and sentences about what could not be read."""

    records: dict[str, Any]
    tracks: dict[str, list[Any]]
    messages: list[str]


class _Reading:
    """A journal that is read again and again: only what is new is read."""

    def __init__(self) -> None:
        self.downsampler = CurveDownsampler()
        self.reader = JournalReader(POINTS_SHOWN, _VALUES_SHOWN, self.downsampler)
        self.lock = threading.Lock()


def run_metrics(info: TaskInfo, run: Run, paths: TaskPaths, *, thinned: bool = False) -> RunMetrics:
    """Return what run `run` of the task with the file content `info` reported.

    Until a run ends, its points are in its journal; at the end they go into the task file. A journal that is
    still there after the end holds all points, the task file then only some, or none. With `thinned` a curve
    has at most 10,000 values, evenly chosen: enough to draw it.
    """
    messages: list[str] = []
    records = dict(run.records)
    tracks = {
        key: decode_nonfinite(list(values)) for key, values in run.tracks.items() if isinstance(values, list)
    }
    if peer_tracks.is_stored(info):
        try:
            tracks |= peer_tracks.stored_tracks(paths.folder, info, run.index)
        except Unreadable as error:
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
            said, points = _shown(path) if thinned and not leftover else read_journal(path)
            if not tails and leftover:
                points = _unknown(tracks, points)
            for key, values in points.items():
                kept = tracks.get(key, [])
                tracks[key] = kept[: max(0, len(kept) - tails.get(key, 0))] + values
            records |= said
        except OSError as error:
            messages.append(f"{path} cannot be read: {error.strerror or error}.")
    if thinned:
        tracks = {key: evenly(values, POINTS_SHOWN) for key, values in tracks.items()}
    return RunMetrics(records, tracks, messages)


def last_metrics(info: TaskInfo, run: Run, paths: TaskPaths) -> dict[str, Any]:
    """Return the last value of each curve of a run, and its records, which replace a curve of their name."""
    tracks, records = run.tracks, run.records
    newest: dict[str, Any] = {}
    path = paths.journal(run.index)
    if run.status not in ACTIVE and not peer_tracks.is_stored(info) and tails_of(info, run.index):
        newest = journal.tail_latest(path)  # of who outlived the run; the task file has all up to its end
    elif run.status in ACTIVE or peer_tracks.is_stored(info) or path.is_file():
        records, tracks, _ = run_metrics(info, run, paths, thinned=True)
    last = {
        key: decode_nonfinite(values[-1])
        for key, values in tracks.items()
        if isinstance(values, list) and values
    }
    return {**last, **newest, **records}


def newest_beside(info: TaskInfo, run: int, folder: Path | str) -> dict[str, Any]:
    """Return the newest values of run `run` (from 1) that lie beside a task file, when it says that its
    points are stored elsewhere.
    """
    if not peer_tracks.is_stored(info):
        return {}
    paths = TaskPaths(Path(folder))
    return {
        **peer_tracks.stored_latest(paths.folder, info, run),
        **journal.tail_latest(paths.journal(run)),
    }


def add_points(info: TaskInfo, run: int, tracks: dict[str, list[Any]], *, whole: bool) -> bool:
    """Add the points of a journal to the slot of run `run` (from 1), behind what is there.

    Without `whole` the journal stays: the values stand for it, until they are replaced by those of a later
    call. Returns whether the journal can go: not when the task's points are stored elsewhere, since then
    those in the task file do not count.
    """
    if peer_tracks.is_stored(info):
        return not tracks
    slot = run_slot(info, "tracks", run)
    earlier = tails_of(info, run)
    for key, values in tracks.items():
        present = slot.get(key)
        if not isinstance(present, list):
            present = []
        slot[key] = present[: max(0, len(present) - earlier.get(key, 0))] + values
    if not whole and tracks:
        own(info).setdefault(_THINNED, {})[str(run)] = {key: len(values) for key, values in tracks.items()}
    elif earlier:
        own(info)[_THINNED].pop(str(run), None)
    return whole


def run_slot(info: TaskInfo, key: str, run: int) -> dict[str, Any]:
    """Return the curves or the records (`key`) of run `run` (from 1) in a task file, to be changed."""
    slots = info.get(key)
    if not isinstance(slots, list):
        slots = info[key] = []
    slots.extend({} for _ in range(run - len(slots)))
    slot = slots[run - 1]
    if not isinstance(slot, dict):
        slot = slots[run - 1] = {}
    return slot


def tails_of(info: TaskInfo, run: int) -> dict[str, int]:
    """Return of each curve of run `run` (from 1) how many values at the end of the task file's list stand for
    a journal that stayed; empty when none stayed.
    """
    thinned = own_facts(info).get(_THINNED)
    tails = thinned.get(str(run)) if isinstance(thinned, dict) else None
    if not isinstance(tails, dict):
        return {}
    return {key: count for key, count in tails.items() if type(count) is int and count > 0}


def _unknown(tracks: dict[str, list[Any]], points: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the curves of a journal that the task file does not hold yet: who wrote the end of the run may
    have died before the journal was removed.
    """
    return {
        key: values
        for key, values in points.items()
        if json.dumps(tracks.get(key, [])[-len(values) :]) != json.dumps(values)  # as text: NaN is not NaN
    }


def journal_curves(path: Path) -> dict[str, Curve]:
    """Return the curves in the journal of a running run, downsampled.

    Raises:
        OSError: when it cannot be read.
    """
    reading = _reading(path)
    with reading.lock:
        reading.reader.feed(path, to_end=False)
        return reading.downsampler.curves()


def _shown(path: Path) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    reading = _reading(path)
    with reading.lock:
        reading.reader.feed(path, to_end=False)
        return dict(reading.reader.records), reading.reader.tracks()


def _reading(path: Path) -> _Reading:
    with _readings_lock:
        reading = _readings.pop(path, None) or _Reading()
        _readings[path] = reading
        while len(_readings) > _MAX_READINGS:
            _readings.popitem(last=False)
    return reading
