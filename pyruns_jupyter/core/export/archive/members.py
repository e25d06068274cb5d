"""What an archive may hold, judged before anything is written: names, kinds and sizes."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput

FORMAT, VERSION = "pyruns_jupyter archive", 1
INDEX = "archive.json"
DEFAULT = "config_default.yaml"
CODE, TASKS, SNAPSHOTS = "code", "tasks", "snapshots"
MAX_MEMBERS = 1_000_000
MAX_INDEX = 16 * 1024 * 1024  # bytes
_MAX_DEPTH = 100
# Deflate gives at most 1 : 1032; what says it is much more than that is made to fill disks.
_MAX_RATIO, _FREE_BYTES = 1100, 1024**2
# What reading a damaged member raises; the last three for methods and flags that this Python does not know.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_SPARE = 64 * 1024**2  # bytes that stay free on the disk


def check_members(archive: zipfile.ZipFile, size: int, target: Path) -> list[zipfile.ZipInfo]:
    """Return the files in an archive of `size` bytes, all of which may be written somewhere below `target`.

    Raises:
        InvalidInput: when one has a name that leads elsewhere, is no plain file, comes twice, cannot be a
            part of an archive, or when they are together larger than an archive of its size can be, or than
            there is room on the disk.
    """
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise _wrong(f"it holds {len(members)} files, more than {MAX_MEMBERS}")
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
            raise _wrong(f"{member.filename!r} is in it twice")
        files[parts] = member
        total += member.file_size
    for parts in files:
        if parts in folders:
            raise _wrong(f"{'/'.join(parts)!r} is a file and a folder in it")
    if total > size * _MAX_RATIO + _FREE_BYTES:
        raise _wrong(f"its {size} bytes cannot hold the {total} bytes that it says are in it")
    free = shutil.disk_usage(_existing(target)).free
    if total + _SPARE > free:
        raise InvalidInput(
            f"The archive needs {total / 2**20:.1f} MiB on the disk of {target}, where {free / 2**20:.1f} "
            f"MiB are free, and {_SPARE >> 20} MiB of them have to stay free.",
            field="archive",
        )
    return list(files.values())


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    name = member.filename
    shown = repr(name[:200])
    # `orig_filename` is what stands in the file; the other one is cut at a NUL, and has its slashes turned.
    if member.orig_filename != name or "\\" in name or any(ord(one) < 32 or ord(one) == 127 for one in name):
        raise _wrong(f"the name {shown} in it holds characters that names cannot have")
    parts = tuple(name.rstrip("/").split("/"))
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts) or ":" in parts[0]:
        raise _wrong(f"the name {shown} in it leads out of the folder it is unpacked in")
    try:
        longest = max(len(part.encode()) for part in parts)
    except UnicodeEncodeError:
        raise _wrong(f"the name {shown} in it is not valid Unicode") from None
    if longest > 255 or len(parts) > _MAX_DEPTH:
        raise _wrong(f"the name {shown} in it is too long")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if member.is_dir() else stat.S_IFREG):
        raise _wrong(f"{shown} in it is a link or a device")
    if member.flag_bits & 0x1:
        raise _wrong(f"{shown} in it is encrypted")
    if parts[0] in (INDEX, DEFAULT):
        if len(parts) > 1 or member.is_dir():
            raise _wrong(f"{shown} in it should be a file")
    elif parts[0] not in (CODE, TASKS, SNAPSHOTS):
        raise _wrong(f"{shown} is no part of an archive of tasks")
    return parts


def extract(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], folder: Path) -> None:
    """Write members below `folder`, which is new and ours; no more bytes of each than it was said to have.

    Raises:
        InvalidInput: when one is damaged.
        OSError: when it cannot be written.
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
                        raise _wrong(f"{member.filename!r} in it has another size than it says")
            except _DAMAGED as error:
                raise _wrong(f"{member.filename!r} in it is damaged ({error})") from error


def _existing(path: Path) -> Path:
    while not path.exists() and path.parent != path:
        path = path.parent
    return path


def _wrong(why: str) -> InvalidInput:
    return InvalidInput(f"This is no archive of tasks that can be opened: {why}.", field="archive")
