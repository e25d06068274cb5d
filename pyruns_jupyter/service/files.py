"""Files that a client may read, and results that are files instead of JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import NotFound


@dataclass(frozen=True)
class File:
    """A file to download.

    Attributes:
        open: opens the file in a thread and returns its descriptor.
        name: the file name to save it under.
        media_type: its content type.
        is_inline: whether a browser may show it in a page.
        offset, size: the part of the file that is meant, in bytes; by default all of it.
    """

    open: Callable[[], int]
    name: str
    media_type: str
    is_inline: bool = False
    offset: int = 0
    size: int | None = None

    def opened(self) -> tuple[int, int]:
        """Return a descriptor at the start of the part, and the size of the part."""
        descriptor = self.open()
        try:
            size = max(0, os.fstat(descriptor).st_size - self.offset)
            os.lseek(descriptor, self.offset, os.SEEK_SET)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, size if self.size is None else min(size, self.size)


@dataclass(frozen=True)
class GeneratedFile:
    """A file that is generated while it is downloaded. Close `chunks` at the end."""

    chunks: Generator[bytes, None, None]
    name: str
    media_type: str


@dataclass(frozen=True)
class LogRange:
    """Bytes of a log, the offset of the first one, and the present size of the log."""

    data: bytes
    offset: int
    size: int


def check_inside(path: Path, folder: Path) -> Path:
    """Return `path` if it is inside `folder`, also after following symbolic links.

    Raises:
        NotFound: if a link leads out of the folder.
    """
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise NotFound(f"{path.name} of {folder.name!r} is a symbolic link to a file outside the task.")
    return path
