"""`docs/cli.md`, `docs/cli/GROUP.md` and `docs/magics.md`, from the parsers: all commands and their options.

`cli_pages` and `magics_page` return their lines for `tools.reference_docs`.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyruns_jupyter.cli.cell_grammar import build_cell_parser
from pyruns_jupyter.cli.grammar import GROUPS, VIEWS, build_parser
from pyruns_jupyter.cli.parser import ALIASES, QUERY_HELP, Parser
from pyruns_jupyter.cli.terminal import PROGRAM
from pyruns_jupyter.notebook.magics import CELL_PROGRAM, LINE_PROGRAM, PyrunsMagics
from tools.generated import paragraph, table

# Where more is said about a command, with the folder of the page in place of `{}`.
MORE = {
    "sweep": "See [Sweep syntax]({}sweeps.md) for the values of a parameter.",
    "exec": "The task is created in the shell workspace of the current folder. `-w NAME` selects the shell "
    "workspace of the project of NAME.",
    "optimize": "See [Hyperparameter optimization]({}optimize.md).",
    "queue": "See [Queue]({}queue.md).",
    "ls": "See [Queries]({}query.md).",
    "doctor": "See [Diagnosis]({}queue.md#diagnosis).",
    "mcp": "See [AI agents]({}howto/agents.md).",
    "config": "See [all settings]({}settings.md#project).",
    "task": "See [A cell as a task]({}notebook.md#a-cell-as-a-task).",
}
# The titles of the pages of `docs/cli`.
TITLES = {
    "Create": "Commands that create tasks",
    "Run": "Commands that run and stop tasks",
    "Inspect": "Commands that show tasks and results",
    "Organize": "Commands that organize tasks",
    "Maintain": "Commands that maintain a project",
    "Agents": "Commands for AI agents",
}
# Groups of options that are described once, in `docs/cli.md`.
RUN_OPTIONS = ("run options", "advanced run options", "Slurm options")

_QUOTED = re.compile(r"(?<!\w)'([^']+)'(?!\w)")
_WORDS = re.compile(r"(?<![\w`-])(--[a-z][\w=-]*|\{[^{}\s]*\})(?![^`]*`(?:[^`]*`[^`]*`)*[^`]*$)")


@dataclass
class Section:
    """A page with commands.

    Attributes:
        query: a link to the description of the query syntax; empty until this page describes it.
        docs: the folder `docs`, relative to this page.
        heading: the marks of a heading of a command.
        described: commands of the command line; their options are not repeated.
    """

    query: str = ""
    docs: str = ""
    heading: str = "###"
    described: Mapping[str, Parser] = field(default_factory=dict)

    def command(self, name: str, parser: Parser) -> Iterator[str]:
        """Yield the lines about one command."""
        yield f"{self.heading} `{name}`\n"
        yield f"{_coded(str(parser.description))}.\n"
        if aliases := _aliases(name):
            yield f"{'Alias' if len(aliases) == 1 else 'Aliases'}: {', '.join(aliases)}.\n"
        if more := MORE.get(name):
            yield f"{more.format(self.docs)}\n"
        yield f"```text\n{_usage(parser)}\n```\n"
        yield from _arguments(one for one in _actions(parser) if not one.option_strings)
        options = [*self._options(parser)]
        other = self.described.get(name)
        if other is not None and options == [*self._options(other)]:
            page = next(_page(title) for title, names in GROUPS.items() if name in names)
            yield f"The options are those of [`{name}`]({self.docs}{page}#{name}) of the command line.\n"
        else:
            yield from options
        if parser.epilog == QUERY_HELP and self.query:
            yield f"For the query syntax, see {self.query}.\n"
        elif parser.epilog:
            yield f"```text\n{parser.epilog.strip()}\n```\n"
            self.query = f"[`{name}`](#{name})"
        if parser.examples:
            yield "\n".join(["```text", *parser.examples, "```\n"])

    def _options(self, parser: Parser) -> Iterator[str]:
        """Yield the lines about the options of one command."""
        common, has_run_options = [], False
        for group in parser._action_groups:
            actions = [one for one in _actions(group) if one.option_strings]
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
            common.append(f"the [run options]({self.docs}cli.md#run-options)")
        if common:
            yield f"Also accepts {_enumeration(common)}.\n"


def cli_pages() -> dict[str, Iterator[str]]:
    """Return the lines of `docs/cli.md` and of the pages of its groups, by their path in `docs`."""
    commands = build_parser(PROGRAM).commands
    pages = {_page(title): _group_page(title, names, commands) for title, names in GROUPS.items()}
    return {"cli.md": _overview(commands), **pages}


def _page(title: str) -> str:
    return f"cli/{title.lower()}.md"


def _overview(commands: Mapping[str, Parser]) -> Iterator[str]:
    yield "# Command line\n"
    yield paragraph(
        f"The program `{PROGRAM}` creates, runs and inspects tasks in a terminal. The same commands are "
        "available as [magics](magics.md) in a notebook."
    )
    yield f"```text\n{PROGRAM} COMMAND [OPTION ...] [ARGUMENT ...]\n```\n"
    yield paragraph(
        f"`{PROGRAM} --help` lists the commands. `{PROGRAM} COMMAND --help` shows the options of a command "
        "and examples."
    )
    yield paragraph(
        "A command uses the current workspace, which you select with `open`. If none is selected and the "
        "project has only one workspace, it uses that workspace."
    )
    yield "## Commands\n"
    for title, names in GROUPS.items():
        yield f"### {title}\n"
        yield from table(
            ("command", "description"),
            (
                # The anchor is the one that earlier versions of this page had for the command.
                (
                    f'<a id="{name}"></a>[`{name}`]({_page(title)}#{name})',
                    _coded(str(commands[name].description)),
                )
                for name in names
            ),
        )
    yield "## Common options\n"
    yield "Most commands accept these options:\n"
    groups = {str(group.title): group for group in commands["run"]._action_groups}
    yield from _arguments(groups["common options"]._group_actions)
    yield "## Run options\n"
    pages = "[Queue](queue.md), [Slurm](slurm.md) and [Dask](dask.md)"
    yield f"Commands that run tasks accept these options. See {pages}.\n"
    for title in RUN_OPTIONS:
        yield from _arguments(groups[title]._group_actions, title.removesuffix("s"))
    yield "## Output and exit codes\n"
    yield "Results are printed to standard output, and messages to standard error.\n"
    yield from table(
        ("exit code", "meaning"),
        (
            ("0", "success"),
            ("1", "the command was refused, a task that it waited for failed, or `doctor` found an error"),
            ("2", "usage error: unknown command, option or value"),
            ("130", "interrupted (Ctrl+C); queued and running tasks are not affected"),
        ),
    )
    yield "## Aliases\n"
    yield paragraph(
        "Commands and options have these alternative names. Deprecated names print a notice to standard "
        "error, and a later version will remove them."
    )
    rows = (
        (f"`{alias}`", f"`{name}`", "deprecated" if old else "supported")
        for alias, (name, old) in ALIASES.items()
    )
    yield from table(("alias", "current name", "status"), rows)
    yield "```{toctree}\n:hidden:\n"
    yield from (_page(title).removesuffix(".md") for title in GROUPS)
    yield "```"


def _group_page(title: str, names: Iterable[str], commands: Mapping[str, Parser]) -> Iterator[str]:
    yield f"# {TITLES[title]}\n"
    yield paragraph(
        "[Command line](../cli.md) describes the common options, the run options and the exit codes."
    )
    section = Section(
        "" if "ls" in names else f"[`ls`]({_page('Inspect').rpartition('/')[2]}#ls)", "../", "##"
    )
    for name in names:
        yield from section.command(name, commands[name])


def magics_page() -> Iterator[str]:
    """Yield the lines of `docs/magics.md`."""
    commands = build_parser(LINE_PROGRAM, views=True).commands
    yield "# Magics\n"
    yield "This page describes the magics of Pyruns. See [Notebooks](notebook.md) for examples.\n"
    yield "Load the extension once per kernel:\n"
    yield "```text\n%load_ext pyruns_jupyter\n```\n"
    text = inspect.cleandoc(str(PyrunsMagics.pyruns.__doc__)).split("\n", 1)[1].strip("\n")
    yield "Then use these magics:\n"
    yield f"```text\n{inspect.cleandoc(text)}\n```\n"
    yield "Tab completes commands, options, task names and queries.\n"
    yield f"## `{LINE_PROGRAM}`\n"
    yield (
        "All commands of the [command line](cli.md) are available with the same options, except for these "
        "differences:\n\n"
        "- The current workspace belongs to the kernel.\n"
        "- `{variable}` and `$variable` are replaced by the value of the variable, as in other magics.\n"
        "  They are not replaced in a name (`-n`), where braces are part of a name pattern.\n"
        "- `sweep`, `plan` and `optimize` cannot read standard input (`-`). Use the cell magics instead.\n"
        '- Quotes in a query are kept: `%pyruns ls log:"out of memory"`.\n'
        "- `mcp` is not available. Start it in a terminal.\n"
        "- The following commands show a live view in the cell. `%pyruns` without a command is `dashboard`.\n"
    )
    query = f"[`ls`]({_page('Inspect')}#ls)"
    yield from _views({name: commands[name] for name in VIEWS})
    yield f"For the query syntax, see {query}.\n"
    yield f"## `{CELL_PROGRAM}`\n"
    yield "The first line of the cell is the command. The other lines are the content of its file.\n"
    section = Section(query, described=build_parser(PROGRAM).commands)
    for name, parser in build_cell_parser(CELL_PROGRAM).commands.items():
        yield from section.command(name, parser)


def _views(parsers: Mapping[str, Parser]) -> Iterator[str]:
    """Yield tables of the commands that show views and of their arguments, most of which they share."""
    rows = []
    for name, parser in parsers.items():
        alias = f"; alias: {', '.join(aliases)}" if (aliases := _aliases(name)) else ""
        rows.append((f"`{_usage(parser)}`", _coded(str(parser.description)) + alias))
    yield from table(("command", "description"), rows)
    users: dict[tuple[str, str], list[str]] = {}
    for name, parser in parsers.items():
        for action in _actions(parser):
            label = _flags(action) or f"`{_value(action)}`"
            users.setdefault((label, _what(action)), []).append(f"`{name}`")
    yield from table(
        ("argument or option", "commands", "description"),
        (
            (label, "all" if len(names) == len(parsers) else _enumeration(names), what)
            for (label, what), names in users.items()
        ),
    )
    examples = [example for parser in parsers.values() for example in parser.examples]
    yield "\n".join(["```text", *examples, "```\n"])


def _aliases(name: str) -> list[str]:
    """Return the other names of a command."""
    return [f"`{alias}`" for alias, (target, _) in ALIASES.items() if target == name]


def _usage(parser: Parser) -> str:
    return parser.format_usage().removeprefix("usage: ").strip()


def _actions(container: argparse._ActionsContainer) -> list[argparse.Action]:
    """Return the arguments and options of a parser or of a group, without `--help`."""
    actions = getattr(container, "_group_actions", container._actions)
    return [one for one in actions if not isinstance(one, argparse._HelpAction)]


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


def _enumeration(items: Sequence[str]) -> str:
    """Return items as a part of a sentence: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


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
