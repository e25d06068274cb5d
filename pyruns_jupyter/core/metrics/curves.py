"""The curves of a run for charts, from wherever they are found fastest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, signature_of
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import ACTIVE, Run
from pyruns_jupyter.core.taskfile.task_file import TaskInfo

from . import peer_tracks
from .downsample import POINTS, STEP_KEYS, Curve, number, read_curves, thinned
from .read import journal_curves, run_metrics, tails_of

_MAX_KNOWN = 500  # runs whose curves were found the slow way

_Known = tuple[tuple[int, ...], dict[str, Curve]]
_known: OrderedDict[Path, _Known] = OrderedDict()
_known_lock = threading.Lock()


def curves_of_run(
    info: TaskInfo, run: Run, paths: TaskPaths, keys: Collection[str] | None = None
) -> dict[str, Curve]:
    """Return the curves of run `run` of the task with the file content `info`: all, or those of `keys`; of
    each about 2000 points, among them the smallest and the largest of each part.

    The downsampled curves that a run leaves at its end are read where they agree with the task file; those of
    a running run grow with its journal; else all points are read, and remembered until the files change.
    """
    found = _quickly(info, run, paths, keys)
    if found is None:
        found = _slowly(info, run, paths)
    return found if keys is None else {key: found[key] for key in keys if key in found}


def _quickly(
    info: TaskInfo, run: Run, paths: TaskPaths, keys: Collection[str] | None
) -> dict[str, Curve] | None:
    """Return the curves from the downsampled ones on disk; None when these are not complete."""
    if peer_tracks.is_stored(info):
        return None
    slot = {key: values for key, values in run.tracks.items() if isinstance(values, list)}
    if run.status in ACTIVE:
        return None if any(slot.values()) else journal_curves(paths.journal(run.index))
    journal, known = read_curves(paths.curves(run.index), keys)
    tails = tails_of(info, run.index)
    if journal != (_size(paths.journal(run.index)) if tails else journal):
        return None  # who outlived the run went on writing
    for key in slot if keys is None else [key for key in keys if key in slot]:
        stored = known.get(key)
        if tails and (stored is None or len(slot[key]) != tails.get(key)):
            return None
        if stored is None or (not tails and stored.total != len(slot[key])):
            known[key] = _of_values(slot, key)
    return {key: known[key] for key in (slot if keys is None else keys) if key in known}


def _slowly(info: TaskInfo, run: Run, paths: TaskPaths) -> dict[str, Curve]:
    files = [paths.info, paths.journal(run.index), paths.folder / peer_tracks.STORE_NAME]
    signature = (run.index, *map(_signature, files))
    place = paths.log(run.index)
    with _known_lock:
        known = _known.get(place)
    if known is not None and known[0] == signature:
        return known[1]
    tracks = run_metrics(info, run, paths).tracks
    found = {key: thinned(_of_values(tracks, key), POINTS) for key in tracks}
    with _known_lock:
        _known[place] = signature, found
        _known.move_to_end(place)
        while len(_known) > _MAX_KNOWN:
            _known.popitem(last=False)
    return found


def _of_values(tracks: dict[str, list[Any]], key: str) -> Curve:
    """Return a curve of which only the values are known; what is as long and named like steps numbers it."""
    values = tracks[key]
    steps = {
        name: [number(value) for value in tracks[name]]
        for name in STEP_KEYS
        if len(tracks.get(name, ())) == len(values)
    }
    return Curve(len(values), list(range(len(values))), [number(value) for value in values], None, steps)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _signature(path: Path) -> int:
    try:
        return signature_of(path.stat())
    except OSError:
        return UNKNOWN
