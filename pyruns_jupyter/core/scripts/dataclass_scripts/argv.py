"""The command-line arguments of a script whose arguments are made from dataclasses, for one configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.config.yamltext.values import value_text
from pyruns_jupyter.core.scripts.argparse_scripts import argv as argparse_argv
from pyruns_jupyter.core.scripts.bind_values import (
    Filled,
    MismatchError,
    fill,
    is_default,
    is_left_out,
    item_shape,
    one_word,
    plain_word,
    same,
)
from pyruns_jupyter.core.scripts.key_values import yaml_word
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from pyruns_jupyter.core.scripts.types import ANY, Shape

from .reading import CONFIG_PATH, DataclassDetails

_NUMBER = re.compile(r"-(?:\d+|\d*\.\d+)")  # what argparse parses as a number


def build(script: ScriptParameters, config: Mapping[str, object], pass_defaults: bool) -> list[str]:
    """Return the command-line arguments after the script's path for `config`; see `..argv`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    details = script.details
    assert isinstance(details, DataclassDetails)
    plain = details.plain
    others = {one.name for one in plain.parameters} if plain is not None else set()
    filled = fill(script.parameters, config, more=script.open)
    if details.file_key and filled.values.get(details.file_key) is not None:
        return _only_file(script, details.file_key, filled)
    words: list[str] = []
    if plain is not None:
        mine = {key: value for key, value in filled.values.items() if key in others}
        try:
            words += argparse_argv.build(plain, mine, pass_defaults)
        except InvalidInputs as error:
            filled.errors += error.errors
        except InvalidInput as error:
            filled.errors.append(error)
    known = {one.name: one for one in script.parameters if one.name not in others}
    style = _STYLES[script.library]
    positional: list[str] = []
    for name, parameter in known.items():
        value = filled.values.get(name)
        if parameter.required and value is None:
            filled.refuse(name, f"{name} is required. Set a value.")
        elif parameter.positional and value is not None:
            positional += filled.word(name, partial(_tyro_words, parameter.shape or ANY, value))
    for name, value in filled.values.items():
        if name not in known or known[name].positional:
            continue
        if not is_left_out(known[name], value, pass_defaults):
            words += filled.word(name, partial(style, known[name], value))
    for name, value in filled.extra.items():
        if value is not None:
            words += filled.word(name, partial(_extra, script.library, name, value))
    return filled.finish([*positional, *words])


def _only_file(script: ScriptParameters, key: str, filled: Filled) -> list[str]:
    """Return the file as the only argument; values other than the defaults are errors."""
    known = {one.name: one for one in script.parameters}
    for name, value in (*filled.values.items(), *filled.extra.items()):
        if name != key and value is not None and not (name in known and is_default(known[name], value)):
            filled.refuse(name, f"the script reads only the file in {key}. Write the value there")
    return filled.finish(filled.word(key, lambda: [plain_word(filled.values[key])]))


def _transformers(parameter: Parameter, value: Any) -> list[str]:
    """Return the arguments for the argparse parser of transformers."""
    if value is None or (value == [] and same(value, parameter.default)):
        return []
    shape = parameter.shape or ANY
    if isinstance(value, Mapping):
        if shape.name not in ("dict", "union"):
            raise MismatchError("a mapping cannot be passed on the command line")
        return _flag(parameter.flag, [json.dumps(value)])
    if shape.name not in ("list", "tuple"):
        return _flag(parameter.flag, [_scalar(shape, value)])
    items = value if isinstance(value, list) else [value]
    if not items:
        raise MismatchError("expected at least one value, got an empty list")
    if shape.name == "tuple" and len(items) != len(shape.items):
        raise MismatchError(f"expected {len(shape.items)} values, got {len(items)}")
    return _flag(
        parameter.flag, [_scalar(item_shape(shape, index), item) for index, item in enumerate(items)]
    )


def _flag(flag: str, words: list[str]) -> list[str]:
    if words == ["--"]:
        raise MismatchError("argparse removes the argument '--'")
    if len(words) == 1 and words[0].startswith("-"):
        return [f"{flag}={words[0]}"]
    for word in words:
        if word.startswith("-") and not _NUMBER.fullmatch(word):
            raise MismatchError(f"the script would parse {word!r} as an option")
    return [flag, *words]


def _scalar(shape: Shape, value: Any) -> str:
    if shape.name in ("list", "tuple", "dict"):
        raise MismatchError("nested lists cannot be passed on the command line")
    if shape.name == "union" and isinstance(value, str):
        _keeps_text(shape, value)
    return one_word(shape, value)


