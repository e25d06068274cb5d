"""Reading and writing files so that a crash leaves either the old or the new content, never a mixture."""

from __future__ import annotations

import errno
import gc
import json
import os
import stat
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable

from .locks import FILE_MODE
from .regular_files import open_to_read, write_whole
from .temp_names import maker_suffix

MAX_JSON_BYTES = 64 * 1024 * 1024
_LARGE_BYTES = 1024 * 1024  # bytes
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_READER_SECONDS = 2.0
MANY_FILES = 16  # files; from here on one sync of the file system costs less than one fsync per file


def sync_folder(folder: Path) -> None:
    """Make names created in `folder` durable, where the system supports it."""
    if os.name != "nt":
        _sync(folder, os.O_RDONLY)


def sync_files(folder: Path, names: Sequence[str]) -> None:
    """Make files in `folder` durable; many files by one sync of their file system."""
    if len(names) >= MANY_FILES and sync_filesystem(folder):
        return
    for name in names:
        _sync(folder / name, os.O_RDWR)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_filesystem(folder: Path) -> bool:
    """Make the whole file system of a folder durable, and no other one; return whether that was possible."""
    if sys.platform != "linux":
        return False
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return bool(call(descriptor) == 0)
    finally:
        os.close(descriptor)


def write_atomic(
    path: Path, data: bytes, *, durable: bool = True, dir_fd: int | None = None, mode: int = FILE_MODE
) -> None:
    """Replace `path` by a file with `data`: readers see either the old or the new content.

    With `durable` the content and the name survive a power failure once this returns. `dir_fd` is the
    descriptor of the folder, if it may be renamed meanwhile: then only the last part of `path` counts.
    """
    name = f".{path.name}{maker_suffix()}.tmp"
    temporary, target = (path.with_name(name), path) if dir_fd is None else (name, path.name)
    descriptor = os.open(temporary, _CREATE, mode, dir_fd=dir_fd)
    try:
        _fill(descriptor, data, durable)
        _replace(temporary, target, dir_fd)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=dir_fd)
        raise
    if not durable:
        return
    if dir_fd is None:
        sync_folder(path.parent)
    else:
        os.fsync(dir_fd)


def _replace(temporary: Path | str, target: Path | str, dir_fd: int | None) -> None:
    give_up_at = time.monotonic() + _READER_SECONDS
    while True:
        try:
            os.replace(temporary, target, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            return
        except PermissionError:
            if os.name != "nt" or time.monotonic() > give_up_at:
                raise
            time.sleep(0.002)  # Windows does not replace a file while a process reads it


def write_new(path: Path | str, data: bytes, *, durable: bool = True, mode: int = FILE_MODE) -> None:
    """Create `path` with `data`.

    Raises:
        FileExistsError: if it exists already; it is not changed.
    """
    _fill(os.open(path, _CREATE, mode), data, durable)


def _fill(descriptor: int, data: bytes, durable: bool) -> None:
    """Write a new file and close it."""
    try:
        write_whole(descriptor, data)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_new(source: Path, target: Path) -> None:
    """Move a file to a free name, where it is complete from the first moment on.

    Raises:
        FileExistsError: if the name is taken; nothing is changed.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        os.rename(source, target)
    else:
        source.unlink()


def is_plain_file(path: Path) -> bool:
    """Return whether `path` is a regular file, and not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dump_json(value: object) -> bytes:
    """Return `value` as JSON in the layout of this format: indented by 2, UTF-8 not escaped.

    Lone surrogates (bytes of a file name that is not Unicode) are escaped, so the file is always UTF-8. NaN
    and the infinities are stored as text (see `json_floats`).
    """
    try:
        text = _ENCODER.encode(value)
    except ValueError:
        value = json.loads(json.dumps(value), parse_constant=str)
        text = _ENCODER.encode(value)
    # Several times as fast as `indent=2` of Python; lone surrogates are ValueErrors.
    with suppress(ImportError, ValueError):  # scripts do not need msgspec
        import msgspec

        return msgspec.json.format(text.encode("utf-8", "backslashreplace"), indent=2)
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")


def read_json(path: Path, *, most: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Return the JSON object in `path`, a file of at most `most` bytes.

    Raises:
        FileNotFoundError: if there is no such file.
        Unreadable: if it is not a JSON object, is too large or cannot be read.
    """
    try:
        data, _ = read_whole(path, most=most)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error
    return parse_json(data, path)


def read_whole(
    path: str | Path,
    shown: str | Path | None = None,
    *,
    most: int = MAX_JSON_BYTES,
    dir_fd: int | None = None,
    follow: bool = False,
) -> tuple[bytes, os.stat_result]:
    """Return the content of a file of at most `most` bytes, and its status from just before it was read.

    `shown` is its name in messages, by default `path`. Never waits for a writer (of a FIFO). A symbolic link
    is read only with `follow`: for files that the user names, or that are outside of `_pyruns_`.

    Raises:
        Unreadable: if it is a link, not a regular file, or larger.
        OSError: if it does not exist or cannot be read.
    """
    descriptor = open_to_read(path, shown, dir_fd=dir_fd, follow=follow)
    try:
        status = os.fstat(descriptor)
        size = status.st_size
        if size > most:
            raise too_large(shown or path, most)
        data = os.read(descriptor, size + 1)
        while data and len(data) != size and len(data) <= most:  # it grows, or was read in parts
            part = os.read(descriptor, 1024 * 1024)
            if not part:
                break
            data += part
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise too_large(shown or path, most)
    return data, status


def too_large(path: str | Path, most: int) -> Unreadable:
    """Return the error for a file of more than `most` bytes."""
    limit = f"{most >> 20} MiB" if most >> 20 else f"{most} bytes"
    return Unreadable(f"{path} is larger than {limit} and is not read.")


def parse_json(data: bytes, path: str | Path) -> dict[str, Any]:
    """Return the JSON object in `data`, which came from `path`.

    Raises:
        Unreadable: if `data` is not one JSON object or is larger than 64 MiB.
    """
    if len(data) > MAX_JSON_BYTES:
        raise too_large(path, MAX_JSON_BYTES)
    # The garbage collector visits all new objects again and again: most of the time that a large file takes.
    pauses = len(data) > _LARGE_BYTES and gc.isenabled()
    if pauses:
        gc.disable()
    try:
        value = _parse(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} {_json_problem(data, error)}") from error
    finally:
        if pauses:
            gc.enable()
    if not isinstance(value, dict):
        raise Unreadable(f"{path} must contain a JSON object, but contains {_JSON_WORDS[type(value)]}.")
    return value


def _parse(data: bytes) -> Any:
    with suppress(ImportError):  # the environment of a script need not have it
        import msgspec

        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            return msgspec.json.decode(data)  # more than twice as fast
    return json.loads(data)  # also knows NaN and half of a surrogate pair; its errors are the better ones


_JSON_WORDS: dict[type, str] = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def _json_problem(data: bytes, error: Exception) -> str:
    if not data.strip():
        return "is empty." if not data else "contains only white space."
    if not data.strip(b"\0"):
        return "contains only zero bytes, because the machine stopped before it was written completely."
    if isinstance(error, RecursionError):
        return "is not valid JSON because it is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return f"is not valid JSON because it is not UTF-8 text (byte {error.start})."
    if isinstance(error, json.JSONDecodeError):
        if not data.rstrip().endswith(b"}"):
            return f"is not valid JSON because it is truncated or followed by other text ({error})."
        return f"is not valid JSON: {error}."
    return "is not valid JSON because it contains a number with thousands of digits."
