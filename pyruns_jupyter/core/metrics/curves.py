"""The curves of a run for charts, read from the fastest source."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, signature_of
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import ACTIVE, Run
from pyruns_jupyter.core.taskfile.task_file import TaskInfo

from . import peer_tracks
from .downsample import POINTS, STEP_KEYS, Curve, number, read_curves, thinned
from .read import journal_curves, run_metrics, tails_of


def curves_of_run(
    info: TaskInfo, run: Run, paths: TaskPaths, keys: Collection[str] | None = None
) -> dict[str, Curve]:
    """Return the curves of run `run` of the task with the file content `info`: all, or those of `keys`. A
    curve has about 2000 points, among them the smallest and the largest of each part.

    They come from the downsampled curves that are written at the end of a run, if these match the task file;
    while the run is running, from its journal; else from all points, cached until the files change.
    """
    found = downsampled_curves(info, run, paths, keys)
    if found is None:
        found = _of_all_points(info, run, paths)
    return found if keys is None else {key: found[key] for key in keys if key in found}


def downsampled_curves(
    info: TaskInfo, run: Run, paths: TaskPaths, keys: Collection[str] | None
) -> dict[str, Curve] | None:
    """Return the curves from downsampled points, None when these are not complete; see `curves_of_run`."""
    if peer_tracks.is_stored(info):
        return None
    slot = {key: values for key, values in run.tracks.items() if isinstance(values, list)}
    if run.status in ACTIVE:
        return None if any(slot.values()) else journal_curves(paths.journal(run.index), keys)
    journal, known = read_curves(paths.curves(run.index), keys)
    tails = tails_of(info, run.index)
    if journal != (_size(paths.journal(run.index)) if tails else journal):
        return None  # a process that outlived the run has added points
    for key in slot if keys is None else [key for key in keys if key in slot]:
        stored = known.get(key)
        if tails and (stored is None or len(slot[key]) != tails.get(key)):
            return None
        if stored is None or (not tails and stored.total != len(slot[key])):
            known[key] = _of_values(slot, key)
    return {key: known[key] for key in (slot if keys is None else keys) if key in known}


def _of_all_points(info: TaskInfo, run: Run, paths: TaskPaths) -> dict[str, Curve]:
    files = [paths.info, paths.journal(run.index), paths.folder / peer_tracks.STORE_NAME]
    signatures = tuple(map(_signature, files))
    cached = _cached(paths.log(run.index))
    found = cached.get(signatures)
    if found is None:
        tracks = run_metrics(info, run, paths).tracks
        found = {key: thinned(_of_values(tracks, key), POINTS) for key in tracks}
        cached.clear()
        cached[signatures] = found
    return found


@lru_cache(maxsize=500)
def _cached(log: Path) -> dict[tuple[int, ...], dict[str, Curve]]:
    """Return the curves of a run by the signatures of the files that they were read from."""
    return {}


def _of_values(tracks: dict[str, list[Any]], key: str) -> Curve:
    """Return a curve of values without times; tracks with the name of a step and the same length are its
    steps.
    """
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
