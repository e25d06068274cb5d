"""How the `type=` of an argument converts strings, found by evaluating it with sample strings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.source.objects import (
    RAISED,
    ClassRef,
    EnumMember,
    External,
    Function,
    Method,
    Unknown,
    UnknownError,
    plain,
    weight,
)

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.tracing import Tracer

_NAMES = {
    "builtins.int": "int",
    "builtins.float": "float",
    "builtins.complex": "custom",
    "builtins.str": "str",
    "builtins.bool": "bool",
    "builtins.open": "path",
    "json.loads": "json",
    "ast.literal_eval": "literal",
    "os.path.abspath": "path",
    "os.path.expanduser": "path",
    "argparse.FileType": "path",
    "yaml.safe_load": "custom",
    "distutils.util.strtobool": "truth",
    "setuptools._distutils.util.strtobool": "truth",
}
_TRUTHS = (("True", "False"), ("true", "false"), ("yes", "no"), ("y", "n"), ("1", "0"), ("on", "off"))
_SEPARATORS = (",", " ", ";", ":", "x", "/")


@dataclass(frozen=True)
class Converter:
    """How strings become values; the fields are those of `Parameter`."""

    item_type: str = "str"
    separator: str = ""
    spelling: tuple[tuple[Any, str], ...] = ()
    members: tuple[tuple[EnumMember, str], ...] = ()  # of an Enum, with their names on the command line
    function: Any = None

    def word(self, value: Any) -> Any:
        """Return a value of the script as it is written in a configuration.

        Raises:
            UnknownError: the value is not plain data, or too large.
        """
        weight(value)
        return self._word(value)

    def _word(self, value: Any) -> Any:
        for member, word in self.members:
            if value is member or value == member:
                return word
        if isinstance(value, EnumMember):
            return value.value if isinstance(value.value, str) else value.name
        if isinstance(value, (list, tuple)):
            return [self._word(one) for one in value]
        return plain(value)


def converter(
    kind: Any, tracer: Tracer, known: dict[tuple[int, int], Converter], choices: Any = None
) -> Converter:
    """Return how the value of `type=` converts; `known` caches the functions that were evaluated."""
    if kind is None:
        return Converter()
    if isinstance(kind, External):
        if kind.name in ("distutils.util.strtobool", "setuptools._distutils.util.strtobool"):
            return Converter("truth", spelling=((True, "1"), (False, "0")), function=kind)
        if kind.short in ("Path", "PurePath", "PosixPath", "FileType"):
            return Converter("path", function=kind)
        return Converter(_NAMES.get(kind.name, "custom"), function=kind)
    if isinstance(kind, ClassRef):
        if tracer.is_enum(kind):
            members = tracer.iterated(kind) or []
            return _enum(kind, members, tracer)
        return Converter("custom", function=kind)
    if isinstance(kind, Method) and kind.name in ("lower", "upper", "strip"):
        return Converter("str")
    if isinstance(kind, Function) and kind.this is None and choices is None:
        key = (id(kind.node), id(kind.scope))
        found = known.get(key)
        if found is None:
            found = known[key] = _function(kind, tracer, choices)
        return found
    if isinstance(kind, Function):
        return _function(kind, tracer, choices)
    return Converter("custom")


def convert(kind: Any, word: str, tracer: Tracer) -> Any:
    """Return the result of `type=` for a string: UNKNOWN, or RAISED when it is rejected."""
    if kind is None:
        return word
    if isinstance(kind, External):
        plain_types = {
            "builtins.int": int,
            "builtins.float": float,
            "builtins.str": str,
            "builtins.bool": bool,
        }
        if kind.name in plain_types:
            try:
                return plain_types[kind.name](word)
            except ValueError:
                return RAISED
        return tracer.probe(kind, word)
    return tracer.probe(kind, word)


def _enum(kind: Any, members: list[Any], tracer: Tracer) -> Converter:
    spelled: list[tuple[EnumMember, str]] = []
    for member in members:
        words = (
            [member.value] if isinstance(member.value, str) else [str(plain_or(member.value)), member.name]
        )
        if not isinstance(kind, ClassRef):
            words.append(member.name)
        for word in dict.fromkeys(words):
            result = convert(kind, word, tracer)
            if isinstance(result, EnumMember) and result == member:
                spelled.append((member, word))
                break
    # A member may be written by its name or its value as well.
    ways = [
        (way, word)
        for member, word in spelled
        for way in (member.name, plain_or(member.value))
        if way != word
    ]
    taken = {word for _, word in spelled}
    spelling = tuple((way, word) for way, word in ways if not (isinstance(way, str) and way in taken))
    return Converter("custom", spelling=spelling, members=tuple(spelled), function=kind)


def plain_or(value: Any) -> Any:
    """Return a value as plain data, else a placeholder string."""
    try:
        return plain(value)
    except UnknownError:
        return "?"


def _function(kind: Any, tracer: Tracer, choices: Any) -> Converter:
    results = {word: tracer.probe(kind, word) for word in ("3", "1.5", "abc")}
    for yes, no in _TRUTHS:
        one, other = tracer.probe(kind, yes), tracer.probe(kind, no)
        if one is True and other is False:
            return Converter("truth", spelling=((True, yes), (False, no)), function=kind)
    members = [one for one in choices if isinstance(one, EnumMember)] if isinstance(choices, list) else []
    if members:
        converted = _enum(kind, members, tracer)
        if converted.members:
            return converted
    for separator in _SEPARATORS:
        result = tracer.probe(kind, f"1{separator}2")
        if isinstance(result, (list, tuple)) and len(result) == 2:
            return _split(kind, separator, result, tracer)
    if isinstance(results["3"], Unknown):
        return Converter("custom", function=kind)
    if type(results["3"]) is int and isinstance(results["1.5"], Unknown):
        return Converter("int", function=kind)
    if type(results["3"]) is float and type(results["1.5"]) is float:
        return Converter("float", function=kind)
    if all(result == word for word, result in results.items()):
        return Converter("str", function=kind)
    return Converter("custom", function=kind)


def _split(kind: Any, separator: str, result: Any, tracer: Tracer) -> Converter:
    if list(result) == ["1", "2"]:
        item = "str"
    elif list(result) == [1, 2] and type(result[0]) is int:
        item = "int"
    elif list(result) == [1.0, 2.0]:
        item = "float"
    else:
        return Converter("custom", function=kind)
    return Converter(item, separator, function=kind)
