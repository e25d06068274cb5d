"""The parameters of a script from the answer of its own parser, combined with those of its source."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

from msgspec.structs import asdict

from pyruns_jupyter.core.scripts.argparse_scripts.assembly import (
    SWITCHES,
    is_list,
    parser_of,
    shown_type,
    subcommands_of,
    together,
)
from pyruns_jupyter.core.scripts.bind_values import same
from pyruns_jupyter.core.scripts.commandtree import ScriptCommand, flattened, is_open
from pyruns_jupyter.core.scripts.hydra_scripts.files import File
from pyruns_jupyter.core.scripts.hydra_scripts.reading import HydraDetails, values_of
from pyruns_jupyter.core.scripts.hydra_scripts.tree import Composed, HydraTree
from pyruns_jupyter.core.scripts.model import (
    Exclusive,
    Parameter,
    Parser,
    ScriptParameters,
    Subcommands,
)
from pyruns_jupyter.core.scripts.types import Shape, shape_of_value

from .answer import Answer, AskedCommand, AskedParameter, AskedShape, value_of

_PARSERS = ("argparse", "jsonargparse", "tyro")  # described by the parser of argparse that they build
_SWITCHES = (*SWITCHES, "custom_flag")
_SINGLE = ("any", "none", "int", "float", "str", "bool", "path", "datetime", "choice", "custom")
_SHAPES = (*_SINGLE, "list", "tuple", "dict", "union")
_UNREAD = ("command", "none")  # kinds of scripts in whose source nothing was found


def parameters_of(answer: Answer, script_name: str) -> ScriptParameters | None:
    """Return the parameters that an answer describes; None when the script reached no parser."""
    command = answer.command
    if command is None:
        return None
    here = _Here(script_name, not answer.strict)
    if answer.framework in _PARSERS:
        parser = here.parser(command, (), ())
        if answer.first is not None:
            parser = together([here.parser(answer.first, (), ()), parser], is_open=parser.open)
        everything = tuple(parser.everything())
        library = answer.library or ("" if answer.framework == "argparse" else answer.framework)
        return _script("argparse", everything, parser.open, parser=parser, library=library)
    if answer.framework in ("click", "typer", "fire"):
        tree = here.command("", command)
        return _script(answer.framework, tuple(flattened(tree)), is_open(tree), details=tree)
    if answer.framework == "absl":
        found = tuple(here.parameter(one, ()) for one in command.parameters)
        return _script("absl", found, not answer.strict)
    if answer.framework == "omegaconf":
        return _script("omegaconf", _values(answer), command.open)
    if answer.framework == "hydra":
        return _hydra(answer)
    return None


def _script(kind: str, parameters: tuple[Parameter, ...], is_open: bool, **more: Any) -> ScriptParameters:
    return ScriptParameters(kind, parameters, open=is_open, **more)


class _Here:
    """Converts descriptions. Places in the script itself have no file name."""

    def __init__(self, script_name: str, is_open: bool) -> None:
        self.script_name = script_name
        self.open = is_open

    def parser(self, command: AskedCommand, scope: tuple[str, ...], keys: tuple[str, ...]) -> Parser:
        """Return the parser of a command of argparse; `scope` holds its subcommands, `keys` their keys."""
        names = {one.name for one in command.parameters}
        choice = Parameter(
            command.choice,
            help=command.choice_help,
            group=" ".join(scope),
            required=command.choice_required,
            line=command.choice_line,
        )

        def subcommands(taken: Container[str]) -> Subcommands:
            return subcommands_of(
                choice,
                {name: one.help for name, one in command.commands.items()},
                lambda name, below: self.parser(command.commands[name], (*scope, name), below),
                command.aliases,
                taken,
                keys,
            )

        return parser_of(
            (self.parameter(one, scope) for one in command.parameters),
            tuple(
                Exclusive(tuple(dict.fromkeys(one.keys)), one.required)
                for one in command.exclusive
                if names.issuperset(one.keys)
            ),
            keys,
            subcommands if command.commands else None,
            command.choice_at,
            prefix_chars=command.prefix_chars,
            fromfile_chars=command.fromfile_chars,
            allow_abbrev=command.allow_abbrev,
            open=self.open or command.open,
        )

    def command(self, name: str, command: AskedCommand) -> ScriptCommand:
        """Return a command of click, typer or fire."""
        return ScriptCommand(
            name,
            [self.parameter(one, ()) for one in command.parameters],
            {key: self.command(key, one) for key, one in command.commands.items()},
            command.choice_required,
            command.chain,
            command.open,
            command.help,
            command.line if command.file in ("", self.script_name) else 0,
        )

    def parameter(self, one: AskedParameter, scope: tuple[str, ...]) -> Parameter:
        """Return a parameter, without the scope in its name."""
        shape = _shape(one.shape) if one.shape is not None else None
        title = " ".join(scope)
        group = f"{title}: {one.group}" if title and one.group else title or one.group
        note = f"the default is computed: {one.shown}" if one.computed and one.shown else ""
        item = one.item or (shape.item_type if shape is not None else "str")
        choices = one.choices
        if shape is not None and shape.name == "choice":
            choices = None if is_list(one.action, one.nargs, one.separator) else shape.choices
        if one.item == "literal" and shape is None:
            shape = shape_of_value(value_of(one.default))
        kind = shown_type(one.action, one.nargs, item, one.separator, choices, one.default)
        if kind == "str" and item in ("literal", "json") and shape is not None:
            kind = shape.shown
        spelling = one.spelling
        if shape is not None and shape.name == "choice" and not spelling:
            words = zip(shape.choices, shape.words, strict=True)
            # YAML would read some names as another value, such as ON, so they are written like other texts.
            spelling = tuple((value, word) for value, word in words if item != "json" or value != word)
        same_fields = asdict(one).keys() & Parameter.__dataclass_fields__.keys()
        return Parameter(
            **{name: getattr(one, name) for name in same_fields}
            | {
                "type": kind,
                "default": value_of(one.default),
                "choices": choices,
                "help": f"{one.help} ({note})" if one.help and note else one.help or note,
                "group": group,
                "const": one.action == "store_true" if one.action in _SWITCHES else value_of(one.const),
                "item_type": item,
                "spelling": spelling,
                "file": "" if one.file == self.script_name else one.file,
                "shape": _flag_shape(one, shape),
            }
        )


def _flag_shape(one: AskedParameter, shape: Shape | None) -> Shape | None:
    """Return the type of an option of click that stands for one value."""
    if one.action == "store_const" and shape is not None and one.flags:
        return Shape("choice", choices=(value_of(one.const),), words=(one.flags[0],))
    return Shape("bool") if one.action in _SWITCHES and shape is not None else shape


def _shape(asked: AskedShape) -> Shape:
    choices, words = asked.choices, asked.words
    if len(choices) != len(words):
        choices, words = (), ()
    name = asked.name if asked.name in _SHAPES and (asked.name != "choice" or choices) else "custom"
    items = tuple(map(_shape, asked.items))
    return Shape(**asdict(asked) | {"name": name, "items": items, "choices": choices, "words": words})


def _values(answer: Answer) -> tuple[Parameter, ...]:
    content = value_of(answer.content)
    return tuple(values_of(Composed(content))) if isinstance(content, dict) else ()


def _hydra(answer: Answer) -> ScriptParameters:
    content = value_of(answer.content)
    chosen = {key: value for key, value in answer.chosen.items() if isinstance(value, str)}
    store = {f"{group}/{name}": File((), {}) for group, names in answer.groups.items() for name in names}
    defaults = tuple(
        {key: value} for key, value in chosen.items() if f"{key.partition('@')[0]}/{value}" in store
    )
    # The values of the chosen configurations are in the content.
    tree = HydraTree(None, {**store, "config": File(defaults, content)}, "config")
    composed = tree.composed()
    selected = {choice.group for choice in composed.choices.values()}
    groups = [
        *(
            (choice.key, choice.value, answer.groups.get(choice.group, ()))
            for choice in composed.choices.values()
        ),
        *((group, None, names) for group, names in answer.groups.items() if group not in selected),
    ]
    parameters = tuple(
        Parameter(
            name=key,
            type="choice",
            default=value,
            choices=names or None,
            help="config group",
            action="group",
            shape=Shape("choice", choices=names, words=names, optional=True),
        )
        for key, value, names in groups
    )
    details = HydraDetails(tree, composed, False)
    # Another choice has other keys.
    listed = {one.name for one in parameters}
    values = (one for one in _values(answer) if one.name not in listed)
    return _script("hydra", (*parameters, *values), bool(groups), details=details)


def combined(read: ScriptParameters, asked: ScriptParameters) -> ScriptParameters:
    """Return the parameters of the parser, with what only the source shows: lines, help, sets of values.

    Where the source was read completely and agrees with the parser, what was read is returned: it knows
    more, such as the keys that another choice of a Hydra group has.
    """
    known = {one.name: one for one in read.parameters} if read.kind not in _UNREAD else {}
    parser, details = asked.parser, asked.details
    if parser is not None:
        parser = _known_parser(parser, known)
        parameters = tuple(parser.everything())
    elif isinstance(details, ScriptCommand):
        details = _known_tree(details, known, "")
        parameters = tuple(flattened(details))
    else:
        parameters = tuple(_known(one, known.get(one.name)) for one in asked.parameters)
    if (
        is_complete(read)
        and not read.kind == asked.kind == "argparse"
        and _agree(read.parameters, parameters)
    ):
        return read
    if isinstance(details, HydraDetails) and isinstance(read.details, HydraDetails):
        details = replace(details, places_runs=read.details.places_runs)
    return replace(
        read,
        kind=asked.kind,
        parameters=parameters,
        problems=() if read.idle is None else (read.idle,),
        open=asked.open,
        parser=parser,
        library=asked.library,
        details=details,
    )


def _agree(read: tuple[Parameter, ...], asked: tuple[Parameter, ...]) -> bool:
    """Return whether parameters have the same names, types, defaults and choices."""
    known = {one.name: one for one in read}
    return len(read) == len(asked) and all(
        one.name in known and _declares(known[one.name], one) for one in asked
    )


def _declares(read: Parameter, asked: Parameter) -> bool:
    choices = [str(one) for one in read.choices or ()] == [str(one) for one in asked.choices or ()]
    default = asked.computed or (not read.computed and same(read.default, asked.default))
    return read.type == asked.type and read.required == asked.required and choices and default


def is_complete(read: ScriptParameters) -> bool:
    """Return whether everything that the script accepts was found in its source."""
    problems = [one for one in read.problems if one is not read.idle]
    return read.kind not in _UNREAD and not read.open and not problems


def _known_parser(parser: Parser, known: Mapping[str, Parameter]) -> Parser:
    subcommands = parser.subcommands
    if subcommands is not None:
        made = {id(one): _known_parser(one, known) for one in subcommands.parsers.values()}
        parsers = {name: made[id(one)] for name, one in subcommands.parsers.items()}
        subcommands = replace(subcommands, parsers=parsers)
    parameters = tuple(
        one if one.action == "subcommand" else _known(one, known.get(one.name)) for one in parser.parameters
    )
    return replace(parser, parameters=parameters, subcommands=subcommands)


def _known_tree(command: ScriptCommand, known: Mapping[str, Parameter], prefix: str) -> ScriptCommand:
    return replace(
        command,
        parameters=[_known(one, known.get(prefix + one.name)) for one in command.parameters],
        commands={
            name: _known_tree(one, known, f"{prefix}{command.key_of(name)}.")
            for name, one in command.commands.items()
        },
    )


def _known(asked: Parameter, read: Parameter | None) -> Parameter:
    """Return a parameter with what its source shows in addition."""
    if read is None:
        return asked
    found = replace(
        asked,
        line=read.line or asked.line,
        file=read.file if read.line else asked.file,
        help=asked.help or read.help,
    )
    if asked.item_type == "custom" and not asked.spelling and read.item_type != "custom":
        found = replace(found, item_type=read.item_type, type=read.type, spelling=read.spelling)
        found = replace(found, separator=read.separator, choices=asked.choices or read.choices)
    if asked.computed and not read.computed:
        found = replace(found, default=read.default, computed=False)
    return found
