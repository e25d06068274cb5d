"""Detection of the arguments that a script declares with argparse."""

from __future__ import annotations

import ast
from argparse import SUPPRESS
from collections.abc import Callable, Container, Iterable
from dataclasses import replace

from pyruns_jupyter.core.scripts.model import (
    Exclusive,
    Parameter,
    Parser,
    Problem,
    ScriptParameters,
    Subcommands,
)
from pyruns_jupyter.core.scripts.source.expressions import STEPS, OutOfSteps
from pyruns_jupyter.core.scripts.source.files import nodes_of
from pyruns_jupyter.core.scripts.source.modules import Project
from pyruns_jupyter.core.scripts.source.objects import Function, Scope
from pyruns_jupyter.core.scripts.source.tracing import Tracer

from .actions import ActionReader
from .assembly import parser_of, subcommands_of, together
from .parserobjects import (
    ADDING,
    ArgumentAction,
    ExclusiveObject,
    Finished,
    ParserMethods,
    ParserObject,
    SubparsersObject,
    text_or_empty,
)

_STEPS_EACH = 5_000  # steps for evaluating one argument
_STEPS_ALL = 200_000  # steps for all arguments
_MAX_LEVELS = 10  # of subcommands below subcommands
_MERGING = {"merge_from_list": "pairs", "from_dotlist": "dotlist", "from_cli": "dotlist"}
_WORDS = frozenset((*ADDING, "ArgumentParser", "parse_args", "parse_known_args"))


def read(project: Project) -> ScriptParameters | None:
    """Return the argparse parameters of a script, None when running it creates no parser."""
    reading = _reading(project)
    return None if reading is None else reading.result()


def read_uncalled(project: Project) -> ScriptParameters | None:
    """Return the parameters that uncalled functions declare, possibly on parsers created elsewhere."""
    reading = _reading(project)
    if reading is None:
        return None
    reading.follow_uncalled()
    return reading.result()


def problems(project: Project) -> list[Problem]:
    """Return the problems of a script without detected parameters."""
    reading = _reading(project)
    return [] if reading is None else reading.methods.problems


def _reading(project: Project) -> _Reading | None:
    """Return the result of evaluating the script; None when it does not use argparse."""
    if "argparse" not in project.notes:
        concerned = any(module.source.parses for module in project.reached())
        project.notes["argparse"] = _Reading(project) if concerned else None
    found: _Reading | None = project.notes["argparse"]
    return found


