"""Name patterns: `{lr}-{seed}` and what else may stand in braces.

    {key}          the value of a key as it is written; the end of a dotted key is enough where it is unique
    {key:.0e}      a number in Python's notation for formats
    {n}            the task's number, with leading zeros; {n:03} with as many as wanted
    {name}         the workspace's name
    {{ }}          braces

A key of the configuration that is called `n` or `name` comes before the number and the workspace's name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pyruns_jupyter.core.common.errors import InvalidInput

from .plan import SweepPlan

NUMBER, WORKSPACE = "n", "name"
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
_SPEC = re.compile(r"[-+ ]?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[bcdeEfFgGoxXn%s]?", re.ASCII)
_CHOICES_TOLD = 12
_MAX_PATTERN = 1000  # characters of a pattern


@dataclass(frozen=True)
class NameField:
    """Braces in a pattern.

    `key` is a dotted key, or NUMBER or WORKSPACE where `builtin`. `axis` is the number of a swept key's axis,
    else `value` and `text` are those of the key.
    """

    key: str
    spec: str
    source: str
    axis: int | None = None
    value: object = None
    text: str = ""
    builtin: bool = False


def is_pattern(name: str) -> bool:
    """Return whether a name is a pattern: it has an opening brace."""
    return "{" in name


def parse_pattern(pattern: str, plan: SweepPlan) -> list[str | NameField]:
    """Return the pieces of a pattern: text and fields.

    Raises:
        InvalidInput: with field `name`, when a brace lacks its partner, or a key is unknown or ambiguous.
    """
    if len(pattern) > _MAX_PATTERN:
        raise _wrong(f"it has {len(pattern):,} characters, at most {_MAX_PATTERN:,} are allowed")
    pieces: list[str | NameField] = []
    for found in _PIECE.finditer(pattern):
        text = found.group()
        if text in ("{{", "}}"):
            pieces.append(text[0])
        elif found.group(1) is not None:
            pieces.append(_field(found.group(1), text, plan))
        elif text in "{}":
            raise _wrong(
                f"the brace at character {found.start() + 1} lacks its partner; write {text * 2} for a brace"
            )
        else:
            pieces.append(text)
    return pieces


def field_texts(field: NameField, plan: SweepPlan) -> Iterator[str]:
    """Return the texts that a field takes, one for each candidate of its axis; one for a fixed value.

    Raises:
        InvalidInput: when a value does not go with the format.
    """
    if field.axis is None:
        values = [(field.value, field.text)]
    else:
        values = [(one.value, one.source) for one in plan.axes[field.axis].candidates]
    return (_formatted(field, value, text) for value, text in values)


def number_texts(field: NameField, numbers: range) -> Iterator[str]:
    """Return the texts of `{n}`: with leading zeros, so that names sort in the order of the numbers."""
    width = len(str(numbers[-1])) if numbers else 1
    if field.spec:
        return (_formatted(field, number, str(number)) for number in numbers)
    return (f"{number:0{width}d}" for number in numbers)


def left_out(pattern: str, plan: SweepPlan) -> list[str]:
    """Return the swept keys without which names made by the pattern do not tell all tasks apart."""
    fields = [piece for piece in parse_pattern(pattern, plan) if isinstance(piece, NameField)]
    if any(field.builtin and field.key == NUMBER for field in fields):
        return []
    named = {field.axis for field in fields}
    groups = {axis.group for number, axis in enumerate(plan.axes) if number in named} - {None}
    return [
        axis.key
        for number, axis in enumerate(plan.axes)
        if number not in named and axis.group not in groups and len(axis.candidates) > 1
    ]


def _field(inside: str, source: str, plan: SweepPlan) -> NameField:
    name, colon, spec = inside.partition(":")
    name = name.strip()
    axes = {axis.key: number for number, axis in enumerate(plan.axes)}
    if inside.strip() in axes or plan.template.leaf(inside.strip()):
        name, spec = inside.strip(), ""  # a key with a colon
    if colon and not _SPEC.fullmatch(spec):
        raise _wrong(f"{spec!r} in {source} is no format for numbers; write {{n:03}} or {{lr:.0e}}")
    key = _resolved(name, source, list(axes), plan)
    if key in axes:
        return NameField(key, spec, source, axis=axes[key])
    leaf = plan.template.leaf(key)
    if leaf is None:
        return NameField(key, spec, source, builtin=True)
    text = leaf.source if leaf.style in ("plain", "flow", "block") else str(leaf.value)
    return NameField(key, spec, source, value=leaf.value, text=text)


def _resolved(name: str, source: str, swept: list[str], plan: SweepPlan) -> str:
    """Return the whole key that `name` means; keys that are swept come before others."""
    fixed = [leaf.key for leaf in plan.template.leaves if not leaf.batch]
    fixed += sorted(plan.broken)
    if name in swept or name in fixed:
        return name
    if name in (NUMBER, WORKSPACE):
        return name
    if not name:
        raise _wrong(f"{source} names no key; use {_known(swept, fixed)}")
    for keys in (swept, fixed):
        ends = [key for key in keys if key.endswith(f".{name}")]
        if len(ends) == 1:
            return ends[0]
        if ends:
            told = ", ".join("{" + key + "}" for key in ends[:_CHOICES_TOLD])
            raise _wrong(f"{source} is ambiguous: write {told}")
    near = difflib.get_close_matches(name, [*swept, *fixed], n=1)
    hint = f"did you mean {{{near[0]}}}?" if near else f"use {_known(swept, fixed)}"
    raise _wrong(f"there is no key {name!r}; {hint}")


def _known(swept: list[str], fixed: list[str]) -> str:
    return ", ".join(["{n}", *("{" + key + "}" for key in [*swept, *fixed][:_CHOICES_TOLD])])


def _formatted(field: NameField, value: object, text: str) -> str:
    if not field.spec:
        return text
    try:
        if isinstance(value, str):
            return format(value, field.spec)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return format(value, field.spec)
    except (ValueError, OverflowError):
        pass
    raise _wrong(f"{field.source} cannot be made of {text[:60]}: the format {field.spec!r} does not fit it")


def _wrong(message: str) -> InvalidInput:
    end = "" if message.endswith(("?", ".")) else "."
    return InvalidInput(f"The name pattern cannot be used: {message}{end}", field="name")
