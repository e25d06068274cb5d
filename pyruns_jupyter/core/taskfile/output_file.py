"""Writing a result where a user says: a file is replaced whole, and nothing else is ever replaced.

Devices, pipes and what is open already (`/dev/stdout`) are written into. A link is written through: the file
it leads to is replaced, the link stays. A file with several names is overwritten in place, so that they stay
names of one file. A folder, and anything below a `_pyruns_` folder, is refused.
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
from typing import BinaryIO

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.fs.temp_names import maker_suffix

from .paths import ROOT_NAME


@contextmanager
def output_file(path: Path, *, force: bool = False, replaceable: Collection[str] = ()) -> Iterator[BinaryIO]:
    """Open what `path` names for the bytes of a result, as described above.

    A regular file that is there already is replaced when `force` is given or its suffix is in `replaceable`
    (lower case, with the dot): that is what the result of the same command the day before looks like. When
    the `with` block raises, such a file is as it was.

    Raises:
        Conflict: when the file is there and may not be replaced.
        InvalidInput: when a folder, a socket, or a place below `_pyruns_` is named.
        NotFound: when there is no folder to put it in.
        OSError: when the system does not allow it.
    """
    text = os.fspath(path)
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    except NotADirectoryError:
        raise NotFound(f"There is no folder for {text}.") from None
    if status is not None:
        stream = _already_open(status)
        if stream is not None:
            with stream:
                yield stream
            return
        if stat.S_ISDIR(status.st_mode):
            raise InvalidInput(f"{text} is a folder. Name a file in it.", field="path")
        if stat.S_ISSOCK(status.st_mode):
            raise InvalidInput(f"{text} is a socket, which cannot be written to.", field="path")
        if not stat.S_ISREG(status.st_mode):
            with open(path, "wb") as opened:
                yield opened
            return
    real = Path(os.path.realpath(path))
    if ROOT_NAME in real.parts:
        raise InvalidInput(
            f"{text} lies in a {ROOT_NAME} folder, where only tasks are written. Name another file.",
            field="path",
        )
    if status is not None and not force and real.suffix.lower() not in replaceable:
        raise Conflict(f"{text} is there already. Name another file, or ask to replace it (--force).")
    if not real.parent.is_dir():
        raise NotFound(f"There is no folder {real.parent}.")
    with _replacing(real, status) as stream:
        yield stream


def _already_open(status: os.stat_result) -> BinaryIO | None:
    """Return our own standard output or error, when that is what was named, whatever it leads to."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), status) and not stat.S_ISCHR(status.st_mode):
                for stream in (sys.stdout, sys.stderr):
                    with suppress(OSError, ValueError):
                        stream.flush()
                return os.fdopen(os.dup(descriptor), "wb")
    return None


@contextmanager
def _replacing(real: Path, status: os.stat_result | None) -> Iterator[BinaryIO]:
    if status is not None and (status.st_nlink > 1 or not os.access(real.parent, os.W_OK)):
        with _spooled() as spool:
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
                os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(temporary, real)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _spooled() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as stream:
        yield stream
