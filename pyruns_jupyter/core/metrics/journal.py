"""The journal of a living run: points and records, one JSON object a line, appended by any number of
processes.

`{"t": epoch seconds, "track": {key: value}}` is a point of curves, `{"t": ..., "record": {key: value}}` sets
final figures; `"r"` is the rank of the process that wrote the line, where the launcher of several processes
told it. NaN and the infinities are written as the tokens NaN, Infinity and -Infinity. `aggregate` reads it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.regular_files import open_regular, open_regular_to_append

TAIL_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024 * 1024  # what a call of `track` or `record` may take
TRACK, RECORD = "track", "record"
# How launchers tell each of several processes which it is: torchrun, Open MPI, MPICH and Intel MPI, Slurm.
_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_START = b'{"t":'
_TRIES = 8  # lines looked for behind a torn one

_MAX_NAMES = 10_000
_names: dict[str, str] = {}

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=True).encode


def encode(kind: str, values: dict[str, Any], epoch: float, rank: int | None = None) -> bytes:
    """Return one line of the journal; `kind` is `track` or `record`.

    Raises:
        TypeError: when a value is not JSON data.
        ValueError: when a value contains itself, or the line would be longer than 1 MiB.
    """
    return _line(_head(rank), kind, values, epoch)


def _head(rank: int | None) -> str:
    return '{"t":%.3f,"%s":' if rank is None else f'{{"t":%.3f,"r":{rank},"%s":'


def _line(head: str, kind: str, values: dict[str, Any], epoch: float) -> bytes:
    parts = []
    for key, value in values.items():
        # Finite numbers are what a point is made of nearly always; the encoder takes twice as long for them.
        if type(value) is int or (type(value) is float and value - value == 0.0):
            name = _names.get(key)
            parts.append(f"{name or _name(key)}{value!r}")
        else:
            body = _encode(values)
            break
    else:
        body = "{" + ",".join(parts) + "}"
    line = f"{head % (epoch, kind)}{body}}}\n".encode("ascii")
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(
            f"they take {len(line):,} bytes, at most {MAX_LINE_BYTES:,} fit; write a file into artifact_dir()"
        )
    return line


def _name(key: Any) -> str:
    """Return a key as JSON, with its colon."""
    name = _encode({key: 0})[1:-2]
    if isinstance(key, str) and len(_names) < _MAX_NAMES:
        _names[key] = name
    return name


def own_rank() -> int | None:
    """Return the rank that the launcher of this process gave it; None when it did not."""
    for name in _RANKS:
        text = os.environ.get(name, "")
        if text.isdecimal() and len(text) < 10:
            return int(text)
    return None


class Appender:
    """An open journal. Each line is one write at the end of the file, so that several processes never mix
    lines, and a line that was written survives the death of its process.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`, creating it.

        Raises:
            OSError: when that is not possible.
        """
        self._descriptor = open_regular_to_append(path)
        status = os.fstat(self._descriptor)
        self._file = (status.st_dev, status.st_ino)
        size = status.st_size
        # A line that a dying process tore must not spoil ours.
        self._torn = bool(size) and os.pread(self._descriptor, 1, size - 1) != b"\n"
        self._head = _head(own_rank())

    @property
    def usable(self) -> bool:
        """Whether the descriptor is still our file, under its name: scripts that become daemons close all of
        them, and outlive the run, whose journal goes at its end.
        """
        try:
            status = os.fstat(self._descriptor)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._file and status.st_nlink > 0

    def append(self, kind: str, values: dict[str, Any], epoch: float) -> None:
        """Append one line (see `encode`).

        Raises:
            TypeError, ValueError: when a value is not JSON data; nothing is written.
            OSError: when the disk does not take the whole line.
        """
        line = _line(self._head, kind, values, epoch)
        if self._torn:
            line = b"\n" + line
        written = os.write(self._descriptor, line)
        self._torn = 0 < written < len(line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes could be written; the disk is full")

    def close(self) -> None:
        """Close the file; the object must not be used any more."""
        os.close(self._descriptor)


def entries(data: bytes) -> list[dict[str, Any]]:
    """Return the lines of a piece of a journal, parsed; torn and foreign ones are passed over."""
    lines = [line for line in data.split(b"\n") if line[:1] == b"{"]
    try:
        together = json.loads(b"[%s]" % b",".join(lines))  # much faster than one by one
    except (ValueError, RecursionError):
        together = None
    if together is not None and len(together) == len(lines):
        found = together
    else:
        found = [entry for line in lines if (entry := _entry(line)) is not None]
    if b"\\ud" in data:
        found = _without_surrogates(found)
    return [entry for entry in found if isinstance(entry, dict)]


def _entry(line: bytes) -> Any:
    start = 0
    for _ in range(_TRIES):
        try:
            return json.loads(line[start:])
        except (ValueError, RecursionError):
            # Torn. A line of another process may have been appended to the torn one.
            start = line.find(_START, start + 1)
            if start < 0:
                return None
    return None


def _without_surrogates(value: Any) -> Any:
    """Half of a surrogate pair is no text that a file in UTF-8 can hold."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def tail_latest(path: Path) -> dict[str, Any]:
    """Return the newest value of each key, tracked or recorded, in the last 64 KiB of a journal."""
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            start = max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES)
            stream.seek(start)
            data = stream.read(TAIL_BYTES)
    except OSError:
        return {}
    if start:
        data = data[data.find(b"\n") + 1 :]
    latest: dict[str, Any] = {}
    for entry in entries(data):
        for kind in (TRACK, RECORD):
            values = entry.get(kind)
            if isinstance(values, dict):
                latest.update(values)
    return latest
