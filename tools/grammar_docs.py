"""`docs/cli.md` and `docs/magics.md`, from the parsers themselves.

Usage lines are put together here: those of argparse depend on Python's version and on the terminal.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyruns_jupyter.cli.batch_arguments import add_run_options
from pyruns_jupyter.cli.grammar import build_cell_parser, build_parser
from pyruns_jupyter.cli.parser import QUERY_HELP
from pyruns_jupyter.cli.terminal import PROGRAM
from pyruns_jupyter.cli.verbs.searching import add_search_options
from pyruns_jupyter.notebook.magics import CELL_PROGRAM, LINE_PROGRAM, VIEW_VERBS, PyrunsMagics
from tools.generated import paragraph, table

GROUPS = {
    "Projects and workspaces": ("open", "status", "config", "doctor", "metrics", "lab"),
    "Making tasks": ("sweep", "plan", "add", "exec", "optimize", "studies"),
    "Running and waiting": ("run", "stop", "wait", "queue", "pause", "resume", "requeue"),
    "Looking": ("ls", "show", "log", "export"),
    "Changing tasks": ("mv", "cp", "pin", "note", "tag", "env", "move"),
    "Trash and archives": ("rm", "trash", "restore", "purge", "archive", "import"),
}
MORE = {
    "sweep": "[What a value may stand for](sweeps.md).",
    "optimize": "[What is searched, and how](optimize.md).",
    "queue": "[The queue](queue.md).",
    "ls": "[All about searches](query.md).",
    "doctor": "[When something is wrong](queue.md#when-something-is-wrong).",
    "config": "[All settings](settings.md#of-a-project).",
    "task": "[A cell as a task](notebook.md#a-cell-as-a-task).",
}

_QUOTED = re.compile(r"(?<!\w)'([^']+)'(?!\w)")
_WORDS = re.compile(r"(?<![\w`-])(--[a-z][\w=-]*|\{[^{}\s]*\})(?![^`]*`(?:[^`]*`[^`]*`)*[^`]*$)")


@dataclass
class Section:
    """A page with verbs, and what several of them share, which stands there once.

    `shared` are option strings and where they are described; `told` are the texts below a verb's options that
    stand somewhere already, and where.
    """

    program: str
    shared: Mapping[tuple[str, ...], str]
    told: dict[str, str] = field(default_factory=dict)

    def verb(self, name: str, parser: argparse.ArgumentParser, aliases: Iterable[str] = ()) -> Iterator[str]:
        """Yield the lines about one verb."""
        yield f"### `{name}`\n"
        yield f"{_sentence(str(parser.description))}\n"
        if aliases := sorted(aliases):
            yield f"Also called {' and '.join(f'`{alias}`' for alias in aliases)}.\n"
        if more := MORE.get(name):
            yield f"{more}\n"
        yield f"```text\n{_usage(f'{self.program} {name}', parser)}\n```\n"
        own = [one for one in _actions(parser) if tuple(one.option_strings) not in self.shared]
        yield from _options(own)
        for group in parser._mutually_exclusive_groups:
            words = [f"`{one.option_strings[-1]}`" for one in group._group_actions]
            yield f"Only one of {', '.join(words)}.\n"
        places = {
            where: None for one in _actions(parser) if (where := self.shared.get(tuple(one.option_strings)))
        }
        if places:
            *others, last = places
            yield f"Also {', '.join(others)} and {last}.\n" if others else f"Also {last}.\n"
        if parser.epilog:
            yield from self._epilog(name, parser.epilog)

    def _epilog(self, name: str, text: str) -> Iterator[str]:
        if text in self.told:
            yield f"It searches as {self.told[text]} does.\n"
        else:
            yield f"```text\n{text.strip()}\n```\n"
            self.told[text] = f"[`{name}`](#{name})"


def cli_page() -> Iterator[str]:
    """Yield the lines of `docs/cli.md`."""
    verbs = _verbs(build_parser(PROGRAM))
    grouped = [name for names in GROUPS.values() for name in names]
    if sorted(grouped) != sorted(verbs):
        wrong = ", ".join(sorted(set(grouped) ^ set(verbs)))
        raise SystemExit(f"GROUPS in tools/grammar_docs.py and the verbs of {PROGRAM} differ in: {wrong}")
    yield "# Command line\n"
    yield "Made from the program's own grammar by `make generate`.\n"
    yield f"```text\n{PROGRAM} VERB [OPTION ...] [WORD ...]\n```\n"
    yield paragraph(
        f"`{PROGRAM} --help` lists the verbs, `{PROGRAM} VERB --help` explains one. The same verbs are "
        "[magics](magics.md) in a notebook."
    )
    yield paragraph(
        "A command is about the current workspace: the one that `open` chose, else the only one of the "
        "project."
    )
    for title, names in GROUPS.items():
        links = ", ".join(f"[{name}](#{name})" for name in names)
        yield f"- {title}: {links}"
    yield "\n## Exit codes\n"
    yield from table(
        ("code", "when"),
        (
            ("0", "done"),
            (
                "1",
                "something could not be done, a task that was waited for failed, or `doctor` found an error",
            ),
            ("2", "the words of the command do not fit its grammar"),
            ("130", "interrupted (Ctrl+C); what was queued goes on"),
        ),
    )
    yield "Results go to standard output, messages to standard error.\n"
    yield "## Common options\n"
    yield from _options(_common(build_parser(PROGRAM)))
    yield "### Options of a queueing\n"
    yield "How tasks run: [the queue](queue.md) and [Slurm](slurm.md) tell more.\n"
    queueing = argparse.ArgumentParser(add_help=False)
    add_run_options(queueing)
    yield from _options(_actions(queueing))
    section = Section(PROGRAM, _shared("", searching=False))
    for title, names in GROUPS.items():
        yield f"## {title}\n"
        for name in names:
            yield from section.verb(name, *verbs[name])


def magics_page() -> Iterator[str]:
    """Yield the lines of `docs/magics.md`."""
    verbs = _verbs(build_parser(LINE_PROGRAM, views=True))
    terminal = _verbs(build_parser(PROGRAM))
    views = [name for name in verbs if name not in terminal]
    if sorted(views) != sorted(VIEW_VERBS):
        raise SystemExit(f"What {LINE_PROGRAM} has besides the verbs of {PROGRAM} are not its VIEW_VERBS")
    yield "# Magics\n"
    yield "Made from their own grammar by `make generate`. [In a notebook](notebook.md) shows them at work.\n"
    yield "```text\n%load_ext pyruns_jupyter\n```\n"
    text = inspect.cleandoc(str(PyrunsMagics.pyruns.__doc__)).split("\n", 1)[1].strip("\n")
    yield f"```text\n{inspect.cleandoc(text)}\n```\n"
    yield "Tab completes verbs, options, names of tasks and what can be searched for.\n"
    yield f"## `{LINE_PROGRAM}`\n"
    yield (
        "Every verb of the [command line](cli.md) does the same here, with the same options.\n"
        "What differs:\n\n"
        "- The current workspace belongs to the kernel.\n"
        "- `{variable}` and `$variable` are filled in as in other magics, but not in a name (`-n`), whose\n"
        "  braces are those of a name pattern.\n"
        "- `sweep`, `plan`, `optimize` and `add` cannot read `-`: the cell magics take their place.\n"
        '- A search keeps its quotes: `%pyruns ls log:"out of memory"`.\n'
        "- These verbs show a live view in the cell. Without a verb it is the dashboard.\n"
    )
    section = Section(LINE_PROGRAM, _shared("cli.md", searching=False), {QUERY_HELP: "[`ls`](cli.md#ls)"})
    for name in views:
        yield from section.verb(name, *verbs[name])
    yield f"## `{CELL_PROGRAM}`\n"
    yield "The rest of the cell is the file. The first line says what becomes of it.\n"
    section = Section(CELL_PROGRAM, _shared("cli.md", searching=True))
    for name, (parser, aliases) in _verbs(build_cell_parser(CELL_PROGRAM)).items():
        yield from section.verb(name, parser, aliases)


def _verbs(parser: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, list[str]]]:
    """Return the parser of each verb, and its other names."""
    [verbs] = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    found: dict[str, tuple[argparse.ArgumentParser, list[str]]] = {}
    names = {id(made): name for name, made in reversed(verbs.choices.items())}
    for name, made in verbs.choices.items():
        if names[id(made)] == name:
            found[name] = made, []
        else:
            found[names[id(made)]][1].append(name)
    return found


def _common(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the options that most verbs have, as `ls` has them."""
    return [one for one in _actions(_verbs(parser)["ls"][0]) if one.dest in ("workspace", "json")]


