"""The journal of a running task: points and records as one JSON object per line. Several processes can append
to it.

`{"t": epoch seconds, "track": {key: value}}` is a point of curves, `{"t": ..., "record": {key: value}}` sets
summary values. `"r"` is the rank of the process, if its launcher set one. NaN and the infinities are written
as NaN, Infinity and -Infinity. `aggregate` reads the journal.

`{"t": ..., "alert": {"title", "text", "level"}}` is an alert of the script.

A point with `"source": number` was not tracked by the script: the supervisor read it from a file of another
program (see `sources`). Such values of a key do not count if the script tracks the same key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from sys import getsizeof
from typing import Any, BinaryIO

from pyruns_jupyter.core.fs.regular_files import open_regular, open_regular_to_append

TAIL_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024 * 1024  # of one call of `track` or `record`
MAX_KEYS = 10_000  # of a run in memory; further ones are only kept in the journal
MAX_NEWEST_BYTES = 4 * 1024 * 1024  # of the newest values of a run in memory, with their keys
TRACK, RECORD, ALERT, SOURCE = "track", "record", "alert", "source"
# The rank that launchers give each process: torchrun, Open MPI, MPICH and Intel MPI, Slurm.
_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_START = b'{"t":'
_TRIES = 8  # to find a complete line after a torn one
_PIECE = 256 * 1024
MAX_DEPTH = 60  # of the lists and objects in a value

_MAX_NAMES = 10_000
_names: dict[str, str] = {}

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=True).encode


def encode(
    kind: str,
    values: dict[str, Any],
    epoch: float | None,
    rank: int | None = None,
    source: int | None = None,
) -> bytes:
    """Return one line of the journal; `kind` is `track`, `record` or `alert`. `epoch` is None if the time is
    not known. `source` is the number of the metric source that the values are from, None for values of the
    script.

    Raises:
        TypeError: when a value is not JSON data.
        ValueError: when a value contains itself, or the line would be longer than 1 MiB.
    """
    parts = []
    for key, value in values.items():
        # Nearly all values are finite numbers, for which this is twice as fast as the encoder.
        if type(value) is int or (type(value) is float and value - value == 0.0):
            name = _names.get(key)
            parts.append(f"{name or _name(key)}{value!r}")
        else:
            body = _encode(values)
            break
    else:
        body = "{" + ",".join(parts) + "}"
    origin = "" if rank is None else f'"r":{rank},'
    if source is not None:
        origin = f'"{SOURCE}":{source},'
    moment = "null" if epoch is None else f"{epoch:.3f}"
    line = f'{{"t":{moment},{origin}"{kind}":{body}}}\n'.encode("ascii")
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(
            f"they take {len(line):,} bytes, but at most {MAX_LINE_BYTES:,} are allowed. "
            "Write a file into artifact_dir() instead"
        )
    return line


def encode_points(points: Sequence[tuple[float, dict[str, float]]], source: int) -> Iterator[bytes]:
    """Yield the lines of points (time and values) of a metric source; see `encode`. This is faster than
    encoding one after the other.

    Raises:
        ValueError: when a line would be longer than 1 MiB; those before it were yielded.
    """
    from msgspec.json import Encoder  # a script that tracks does not need it

    lines = b""
    entries = [
        {"t": int(epoch * 1000 + 0.5) / 1000, SOURCE: source, TRACK: values} for epoch, values in points
    ]
    with suppress(ValueError, OverflowError):  # half of a surrogate pair, or an integer of more than 64 bits
        lines = Encoder().encode_lines(entries)
    if lines and len(lines) <= MAX_LINE_BYTES and b"null" not in lines:  # which may have been NaN
        yield lines
    else:
        for epoch, values in points:
            yield encode(TRACK, values, epoch, source=source)


def _name(key: Any) -> str:
    """Return a key as JSON, with its colon."""
    name = _encode({key: 0})[1:-2]
    if isinstance(key, str) and len(_names) < _MAX_NAMES:
        _names[key] = name
    return name


def own_rank() -> int | None:
    """Return the rank that the launcher gave this process, None when it gave none."""
    for name in _RANKS:
        text = os.environ.get(name, "")
        if text.isdecimal() and len(text) < 10:
            return int(text)
    return None


class Appender:
    """An open journal. Each line is appended by a single write, so that lines of several processes never mix,
    and survives the death of its process.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the journal at `path`.

        Raises:
            OSError: when it cannot be opened.
        """
        self._descriptor = open_regular_to_append(path)
        status = os.fstat(self._descriptor)
        self._file = (status.st_dev, status.st_ino)
        size = status.st_size
        # Do not append to a line that another process left incomplete when it died.
        if size:
            os.lseek(self._descriptor, size - 1, os.SEEK_SET)
        self._torn = bool(size) and os.read(self._descriptor, 1) != b"\n"
        self._rank = own_rank()

    @property
    def usable(self) -> bool:
        """Whether the descriptor still belongs to the journal. A script that becomes a daemon closes all
        descriptors, and outlives the run, at whose end the journal is deleted.
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
            OSError: when the line cannot be written completely.
        """
        line = encode(kind, values, epoch, self._rank)
        written = self.write(line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes could be written because the disk is full")

    def write(self, lines: bytes) -> int:
        """Append complete lines by a single write; return how many bytes of them were written.

        Raises:
            OSError: when nothing can be written.
        """
        data = b"\n" + lines if self._torn else lines
        written = os.write(self._descriptor, data)
        if written:
            self._torn = data[written - 1 : written] != b"\n"
        return max(0, written - (len(data) - len(lines)))

    def close(self) -> None:
        """Close the file. Do not use the object afterwards."""
        os.close(self._descriptor)


# Returns the remaining seconds of a time budget, or raises TimeoutError.
Remaining = Callable[[], float]


def complete_lines(
    stream: BinaryIO, *, to_end: bool = False, remaining: Remaining | None = None
) -> Iterator[tuple[bytes, bool]]:
    """Yield the rest of a journal in groups of complete lines, and whether these can be parsed: a line that
    is too long is yielded in parts, which cannot.

    `to_end` also yields the text after the last line break. `remaining` is called before each read.

    Raises:
        OSError: when the journal cannot be read.
        TimeoutError: from `remaining`.
    """
    rest = b""
    while True:
        if remaining is not None:
            remaining()
        data = stream.read(_PIECE)
        if not data:
            break
        cut = data.rfind(b"\n") + 1
        if cut:
            yield rest + data[:cut], True
            rest = data[cut:]
        else:
            rest += data
        if len(rest) > MAX_LINE_BYTES:
            yield rest, False
            rest = b""
    if to_end and rest:
        yield rest, True


def _parsers() -> Iterator[Callable[[bytes], Any]]:
    with suppress(ImportError):  # the environment of a script need not have it
        from msgspec.json import Decoder

        yield Decoder().decode  # faster, but refuses NaN
    yield json.loads


def entries(data: bytes) -> list[dict[str, Any]]:
    """Return the parsed lines of a part of a journal, without incomplete and invalid ones."""
    lines = [line for line in data.split(b"\n") if line[:1] == b"{"]
    found: list[Any] = []
    for parse in _parsers():
        with suppress(ValueError, RecursionError):
            found = parse(b"[%s]" % b",".join(lines))  # much faster than one by one
            break
    if len(found) != len(lines):
        found = [entry for line in lines if (entry := _entry(line)) is not None]
    if b"\\ud" in data:
        found = [_without_surrogates(entry) for entry in found]
    return [entry for entry in found if isinstance(entry, dict)]


def _entry(line: bytes) -> Any:
    start = 0
    for _ in range(_TRIES):
        try:
            return json.loads(line[start:])
        except (ValueError, RecursionError):
            # The line is incomplete. Another process may have appended its line to it.
            start = line.find(_START, start + 1)
            if start < 0:
                return None
    return None


def _without_surrogates(value: Any, depth: int = 0) -> Any:
    """Return a value without halves of surrogate pairs, which UTF-8 cannot encode, and without what is nested
    deeper than any metric: it would end the reader.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, list):
            return [_without_surrogates(item, depth + 1) for item in value]
        return {_without_surrogates(key): _without_surrogates(item, depth + 1) for key, item in value.items()}
    return value


