"""`jupyter pyruns`: the command line. Exit codes: 0, 1 (failed or refused), 2 (usage), 130 (interrupted)."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInputs, PyrunsError, os_sentence
from pyruns_jupyter.core.common.printable import printable_text

from .context import Context
from .grammar import build_parser
from .parser import HelpShown, UsageError

PROGRAM = "jupyter pyruns"
# Between two searches for garbage: more than a short command imports, which is none. To search it would take
# a fifth of its time.
_NEW_OBJECTS = 100_000


class TerminalContext(Context):
    """Text on standard output."""

    def write(self, text: str) -> None:
        """Write and flush text, so that a followed log is live in a pipe too."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def show(self, value: Any) -> None:
        """Write an object as text."""
        self.line(repr(value))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # for terminals that cannot show a name
    words = sys.argv[1:] if arguments is None else arguments
    is_process = arguments is None
    if is_process:
        gc.set_threshold(_NEW_OBJECTS)
    try:
        parser = build_parser(PROGRAM, words=words)
        args = parser.parse_args(words)
        if args.command is None:
            parser.print_help()
            return 2
        return int(args.run_command(TerminalContext(Path.cwd()), args))
    except HelpShown:
        return 0
    except UsageError as error:
        print(printable_text(error.message), file=sys.stderr)
        return 2
    except PyrunsError as error:
        print(printable_text(error_text(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (`| head`) closed the pipe: keep Python from failing when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(printable_text(os_sentence(error)), file=sys.stderr)
        return 1
    finally:
        if is_process:
            gc.freeze()  # nor does the end of the process need to search it


def error_text(error: PyrunsError) -> str:
    """Return the message of an error: one line for each wrong place in the input."""
    if isinstance(error, InvalidInputs):
        return "\n".join(_placed(one.message, one.line, one.column) for one in error.errors)
    return _placed(error.message, getattr(error, "line", None), getattr(error, "column", None))


def _placed(message: str, line: int | None, column: int | None) -> str:
    if line is None:
        return message
    return f"line {line}{f', column {column}' if column else ''}: {message}"
