"""Searching logs in a separate process that can be killed, so that no expression or log blocks others."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import asdict

from pyruns_jupyter.core.common.errors import InvalidInput

MAX_PATTERN = 1000  # characters
DEFAULT_HITS, MAX_HITS = 1000, 10_000
BLOCK_SECONDS = 20.0  # that an expression may take for one block of a log
_ENDED = "The search process was killed."
_ROOT = Path(__file__).parents[3]  # of this package
_PROGRAM = "import sys; sys.path += sys.argv[1:]; from {} import main; main()"


class LogSearch(Struct, frozen=True):
    """A search in a log: `pattern` is a regular expression, or with `literal` a plain text; `start` is an
    offset in bytes, `limit` the maximum number of hits. `seconds` limits the time for one block of the log;
    with `first_of` (see `search_worker`), for the whole log.
    """

    pattern: str
    ignore_case: bool = True
    literal: bool = False
    start: int = 0
    limit: int = DEFAULT_HITS
    first_of: int | None = None
    seconds: float = field(default_factory=lambda: BLOCK_SECONDS)

    def check(self) -> None:
        """Check the search of a user.

        Raises:
            InvalidInput: if the pattern is empty or too long.
        """
        if not 0 < len(self.pattern) <= MAX_PATTERN:
            raise InvalidInput(f"'pattern' must have 1 to {MAX_PATTERN} characters.", field="pattern")


class SearchProcess:
    """A running `search_worker`; a thread reads its results."""

    def __init__(self) -> None:
        """Start the process.

        Raises:
            OSError: if no process can be started.
        """
        import subprocess  # not at the top: few processes search logs

        import regex

        folders = dict.fromkeys((str(_ROOT), str(Path(regex.__file__).parents[1])))
        # Without `site` and the environment it starts faster and runs no file of the user.
        program = _PROGRAM.format(f"{__package__}.search_worker")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", program, *folders],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def request(self, log: Path, wanted: LogSearch) -> None:
        """Request a search."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # the process was killed
            self._process.stdin.write(json.dumps({"log": str(log), **asdict(wanted)}).encode() + b"\n")
            self._process.stdin.flush()

    def next_line(self) -> bytes:
        """Return the next line of results; a last one if the process was killed.

        Raises:
            InvalidInput: if the pattern is not a regular expression.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.startswith(b'{"problem"'):
            problem = json.loads(line)["problem"]
            raise InvalidInput(f"Invalid regular expression: {problem}.", field="pattern")
        return line or json.dumps({"hits": [], "message": _ENDED, "done": True}).encode() + b"\n"

    def kill(self) -> None:
        """Kill the process; a thread that waits for results gets the last line."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """Kill the process and wait for its end."""
        self.kill()
        with contextlib.suppress(OSError), self._process:
            pass


def is_last(line: bytes) -> bool:
    """Return whether this is the last line of a search, without parsing it: it may be long."""
    return line.endswith(b'"done": true}\n')