class _Reading:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.uncalled = False
        self.steps = _STEPS_ALL
        self.methods = ParserMethods()
        self.tracer = self.methods.tracer = Tracer(self.methods)
        self.actions = ActionReader(self.tracer, self.methods)
        self._follow(lambda: self.tracer.run_module(project.main))

    def _follow(self, follow: Callable[[], object]) -> None:
        try:
            follow()
        except Finished:
            pass
        except (OutOfSteps, RecursionError):
            self.methods.problems.add(self.project.main, "The script is too long to analyze completely", 1)
            self.methods.leave_open()

    def follow_uncalled(self) -> None:
        """Evaluate uncalled functions and methods that use parsers."""
        self.uncalled = True
        if not self._parsed():
            self.tracer.steps = STEPS
            self._follow(self._uncalled)

    def _uncalled(self) -> None:
        main = self.project.main
        for node in nodes_of(main.tree):
            if (
                not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                or id(node) in self.tracer.followed
            ):
                continue
            names = {
                one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "")
                for one in ast.walk(node)
            }
            if names & _WORDS:
                self.tracer.doubt = 0
                self.tracer.call_function(Function(main, node, Scope(main)), [], {})

    def _parsed(self) -> list[ParserObject]:
        return [parser for parser in self.methods.parsers if parser.parsed and not parser.implied]

    def result(self) -> ScriptParameters | None:
        """Return the parameters of the parsers."""
        chosen = self._chosen()
        if not any(one.actions or one.open for one in chosen) and self.uncalled:
            chosen = [parser for parser in self.methods.parsers if parser.implied and parser.actions]
            for one in filter(lambda parser: parser.open, chosen):
                message = "The parser is made elsewhere. It may have arguments that are not listed"
                self.methods.problems.add(one.module, message, one.line)
        if not chosen:
            return None
        parsers = [self._parser(one, (), ()) for one in chosen]
        self._check_abbreviations(parsers, chosen)
        known = any(one.known for one in chosen[-1].parsed[-1:])
        parser = parsers[0] if len(parsers) == 1 else together(parsers, is_open=parsers[-1].open or known)
        parser = self._with_extras(
            parser, parser.open or any(one.known for made in chosen for one in made.parsed)
        )
        everything = tuple(parser.everything())
        if not everything and not parser.open:
            return None
        problems = [*self.methods.problems, *self.project.problems]
        return ScriptParameters(
            "argparse",
            everything,
            tuple(sorted(problems, key=_place)),
            parser.open,
            parser=parser,
        )

    def _with_extras(self, parser: Parser, is_open: bool) -> Parser:
        """Return the parser with the way in which the script merges other keys into its configuration."""
        collectors = {one.key for one in parser.parameters if one.nargs in ("...", "*", "+")}
        if not collectors and not is_open:
            return parser
        nodes = [node for module in self.project.read_modules for node in nodes_of(module.tree)]
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                style, given = _MERGING.get(node.func.attr), node.args[0]
                if style and isinstance(given, ast.Attribute) and given.attr in collectors:
                    return replace(parser, extra_style=style, extra_key=given.attr)
                if style and isinstance(given, ast.Name) and is_open:
                    return replace(parser, extra_style=style)
        return parser

    def _chosen(self) -> list[ParserObject]:
        parsed = self._parsed()
        strict = [one for one in parsed if not one.parsed[-1].known]
        if len(strict) > 1:
            self._several(strict, "parse the command line. The first one is used")
            strict = strict[:1]
        if strict and not strict[0].parsed[-1].rest:
            return strict  # it rejects the arguments of any other parser
        if parsed:
            return [one for one in parsed if one.parsed[-1].known] + strict
        made = [one for one in self.methods.parsers if not one.used and not one.implied]
        if len(made) > 1:
            full = sorted(made, key=lambda one: -len(one.actions))
            if full[1].actions:
                self._several(made, "are built. Which one is used is unknown, so the largest one is shown")
            made = full[:1]
        return made

    def _several(self, parsers: list[ParserObject], words: str) -> None:
        places = [one.module.place(one.line) for one in parsers]
        self.methods.problems.add(
            parsers[0].module, f"Several parsers ({'; '.join(places)}) {words}", parsers[0].line
        )

    def _check_abbreviations(self, parsers: list[Parser], made: list[ParserObject]) -> None:
        """Report where a parser reads an option of a later parser as an abbreviation."""
        for number, first in enumerate(parsers):
            for later in parsers[number + 1 :] if first.allow_abbrev else ():
                for flag in sorted(later.flags - first.flags):
                    longer = [one for one in first.flags if one.startswith(flag) and flag.startswith("--")]
                    if len(longer) == 1:
                        self.methods.problems.add(
                            made[number].module,
                            f"The first parser reads {flag} as an abbreviation of {longer[0]}. "
                            "Set allow_abbrev=False",
                            made[number].line,
                        )

    def _parser(self, made: ParserObject, scope: tuple[str, ...], keys: tuple[str, ...]) -> Parser:
        found: list[Parameter] = []
        positional: dict[str, bool] = {}
        by_action: dict[int, str] = {}
        flags: set[str] = set()
        commands, choice_at = made.subparsers, 0
        # With configargparse, a file may contain required arguments.
        from_file = any(
            one.words.get(word) is True
            for one in made.actions
            for word in ("is_config_file", "is_config_file_arg")
        )
        for action in made.actions:
            if commands is not None and action is commands.action:
                choice_at = len(positional)
                continue
            parameter = self._parameter(action, made, _title(scope, action.group))
            if parameter is None:
                continue
            name, again = parameter.name, next((flag for flag in parameter.flags if flag in flags), "")
            if name in positional and (positional[name] or parameter.positional):
                again = name
            if again:
                self.methods.problems.add(
                    action.module, f"{again} is declared twice. The first declaration is used", action.line
                )
                continue
            if from_file and not parameter.positional:
                parameter = replace(parameter, required=False)
            flags.update(parameter.flags)
            by_action[id(action)] = name
            positional.setdefault(name, parameter.positional)
            found.append(parameter)
        if commands is not None and not commands.parsers:
            made.open = True
            action = commands.action
            self.methods.problems.add(
                action.module, "Subcommands are declared, but none could be read", action.line
            )
        below = commands if commands is not None and commands.parsers and len(scope) < _MAX_LEVELS else None
        return parser_of(
            found,
            tuple(one for group in made.exclusives if (one := _exclusive(group, by_action)) is not None),
            keys,
            (lambda taken: self._subcommands(below, taken, scope, keys)) if below is not None else None,
            choice_at,
            prefix_chars=made.prefix_chars,
            fromfile_chars=made.fromfile_chars,
            allow_abbrev=made.allow_abbrev,
            open=made.open,
        )

    def _parameter(self, action: ArgumentAction, made: ParserObject, group: str) -> Parameter | None:
        allowed = self.tracer.steps = min(_STEPS_EACH, self.steps)
        try:
            return self.actions.parameter(action, made, group)
        except (OutOfSteps, RecursionError):
            made.open = True
            self.methods.problems.add(
                action.module, f"The declaration of {action.flags[0]} could not be read", action.line
            )
            return None
        finally:
            self.steps -= allowed - max(self.tracer.steps, 0)

    def _subcommands(
        self, made: SubparsersObject, taken: Container[str], scope: tuple[str, ...], keys: tuple[str, ...]
    ) -> Subcommands:
        words, line, module = made.action.words, made.action.line, made.action.module
        dest, own, title = (text_or_empty(words.get(word)) for word in ("dest", "help", "title"))
        choice = Parameter(
            name="" if dest == SUPPRESS else dest,
            help=own,
            group=_title(scope, title),
            required=words.get("required") is True,
            line=line,
            file="" if module.main else module.name,
        )
        return subcommands_of(
            choice,
            {name: one.help for name, one in made.parsers.items()},
            lambda name, below: self._parser(made.parsers[name], (*scope, name), below),
            made.aliases,
            taken,
            keys,
        )


def _title(scope: Iterable[str], title: str) -> str:
    names = " ".join(scope)
    return f"{names}: {title}" if names and title else names or title


def _place(problem: Problem) -> tuple[bool, str, int]:
    return bool(problem.file), problem.file, problem.line


def _exclusive(group: ExclusiveObject, names: dict[int, str]) -> Exclusive | None:
    keys = tuple(dict.fromkeys(names[id(one)] for one in group.actions if id(one) in names))
    return Exclusive(keys, group.required) if keys else None
