"""How the `type=` of an argument converts strings, found by evaluating it with sample strings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.probe.child.values import RAISED, probed
from pyruns_jupyter.core.scripts.source.objects import (
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
    "builtins.str": "str",
    "builtins.bool": "bool",
    "builtins.open": "path",
    "json.loads": "json",
    "ast.literal_eval": "literal",
    "os.path.abspath": "path",
    "os.path.expanduser": "path",
    "argparse.FileType": "path",
}


@dataclass(frozen=True)
class Converter:
    """How strings become values; the fields are those of `Parameter`."""

    item_type: str = "str"
    separator: str = ""
    spelling: tuple[tuple[Any, str], ...] = ()
    members: tuple[tuple[EnumMember, str], ...] = ()  # of an Enum, with their names on the command line

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
        if kind.short == "strtobool":
            return Converter("truth", spelling=((True, "1"), (False, "0")))
        if kind.short in ("Path", "PurePath", "PosixPath", "FileType"):
            return Converter("path")
        return Converter(_NAMES.get(kind.name, "custom"))
    if isinstance(kind, ClassRef) and tracer.is_enum(kind):
        return _enum(kind, tracer.iterated(kind) or [], tracer)
    if isinstance(kind, Method) and kind.name in ("lower", "upper", "strip"):
        return Converter("str")
    if not isinstance(kind, Function):
        return Converter("custom")
    if kind.this is not None or choices is not None:
        return _function(kind, tracer, choices)
    key = (id(kind.node), id(kind.scope))
    if key not in known:
        known[key] = _function(kind, tracer, choices)
    return known[key]


def _enum(kind: Any, members: list[Any], tracer: Tracer) -> Converter:
    spelled: list[tuple[EnumMember, str]] = []
    for member in members:
        words = [member.value] if isinstance(member.value, str) else [str(_known(member.value)), member.name]
        if not isinstance(kind, ClassRef):
            words.append(member.name)
        for word in dict.fromkeys(words):
            result = tracer.probe(kind, word)
            if isinstance(result, EnumMember) and result == member:
                spelled.append((member, word))
                break
    # A member may be written by its name or its value as well.
    ways = [
        (way, word) for member, word in spelled for way in (member.name, _known(member.value)) if way != word
    ]
    taken = {word for _, word in spelled}
    spelling = tuple((way, word) for way, word in ways if not (isinstance(way, str) and way in taken))
    return Converter("custom", spelling=spelling, members=tuple(spelled))


def _known(value: Any) -> Any:
    try:
        return plain(value)
    except UnknownError:
        return "?"


def _function(kind: Any, tracer: Tracer, choices: Any) -> Converter:
    def call(word: str) -> Any:
        result = tracer.probe(kind, word)
        return RAISED if isinstance(result, Unknown) else result

    found = probed(call)
    members = [one for one in choices if isinstance(one, EnumMember)] if isinstance(choices, list) else []
    if members and found["item"] != "truth":
        converted = _enum(kind, members, tracer)
        if converted.members:
            return converted
    spelling = tuple((value, word) for value, word in found.get("spelling", ()))
    return Converter(found["item"], found.get("separator", ""), spelling)
