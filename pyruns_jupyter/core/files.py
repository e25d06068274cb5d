"""Reading and writing files so that a crash leaves the old content or the new one, never a mixture."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import Unreadable
from .filelock import FILE_MODE

MAX_JSON_BYTES = 64 * 1024 * 1024


def sync_folder(folder: Path) -> None:
    """Make names created in `folder` durable, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, *, durable: bool = True, dir_fd: int | None = None) -> None:
    """Replace `path` by a file with `data` (mode 0600): readers see the old content or the new one.

    With `durable` the content and the name survive a power failure once this returns. `dir_fd` is the
    descriptor of the folder, when that may be renamed meanwhile: then only the last part of `path` counts.
    """
    name = f".{path.name}.{secrets.token_hex(8)}.tmp"
    temporary, target = (path.with_name(name), path) if dir_fd is None else (name, path.name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, FILE_MODE, dir_fd=dir_fd)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
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


def write_new(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Create `path` with `data` (mode 0600).

    Raises:
        FileExistsError: when it is there already; it is left as it is.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        if durable:
            os.fsync(stream.fileno())


def dump_json(value: object) -> bytes:
    """Return `value` as the JSON text this format uses: indented by 2, UTF-8 not escaped."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`.

    Raises:
        FileNotFoundError: when there is no such file.
        Unreadable: when it is not a JSON object, too large, or may not be read.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_JSON_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error
    return parse_json(data, path)


def parse_json(data: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON object in `data`, which came from `path`.

    Raises:
        Unreadable: when `data` is not one JSON object or larger than 64 MiB.
    """
    if len(data) > MAX_JSON_BYTES:
        raise Unreadable(f"{path} is larger than {MAX_JSON_BYTES >> 20} MiB and is not read.")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Unreadable(f"{path} should hold a JSON object, but holds {type(value).__name__}.")
    return value
