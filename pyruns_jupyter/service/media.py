"""The media of runs: images, HTML pages, audio, video and tables in their artifacts, and the images that they
logged with TensorBoard and W&B.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.natural_order import natural_key
from pyruns_jupyter.core.fs.list_files import files_below
from pyruns_jupyter.core.fs.regular_files import open_below, open_regular
from pyruns_jupyter.core.media.event_images import MAX_FILES, EventImage, event_images
from pyruns_jupyter.core.media.kinds import IMAGE, KINDS, MAGIC_BYTES, image_type, kind_of
from pyruns_jupyter.core.media.names import Label, labels_of
from pyruns_jupyter.core.metrics.sources import tensorboard, wandb
from pyruns_jupyter.core.metrics.sources.facts import facts_of
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import Run
from pyruns_jupyter.core.taskfile.task_file import TaskInfo
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .files import File, check_inside
from .request import Count, Request, RunRequest
from .runs import ArtifactRequest, artifact_file, as_file
from .tasks import find_run

MAX_TASKS = 100
MAX_ITEMS, MAX_ITEMS_OF_RUN = 20_000, 2000
_MAX_FILES = 50_000  # of one run that are looked at
_LIST_SECONDS = 4.0  # to list the files of all runs
_READ_SECONDS = 3.0  # to read event files
_FIND_SECONDS = 5.0  # to find one image, if the event file has to be read again
_WANDB_FILES = "files"  # the folder next to the log of a run of W&B, and its folder with media
_WANDB_MEDIA = "media"


class MediaRequest(Request, frozen=True):
    """A request for the media in the latest run of each of these tasks."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.names) > MAX_TASKS:
            raise InvalidInput(
                f"The media of at most {MAX_TASKS} tasks can be listed at once, not of {len(self.names)}.",
                field="names",
            )


@dataclass(frozen=True)
class _Item:
    """A medium of a run. `key` is its label, or the path that the label is made from. The other attributes
    are those of `Media` in `openapi.yaml`.
    """

    task: str
    run: int
    kind: str
    key: Label | str
    path: str
    source: str | None
    offset: int | None
    size: int
    modified_at: float | None


def media(workspace: WorkspaceFolder, wanted: MediaRequest) -> dict[str, Any]:
    """Return the `Media` of some tasks. Tasks that cannot be read are left out."""
    now = time.monotonic()
    lister = _Lister(workspace, now + _LIST_SECONDS)
    found: list[_RunMedia] = []
    for name in wanted.names:
        try:
            found.append(lister.run_media(name))
        except (PyrunsError, OSError):
            continue  # deleted since it was listed, damaged, or without a run
    deadline = time.monotonic() + _READ_SECONDS
    most = _share([len(one.events) for one in found], MAX_FILES)
    for one in found:
        one.add_event_images(most, deadline)
    most = _share([len(one.items) for one in found], MAX_ITEMS)
    return {
        "items": _labelled([item for one in found for item in one.items[:most]]),
        "cut": any(one.is_cut or len(one.items) > most for one in found),
        "pending": any(one.is_pending for one in found),
    }


def _share(counts: list[int], total: int) -> int:
    """Return how many each run may have at most, so that all together have at most `total`."""
    for number, size in enumerate(sorted(counts)):
        share = total // (len(counts) - number)
        if size > share:
            return share
        total -= size
    return max(counts, default=0)


def _labelled(items: list[_Item]) -> list[dict[str, Any]]:
    """Return items with their names and steps, sorted by kind, name and step.

    Further items of a run with the same name and step, such as a list of images, get a number.
    """
    labels = labels_of(item.key for item in items if isinstance(item.key, str))
    numbers: dict[object, Iterator[int]] = {}
    found = []
    for item in sorted(items, key=lambda one: (one.modified_at or 0.0, one.offset or 0)):
        label = labels[item.key] if isinstance(item.key, str) else item.key
        name = label.name or item.kind
        number = next(numbers.setdefault((item.task, item.kind, name, label.step), count(1)))
        values = {key: value for key, value in vars(item).items() if key != "key"}
        shown = name if number == 1 else f"{name} [{number}]"
        found.append({**values, "name": shown, "step": label.step})
    return sorted(
        found, key=lambda one: (KINDS.index(one["kind"]), natural_key(one["name"]), one["step"] or 0)
    )


class _RunMedia:
    """The media of one run: first those that are files, then the images in its event files."""

    def __init__(self, task: str, run: int) -> None:
        self.items: list[_Item] = []
        self.events: list[tuple[Path, str, str | None]] = []  # event files
        self.is_cut = self.is_pending = False
        self._task, self._run = task, run

    def add_file(self, path: str, status: os.stat_result, key: str, source: str | None = None) -> bool:
        """Add a file if it is a medium; return False if the run has too many."""
        kind = kind_of(path)
        if kind is not None:
            size, modified_at = status.st_size, status.st_mtime
            self._add(_Item(self._task, self._run, kind, key, path, source, None, size, modified_at))
        return not self.is_cut

    def add_event_file(self, real: Path, path: str, source: str | None = None) -> None:
        """Add a file for `add_event_images`. `real` is its path without links."""
        self.events.append((real, path, source))

    def add_event_images(self, most: int, deadline: float) -> None:
        """Add the images of the first `most` event files, as far as these can be read until `deadline`
        (monotonic).
        """
        self.is_cut = self.is_cut or len(self.events) > most
        for real, path, source in self.events[:most]:
            try:
                images, is_complete = event_images(real, deadline)
            except OSError:
                continue
            self.is_pending = self.is_pending or not is_complete
            for image in images:
                label = Label(image.tag, image.step)
                place = (path, source, image.offset, image.size)
                self._add(_Item(self._task, self._run, IMAGE, label, *place, None))

    def _add(self, item: _Item) -> None:
        if len(self.items) >= MAX_ITEMS_OF_RUN:
            self.is_cut = True
        else:
            self.items.append(item)


