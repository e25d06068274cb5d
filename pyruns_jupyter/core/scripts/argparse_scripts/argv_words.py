"""The words that pass one value to one argument of argparse."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pyruns_jupyter.core.scripts.bind_values import MismatchError, plain_word, same
from pyruns_jupyter.core.scripts.model import Parameter, Parser

_NEGATIVE_NUMBER = re.compile(r"-(?:\d+|\d*\.\d+)")  # what argparse itself takes for a number
VARIABLE = ("?", "*", "+")


def looks_like_option(word: str, parser: Parser) -> bool:
    """Tell whether a parser takes a word of its own for an option (or may do so)."""
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
    """Return the flags that a parser takes a word for, which is none of its flags itself."""
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
    """Return the flag and the words (of a positional: the words) that give `value`.

    Raises:
        MismatchError: when nothing can give it; the message is the end of a sentence.
    """
    if not parameter.also:
        return _words(parameter, value, parser)
    if isinstance(value, list) and all(one.action == "append_const" for one in (parameter, *parameter.also)):
        return _constants(parameter, value)
    if same(value, parameter.default):
        return []
    first: MismatchError | None = None
    # Those with a value of their own first: a text may be taken by anything.
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
        return []  # the script has it anyway, and there may be no words for it
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
    """Tell whether the script would get something else than its default when the default is passed."""
    if parameter.nargs not in (None, "?") and isinstance(parameter.default, (str, int, float)):
        return True  # it would become a list
    items = parameter.default if isinstance(parameter.default, (list, tuple)) else [parameter.default]
    return parameter.item_type in ("str", "custom") and any(isinstance(one, (int, float)) for one in items)


def name_of(parameter: Parameter) -> str:
    """Return what an argument is called in a sentence."""
    return parameter.flag or parameter.key


def _switch(parameter: Parameter, value: object) -> list[str]:
    action, name = parameter.action, name_of(parameter)
    if not isinstance(value, bool):
        raise MismatchError(f"{name} is a switch: write true or false, not {value!r}")
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
                raise MismatchError(f"{name} cannot be switched on by an argument")
            return [plain]
        flag = next((flag for flag in parameter.flags if flag.startswith("--")), "")
        if not flag:
            raise MismatchError(f"{name} cannot be switched off: it has no long name")
        return [f"--no-{flag[2:]}"]
    if value == (action == "store_true"):
        return [parameter.flag]
    if action == "store_true" and parameter.default is None and not parameter.computed:
        return []  # nothing counts as false
    raise MismatchError(f"{name} cannot be switched {'on' if value else 'off'} by an argument")


def _count(parameter: Parameter, value: object) -> list[str]:
    default = parameter.default
    base = default if isinstance(default, int) and not isinstance(default, bool) else 0
    if isinstance(value, bool) or not isinstance(value, int) or value < base or value - base > 1000:
        raise MismatchError(
            f"{name_of(parameter)} counts: write a whole number from {base} on, not {value!r}"
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
            raise MismatchError(f"{flag} adds each character by itself (it lacks nargs)")
        return [word for each in words for word in option(flag, [each], parser)]
    if isinstance(nargs, int):
        if len(items) % nargs:
            raise MismatchError(f"{flag} takes {nargs} values at a time, {len(items)} are given")
        groups = [items[start : start + nargs] for start in range(0, len(items), nargs)]
        return [word for each in groups for word in option(flag, _several(parameter, each, parser), parser)]
    words = _several(parameter, items, parser)
    if any(_unsafe(word, parser) for word in words):
        return [word for each in words for word in option(flag, [each], parser)]
    return option(flag, words, parser)


def _after_default(parameter: Parameter, items: list[object]) -> list[object]:
    """Return what is to be added to the default list, to which argparse appends."""
    start = list(parameter.default) if isinstance(parameter.default, (list, tuple)) else []
    if len(items) < len(start) or not all(same(a, b) for a, b in zip(items, start, strict=False)):
        raise MismatchError(
            f"{name_of(parameter)} adds to its default {start}: the value has to begin with it"
        )
    return items[len(start) :]


def _store(parameter: Parameter, value: object, parser: Parser) -> list[str]:
    nargs = parameter.nargs
    if nargs in (None, "?"):
        if parameter.action == "custom" and isinstance(value, list) and not parameter.separator:
            # An action of the script's own may collect; nothing else could be meant.
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
    words = _several(parameter, items, parser)
    if parameter.positional:
        return words
    if nargs == "...":
        return [parameter.flag, *words]
    return option(parameter.flag, words, parser)


def _optional(parameter: Parameter, value: object, parser: Parser) -> list[str]:
    """The words of an option that takes one value or none."""
    try:
        word = one_word(parameter, value, parser)
    except MismatchError:
        if parameter.const is not None and same(value, parameter.const):
            return [parameter.flag]
        raise
    return option(parameter.flag, [word], parser)


def _several(parameter: Parameter, items: Sequence[object], parser: Parser) -> list[str]:
    if isinstance(parameter.nargs, int) and len(items) != parameter.nargs:
        raise MismatchError(f"{name_of(parameter)} takes {parameter.nargs} values, {len(items)} are given")
    if parameter.nargs == "+" and not items:
        raise MismatchError(f"{name_of(parameter)} takes one value or more, the list is empty")
    return [one_word(parameter, item, parser) for item in items]


def _unsafe(word: str, parser: Parser) -> bool:
    return looks_like_option(word, parser) or (word[:1] in parser.fromfile_chars and bool(word))


def option(flag: str, words: list[str], parser: Parser) -> list[str]:
    """Return a flag and its words; one that looks like an option itself is joined to the flag."""
    if "--" in words:
        raise MismatchError("argparse drops the word '--'")
    if not any(_unsafe(word, parser) for word in words):
        return [flag, *words]
    if len(words) == 1:
        return [f"{flag}={words[0]}"]
    unsafe = next(word for word in words if _unsafe(word, parser))
    raise MismatchError(_taken_for(unsafe, parser))


def _taken_for(word: str, parser: Parser) -> str:
    what = "the name of a file to read" if word[:1] in parser.fromfile_chars else "an option"
    return f"the script would take {word!r} for {what}"


def check_positional(word: str, parser: Parser) -> None:
    """Refuse a word of a positional that no protection helps."""
    if word == "--":
        raise MismatchError("argparse drops the word '--'")
    if word[:1] and word[:1] in parser.fromfile_chars:
        raise MismatchError(_taken_for(word, parser))


def one_word(parameter: Parameter, value: object, parser: Parser) -> str:
    """Return one value as the word that the parser converts back to it."""
    if parameter.separator and isinstance(value, (list, tuple)):
        return _joined(parameter, value, parser)
    for known, spelled in parameter.spelling:
        if same(value, known):
            return spelled
    kind, name = parameter.item_type, name_of(parameter)
    if kind in ("json", "literal"):
        return _notation(kind, value)
    if isinstance(value, (list, tuple, Mapping)):
        what = "a mapping" if isinstance(value, Mapping) else "a list"
        raise MismatchError(f"{name} takes a single value here, not {what}")
    if isinstance(value, bool):
        word = _truth(parameter, value)
    elif value is None:
        raise MismatchError(f"{name} has an empty value in its list")
    else:
        word = plain_word(value)
    if kind == "int":
        if isinstance(value, float) and value.is_integer():
            word = str(int(value))
        if not _converts(int, word):
            raise MismatchError(f"{name} takes a whole number, not {value!r}")
    elif kind == "float" and not _converts(float, word):
        raise MismatchError(f"{name} takes a number, not {value!r}")
    if parameter.choices is not None and not _chosen(parameter, value, word):
        allowed = ", ".join(str(one) for one in parameter.choices)
        raise MismatchError(f"{name} takes one of {allowed}; {word!r} is none of them")
    return word


def _truth(parameter: Parameter, value: bool) -> str:
    kind = parameter.item_type
    if kind == "bool":
        return "True" if value else ""  # bool("") is the only false
    choices = parameter.choices or ()
    if kind == "custom" and (isinstance(parameter.default, bool) or any(one is value for one in choices)):
        return str(value)
    raise MismatchError(
        f"{name_of(parameter)} takes a value of type {kind} and is no switch; "
        f"quote {str(value).lower()} if it is text"
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
                    f"{name_of(parameter)} has numbers as choices but no type: the script refuses every "
                    f"value until the argument is given type={type(one).__name__}"
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
            raise MismatchError(f"an item of {name_of(parameter)} cannot hold {parameter.separator!r}")
    return parameter.separator.join(words)


def _notation(kind: str, value: object) -> str:
    if isinstance(value, str) and value[:1] in ("{", "[", "("):
        try:
            json.loads(value) if kind == "json" else ast.literal_eval(value)
            return value  # it is in that notation already
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            pass
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
