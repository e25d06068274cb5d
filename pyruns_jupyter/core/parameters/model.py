"""What is known about the parameters of a script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """Something in the source that could not be understood; `line` counts from 1."""

    message: str
    line: int


@dataclass(frozen=True)
class Parameter:
    """One parameter of a script.

    `name` is its key in a configuration (the dest of argparse, or a dotted key). `type` is int, float, str,
    bool, list, choice, path or none, as a form shows it; `item_type` is how the script converts one word:
    int, float, str, bool, path or custom. `nargs` and `action` are those of argparse. `default` is None too
    when it cannot be told.
    """

    name: str
    type: str = "str"
    default: Any = None
    flags: tuple[str, ...] = ()
    choices: tuple[Any, ...] | None = None
    help: str = ""
    group: str = ""
    required: bool = False
    positional: bool = False
    nargs: str | int | None = None
    action: str = "store"
    const: Any = None
    item_type: str = "str"
    line: int = 0

    @property
    def flag(self) -> str:
        """The first long flag, else the first flag; "" for a positional."""
        long = [flag for flag in self.flags if flag.startswith("--")]
        return (long or [*self.flags, ""])[0]


@dataclass(frozen=True)
class ScriptParameters:
    """What a script takes. `kind` is argparse, load (a YAML configuration) or none.

    `open` tells that it may take more than is listed. `config_file` is the path that it gives to `load`.
    """

    kind: str
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[Problem, ...] = ()
    open: bool = False
    config_file: str | None = None
    names: frozenset[str] = field(default=frozenset(), repr=False)
