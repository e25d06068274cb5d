"""Reading the stored stack dump of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.printable import printable_text
from pyruns_jupyter.core.fs.change_stamp import Signature, signature_of
from pyruns_jupyter.core.fs.regular_files import open_regular

_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class StackDump:
    """The stacks of the processes of a run.

    Attributes:
        run: the number of the run.
        taken_at: when the stacks were read (epoch seconds).
        text: what each process does, and its Python stacks; the most recent call is the first.
    """

    run: int
    taken_at: float
    text: str


def read_stacks(path: Path, run: int) -> tuple[StackDump, Signature] | None:
    """Return the stack dump in a file, and the signature of that file; None if there is none.

    Raises:
        OSError: if it is not a regular file, or cannot be read.
    """
    try:
        stream = os.fdopen(open_regular(path), "rb")
    except (FileNotFoundError, NotADirectoryError):  # the latter for a link
        return None
    with stream:
        status = os.fstat(stream.fileno())
        text = stream.read(_MAX_BYTES).decode("utf-8", "replace")
    return StackDump(run, status.st_mtime, printable_text(text)), signature_of(status)
