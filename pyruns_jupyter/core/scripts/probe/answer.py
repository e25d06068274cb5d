"""The answer of the child process, validated: it is written by the script that is asked."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.common.printable import printable_text

VERSION = 1
MAX_BYTES = 16 << 20
MAX_PARAMETERS = 20_000
_MAX_DEPTH = 12

_Name = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Flag = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"^[^\s=\x00]+$")]
_Text = Annotated[str, Meta(max_length=20_000)]
_Line = Annotated[int, Meta(ge=0, le=10_000_000)]
_Number = int | float | None


class AskedShape(Struct, frozen=True):
    """A type; see `types.Shape`."""

    name: Annotated[str, Meta(max_length=20)] = "any"
    items: tuple[AskedShape, ...] = ()
    choices: tuple[str | int | float | bool, ...] = ()
    words: tuple[_Text, ...] = ()
    optional: bool = False
    low: _Number = None
    high: _Number = None
    open_low: bool = False
    open_high: bool = False
    fold_case: bool = False
    formats: tuple[_Text, ...] = ()


class AskedParameter(Struct, frozen=True):
    """A parameter; see `model.Parameter`. `item` is its `item_type`, `shown` the text of its default."""

    name: _Name
    flags: tuple[_Flag, ...] = ()
    off_flags: tuple[_Flag, ...] = ()
    positional: bool = False
    nargs: Annotated[int, Meta(ge=-1, le=100_000)] | Annotated[str, Meta(max_length=8)] | None = None
    action: Annotated[str, Meta(max_length=20)] = "store"
    item: Annotated[str, Meta(max_length=20)] = ""
    separator: Annotated[str, Meta(max_length=1)] = ""
    spelling: tuple[tuple[str | int | float | bool | None, _Text], ...] = ()
    default: Any = None
    computed: bool = False
    suppressed: bool = False
    shown: _Text = ""
    const: Any = None
    choices: tuple[str | int | float | bool | None, ...] | None = None
    help: _Text = ""
    group: _Text = ""
    metavar: _Text = ""
    required: bool = False
    file: _Text = ""
    line: _Line = 0
    shape: AskedShape | None = None


class AskedExclusive(Struct, frozen=True):
    """Mutually exclusive parameters."""

    keys: tuple[_Name, ...]
    required: bool = False


class AskedCommand(Struct, frozen=True):
    """A parser or command with its subcommands. `choice_at` is the position of their choice among the
    parameters.
    """

    parameters: tuple[AskedParameter, ...] = ()
    help: _Text = ""
    exclusive: tuple[AskedExclusive, ...] = ()
    prefix_chars: Annotated[str, Meta(min_length=1, max_length=10)] = "-"
    fromfile_chars: Annotated[str, Meta(max_length=10)] = ""
    allow_abbrev: bool = True
    open: bool = False
    chain: bool = False
    commands: dict[_Name, AskedCommand] = {}
    aliases: dict[_Name, _Name] = {}
    choice: Annotated[str, Meta(max_length=300)] = ""
    choice_required: bool = False
    choice_help: _Text = ""
    choice_at: Annotated[int, Meta(ge=0)] = 0
    choice_line: _Line = 0
    file: _Text = ""
    line: _Line = 0


class Stop(Struct, frozen=True):
    """Why no parser was reached. `reason` is exception, exit, ended, timeout, crash or answer."""

    reason: Annotated[str, Meta(max_length=20)]
    message: _Text = ""
    line: _Line = 0
    missing: _Text = ""


class Answer(Struct, frozen=True):
    """What a script reported: the description of its parser, or why it reached none.

    Attributes:
        framework: the kind of the parser, "" when none was reached.
        library: the package and class of a parser that is derived from one of argparse.
        first: the parser that reads the command line before the one of `command`, if there are two.
        strict: whether unknown arguments are rejected.
        content: the values of a Hydra or OmegaConf configuration.
        chosen: the choice of each config group, and `groups` its options.
        checks: for each command line to check, why the parser rejects it, or None.
        files: the files of the project that were read, relative to its folder.
        stubbed: the modules that were not installed and replaced by stubs.
        written: files that the script wrote, or wanted to write.
        confined: whether the system confined writing to the scratch folder.
    """

    version: int
    python: Annotated[str, Meta(max_length=40)]
    framework: Annotated[str, Meta(max_length=40)]
    seconds: float = 0.0
    command: AskedCommand | None = None
    first: AskedCommand | None = None
    library: Annotated[str, Meta(max_length=300)] = ""
    strict: bool = True
    stop: Stop | None = None
    content: dict[str, Any] = {}
    chosen: dict[str, Any] = {}
    groups: dict[str, tuple[_Text, ...]] = {}
    checks: tuple[_Text | None, ...] = ()
    files: tuple[_Text, ...] = ()
    stubbed: tuple[_Text, ...] = ()
    written: tuple[_Text, ...] = ()
    confined: bool = False


def parse_answer(data: bytes) -> Answer:
    """Return the answer in a file of a child process.

    Raises:
        Unreadable: if it is not valid.
    """
    try:
        found = msgspec.json.decode(data, type=Answer)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(
            f"The description of the parser is not valid: {printable_text(str(error))}."
        ) from None
    commands = [one for one in (found.command, found.first) if one is not None]
    if found.version != VERSION or (bool(found.framework) != bool(commands)):
        raise Unreadable("The description of the parser is not valid: it is incomplete.")
    if sum(_count(one, 0) for one in commands) > MAX_PARAMETERS:
        raise Unreadable(
            f"The description of the parser is not valid: it has more than {MAX_PARAMETERS:,} parameters."
        )
    return found


def _count(command: AskedCommand, depth: int) -> int:
    if depth > _MAX_DEPTH:
        raise Unreadable("The description of the parser is not valid: its subcommands are nested too deeply.")
    return len(command.parameters) + sum(_count(one, depth + 1) for one in command.commands.values())


def value_of(value: Any, depth: int = 0) -> Any:
    """Return a value of the answer with the numbers that JSON lacks."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(text := value.get("$float"), str):
            return {"inf": math.inf, "-inf": -math.inf}.get(text, math.nan)
        return (
            {str(key): value_of(item, depth + 1) for key, item in value.items()} if depth < _MAX_DEPTH else {}
        )
    if isinstance(value, list):
        return [value_of(item, depth + 1) for item in value] if depth < _MAX_DEPTH else []
    return value
