"""Read and write the values of YAML scalars.

Plain text is read as users mean it, and as `pyruns` 0.3.17 reads it: `1e-3` is a number, `12:30`, `010` and
`2024-01-02` are text, yes/no/on/off are booleans, `1_000` is 1000.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import yaml

# The type stubs lack the parts of the C loader, and assume that it is always there.
try:
    from yaml.cyaml import CParser as _CParser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml: slower, same results
    _CParser = None  # type: ignore[assignment,misc]
from yaml.composer import Composer
from yaml.nodes import Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from .depth import check_depth

TAG = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, STR = TAG + "null", TAG + "bool", TAG + "int", TAG + "float", TAG + "str"
SEQ, MAP, MERGE = TAG + "seq", TAG + "map", TAG + "merge"

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0b[01][01_]*|0o[0-7][0-7_]*|0x[0-9a-fA-F][0-9a-fA-F_]*)", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(?:(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+)",
    re.ASCII,
)
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_INT_DIGITS = 3500  # Python refuses to read or write longer ones; also those of hexadecimal numbers

# Characters that YAML does not allow in a stream.
UNPRINTABLE = re.compile(
    "[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_MUST_ESCAPE = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_SAFE_PLAIN = re.compile(r"[\w./+^$][\w ./+=^$~@;-]*")


class _Resolver(BaseResolver):
    """Resolves tags by `scalar_tag` instead of PyYAML's tables."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        if kind is ScalarNode:
            return scalar_tag(value) if implicit[0] else STR
        return SEQ if kind is SequenceNode else MAP


if _CParser is not None:

    class _Loader(_CParser, _Resolver):
        def __init__(self, text: str) -> None:
            _CParser.__init__(self, text)
            _Resolver.__init__(self)

else:

    class _Loader(Reader, Scanner, Parser, Composer, _Resolver):  # type: ignore[no-redef]  # one of the two
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)
            _Resolver.__init__(self)


def compose(text: str) -> Node | None:
    """Return the node of the only document in `text`, None when the text is empty.

    Raises:
        yaml.YAMLError: when the text is not YAML, has several documents or is nested too deeply.
    """
    check_depth(text)
    loader = _Loader(text)
    node: Node | None = loader.get_single_node()
    return node


def scalar_tag(text: str) -> str:
    """Return the tag that the plain scalar `text` has."""
    if text in _NULLS:
        return NULL
    if text in _TRUE or text in _FALSE:
        return BOOL
    if text == "<<":
        return MERGE
    first = text[0]
    if first in "0123456789+-.":
        if _INT.fullmatch(text) and len(text) < _MAX_INT_DIGITS:
            return INT
        if _FLOAT.fullmatch(text) or _SPECIAL_FLOAT.fullmatch(text):
            return FLOAT
    return STR


def plain_value(text: str) -> object:
    """Return the value of the plain (unquoted) scalar `text`."""
    return tagged_value(text, scalar_tag(text))


def tagged_value(text: str, tag: str) -> object:
    """Return the value of scalar `text` read as `tag`.

    Raises:
        ValueError: when the text does not match the tag, or the tag is not a type of plain data.
    """
    if tag in (STR, MERGE):
        return text
    if tag == NULL:
        return None
    if tag == BOOL:
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise ValueError(f"{text!r} is neither true nor false")
    if tag == INT:
        if not _INT.fullmatch(text) or len(text) >= _MAX_INT_DIGITS:
            raise ValueError(f"{text!r} is not an integer")
        return int(text.replace("_", ""), 0)
    if tag == FLOAT:
        return _float(text)
    raise ValueError(f"the tag {tag.replace(TAG, '!!')!r} is not supported")


def _float(text: str) -> float:
    bare = text.replace("_", "").lower()
    if bare.lstrip("+-") in (".inf", ".nan"):
        return float(bare.replace(".", "", 1))
    if not (_FLOAT.fullmatch(text) or _INT.fullmatch(text)):
        raise ValueError(f"{text!r} is not a number")
    return float(bare)


def number_text(value: int | float) -> str:
    """Return a number in the usual notation, as a text that every YAML reader reads as the same number."""
    if isinstance(value, float):
        text = repr(value)
        if text in ("inf", "-inf", "nan"):
            return text.replace("inf", ".inf").replace("nan", ".nan")
        # YAML 1.1 requires a point in a number with an exponent.
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    return str(value)


def quoted(text: str) -> str:
    """Return `text` as a double-quoted scalar on one line."""
    body = json.dumps(text, ensure_ascii=False)
    return _MUST_ESCAPE.sub(lambda found: _escape(found.group()), body)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_same_everywhere(text: str) -> bool:
    """Return whether PyYAML's own YAML 1.1 rules give the plain scalar `text` the same type."""
    resolver: Any = _common_resolver()
    theirs: str = resolver.resolve(ScalarNode, text, (True, False))
    return scalar_tag(text) == theirs


@cache
def _common_resolver() -> yaml.resolver.Resolver:
    return yaml.resolver.Resolver()


def value_text(value: object) -> str:
    """Return `value` as YAML on one line (flow style), readable by YAML 1.1 and 1.2 readers alike.

    Raises:
        TypeError: when the value is not plain data.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{string_text(str(k))}: {value_text(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as YAML")


def mapping_lines(
    values: Mapping[str, Any], text_of: Callable[[Any], str] = value_text, indent: str = ""
) -> Iterator[str]:
    """Yield the lines of a mapping as YAML (block style); `text_of` returns the text of a value."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{string_text(key)}:\n"
            yield from mapping_lines(value, text_of, f"{indent}  ")
        else:
            yield f"{indent}{string_text(key)}: {text_of(value)}\n"


def string_text(text: str) -> str:
    """Return a string as YAML: plain where every reader reads it as a string, else double-quoted."""
    if (
        _SAFE_PLAIN.fullmatch(text)
        and text[-1] != " "
        and text.lower() not in ("y", "n")
        and not text.startswith("...")
        and scalar_tag(text) == STR
        and is_same_everywhere(text)
    ):
        return text
    return quoted(text)


def identity(value: object) -> object:
    """Return a hashable key that is equal only for the same value of the same type.

    1, 1.0, true and "1" are different; 0.1 and 1e-1 are equal, and so are mappings in another order.
    """
    if isinstance(value, list):
        return ("list", tuple(identity(item) for item in value))
    if isinstance(value, dict):
        return ("dict", tuple((key, identity(value[key])) for key in sorted(value)))
    return (type(value).__name__, repr(value))
