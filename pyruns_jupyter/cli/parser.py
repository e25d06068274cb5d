"""The parser of both front ends, the other names of commands and options, and types of arguments."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pyruns_jupyter.core.common.errors import PyrunsError

from .context import Context

Command = Callable[[Context, argparse.Namespace], int]
# Adds a command: its name and the function that runs it and returns the exit code (see
# `grammar.build_parser`); returns its parser.
AddCommand = Callable[..., "Parser"]

QUERY_HELP = """\
query syntax (put the query in single quotes to protect it from the shell):
  word "exact words"     text in the name, swept values, notes or tags; all terms must match
  /regex/                regular expression
  -x   a OR b   (...)    exclude, either, group
  lr<0.01  acc>=0.9      compare a parameter or a metric; also > <= = !=
  min(loss)<0.2          compare an aggregate of a metric: last, best, min, max, mean(loss, 10), at(loss, 100)
  lr:1e-4..1e-2  lr:..1  range of values, including its bounds
  opt:adam,sgd           one of several values
  run_*_7  opt:ad*       * matches any text
  status:failed,running  one of several statuses; also is:active, is:pinned, is:unreadable, kind:shell
  started<2h  started>2d started less or more than this time ago; also started>2026-11-01, finished:today
  duration>10m  runs>1   compare a property of the run; also exit_code and progress
  has:acc  no:acc        has a value, has no value
  name: note: tag: gpu: study: run: message: log:"out of memory"
                         word, "exact words" or /regex/ in this field only
"""


class Alias(NamedTuple):
    """What another name of a command or option stands for; a deprecated one prints a notice."""

    name: str
    is_deprecated: bool = False


# Names of the program `pyr`, short ones, and those of earlier versions.
ALIASES = {
    "init": Alias("open"),
    "add": Alias("sweep"),
    "list": Alias("ls"),
    "mv": Alias("rename"),
    "cp": Alias("copy"),
    "rm": Alias("delete"),
    "metrics": Alias("system"),
    "manager": Alias("tasks"),
    "generator": Alias("new"),
    "monitor": Alias("logs"),
    "duplicate": Alias("copy", is_deprecated=True),
    "move": Alias("reorder", is_deprecated=True),
    "resume": Alias("unpause", is_deprecated=True),
    "--engine": Alias("--executor", is_deprecated=True),
    "--resume": Alias("--requeue", is_deprecated=True),
    "--no-resume": Alias("--no-requeue", is_deprecated=True),
    "--figures": Alias("--metrics", is_deprecated=True),
    "--older": Alias("--older-than", is_deprecated=True),
}


class UsageError(PyrunsError):
    """The arguments of a command do not fit its grammar."""

    code = "usage"


class HelpShown(Exception):
    """Help was asked for and printed; there is nothing to run."""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help whose usage line has only the arguments that have no flag or are required."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_width() - 2)  # else argparse imports shutil, which is slow

    def add_usage(self, usage: Any, actions: Iterable[argparse.Action], *more: Any) -> None:
        shown = [one for one in actions if one.required or not one.option_strings]
        self._prog += "" if usage else " [OPTION ...]"
        super().add_usage(usage, shown, (), *more[1:])


def _terminal_width() -> int:
    """Return the number of columns, as `shutil.get_terminal_size` does."""
    with suppress(ValueError, OSError):
        columns = int(os.environ.get("COLUMNS", 0))
        if columns <= 0 and sys.__stdout__ is not None:
            columns = os.get_terminal_size(sys.__stdout__.fileno()).columns
        return columns if columns > 0 else 80
    return 80


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process: a notebook's kernel must survive a typing error."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, **options)

    @property
    def examples(self) -> list[str]:
        """Command lines that show how a command is used, from `examples.txt`."""
        program, _, name = self.prog.rpartition(" ")
        name = f"%%{name}" if program.startswith("%%") else name
        lines = Path(__file__).with_name("examples.txt").read_text(encoding="utf-8").splitlines()
        return [f"{program} {line.removeprefix('%%')}" for line in lines if line.split()[0] == name]

    def format_help(self) -> str:
        """Return the help, with examples at its end."""
        lines = [f"  {line}\n" for line in self.examples]
        return super().format_help() + "".join(["\nexamples:\n", *lines] if lines else [])

    def error(self, message: str) -> NoReturn:
        """Raise a usage error."""
        raise UsageError(f"{message[0].upper()}{message[1:].rstrip('.')}.\n{self.format_usage().strip()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Leave after the help was printed."""
        raise HelpShown

    @property
    def commands(self) -> dict[str, Parser]:
        """The parsers of the commands, by name; empty for the parser of a command."""
        found = (one.choices for one in self._actions if isinstance(one, argparse._SubParsersAction))
        return dict(next(found, {}))

    def find(self, word: str) -> Parser | None:
        """Return the parser of a command by its name or an alias; None for an unknown one."""
        return self.commands.get(ALIASES[word].name if word in ALIASES else word)

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]  # argparse has overloads
        """Parse arguments with aliases replaced; where a query is expected, `-term` belongs to it."""
        words = list(sys.argv[1:] if args is None else args)
        if commands := self.commands:
            if words and not words[0].startswith("-"):
                words[0] = _command(words[0], commands, self.prog)
        else:
            flags = {flag: action for action in self._actions for flag in action.option_strings}
            end = words.index("--") if "--" in words else len(words)
            for at, word in enumerate(words[:end]):
                flag, separator, value = word.partition("=")
                words[at] = current_name(flag, flags) + separator + value
            if self.get_default("takes_query"):
                words = _query_last(words, {flag: action.nargs != 0 for flag, action in flags.items()})
        parsed, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self.error(f"Unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown


def current_name(word: str, known: Collection[str]) -> str:
    """Return the name for which `word` is an alias, and print a notice for a deprecated one.

    Anything that is itself known, or no alias of a known name, is returned as it is.
    """
    alias = ALIASES.get(word)
    if word in known or alias is None or alias.name not in known:
        return word
    if alias.is_deprecated:
        print(f"{word} is deprecated. Use {alias.name} instead.", file=sys.stderr)
    return alias.name


def _command(word: str, commands: Collection[str], program: str) -> str:
    name = current_name(word, commands)
    if name in commands:
        return name
    from difflib import get_close_matches  # most words are known

    close = get_close_matches(word, commands, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise UsageError(f"Unknown command {word!r}.{hint} Run '{program} --help' for a list of commands.")


def explain_query(parser: Parser) -> None:
    """Let the arguments after the options be a query, and explain it in the help."""
    parser.set_defaults(takes_query=True)
    parser.epilog = QUERY_HELP


def keys(text: str) -> list[str]:
    """Return the words between commas."""
    return [key.strip() for key in text.split(",") if key.strip()]


def _query_last(words: Sequence[str], flags: Mapping[str, bool]) -> list[str]:
    """Return words with the options first and the query behind `--`.

    `flags` are the options, and whether a value follows each of them.
    """
    options: list[str] = []
    query: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            query += rest
        elif flags.get(word) and (value := next(rest, None)) is not None:  # it may begin with a dash
            options.append(f"{word}={value}" if word.startswith("--") else word + value)
        elif word in flags or word.startswith("--"):
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


positive.__name__ = "positive whole number"  # what argparse calls them in its messages
whole.__name__ = "whole number"