def _keeps_text(shape: Shape, value: str) -> None:
    """Refuse a string that another alternative of a union would parse as a number."""
    for item in shape.items:
        kind = {"int": int, "float": float}.get(item.name)
        if item.name == "str":
            return
        if kind is not None:
            try:
                kind(value)
            except ValueError:
                continue
            raise MismatchError(f"the script would parse the string {value!r} as a number")


def _tyro(parameter: Parameter, value: Any) -> list[str]:
    shape = parameter.shape or ANY
    if parameter.off_flags:
        if value is None:
            return []
        if not isinstance(value, bool):
            raise MismatchError(f"it is a boolean flag. Write true or false, not {value!r}")
        return [parameter.flag if value else parameter.off_flags[0]]
    if value is None:
        if parameter.default is None:
            return []
        if not shape.optional:
            return []
    words = _tyro_words(shape, value)
    flag = parameter.flag
    if words and words[0].startswith("-"):
        words[0] = f"{flag}={words[0]}"
        return _no_flags(words)
    return [flag, *_no_flags(words)]


def _no_flags(words: list[str]) -> list[str]:
    for word in words[1:]:
        if word.startswith("-") and not re.fullmatch(r"-(?:[\d.].*|inf|nan)", word):
            raise MismatchError(f"tyro would parse {word!r} as an option")
    return words


def _tyro_words(shape: Shape, value: Any) -> list[str]:
    if value is None and shape.optional:
        return ["None"]
    if shape.optional and value == "None" and shape.name not in ("int", "float", "bool"):
        raise MismatchError("the script would parse the string 'None' as a null value")
    if shape.name == "bool":
        if not isinstance(value, bool):
            raise MismatchError(f"expected true or false, got {value!r}")
        return [str(value)]
    if shape.name == "list":
        items = value if isinstance(value, list) else [value]
        words = [word for item in items for word in _tyro_words(item_shape(shape), item)]
        if shape.optional and words == ["None"]:
            raise MismatchError("the script would parse the string 'None' as a null value")
        return words
    if shape.name == "tuple":
        if not isinstance(value, list) or len(value) != len(shape.items):
            raise MismatchError(f"expected {len(shape.items)} values")
        return [word for one, item in zip(shape.items, value, strict=True) for word in _tyro_words(one, item)]
    if shape.name == "dict" and isinstance(value, Mapping):
        key, item = (*shape.items, ANY, ANY)[:2]
        return [
            word
            for name, one in value.items()
            for word in (*_tyro_words(key, str(name) if key.name == "str" else name), *_tyro_words(item, one))
        ]
    return [_scalar(shape, value)]


def _yaml(parameter: Parameter, value: Any) -> list[str]:
    """Return the arguments for pyrallis and draccus, which parse every value as YAML."""
    shape = parameter.shape or ANY
    if value is None and (parameter.default is None or not shape.optional):
        return []
    if parameter.name == CONFIG_PATH:
        return _flag(parameter.flag, [one_word(shape, value)])
    if isinstance(value, (list, Mapping)) or value is None:
        if isinstance(value, list) and shape.name == "tuple" and len(value) != len(shape.items):
            raise MismatchError(f"expected {len(shape.items)} values, got {len(value)}")
        text = value_text(_checked(shape, value))
    elif shape.name in ("list", "tuple"):
        text = value_text([_checked(item_shape(shape), value)])
    elif isinstance(value, str) and shape.name in ("any", "str", "path", "union", "custom"):
        text = yaml_word(value)
    else:
        text = one_word(shape, value)
    return [f"{parameter.flag}={text}"] if text.startswith("-") else [parameter.flag, text]


def _checked(shape: Shape, value: Any) -> Any:
    if isinstance(value, list):
        return [_checked(item_shape(shape, index), item) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            key: _checked(shape.items[1] if len(shape.items) > 1 else ANY, item)
            for key, item in value.items()
        }
    if value is not None and shape.name not in ("any", "custom", "str", "path", "union"):
        one_word(shape, value)
    return value


def _extra(library: str, name: str, value: Any) -> list[str]:
    """Return the arguments of a key that is not listed, in the usual spelling of its library."""
    flag = f"--{name.replace('_', '-') if library == 'tyro' else name}"
    if library in ("pyrallis", "draccus"):
        return [flag, yaml_word(value)]
    if isinstance(value, Mapping):
        raise MismatchError("a mapping cannot be passed on the command line")
    items = value if isinstance(value, list) else [value]
    return _flag(flag, [str(item) if isinstance(item, bool) else plain_word(item) for item in items])


_STYLES = {
    "transformers": _transformers,
    "tyro": _tyro,
    "pyrallis": _yaml,
    "draccus": _yaml,
}
