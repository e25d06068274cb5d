"""The types of parameter values."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shape:
    """One type. `name` is any, none, int, float, str, bool, path, datetime, choice, list, tuple, dict, union,
    class (a class of the project, `definition`) or custom (own code of the script converts the argument).

    `items` are the types inside: of each item, of key and value, of the alternatives. `choices` are the
    values as users write them and `words` the arguments that the script expects for them. `low` and
    `high` are bounds; `open_low` and `open_high` exclude the bound itself. `fold_case`: case-insensitive
    choices. `formats` are date formats.
    """

    name: str = "any"
    items: tuple[Shape, ...] = ()
    choices: tuple[Any, ...] = ()
    words: tuple[str, ...] = ()
    optional: bool = False
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    fold_case: bool = False
    formats: tuple[str, ...] = ()
    definition: tuple[Any, ast.ClassDef] | None = field(default=None, repr=False, compare=False)

    @property
    def shown(self) -> str:
        """The type for forms."""
        if self.name in ("tuple", "list"):
            return "list"
        return self.name if self.name in ("int", "float", "bool", "path", "choice") else "str"

    @property
    def item_type(self) -> str:
        """How the script converts one argument."""
        if self.name in ("list", "tuple"):
            return self.items[0].item_type if self.items else "str"
        if self.name in ("int", "float", "str", "bool", "path"):
            return self.name
        return "str" if self.name in ("choice", "any", "none") else "custom"


ANY = Shape()
CUSTOM = Shape("custom")


def shape_of_value(value: Any) -> Shape:
    """Return the type that a default value suggests."""
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str")):
        if isinstance(value, kind):
            return Shape(name)
    if isinstance(value, (list, tuple)):
        return Shape("list", (shape_of_value(value[0]),) if value else ())
    return Shape("dict") if isinstance(value, dict) else ANY