def _shared(page: str, *, searching: bool) -> dict[tuple[str, ...], str]:
    """Return the option strings that are described once, and the words for where; `page` holds the place."""
    found = {
        tuple(one.option_strings): f"`{one.option_strings[-1]}`" for one in _common(build_parser(PROGRAM))
    }
    queueing = argparse.ArgumentParser(add_help=False)
    add_run_options(queueing)
    search = argparse.ArgumentParser(add_help=False)
    add_search_options(search)
    for one in _actions(queueing):
        found[tuple(one.option_strings)] = f"the [options of a queueing]({page}#options-of-a-queueing)"
    if searching:
        for one in _actions(search):
            key = tuple(one.option_strings)
            if key not in found and "--name" not in key:
                found[key] = f"the [options of a search]({page}#optimize)"
    return found


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [one for one in parser._actions if not isinstance(one, argparse._HelpAction)]


def _usage(program: str, parser: argparse.ArgumentParser) -> str:
    needed = [f"{one.option_strings[-1]} {_value(one)}" for one in _actions(parser) if _is_needed(one)]
    optional = any(one.option_strings and not one.required for one in _actions(parser))
    words = [_positional(one) for one in _actions(parser) if not one.option_strings]
    return " ".join([program, *needed, *(["[OPTION ...]"] if optional else []), *words])