class _Lister:
    """Lists the media of runs until `deadline` (monotonic)."""

    def __init__(self, workspace: WorkspaceFolder, deadline: float) -> None:
        self._workspace = workspace
        self._deadline = deadline

    def run_media(self, name: str) -> _RunMedia:
        """Return the media of the latest run of a task, without the images in event files.

        Raises:
            NotFound: if there is no such task, or it has not run.
        """
        paths, info, run = find_run(self._workspace, name, None)
        found = _RunMedia(name, run.index)
        folder = check_inside(paths.artifact_dir(run.index), paths.folder)
        for path, status in self._files(folder, found):
            if tensorboard.recognizes(path):
                found.add_event_file(Path(os.path.realpath(folder / path)), path)
            elif not found.add_file(path, status, path):
                break
        for source, file in _sources(self._workspace, paths, info, run):
            if tensorboard.recognizes(source):
                found.add_event_file(file, "", source)
                continue
            below = file.parent / _WANDB_FILES / _WANDB_MEDIA
            if os.path.realpath(below) != str(below):
                continue  # a link, which could lead to the files of another run
            for path, status in self._files(below, found):
                inner = f"{_WANDB_MEDIA}/{path}"
                if not found.add_file(inner, status, f"{_WANDB_FILES}/{inner}", source):
                    break
        return found

    def _files(self, folder: Path, found: _RunMedia) -> Iterator[tuple[str, os.stat_result]]:
        for number, file in enumerate(islice(files_below(folder), _MAX_FILES + 1)):
            if number == _MAX_FILES or time.monotonic() > self._deadline:
                found.is_cut = True
                return
            yield file


def _sources(
    workspace: WorkspaceFolder, paths: TaskPaths, info: TaskInfo, run: Run
) -> Iterator[tuple[str, Path]]:
    """Yield the event files and W&B logs of a run outside its artifacts: the path as it is stored, and the
    path without links.

    The task file may be someone else's, so only files of the project count.
    """
    workdir, artifacts = info.get("launch_workdir"), os.path.realpath(paths.artifact_dir(run.index))
    for fact in facts_of(info, run.index):
        stored = fact.get("path")
        if not isinstance(stored, str) or "reason" not in fact or "message" in fact or "\0" in stored:
            continue
        if not tensorboard.recognizes(stored) and not wandb.recognizes(stored):
            continue
        file = Path(os.path.realpath(os.path.join(workdir if isinstance(workdir, str) else "/", stored)))
        is_of_run = not file.is_relative_to(artifacts) and file.name == os.path.basename(stored)
        if is_of_run and workspace.may_read(file):
            yield stored, file


class MediaFileRequest(RunRequest, frozen=True):
    """A request for one of the media of a run, as it is listed."""

    path: str = ""
    source: str = ""
    offset: Count | None = None


def media_file(workspace: WorkspaceFolder, wanted: MediaFileRequest) -> File:
    """Return a medium of a run as a file to download.

    Raises:
        NotFound: if the run has no such medium.
        OSError: if a file cannot be read.
    """
    task, number = wanted.task, wanted.run
    if not wanted.source and wanted.offset is None:
        return artifact_file(workspace, ArtifactRequest(task=task, run=number, path=wanted.path))
    missing = NotFound(f"Run {number} of {task!r} has no such image or file.")
    paths, info, run = find_run(workspace, task, number)
    if not wanted.source:
        folder = check_inside(paths.artifact_dir(run.index), paths.folder)
        real = Path(os.path.realpath(check_inside(folder / _plain(wanted.path, missing), folder)))
        if not tensorboard.recognizes(wanted.path):
            raise missing
        return _event_image(real, wanted.offset, missing)
    file = dict(_sources(workspace, paths, info, run)).get(wanted.source)
    if file is None:
        raise missing
    if tensorboard.recognizes(wanted.source):
        return _event_image(file, wanted.offset, missing)
    parts = _plain(wanted.path, missing).split("/")
    if parts[0] != _WANDB_MEDIA or kind_of(parts[-1]) is None:
        raise missing

    def opener() -> int:
        try:
            return open_below(file.parent, (_WANDB_FILES, *parts))
        except (Unreadable, FileNotFoundError, NotADirectoryError):
            raise missing from None

    return as_file(wanted.path, opener)


def _plain(path: str, missing: NotFound) -> str:
    """Return a relative path if it stays in its folder."""
    if any(part in ("", ".", "..") or "\0" in part for part in path.split("/")):
        raise missing
    return path


def _event_image(real: Path, offset: int | None, missing: NotFound) -> File:
    """Return an image of an event file; only bytes that are an image by their first bytes are sent."""
    try:
        images, _ = event_images(real, time.monotonic() + _FIND_SECONDS)
        image = next((one for one in images if one.offset == offset), None)
        media_type = None if image is None else _type_at(real, image)
    except OSError:
        raise missing from None
    if image is None or media_type is None:
        raise missing
    name = f"{image.tag.rpartition('/')[2] or IMAGE}_{image.step}.{media_type.partition('/')[2]}"
    return File(
        lambda: open_regular(real), name, media_type, is_inline=True, offset=image.offset, size=image.size
    )


def _type_at(real: Path, image: EventImage) -> str | None:
    descriptor = open_regular(real)
    try:
        os.lseek(descriptor, image.offset, os.SEEK_SET)
        return image_type(os.read(descriptor, MAGIC_BYTES))
    finally:
        os.close(descriptor)
