"""The command-line arguments that pass one value to one argparse argument."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pyruns_jupyter.core.common.errors import shown
from pyruns_jupyter.core.scripts.bind_values import MismatchError, plain_word, same
from pyruns_jupyter.core.scripts.key_values import yaml_word
from pyruns_jupyter.core.scripts.model import Parameter, Parser

_NEGATIVE_NUMBER = re.compile(r"-(?:\d+|\d*\.\d+)")  # what argparse parses as a number
VARIABLE = ("?", "*", "+")


def looks_like_option(word: str, parser: Parser) -> bool:
    """Return whether a parser parses (or may parse) an argument as an option."""
    if not word or word[0] not in parser.prefix_chars:
        return False
    if word in parser.flags:
        return True
    if len(word) == 1:
        return False
    head = word.partition("=")[0]
    if head in parser.flags or abbreviated(word, parser):
        return True
    if _NEGATIVE_NUMBER.fullmatch(word):
        return any(_NEGATIVE_NUMBER.fullmatch(flag) for flag in parser.flags)
    return " " not in word


def abbreviated(word: str, parser: Parser) -> list[str]:
    """Return the flags that a parser accepts an abbreviation for."""
    if word[1:2] and word[1] in parser.prefix_chars:
        if not parser.allow_abbrev:
            return []
        head = word.partition("=")[0]
        return [flag for flag in parser.flags if flag.startswith(head)]
    short = word[:2]
    found = [flag for flag in parser.flags if flag == short]
    return found + [
        flag for flag in parser.flags if flag != short and flag.startswith(word.partition("=")[0])
    ]


def words_of(parameter: Parameter, value: object, parser: Parser) -> list[str]:
    """Return the arguments that pass `value`: the flag and its values; for a positional the values only.

    Raises:
        MismatchError: the value cannot be passed; the message is the end of a sentence.
    """
    if not parameter.also:
        return _words(parameter, value, parser)
    if isinstance(value, list) and all(one.action == "append_const" for one in (parameter, *parameter.also)):
        return _constants(parameter, value)
    if same(value, parameter.default):
        return []
    first: MismatchError | None = None
    # Constants first: any option with a value would accept a string.
    for one in sorted((parameter, *parameter.also), key=lambda each: each.action in ("store", "custom")):
        try:
            words = _words(one, value, parser)
        except MismatchError as error:
            first = first or error
            continue
        if words:
            return words
    if first is None:
        return []
    raise first


def _words(parameter: Parameter, value: object, parser: Parser) -> list[str]:
    action = parameter.action
    if action in ("store_true", "store_false", "boolean_optional", "custom_flag"):
        return _switch(parameter, value)
    if action == "count":
        return _count(parameter, value)
    if action == "append_const":
        return _constants(parameter, value)
    if action == "store_const":
        return _constant(parameter, value)
    default = not parameter.computed and same(value, parameter.default)
    if default and (value == [] or isinstance(value, (bool, Mapping)) or action in ("append", "extend")):
        return []  # the script has it anyway, and it may be impossible to pass
    if default and not parameter.positional and not parameter.required and changes_default(parameter):
        return []
    try:
        if action == "append":
            return _append(parameter, value, parser)
        if action == "extend":
            return _extend(parameter, value, parser)
        return _store(parameter, value, parser)
    except MismatchError:
        if default:
            return []
        raise


def changes_default(parameter: Parameter) -> bool:
    """Return whether passing the default explicitly would give the script a different value."""
    if parameter.nargs not in (None, "?") and isinstance(parameter.default, (str, int, float)):
        return True  # it would become a list
    items = parameter.default if isinstance(parameter.default, (list, tuple)) else [parameter.default]
    return parameter.item_type in ("str", "custom") and any(
        isinstance(one, (int, float)) and not any(same(one, known) for known, _ in parameter.spelling)
        for one in items
    )


def name_of(parameter: Parameter) -> str:
    """Return what an argument is called in a sentence."""
    return parameter.flag or parameter.key


def no_boolean(parameter: Parameter, value: object) -> str:
    """Return the sentence that a value is no boolean."""
    return f"{name_of(parameter)} expects true or false, got {shown(value)}"


def _switch(parameter: Parameter, value: object) -> list[str]:
    action, name = parameter.action, name_of(parameter)
    if not isinstance(value, bool):
        raise MismatchError(f"{name} is a boolean flag. Write true or false, not {value!r}")
    if action == "custom_flag":
        return [parameter.flag] if value else []
    omitted = action != "boolean_optional" or not parameter.required
    if omitted and not parameter.computed and same(value, parameter.default):
        return []
    if action == "boolean_optional":
        if value:
            # Every flag that begins with --no- switches off, whatever its name means.
            flags = sorted(parameter.flags, key=lambda flag: not flag.startswith("--"))
            plain = next((flag for flag in flags if not flag.startswith("--no-")), None)
            if plain is None:
                raise MismatchError(f"{name} cannot be enabled from the command line")
            return [plain]
        if parameter.off_flags:
            return [
                next((flag for flag in parameter.off_flags if flag.startswith("--")), parameter.off_flags[0])
            ]
        flag = next((flag for flag in parameter.flags if flag.startswith("--")), "")
        if not flag:
            raise MismatchError(
                f"{name} cannot be disabled from the command line, because it has no long option"
            )
        return [f"--no-{flag[2:]}"]
    if value == (action == "store_true"):
        return [parameter.flag]
    if action == "store_true" and parameter.default is None and not parameter.computed:
        return []  # nothing counts as false
    raise MismatchError(f"{name} cannot be {'enabled' if value else 'disabled'} from the command line")


def _count(parameter: Parameter, value: object) -> list[str]:
    default = parameter.default
    base = default if isinstance(default, int) and not isinstance(default, bool) else 0
    if isinstance(value, bool) or not isinstance(value, int) or value < base or value - base > 1000:
        raise MismatchError(
            f"{name_of(parameter)} is counted. Write an integer of at least {base}, not {value!r}"
        )
    return [parameter.flag] * (value - base)


def _constant(parameter: Parameter, value: object) -> list[str]:
    if not parameter.computed and same(value, parameter.default):
        return []
    if same(value, parameter.const) or (parameter.const is None and value is True):
        return [parameter.flag]
    if value is False and parameter.default is None and not parameter.computed:
        return []
    every = [one.const for one in (parameter, *parameter.also) if one.action == "store_const"]
    allowed = " or ".join(repr(one) for one in every)
    raise MismatchError(f"{name_of(parameter)} can only be {allowed} or null, not {value!r}")


def _constants(parameter: Parameter, value: object) -> list[str]:
    words: list[str] = []
    every = (parameter, *parameter.also)
    items = value if isinstance(value, list) else [value]
    for item in _after_default(parameter, items):
        one = next((one for one in every if same(item, one.const)), None)
        if one is None:
            allowed = ", ".join(repr(each.const) for each in every)
            raise MismatchError(f"its items can only be {allowed}, not {item!r}")
        words.append(one.flag)
    return words


def _append(parameter: Parameter, value: object, parser: Parser) -> list[str]:
    items = list(value) if isinstance(value, list) else [value]
    items = _after_default(parameter, items)
    if parameter.nargs is None:
        return [
            word
            for item in items
            for word in option(parameter.flag, [one_word(parameter, item, parser)], parser)
        ]
    if len(items) == parameter.nargs and not any(isinstance(item, list) for item in items):
        items = [items]
    words: list[str] = []
    for item in items:
        if parameter.nargs == "?":
            words += _optional(parameter, item, parser)
        else:
            many = item if isinstance(item, list) else [item]
            words += option(parameter.flag, _several(parameter, many, parser), parser)
    return words


def _extend(parameter: Parameter, value: object, parser: Parser) -> list[str]:
    items = _after_default(parameter, list(value) if isinstance(value, list) else [value])
    if not items:
        return []
    flag, nargs = parameter.flag, parameter.nargs
    if nargs in (None, "?"):
        words = [one_word(parameter, item, parser) for item in items]
        if parameter.item_type != "str" or any(len(word) != 1 for word in words):
            raise MismatchError(f"{flag} has no nargs, so argparse would add each character as an item")
        return [word for each in words for word in option(flag, [each], parser)]
    if isinstance(nargs, int):
        if len(items) % nargs:
            raise MismatchError(f"{flag} expects a multiple of {nargs} values, got {len(items)}")
        groups = [items[start : start + nargs] for start in range(0, len(items), nargs)]
        return [word for each in groups for word in option(flag, _several(parameter, each, parser), parser)]
    words = _several(parameter, items, parser)
    if any(_unsafe(word, parser) for word in words):
        return [word for each in words for word in option(flag, [each], parser)]
    return option(flag, words, parser)


def _after_default(parameter: Parameter, items: list[object]) -> list[object]:
    """Return the items to append to the default list, as argparse appends to it."""
    start = list(parameter.default) if isinstance(parameter.default, (list, tuple)) else []
    if len(items) < len(start) or not all(same(a, b) for a, b in zip(items, start, strict=False)):
        raise MismatchError(
            f"{name_of(parameter)} appends to its default {start}. The value must start with these items"
        )
    return items[len(start) :]


def _store(parameter: Parameter, value: object, parser: Parser) -> list[str]:
    nargs = parameter.nargs
    if nargs in (None, "?"):
        if parameter.action == "custom" and isinstance(value, list) and not parameter.separator:
            # A custom action may collect values; a list has no other meaning here.
            return [
                word
                for item in value
                for word in option(parameter.flag, [one_word(parameter, item, parser)], parser)
            ]
        if parameter.positional:
            return [one_word(parameter, value, parser)]
        if nargs == "?":
            return _optional(parameter, value, parser)
        return option(parameter.flag, [one_word(parameter, value, parser)], parser)
    items = value if isinstance(value, list) and not parameter.separator else [value]
    if parameter.action == "custom" and isinstance(value, Mapping):
        items = [f"{key}={plain_word(item)}" for key, item in value.items()]  # an action that parses pairs
    words = _several(parameter, items, parser)
    if parameter.positional:
        return words
    if nargs == "...":
        return [parameter.flag, *words]
    return option(parameter.flag, words, parser)


def _optional(parameter: Parameter, value: object, parser: Parser) -> list[str]:
    """Return the arguments of an option with an optional value."""
    try:
        word = one_word(parameter, value, parser)
    except MismatchError:
        if parameter.const is not None and same(value, parameter.const):
            return [parameter.flag]
        raise
    return option(parameter.flag, [word], parser)


def _several(parameter: Parameter, items: Sequence[object], parser: Parser) -> list[str]:
    if isinstance(parameter.nargs, int) and len(items) != parameter.nargs:
        raise MismatchError(f"{name_of(parameter)} expects {parameter.nargs} values, got {len(items)}")
    if parameter.nargs == "+" and not items:
        raise MismatchError(f"{name_of(parameter)} expects at least one value, got an empty list")
    return [one_word(parameter, item, parser) for item in items]


def _unsafe(word: str, parser: Parser) -> bool:
    return looks_like_option(word, parser) or (word[:1] in parser.fromfile_chars and bool(word))


def option(flag: str, words: list[str], parser: Parser) -> list[str]:
    """Return a flag and its values; a value that looks like an option is joined to the flag."""
    if "--" in words:
        raise MismatchError("argparse removes the argument '--'")
    if not any(_unsafe(word, parser) for word in words):
        return [flag, *words]
    if len(words) == 1:
        return [f"{flag}={words[0]}"]
    unsafe = next(word for word in words if _unsafe(word, parser))
    raise MismatchError(_taken_for(unsafe, parser))


def _taken_for(word: str, parser: Parser) -> str:
    what = "the name of an argument file" if word[:1] in parser.fromfile_chars else "an option"
    return f"the script would parse {word!r} as {what}"


def check_positional(word: str, parser: Parser) -> None:
    """Refuse a value of a positional that the parser would misread even after `--`."""
    if word == "--":
        raise MismatchError("argparse removes the argument '--'")
    if word[:1] and word[:1] in parser.fromfile_chars:
        raise MismatchError(_taken_for(word, parser))


def one_word(parameter: Parameter, value: object, parser: Parser) -> str:
    """Return one value as the argument that the parser converts back to it."""
    if parameter.separator and isinstance(value, (list, tuple)):
        return _joined(parameter, value, parser)
    for known, spelled in parameter.spelling:
        if same(value, known):
            return spelled
    kind, name = parameter.item_type, name_of(parameter)
    if kind in ("json", "literal"):
        return _notation(parameter, value)
    if isinstance(value, (list, tuple, Mapping)):
        what = "a mapping" if isinstance(value, Mapping) else "a list"
        raise MismatchError(f"{name} expects a single value, not {what}")
    if isinstance(value, bool):
        word = _truth(parameter, value)
    elif value is None:
        raise MismatchError(f"the list of {name} contains a null value")
    else:
        word = plain_word(value)
    if kind == "int":
        if isinstance(value, float) and value.is_integer():
            word = str(int(value))
        if not _converts(int, word):
            raise MismatchError(f"{name} expects an integer, got {shown(value)}")
    elif kind == "float" and not _converts(float, word):
        raise MismatchError(f"{name} expects a number, got {shown(value)}")
    if parameter.choices is not None and not _chosen(parameter, value, word):
        allowed = ", ".join(str(one) for one in parameter.choices)
        raise MismatchError(f"{name} expects one of {allowed}, got {shown(word)}")
    return word


def _truth(parameter: Parameter, value: bool) -> str:
    kind = parameter.item_type
    if kind == "bool":
        return "True" if value else ""  # bool("") is the only false
    choices = parameter.choices or ()
    if kind == "custom" and (isinstance(parameter.default, bool) or any(one is value for one in choices)):
        return str(value)
    raise MismatchError(
        f"{name_of(parameter)} expects a value of type {kind}, not a boolean. "
        f"Quote {str(value).lower()} to pass it as a string"
    )


def _chosen(parameter: Parameter, value: object, word: str) -> bool:
    assert parameter.choices is not None
    number: float | None = None
    if parameter.item_type in ("int", "float"):
        number = float(word)
    for one in parameter.choices:
        if same(value, one) or word == str(one):
            if parameter.item_type == "str" and isinstance(one, (int, float)):
                raise MismatchError(
                    f"{name_of(parameter)} has numbers as choices but no type, so argparse rejects every "
                    f"value. Add type={type(one).__name__} to the argument"
                )
            return True
        if number is not None and isinstance(one, (int, float)) and number == one:
            return True
    return False


def _joined(parameter: Parameter, value: Sequence[object], parser: Parser) -> str:
    if not value:
        raise MismatchError(f"{name_of(parameter)} cannot be an empty list")
    single = Parameter(
        parameter.name, flags=parameter.flags, item_type=parameter.item_type, choices=parameter.choices
    )
    words = [one_word(single, item, parser) for item in value]
    for word in words:
        if parameter.separator in word or (parameter.separator == " " and not word):
            raise MismatchError(f"an item of {name_of(parameter)} cannot contain {parameter.separator!r}")
    return parameter.separator.join(words)


def _notation(parameter: Parameter, value: object) -> str:
    kind = parameter.item_type
    is_text = kind == "json" and parameter.shape is not None and parameter.shape.name in ("str", "path")
    if isinstance(value, str) and value[:1] in ("{", "[", "(") and not is_text:
        try:
            json.loads(value) if kind == "json" else ast.literal_eval(value)
            return value  # it already has that format
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            pass
    if kind == "json" and parameter.shape is not None:
        return yaml_word(value)  # the libraries that declare types read YAML
    try:
        return json.dumps(value, ensure_ascii=False) if kind == "json" else repr(value)
    except (TypeError, ValueError, RecursionError):
        raise MismatchError(f"{value!r} cannot be written as {kind}") from None


def _converts(kind: type[Any], word: str) -> bool:
    try:
        kind(word)
    except (ValueError, OverflowError):
        return False
    return True
