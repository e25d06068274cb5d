"""The kinds of values in static evaluation, in addition to plain data."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .modules import Module

MAX_TEXT = 10_000  # characters of a string, items of a list
_MAX_ITEMS = 20_000  # items of a value, recursively
MAX_BITS = 4096  # of an integer: Python may refuse to print more digits


class UnknownError(Exception):
    """The value of an expression cannot be determined from the source."""


class Unknown:
    """An unknown value."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = Unknown()
RAISED = Unknown()  # the result of a function that raises


class PathText(str):
    """The text of a pathlib path."""


@dataclass(frozen=True)
class External:
    """An object of a package outside the project, by its dotted name; built-in ones are in `builtins`."""

    name: str

    @property
    def short(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]


class Scope:
    """Names with their values: those of a module, or of one call of a function."""

    def __init__(self, module: Module, parent: Scope | None = None) -> None:
        self.module = module
        self.parent = parent
        self.values: dict[str, Any] = {}
        self.outer: set[str] = set()  # names declared global
        self.cls: ClassRef | None = None  # whose method runs here
        self.this: Any = None


@dataclass(eq=False)
class Function:
    """A function of the project, perhaps bound to an object."""

    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope | None = None
    this: Any = None
    cls: ClassRef | None = None


@dataclass(frozen=True)
class ClassRef:
    """A class of the project."""

    module: Module
    node: ast.ClassDef

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name


@dataclass(eq=False)
class Instance:
    """An object of a class of the project (`cls` None: a mere bundle of attributes)."""

    cls: ClassRef | None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EnumMember:
    """A member of an Enum class of the project."""

    cls: ClassRef
    name: str
    value: Any = field(compare=False)


@dataclass(frozen=True)
class ModuleRef:
    """A module of the project."""

    module: Module


@dataclass(frozen=True, eq=False)
class Method:
    """A method of plain data or of a parser."""

    owner: Any
    name: str


@dataclass(frozen=True, eq=False)
class CallSite:
    """A call with the values of its arguments. `words["**"]` stands for unknown keyword arguments."""

    arguments: list[Any]
    words: dict[str, Any]
    node: ast.Call
    scope: Scope

    @property
    def values(self) -> tuple[Any, ...]:
        """All arguments."""
        return (*self.arguments, *self.words.values())


@dataclass(frozen=True, eq=False)
class Super:
    """`super()` in a method of `cls`."""

    this: Any
    cls: ClassRef


def is_plain(value: Any) -> bool:
    """Return whether a value is a scalar of Python."""
    return value is None or isinstance(value, (bool, int, float, str))


def plain(value: Any) -> Any:
    """Return a value as plain data: lists for tuples and sets, the text of a path, the value of a member.

    Raises:
        UnknownError: a part of it is not plain data, or it is too large.
    """
    weight(value)
    try:
        return _plain(value)
    except RecursionError:
        raise UnknownError("the value is too deep") from None


def _plain(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise UnknownError("the value is too long")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise UnknownError("the number is too large")
    if isinstance(value, PathText):
        return str(value)
    if is_plain(value):
        return value
    if isinstance(value, EnumMember):
        return _plain(value.value)
    if isinstance(value, (list, tuple)):
        return list(map(_plain, value))
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value), key=lambda item: (str(type(item)), str(item)))
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    raise UnknownError("not plain data")


def weight(value: Any) -> int:
    """Return the number of items in a value; shared items are counted each time.

    Raises:
        UnknownError: there are too many to compare, print or sort the value.
    """
    if not isinstance(value, (list, tuple, dict, set, frozenset, EnumMember)):
        return len(value) // 50 + 1 if isinstance(value, str) else 1
    total = 0
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        total += 1
        if isinstance(one, dict):
            waiting.extend(one.keys())
            waiting.extend(one.values())
        elif isinstance(one, (list, tuple, set, frozenset)):
            waiting.extend(one)
        elif isinstance(one, EnumMember):
            waiting.append(one.value)
        elif isinstance(one, str):
            total += len(one) // 50
        if total > _MAX_ITEMS:
            raise UnknownError("the value is too large")
    return total
