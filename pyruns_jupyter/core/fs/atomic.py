"""Reading and writing files so that a crash leaves the old content or the new one, never a mixture."""

from __future__ import annotations

import errno
import gc
import json
import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable

from .locks import FILE_MODE
from .regular_files import NO_FOLLOW, READ, kind_of_file
from .temp_names import maker_suffix

MAX_JSON_BYTES = 64 * 1024 * 1024
_LARGE_BYTES = 1024 * 1024  # bytes
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
MANY_FILES = 16  # files; from here on one synchronisation of the file system costs less than one a file


def sync_folder(folder: Path) -> None:
    """Make names created in `folder` durable, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(folder: Path, names: Sequence[str]) -> None:
    """Make files in `folder` durable; many of them with one synchronisation of their file system."""
    if len(names) >= MANY_FILES and sync_filesystem(folder):
        return
    for name in names:
        descriptor = os.open(folder / name, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_filesystem(folder: Path) -> bool:
    """Make all of the folder's file system durable, and no other one; return whether that was possible."""
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
    """Replace `path` by a file with `data`: readers see the old content or the new one.

    With `durable` the content and the name survive a power failure once this returns. `dir_fd` is the
    descriptor of the folder, when that may be renamed meanwhile: then only the last part of `path` counts.
    """
    name = f".{path.name}{maker_suffix()}.tmp"
    temporary, target = (path.with_name(name), path) if dir_fd is None else (name, path.name)
    descriptor = os.open(temporary, _CREATE, mode, dir_fd=dir_fd)
    try:
        _fill(descriptor, data, durable)
        os.replace(temporary, target, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
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


def write_new(path: Path | str, data: bytes, *, durable: bool = True, mode: int = FILE_MODE) -> None:
    """Create `path` with `data`.

    Raises:
        FileExistsError: when it is there already; it is left as it is.
    """
    descriptor = os.open(path, _CREATE, mode)
    _fill(descriptor, data, durable)


def _fill(descriptor: int, data: bytes, durable: bool) -> None:
    """Write a new file and close it."""
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_plain_file(path: Path) -> bool:
    """Return whether there is a regular file, not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def dump_json(value: object) -> bytes:
    """Return `value` as the JSON text this format uses: indented by 2, UTF-8 not escaped.

    What is no Unicode (bytes of a file name, kept as lone surrogates) is escaped: the file is always UTF-8.
    NaN and the infinities are texts in it (see `json_floats`).
    """
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError:
        value = json.loads(json.dumps(value), parse_constant=str)
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


def read_json(path: Path, *, most: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Return the JSON object in `path`, a file of at most `most` bytes.

    Raises:
        FileNotFoundError: when there is no such file.
        Unreadable: when it is not a JSON object, too large, or may not be read.
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

    `shown` is how messages name it, by default `path`. Nothing that waits for a writer is ever waited for,
    and a symbolic link is read only with `follow`: for files that the user names, or that lie outside of
    `_pyruns_`.

    Raises:
        Unreadable: when it is a link, not a plain file, or larger.
        OSError: when it is not there, or may not be read.
    """
    try:
        descriptor = os.open(path, READ if follow else READ | NO_FOLLOW, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise Unreadable(f"{shown or path} is a symbolic link and is not read.") from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{shown or path} is {kind_of_file(status.st_mode)}, not a file.")
        size = status.st_size
        if size > most:
            raise too_large(shown or path, most)
        data = os.read(descriptor, size + 1)
        while data and len(data) != size and len(data) <= most:  # it grows, or came in parts
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
        Unreadable: when `data` is not one JSON object or larger than 64 MiB.
    """
    if len(data) > MAX_JSON_BYTES:
        raise too_large(path, MAX_JSON_BYTES)
    try:
        with _paused_collection() if len(data) > _LARGE_BYTES else nullcontext():
            value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} {_json_problem(data, error)}") from error
    if not isinstance(value, dict):
        raise Unreadable(f"{path} should hold a JSON object, but holds {_JSON_WORDS[type(value)]}.")
    return value


@contextmanager
def _paused_collection() -> Iterator[None]:
    """Keep the garbage collector out of a `with` block: it looks at all new lists and mappings again and
    again, and most of the time to read many of them goes into that.
    """
    global _pausing, _resumes
    with _pausing_lock:
        if not _pausing:
            _resumes = gc.isenabled()
            gc.disable()
        _pausing += 1
    try:
        yield
    finally:
        with _pausing_lock:
            _pausing -= 1
            if not _pausing and _resumes:
                gc.enable()


_pausing, _resumes = (
    0,
    False,
)  # threads that are in such a block, and whether the last one switches it on again
_pausing_lock = threading.Lock()

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
        return "is empty." if not data else "holds nothing but white space."
    if not data.strip(b"\0"):
        return "holds nothing but zero bytes: it was not written to the end before the machine stopped."
    if isinstance(error, RecursionError):
        return "is not valid JSON: it is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return f"is not valid JSON: it is not UTF-8 text (byte {error.start})."
    if isinstance(error, json.JSONDecodeError):
        if not data.rstrip().endswith(b"}"):
            return f"is not valid JSON: it breaks off or ends with something else ({error})."
        return f"is not valid JSON: {error}."
    return "is not valid JSON: it holds a number with thousands of digits."
