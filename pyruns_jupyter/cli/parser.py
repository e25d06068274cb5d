"""The parser of both front ends, and what the verbs need to declare their words."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from pyruns_jupyter.core.common.errors import PyrunsError

from .context import Context

Verb = Callable[[Context, argparse.Namespace], int]
# Adds a verb: its name, what it does, the function that does it and returns the exit code, and options
# (`grammar.build_parser`); returns its parser.
AddVerb = Callable[..., argparse.ArgumentParser]

QUERY_HELP = """\
the search (put it between single quotes, so that the shell leaves it alone):
  word "exact words"     in name, swept values, notes, tags; all of them, in any order
  /regex/                a regular expression
  -x   a OR b   (...)    not x; one of them; parentheses
  lr<0.01  acc>=0.9      swept values, figures, any key of the configuration; also != and =
  lr:1e-4..1e-2  lr:..1  a range
  opt:adam,sgd           one of them
  run_*_7  opt:ad*       a * stands for anything
  status:failed,running  also is:active, is:pinned, is:damaged, kind:shell
  started<2h  started>2d less, more than that ago; also started>2026-11-01, finished:today
  duration>10m  runs>1   also exit_code, progress
  has:acc  no:acc        with and without such a value
  name: note: tag: gpu: study: run: message: log:"out of memory"
                         a word, "exact words" or a /regex/ in one place
"""


# `run --config FILE` is how another program does it.
_OF_A_FILE = (
    " Use 'sweep FILE --run' to create and run the tasks of a configuration, 'plan FILE' to see them."
)


class UsageError(PyrunsError):
    """The words of a command do not fit its grammar."""

    code = "usage"


class HelpShown(Exception):
    """Help was asked for and written; there is nothing to run."""


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process: a notebook's kernel must survive a typing error."""

    def error(self, message: str) -> NoReturn:
        hint = _OF_A_FILE if message.startswith("unrecognized arguments: --config") else ""
        raise UsageError(f"{message[0].upper()}{message[1:]}.{hint}\n{self.format_usage().strip()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown

    def _flags(self) -> dict[str, argparse.Action]:
        return {flag: action for action in self._actions for flag in action.option_strings}

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]  # argparse has overloads
        """Read words; where a search is expected, `-term` is a part of it and no option."""
        if args is not None and self.get_default("takes_query"):
            args = _query_last(args, {flag: action.nargs != 0 for flag, action in self._flags().items()})
        return super().parse_known_args(args, namespace)


def explain_query(parser: argparse.ArgumentParser) -> None:
    """Let the words behind the options be a query, and explain it below the help of a verb."""
    parser.set_defaults(takes_query=True)
    parser.epilog = QUERY_HELP
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def keys(text: str) -> list[str]:
    """Return the words between commas."""
    return [key.strip() for key in text.split(",") if key.strip()]


def _query_last(words: Sequence[str], flags: Mapping[str, bool]) -> list[str]:
    """Return words with the options first and the search behind `--`.

    `flags` are the options there are, and whether a value follows each of them.
    """
    options: list[str] = []
    query: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            query += left
            break
        if word in flags:
            valued = flags[word] and bool(left)
            if not valued:
                options.append(word)
            elif word.startswith("--"):
                options.append(f"{word}={left.pop(0)}")
            else:
                options += [word, left.pop(0)]
        elif word.startswith("--"):
            options.append(word)
        else:
            query.append(word)
    return [*options, "--", *query] if query else options


def positive(text: str) -> int:
    """Return a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def whole(text: str) -> int:
    """Return a whole number."""
    return int(text)


positive.__name__ = "whole number from 1"  # what argparse calls them in its messages
whole.__name__ = "whole number"