class NewestValues:
    """The newest value of each key, as long as there is room: for `MAX_KEYS` keys, and `MAX_NEWEST_BYTES`."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._room = MAX_NEWEST_BYTES

    def add(self, values: dict[str, Any]) -> None:
        """Add newer values. If there is no room for one, its key has none."""
        for key, value in values.items():
            self._room += self._sizes.pop(key, 0)
            size = _size(key) + _size(value)
            if size <= self._room and (key in self.values or len(self.values) < MAX_KEYS):
                self.values[key], self._sizes[key] = value, size
                self._room -= size
            else:
                self.values.pop(key, None)


def _size(value: Any) -> int:
    """Return about how much memory a value takes (bytes)."""
    try:
        return getsizeof(_encode(value) if isinstance(value, dict | list) else value)
    except RecursionError:
        return MAX_NEWEST_BYTES


class JournalTail:
    """The last value of each key in a journal, tracked or recorded. Each `read` takes the new lines; of more
    than 64 KiB only the last ones. Another journal is read from its start.
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._offset = 0  # behind the last complete line
        self._latest, self._imported = NewestValues(), NewestValues()

    def read(self, path: Path | str) -> dict[str, Any]:
        """Return the values up to now. Those of the script replace those of metric sources."""
        with suppress(OSError):
            self._read(path)
        return self._imported.values | self._latest.values

    def _read(self, path: Path | str) -> None:
        descriptor = open_regular(path)
        try:
            size = os.fstat(descriptor).st_size
            if size < self._offset:  # another journal
                self._clear()
            start = max(self._offset, size - TAIL_BYTES)
            os.lseek(descriptor, start, os.SEEK_SET)
            data = os.read(descriptor, size - start)
        finally:
            os.close(descriptor)
        skipped = data.find(b"\n") + 1 if start > self._offset else 0
        self._offset = start + max(skipped, data.rfind(b"\n") + 1)
        for entry in entries(data[skipped:]):
            for kind in (TRACK, RECORD):
                values = entry.get(kind)
                if isinstance(values, dict):
                    (self._imported if SOURCE in entry else self._latest).add(values)


def tail_latest(path: Path) -> dict[str, Any]:
    """Return the last value of each key in the last 64 KiB of a journal; see `JournalTail`."""
    return JournalTail().read(path)
