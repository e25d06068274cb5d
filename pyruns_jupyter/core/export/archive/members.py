"""Checking the content of an archive before anything is written: its index, names, kinds and sizes."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from pyruns_jupyter.core.common.errors import InvalidInput, Unreadable
from pyruns_jupyter.core.fs.atomic import parse_json
from pyruns_jupyter.core.taskfile.paths import is_task_name

VERSION = 1
INDEX = "archive.json"
DEFAULT = "config_default.yaml"
CODE, TASKS, SNAPSHOTS = "code", "tasks", "snapshots"
MAX_MEMBERS = 1_000_000
MAX_INDEX = 16 * 1024 * 1024  # bytes
_MAX_DEPTH = 100
# Deflate compresses at most 1 : 1032; an archive with a much higher ratio is made to fill disks.
_MAX_RATIO, _FREE_BYTES = 1100, 1024**2
# Raised for damaged members; the last three for methods and flags that this Python does not support.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_SPARE = 64 * 1024**2  # bytes that must stay free on the disk


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """The index of an archive; `project` is the folder of the project that it was created in."""

    format: Literal["pyruns_jupyter archive"]
    version: int
    created_at: float = 0.0  # epoch, s
    host: str = ""
    workspace: str
    kind: Literal["script", "shell"]
    script: str | None
    project: str
    tasks: tuple[str, ...]


def read_index(archive: zipfile.ZipFile) -> Index:
    """Return the index of an archive.

    Raises:
        InvalidInput: if it is missing, damaged or of a later release, or does not match the content.
    """
    try:
        member = archive.getinfo(INDEX)
        if member.file_size > MAX_INDEX:
            raise _wrong(f"{INDEX} in the archive is too large")
        value = parse_json(archive.read(member), INDEX)
        version = value.get("version")
        if type(version) is int and version > VERSION:
            raise InvalidInput(
                f"The archive has version {version}, but only versions up to {VERSION} are supported. "
                "Update pyruns_jupyter to open it.",
                field="archive",
            )
        index = msgspec.convert(value, Index)
    except (KeyError, Unreadable, msgspec.ValidationError, *_DAMAGED) as error:
        raise _wrong(f"{INDEX} is missing or damaged ({error})") from None
    for name in index.tasks:
        if not is_task_name(name):
            raise _wrong(f"it contains a task with the invalid name {name!r}")
    parts = (one.filename.split("/") for one in archive.infolist())
    found = {one[1] for one in parts if one[0] == TASKS and len(one) > 1 and one[1]}
    if not found or sorted(index.tasks) != sorted(found):
        raise _wrong(f"its tasks do not match {INDEX}")
    stem = index.script and index.script.removesuffix(".py")
    if stem is not None and (stem == index.script or not is_task_name(stem)):
        raise _wrong(f"the name of its script, {index.script!r}, is invalid")
    return index


def check_members(archive: zipfile.ZipFile, size: int, target: Path) -> list[zipfile.ZipInfo]:
    """Return the files in an archive of `size` bytes, all of which may be written below `target`.

    Raises:
        InvalidInput: if one has a name that leads elsewhere, is not a regular file, occurs twice or cannot be
            part of an archive; or if their total size is impossible, or too large for the disk.
    """
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise _wrong(f"it contains {len(members)} files, more than {MAX_MEMBERS}")
    files: dict[tuple[str, ...], zipfile.ZipInfo] = {}
    folders: set[tuple[str, ...]] = set()
    total = 0
    for member in members:
        parts = _parts(member)
        for depth in range(1, len(parts)):
            folders.add(parts[:depth])
        if member.is_dir():
            folders.add(parts)
            continue
        if parts in files:
            raise _wrong(f"it contains {member.filename!r} twice")
        files[parts] = member
        total += member.file_size
    for parts in files:
        if parts in folders:
            raise _wrong(f"{'/'.join(parts)!r} is both a file and a folder in the archive")
    if total > size * _MAX_RATIO + _FREE_BYTES:
        raise _wrong(f"its {size} bytes cannot contain {total} bytes of files")
    while not target.exists() and target.parent != target:
        target = target.parent
    free = shutil.disk_usage(target).free
    if total + _SPARE > free:
        raise InvalidInput(
            f"The archive needs {total / 2**20:.1f} MiB on the disk of {target}, which has only "
            f"{free / 2**20:.1f} MiB free, of which {_SPARE >> 20} MiB must stay free.",
            field="archive",
        )
    return list(files.values())


def name_problem(name: str) -> str:
    """Return why an archive cannot have a member of this name, as the end of a sentence, or ""."""
    if "\\" in name or any(ord(one) < 32 or ord(one) == 127 for one in name):
        return "contains invalid characters"
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts) or ":" in parts[0]:
        return "leads out of the target folder"
    try:
        longest = max(len(part.encode()) for part in parts)
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return "is too long" if longest > 255 or len(parts) > _MAX_DEPTH else ""


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    name = member.filename
    shown = repr(name[:200])
    # `orig_filename` is the stored name; `filename` ends before a NUL, and has backslashes replaced.
    problem = "contains invalid characters" if member.orig_filename != name else name_problem(name)
    if problem:
        raise _wrong(f"the name {shown} in the archive {problem}")
    parts = tuple(name.rstrip("/").split("/"))
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if member.is_dir() else stat.S_IFREG):
        raise _wrong(f"{shown} in the archive is not a regular file")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _wrong(f"{shown} in the archive is compressed by a method that is not supported")
    if member.flag_bits & 0x1:
        raise _wrong(f"{shown} in the archive is encrypted")
    if parts[0] in (INDEX, DEFAULT):
        if len(parts) > 1 or member.is_dir():
            raise _wrong(f"{shown} in the archive must be a file")
    elif parts[0] not in (CODE, TASKS, SNAPSHOTS):
        raise _wrong(f"{shown} in the archive is not allowed there")
    return parts


def extract(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], folder: Path) -> None:
    """Write members below `folder`, which is new and ours, with at most the declared size of each.

    Raises:
        InvalidInput: if one is damaged.
        OSError: if one cannot be written.
    """
    made: set[Path] = set()
    for member in members:
        path = folder / member.filename
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        mode = 0o700 if (member.external_attr >> 16) & stat.S_IXUSR else 0o600
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(descriptor, "wb") as target:
            left = member.file_size
            try:
                with archive.open(member) as source:
                    while left and (data := source.read(min(1024 * 1024, left))):
                        left -= len(data)
                        target.write(data)
                    if left or source.read(1):
                        raise _wrong(f"{member.filename!r} in the archive does not have its declared size")
            except _DAMAGED as error:
                raise _wrong(f"{member.filename!r} in it is damaged ({error})") from error


def _wrong(why: str) -> InvalidInput:
    return InvalidInput(f"The archive is not valid: {why}.", field="archive")
