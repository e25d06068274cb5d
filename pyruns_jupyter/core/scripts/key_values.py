"""Arguments of the form `key=value` (OmegaConf) and `KEY value` (yacs), and values as YAML text."""

from __future__ import annotations

import ast
import re
from typing import Any

from pyruns_jupyter.core.config.yamltext.values import value_text

from .bind_values import MismatchError, plain_word

_PLAIN_TEXT = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*", re.ASCII)
_NOT_PLAIN = ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf")


def yaml_word(value: Any) -> str:
    """Return the text that a YAML parser reads back as the value."""
    if not isinstance(value, str):
        return value_text(value)
    plain_word(value)
    return value if _PLAIN_TEXT.fullmatch(value) and value.lower() not in _NOT_PLAIN else value_text(value)


def dotlist_words(key: str, value: Any) -> list[str]:
    """Return the argument `key=value` for `OmegaConf.from_dotlist` and `OmegaConf.from_cli`."""
    if "=" in key or not key or key.startswith("-"):
        raise MismatchError("this key cannot be expressed as key=value")
    return [f"{key}={yaml_word(value)}"]


def pair_words(key: str, value: Any) -> list[str]:
    """Return the arguments `KEY value` for `merge_from_list` of yacs, which reads Python literals."""
    if not isinstance(value, str):
        return [key, repr(value)]
    try:
        is_literal = ast.literal_eval(value) != value
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        is_literal = False
    return [key, repr(value) if is_literal else plain_word(value)]
