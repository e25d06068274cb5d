"""The free command line of a script whose parameters could not be detected.

The key `command_line` holds the arguments of the script. It is split like a shell command, then the
placeholders in each argument are replaced, so that a value with spaces stays one argument. `{key}` is the
value of a key; `{{` and `}}` are literal braces. An argument that is exactly `{key}` becomes one argument for
each item of a list; for null or an empty list it is omitted, together with an option `--x` right before it.
`{config.yaml}` and `{config.json}` are files with all other values, for scripts that read such a file.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.flatten import flatten

from .bind_values import MismatchError, is_default, plain_word
from .model import Parameter
from .script_constants import ACTION as CONSTANT
from .script_constants import SECTION, constant_literal

KEY = "command_line"
FILES = ("config.yaml", "config.json")  # placeholders of files with the values
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


def parameter() -> Parameter:
    """Return the one parameter of such a script."""
    return Parameter(KEY, default="", help="arguments of the script; {key} inserts the value of a key")


def is_free(parameters: Sequence[Parameter]) -> bool:
    """Return whether no detected parameter has the key of the command line."""
    return not any(one.key == KEY for one in parameters)


def build(config: Mapping[str, object], parameters: Sequence[Parameter] = ()) -> list[str]:
    """Return the arguments after the script's path for `config`.

    Of detected `parameters`, those that have the script's default, or are null and not constants, may be
    unused.

    Raises:
        InvalidInputs: every placeholder without a key and every key without a placeholder, by its field.
    """
    text = config.get(KEY)
    values = flatten({key: value for key, value in config.items() if key != KEY})
    errors: list[InvalidInput] = []
    used: set[str] = set()
    words: list[str] = []
    for word in _split(text, errors):
        words = _filled(word, words, values, used, errors)
    known = {one.name: one for one in parameters}
    for key, value in values.items() if used.isdisjoint(FILES) else ():
        found = known.get(key)
        is_constant = found is not None and found.action == CONSTANT
        if found is not None and (is_default(found, value) or (value is None and not is_constant)):
            continue
        if found is not None and is_constant:
            try:
                constant_literal(found, value)
            except MismatchError as error:
                errors.append(InvalidInput(f"{key}: {error}.", field=key))
        elif key not in used and not any(one.startswith(f"{key}.") for one in used):
            what = f"{key} is not used"
            if key.startswith(f"{SECTION}."):
                what = f"The script has no constant {key.partition('.')[2]} that can be set"
            errors.append(InvalidInput(f"{what}. Write {{{key}}} in {KEY}, or remove the key.", field=key))
    if errors:
        raise InvalidInputs(errors)
    return words


def file_texts(config: Mapping[str, object]) -> dict[str, str]:
    """Return the content of each file that the command line of a configuration needs, by placeholder.

    `config` has no references. The key of a file takes the place of its placeholder; see `build`.
    """
    text = config.get(KEY)
    words = " ".join(map(str, text)) if isinstance(text, list) else str(text)
    needed = {part[1] for part in _PART.finditer(words)} & (set(FILES) - flatten(config).keys())
    values = {key: value for key, value in config.items() if key != KEY}
    dumps = {
        FILES[0]: lambda: yaml.safe_dump(values, sort_keys=False, allow_unicode=True),
        FILES[1]: lambda: json.dumps(values, indent=2, ensure_ascii=False) + "\n",
    }
    return {name: dumps[name]() for name in FILES if name in needed}


def _split(text: object, errors: list[InvalidInput]) -> list[str]:
    if text is None:
        return []
    if isinstance(text, list):
        # The arguments are already split.
        if all(isinstance(one, (str, int, float)) for one in text):
            return [_one(KEY, one, errors) for one in text]
    elif isinstance(text, (str, int, float)) and not isinstance(text, bool):
        try:
            return shlex.split(str(text))
        except ValueError as error:
            message = f"{KEY} cannot be split into arguments: {str(error).lower()}."
            errors.append(InvalidInput(message, field=KEY))
            return []
    errors.append(InvalidInput(f"{KEY} must be a string with the arguments of the script.", field=KEY))
    return []


def _filled(
    word: str, words: list[str], values: Mapping[str, object], used: set[str], errors: list[InvalidInput]
) -> list[str]:
    """Return `words` with the arguments that `word` becomes."""
    parts = list(_PART.finditer(word))
    whole = parts[0][1] if len(parts) == 1 else None
    if whole is not None:
        value = _value(whole, values, used, errors)
        if value is None or value == []:
            return words[:-1] if words and _is_option(words[-1]) else words
        items = value if isinstance(value, list) else [value]
        return [*words, *(_one(whole, item, errors) for item in items)]
    filled = ""
    for part in parts:
        if part[0] in ("{{", "}}"):
            filled += part[0][0]
        elif part[1] is not None:
            value = _value(part[1], values, used, errors)
            if value is None:
                return words  # omit `--lr={lr}` without a value
            filled += _one(part[1], value, errors)
        elif part[0] in "{}":
            message = f"{KEY}: unmatched {part[0]} in {word!r}. Write {part[0] * 2} for a literal brace."
            errors.append(InvalidInput(message, field=KEY))
        else:
            filled += part[0]
    return [*words, filled]


def _is_option(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not word[1].isdigit() and "=" not in word


def _value(name: str, values: Mapping[str, object], used: set[str], errors: list[InvalidInput]) -> Any:
    used.add(name)
    if name in values or name in FILES:
        return values.get(name, name)
    near = difflib.get_close_matches(name, values, n=1)
    hint = (
        f"Did you mean {{{near[0]}}}?" if near else f"Add the key {name}, or write {{{{ for a literal brace."
    )
    errors.append(InvalidInput(f"{KEY}: unknown key {name!r}. {hint}", field=KEY))
    return ""


def _one(key: str, value: object, errors: list[InvalidInput]) -> str:
    if isinstance(value, (list, Mapping)) or value is None:
        what = "a null value" if value is None else "a list" if isinstance(value, list) else "a mapping"
        errors.append(InvalidInput(f"{key}: {what} cannot be part of an argument.", field=key))
        return ""
    try:
        return plain_word(value)
    except MismatchError as error:
        errors.append(InvalidInput(f"{key}: {error}.", field=key))
        return ""
