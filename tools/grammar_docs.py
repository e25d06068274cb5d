"""`docs/cli.md` and `docs/magics.md`, from the grammar itself: every command, option and their help.

`cli_page` and `magics_page` yield their lines for `tools.reference_docs`.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyruns_jupyter.cli.grammar import GROUPS, VIEWS, build_cell_parser, build_parser
from pyruns_jupyter.cli.parser import ALIASES, QUERY_HELP, Parser
from pyruns_jupyter.cli.terminal import PROGRAM
from pyruns_jupyter.notebook.magics import CELL_PROGRAM, LINE_PROGRAM, PyrunsMagics
from tools.generated import paragraph, table

MORE = {
    "sweep": "See [sweeps](sweeps.md) for the values of a parameter.",
    "optimize": "See [hyperparameter optimization](optimize.md).",
    "queue": "See [the queue](queue.md).",
    "ls": "See [queries](query.md).",
    "doctor": "See [the queue](queue.md#diagnosis).",
    "config": "See [all settings](settings.md#project).",
    "task": "See [a cell as a task](notebook.md#a-cell-as-a-task).",
}
# Groups of options that are described once, at the top of `docs/cli.md`.
RUN_OPTIONS = ("run options", "advanced run options", "Slurm options")

_QUOTED = re.compile(r"(?<!\w)'([^']+)'(?!\w)")
_WORDS = re.compile(r"(?<![\w`-])(--[a-z][\w=-]*|\{[^{}\s]*\})(?![^`]*`(?:[^`]*`[^`]*`)*[^`]*$)")


@dataclass
class Section:
    """A page with commands.

    Attributes:
        page: where the options of all commands are described; empty for this page.
        query: where the query syntax is described; empty until it is.
    """

    page: str
    query: str = ""

    def command(self, name: str, parser: Parser) -> Iterator[str]:
        """Yield the lines about one command."""
        yield f"### `{name}`\n"
        yield f"{_coded(str(parser.description))}.\n"
        if aliases := [f"`{alias}`" for alias, (target, _) in ALIASES.items() if target == name]:
            yield f"{'Alias' if len(aliases) == 1 else 'Aliases'}: {', '.join(aliases)}.\n"
        if more := MORE.get(name):
            yield f"{more}\n"
        yield f"```text\n{parser.format_usage().removeprefix('usage: ').strip()}\n```\n"
        common, has_run_options = [], False
        for group in parser._action_groups:
            actions = [one for one in group._group_actions if not isinstance(one, argparse._HelpAction)]
            if group.title == "common options":
                common = [f"`{one.option_strings[-1]}`" for one in actions]
            elif group.title in RUN_OPTIONS:
                has_run_options = True
            else:
                yield from _arguments(
                    actions, "advanced option" if group.title == "advanced options" else "option"
                )
        for exclusive in parser._mutually_exclusive_groups:
            words = [f"`{one.option_strings[-1]}`" for one in exclusive._group_actions]
            yield f"Use only one of {', '.join(words)}.\n"
        if has_run_options:
            common.append(f"the [run options]({self.page}#run-options)")
        if common:
            yield f"Also: {', '.join(common)}.\n"
        if parser.epilog == QUERY_HELP and self.query:
            yield f"The query syntax is that of {self.query}.\n"
        elif parser.epilog:
            yield f"```text\n{parser.epilog.strip()}\n```\n"
            self.query = f"[`{name}`](#{name})"
        if parser.examples:
            yield "\n".join(["```text", *parser.examples, "```\n"])


def cli_page() -> Iterator[str]:
    """Yield the lines of `docs/cli.md`."""
    commands = build_parser(PROGRAM).commands
    yield "# Command line\n"
    yield "Generated from the program by `make generate`.\n"
    yield f"```text\n{PROGRAM} COMMAND [OPTION ...] [ARGUMENT ...]\n```\n"
    yield paragraph(
        f"`{PROGRAM} --help` lists the commands, `{PROGRAM} COMMAND --help` shows the options of one. The "
        "same commands are [magics](magics.md) in a notebook."
    )
    yield paragraph(
        "A command uses the current workspace: the one chosen with `open`, else the only one of the project."
    )
    for title, names in GROUPS.items():
        links = ", ".join(f"[{name}](#{name})" for name in names)
        yield f"- {title}: {links}"
    yield "\n## Exit codes\n"
    yield from table(
        ("code", "meaning"),
        (
            ("0", "success"),
            ("1", "the command was refused, a task that it waited for failed, or `doctor` found an error"),
            ("2", "usage error: unknown command, option or value"),
            ("130", "interrupted (Ctrl+C); queued and running tasks are not affected"),
        ),
    )
    yield "Results are written to standard output, messages to standard error.\n"
    yield "## Common options\n"
    groups = {str(group.title): group for group in commands["run"]._action_groups}
    yield from _arguments(groups["common options"]._group_actions)
    yield "## Run options\n"
    yield "How tasks run; see [the queue](queue.md) and [Slurm](slurm.md).\n"
    for title in RUN_OPTIONS:
        yield from _arguments(groups[title]._group_actions, title.removesuffix("s"))
    section = Section("")
    for title, names in GROUPS.items():
        yield f"## {title}\n"
        for name in names:
            yield from section.command(name, commands[name])
    yield "## Aliases\n"
    yield paragraph(
        "Other names of commands and options. Deprecated ones print a notice on standard error, and will be "
        "removed in a later version."
    )
    rows = (
        (f"`{alias}`", f"`{name}`", "deprecated" if old else "") for alias, (name, old) in ALIASES.items()
    )
    yield from table(("alias", "for", ""), rows)


def magics_page() -> Iterator[str]:
    """Yield the lines of `docs/magics.md`."""
    commands = build_parser(LINE_PROGRAM, views=True).commands
    yield "# Magics\n"
    yield "Generated from the program by `make generate`. For examples see [in a notebook](notebook.md).\n"
    yield "```text\n%load_ext pyruns_jupyter\n```\n"
    text = inspect.cleandoc(str(PyrunsMagics.pyruns.__doc__)).split("\n", 1)[1].strip("\n")
    yield f"```text\n{inspect.cleandoc(text)}\n```\n"
    yield "Tab completes commands, options, task names and queries.\n"
    yield f"## `{LINE_PROGRAM}`\n"
    yield (
        "All commands of the [command line](cli.md) are available, with the same options.\n"
        "Differences:\n\n"
        "- The current workspace belongs to the kernel.\n"
        "- `{variable}` and `$variable` are replaced as in other magics, but not in a name (`-n`), where\n"
        "  braces are part of a name pattern.\n"
        "- `sweep`, `plan` and `optimize` cannot read `-`; use the cell magics instead.\n"
        '- A query keeps its quotes: `%pyruns ls log:"out of memory"`.\n'
        "- The following commands show a live view in the cell. The default is `dashboard`.\n"
    )
    section = Section("cli.md", "[`ls`](cli.md#ls)")
    for name in VIEWS:
        yield from section.command(name, commands[name])
    yield f"## `{CELL_PROGRAM}`\n"
    yield "The first line is the command; the rest of the cell is its file.\n"
    for name, parser in build_cell_parser(CELL_PROGRAM).commands.items():
        yield from Section("cli.md").command(name, parser)


def _value(action: argparse.Action) -> str:
    """Return what stands for the value of an argument; empty for a switch."""
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, str):
        return action.metavar
    return action.dest.upper() if action.choices is None else "|".join(map(str, action.choices))


def _arguments(actions: Iterable[argparse.Action], option: str = "option") -> Iterator[str]:
    """Yield tables of positional arguments and of options."""
    listed = list(actions)
    positional = ((f"`{_value(one)}`", _what(one)) for one in listed if not one.option_strings)
    yield from table(("argument", "description"), positional)
    yield from table(
        (option, "description"), ((_flags(one), _what(one)) for one in listed if one.option_strings)
    )


def _flags(action: argparse.Action) -> str:
    value = _value(action)
    return ", ".join(f"`{flag} {value}`" if value else f"`{flag}`" for flag in action.option_strings)


def _what(action: argparse.Action) -> str:
    assert action.help, f"{action.dest} has no help"
    text = _coded(action.help % {**vars(action), "prog": ""})
    if " " in (kind := getattr(action.type, "__name__", "")):  # types of ours are named in words
        text += f"; a {kind}"
    return f"{text}; required" if action.option_strings and action.required else text


def _coded(text: str) -> str:
    """Return a help text as Markdown: what is between quotes, options and `{fields}` are code."""
    return _WORDS.sub(r"`\1`", _QUOTED.sub(r"`\1`", text))