def _is_needed(action: argparse.Action) -> bool:
    return bool(action.option_strings) and action.required


def _positional(action: argparse.Action) -> str:
    value = _value(action)
    match action.nargs:
        case argparse.OPTIONAL:
            return f"[{value}]"
        case argparse.ZERO_OR_MORE:
            return f"[{value} ...]"
        case argparse.ONE_OR_MORE:
            return f"{value} [{value} ...]"
        case argparse.REMAINDER:
            return f"{value} ..."
        case _:
            return value


def _value(action: argparse.Action) -> str:
    """Return what stands for the value of an argument; empty for a switch."""
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, str):
        return action.metavar
    return action.dest.upper() if action.choices is None else "|".join(map(str, action.choices))


def _options(actions: Sequence[argparse.Action]) -> Iterator[str]:
    words = [one for one in actions if not one.option_strings]
    options = [one for one in actions if one.option_strings]
    yield from table(("argument", "what"), ((f"`{_value(one)}`", _what(one)) for one in words))
    yield from table(("option", "what"), ((_flags(one), _what(one)) for one in options))


def _flags(action: argparse.Action) -> str:
    value = _value(action)
    return ", ".join(f"`{flag} {value}`" if value else f"`{flag}`" for flag in action.option_strings)


def _what(action: argparse.Action) -> str:
    assert action.help, f"{action.dest} has no help"
    text = _coded(action.help % {**vars(action), "prog": ""})
    if " " in (kind := getattr(action.type, "__name__", "")):  # types of ours are called in words
        text += f"; a {kind}"
    if action.default not in (None, False, "", []) and "default" not in str(action.help):
        text += f" (default: `{action.default}`)"
    if _is_needed(action):
        text += "; needed"
    return text


def _coded(text: str) -> str:
    """Return a help text as Markdown: what is between quotes, options and `{fields}` are code."""
    return _WORDS.sub(r"`\1`", _QUOTED.sub(r"`\1`", text))


def _sentence(text: str) -> str:
    text = _coded(text)
    return text if text.endswith(".") else f"{text}."
