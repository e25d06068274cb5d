"""Search logs by a process that can be killed: no expression and no log, however large, can block others."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput

MAX_PATTERN = 1000  # characters
DEFAULT_HITS, MAX_HITS = 1000, 10_000
BLOCK_SECONDS = 20.0  # that an expression may take for one block of a log
_ENDED = "The search was ended from outside."
_ROOT = Path(__file__).parents[3]  # of this package
_PROGRAM = "import sys; sys.path += sys.argv[1:]; from {} import main; main()"


@dataclass(frozen=True)
class LogSearch:
    """What to find: `pattern` is a regular expression, or with `literal` a text; `start` an offset in bytes,
    `limit` the number of hits that is enough. See `search_worker` for `first_of`; `seconds` is the time for a
    block of the log, then for all of it.
    """

    pattern: str
    ignore_case: bool = True
    literal: bool = False
    start: int = 0
    limit: int = DEFAULT_HITS
    first_of: int | None = None
    seconds: float = BLOCK_SECONDS

    @classmethod
    def read(
        cls, pattern: str | None, *, literal: bool, ignore_case: bool, start: int | None, limit: int | None
    ) -> LogSearch:
        """Return a search of a request, with defaults for what was not given.

        Raises:
            InvalidInput: when the pattern is empty or too long.
        """
        if not pattern or len(pattern) > MAX_PATTERN:
            raise InvalidInput(f"'pattern' should have from 1 to {MAX_PATTERN} characters.", field="pattern")
        return cls(pattern, ignore_case, literal, start or 0, limit or DEFAULT_HITS, seconds=BLOCK_SECONDS)


class SearchProcess:
    """A running `search_worker`; a thread waits for its answers."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            OSError: when no process can be started.
        """
        import regex  # for its folder; few processes search logs

        folders = dict.fromkeys((str(_ROOT), str(Path(regex.__file__).parents[1])))
        # Without `site` and the environment: it starts faster, and no file of the user runs in it.
        program = _PROGRAM.format(f"{__package__}.search_worker")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", program, *folders],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def request(self, log: Path, wanted: LogSearch) -> None:
        """Ask for a search."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it was killed: then it answers nothing
            self._process.stdin.write(json.dumps({"log": str(log), **asdict(wanted)}).encode() + b"\n")
            self._process.stdin.flush()

    def next_line(self) -> bytes:
        """Return the next line of its answer: a last one when it was killed.

        Raises:
            InvalidInput: when the pattern is not a regular expression.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.startswith(b'{"problem"'):
            problem = json.loads(line)["problem"]
            raise InvalidInput(f"This is not a regular expression: {problem}.", field="pattern")
        return line or json.dumps({"hits": [], "message": _ENDED, "done": True}).encode() + b"\n"

    def kill(self) -> None:
        """End it now, whatever it does; a thread that waits for it gets the last line."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """End it and wait for that."""
        self.kill()
        with contextlib.suppress(OSError), self._process:
            pass


def start_search(log: Path, wanted: LogSearch) -> SearchProcess:
    """Start to search one log in a process of its own.

    Raises:
        OSError: when no process can be started.
    """
    process = SearchProcess()
    process.request(log, wanted)
    return process


def is_last(line: bytes) -> bool:
    """Return whether a search ends with this line, which may be too long to parse on an event loop."""
    return line.endswith(b'"done": true}\n')
