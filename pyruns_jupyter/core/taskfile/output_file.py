"""Writing results to a path of the user: only regular files are replaced, and always as a whole.

Devices, pipes and streams that are open already (`/dev/stdout`) are written to. Of a link, the file it leads
to is replaced, and the link is kept. A file with several hard links is overwritten in place, so that it keeps
them. Folders and everything below a `_pyruns_` folder are refused.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.fs.regular_files import set_mode
from pyruns_jupyter.core.fs.temp_names import maker_suffix

from .paths import ROOT_NAME


@contextmanager
def output_file(path: Path, *, force: bool = False, replaceable: Collection[str] = ()) -> Iterator[IO[bytes]]:
    """Open `path` for writing a result, as described above.

    An existing regular file is replaced with `force`, or if its suffix is in `replaceable` (lower case, with
    the dot), like an earlier result of the same command. If the `with` block raises, it is not changed.

    Raises:
        Conflict: if the file exists and may not be replaced.
        InvalidInput: if `path` is a folder, a socket, or below `_pyruns_`.
        NotFound: if its folder does not exist.
        OSError: if the system does not allow it.
    """
    text = os.fspath(path)
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    except NotADirectoryError:
        raise NotFound(f"The folder of {text} does not exist.") from None
    if status is not None:
        stream = _already_open(status)
        if stream is not None:
            with stream:
                yield stream
            return
        if stat.S_ISDIR(status.st_mode):
            raise InvalidInput(f"{text} is a folder. Specify a file in it.", field="path")
        if stat.S_ISSOCK(status.st_mode):
            raise InvalidInput(f"{text} is a socket and cannot be written.", field="path")
        if not stat.S_ISREG(status.st_mode):
            with open(path, "wb") as opened:
                yield opened
            return
    real = Path(os.path.realpath(path))
    if ROOT_NAME in real.parts:
        raise InvalidInput(
            f"{text} is in a {ROOT_NAME} folder, which is reserved for tasks. Choose another file.",
            field="path",
        )
    if status is not None and not force and real.suffix.lower() not in replaceable:
        raise Conflict(
            f"{text} already exists. Choose another file, or overwrite it with --force (Python: force=True)."
        )
    if not real.parent.is_dir():
        raise NotFound(f"The folder {real.parent} does not exist.")
    with _replacing(real, status) as stream:
        yield stream


def _already_open(status: os.stat_result) -> IO[bytes] | None:
    """Return our own standard output or error if that is the file, whatever it is redirected to."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), status) and not stat.S_ISCHR(status.st_mode):
                for stream in (sys.stdout, sys.stderr):
                    with suppress(OSError, ValueError):
                        stream.flush()
                return os.fdopen(os.dup(descriptor), "wb")
    return None


@contextmanager
def _replacing(real: Path, status: os.stat_result | None) -> Iterator[IO[bytes]]:
    if status is not None and (status.st_nlink > 1 or not os.access(real.parent, os.W_OK)):
        with tempfile.TemporaryFile() as spool:
            yield spool
            spool.seek(0)
            with open(real, "r+b") as stream:
                shutil.copyfileobj(spool, stream, 1024 * 1024)
                stream.truncate()
        return
    temporary = real.with_name(f".{real.name[:100]}{maker_suffix()}.tmp")
    mode = 0o666 if status is None else stat.S_IMODE(status.st_mode)
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream
            stream.flush()
            if status is not None:
                set_mode(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(temporary, real)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
