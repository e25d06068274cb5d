"""Values in the grammar of Hydra's overrides, so that Hydra reads them back as exactly the same values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from pyruns_jupyter.core.scripts.bind_values import MismatchError

# Strings that need no quotes: not a number, boolean, function call or another special form.
_BARE = re.compile(r"[A-Za-z_/][A-Za-z0-9_]*(?:[./-]+[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_NOT_BARE = ("true", "false", "null", "nan", "inf")
_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*|0|[1-9][0-9]*", re.ASCII)
_DICT_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def override_value(value: object) -> str:
    """Return the text of a value after `key=`.

    Raises:
        MismatchError: the grammar cannot express the value.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "nan" if math.isnan(value) else repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(override_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_dict_key(key)}:{override_value(item)}" for key, item in value.items()) + "}"
    return quoted(str(value))


def quoted(text: str) -> str:
    """Return a string, quoted if necessary."""
    if _BARE.fullmatch(text) and text.lower() not in _NOT_BARE:
        return text
    if "\0" in text:
        raise MismatchError("a command-line argument cannot contain a NUL character")
    # Only backslashes before a quote are doubled; others are literal.
    escaped = re.sub(r"(\\*)'", lambda match: match[1] * 2 + "\\'", text)
    end = len(escaped) - len(escaped.rstrip("\\"))
    return f"'{escaped}{escaped[len(escaped) - end :]}'"


def override_key(key: str) -> str:
    """Return a key as it is written before `=`.

    Raises:
        MismatchError: the grammar cannot express the key.
    """
    if not all(_KEY.fullmatch(part) for part in key.split(".")):
        raise MismatchError("this key cannot be expressed on Hydra's command line")
    return key


def _dict_key(key: object) -> str:
    if isinstance(key, bool) or key is None or isinstance(key, float):
        raise MismatchError(f"the key {key!r} cannot be expressed on Hydra's command line")
    if isinstance(key, int):
        return str(key)
    text = str(key)
    if not _DICT_KEY.fullmatch(text) or text.lower() in _NOT_BARE:
        raise MismatchError(f"the key {text!r} cannot be expressed on Hydra's command line")
    return text
