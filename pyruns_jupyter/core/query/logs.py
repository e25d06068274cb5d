"""Searching the logs of tasks: in pieces, so much of each and so long at most."""

from __future__ import annotations

import codecs
import os
import re
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.tasks.row import TaskRow

from .ast import Regex, TextValue, Value
from .notices import QueryNotice, number_of
from .pattern import Clock, Pattern, TimeIsOver, compile_pattern

MAX_BYTES = 64 * 1024 * 1024  # of one log; of a longer one its first quarter of that, and its end
SECONDS = 8.0  # that one search may read logs
_PIECE = 1024 * 1024
_REMEMBERED = 50_000
_LINE = re.compile(r"[\r\n]+")

LogOf = Callable[[TaskRow], tuple[Path, Path]]
_Key = tuple[str, int, int, int, int]


@dataclass(frozen=True)
class Needle:
    """What is looked for: a text, or a pattern that matches within a line."""

    text: str
    pattern: Pattern | None

    @property
    def key(self) -> str:
        """What tells it from other ones."""
        return ("/" if self.pattern else '"') + self.text


def needle(value: Value) -> Needle:
    """Return what a value of `log:` looks for."""
    if isinstance(value, Regex):
        return Needle(value.pattern, compile_pattern(value.pattern))
    return Needle((value.text if isinstance(value, TextValue) else str(value)).casefold(), None)


def open_log(folder: Path, path: Path) -> int | None:
    """Open a log if it is a file inside the task's folder; nothing else is read or waited for.

    None when there is none yet.

    Raises:
        OSError: when it may not be read, or is something else.
    """
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    real = os.path.realpath(path.parent)
    if stat.S_ISREG(os.fstat(descriptor).st_mode) and real == os.path.join(
        os.path.realpath(folder), path.parent.name
    ):
        return descriptor
    os.close(descriptor)
    raise PermissionError(f"{path} is no log inside its task.")


class Search:
    """One search in logs. `notices` tells afterwards what was not read."""

    def __init__(
        self,
        log_of: LogOf | None,
        seconds: float = SECONDS,
        is_given_up: Callable[[], bool] | None = None,
    ) -> None:
        self._log_of = log_of
        self._clock = Clock(seconds, is_given_up)
        self._cut = 0
        self._unread = 0
        self._refused = 0

    def contains(self, row: TaskRow, needles: Sequence[Needle]) -> bool:
        """Tell whether the log of the latest run of a task holds one of some texts."""
        if self._log_of is None or row.run < 1:
            return False
        folder, path = self._log_of(row)
        descriptor = self._open(folder, path)
        if descriptor is None:
            return False
        try:
            found, is_cut, is_unread = False, False, False
            for wanted in needles:
                answer = self._answer(descriptor, wanted)
                if answer is None:
                    is_unread = True
                    continue
                is_cut |= answer[1]
                if answer[0]:
                    found = True
                    break
            self._unread += is_unread and not found
            self._cut += is_cut and not found
            return found
        except OSError:
            self._refused += 1
            return False
        finally:
            os.close(descriptor)

    def notices(self) -> list[QueryNotice]:
        """Return what is to be said about logs that were not read, or not as a whole."""
        said = []
        if self._unread:
            said.append(
                QueryNotice(
                    "logs_unread",
                    f"Reading logs was given up after {self._clock.seconds:g} s: "
                    f"{number_of(self._unread, 'log')} not searched. Narrow the search with other terms.",
                    is_serious=True,
                    is_partial=True,
                )
            )
        if self._cut:
            said.append(
                QueryNotice(
                    "logs_cut",
                    f"{number_of(self._cut, 'log')} not searched as a whole: of more than "
                    f"{MAX_BYTES >> 20} MiB only beginning and end are, and a very long line only for what "
                    "is short when the regular expression takes long.",
                    is_serious=True,
                    is_partial=True,
                )
            )
        if self._refused:
            said.append(
                QueryNotice(
                    "logs_unreadable",
                    f"{number_of(self._refused, 'log')} could not be read.",
                    is_serious=True,
                    is_partial=True,
                )
            )
        return said

    def _open(self, folder: Path, path: Path) -> int | None:
        try:
            return open_log(folder, path)
        except OSError:
            self._refused += 1
            return None

    def _answer(self, descriptor: int, wanted: Needle) -> tuple[bool, bool] | None:
        """Return whether a log holds a text and whether a part was left out, None when time is over."""
        status = os.fstat(descriptor)
        key = (wanted.key, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        known = _known(key)
        if known is not None:
            return known
        size = status.st_size
        is_cut = size > MAX_BYTES
        parts = [(0, size)]
        if is_cut:
            head = MAX_BYTES // 4
            parts = [(0, head), (size - (MAX_BYTES - head), size)]
        in_pieces = self._clock.pieces
        try:
            found = any(self._read(descriptor, start, end, wanted) for start, end in parts)
        except TimeIsOver:
            return None
        is_cut |= self._clock.pieces > in_pieces
        _remember(key, (found, is_cut))
        return found, is_cut

    def _read(self, descriptor: int, start: int, end: int, wanted: Needle) -> bool:
        look = _lines(wanted.pattern, self._clock) if wanted.pattern else _words(wanted.text)
        return any(map(look, self._pieces(descriptor, start, end))) or look(None)

    def _pieces(self, descriptor: int, start: int, end: int) -> Iterator[bytes]:
        os.lseek(descriptor, start, os.SEEK_SET)
        while start < end:
            self._clock.check()
            piece = os.read(descriptor, min(_PIECE, end - start))
            if not piece:
                return
            start += len(piece)
            yield piece


def _words(text: str) -> Callable[[bytes | None], bool]:
    """Return what looks for a text in pieces of a log, whatever the case of its letters."""
    if text.isascii():
        wanted = text.encode()
        rest = b""

        def look(piece: bytes | None) -> bool:
            nonlocal rest
            data = rest + (piece or b"").lower()
            rest = data[max(0, len(data) - len(wanted) + 1) :] if len(wanted) > 1 else b""
            return wanted in data

        return look
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    kept = ""

    def look_decoded(piece: bytes | None) -> bool:
        nonlocal kept
        data = kept + decode(piece or b"", piece is None).casefold()
        kept = data[max(0, len(data) - len(text)) :]
        return text in data

    return look_decoded


def _lines(pattern: Pattern, clock: Clock) -> Callable[[bytes | None], bool]:
    """Return what looks for a pattern in the lines of pieces of a log, as long as there is time."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    kept = ""

    def look(piece: bytes | None) -> bool:
        nonlocal kept
        lines = _LINE.split(kept + decode(piece or b"", piece is None))
        kept = "" if piece is None else lines.pop()[-_PIECE:]
        return any(pattern.search(line, clock) for line in lines)

    return look


_lock = threading.Lock()
_answers: OrderedDict[_Key, tuple[bool, bool]] = OrderedDict()


def _known(key: _Key) -> tuple[bool, bool] | None:
    with _lock:
        answer = _answers.get(key)
        if answer is not None:
            _answers.move_to_end(key)
        return answer


def _remember(key: _Key, answer: tuple[bool, bool]) -> None:
    with _lock:
        _answers[key] = answer
        while len(_answers) > _REMEMBERED:
            _answers.popitem(last=False)
