"""Name patterns such as `{lr}-{seed}`.

    {key}          the value of a key as written; the end of a dotted key is enough where it is unique
    {key:.0e}      a number in a Python format
    {n}            the number of the task with leading zeros; {n:03} with at least three digits
    {name}         the name of the workspace
    {{ }}          braces

If the configuration has a key `n` or `name`, these stand for its value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pyruns_jupyter.core.common.errors import InvalidInput

from .plan import SweepPlan

NUMBER, WORKSPACE = "n", "name"
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
_SPEC = re.compile(r"[-+ ]?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[bcdeEfFgGoxXn%s]?", re.ASCII)
_MAX_KEYS_SHOWN = 12
_MAX_PATTERN = 1000  # characters of a pattern


@dataclass(frozen=True)
class NameField:
    """A pair of braces in a pattern.

    `key` is a dotted key, or NUMBER or WORKSPACE when `builtin`. `axis` is the index of a swept key's axis;
    other keys have `value` and `text`.
    """

    key: str
    spec: str
    source: str
    axis: int | None = None
    value: object = None
    text: str = ""
    builtin: bool = False


def is_pattern(name: str) -> bool:
    """Return whether a name is a pattern, that is, has an opening brace."""
    return "{" in name


def parse_pattern(pattern: str, plan: SweepPlan) -> list[str | NameField]:
    """Return the pieces of a pattern: text and fields.

    Raises:
        InvalidInput: with field `name`, when a brace has no partner, or a key is unknown or ambiguous.
    """
    if len(pattern) > _MAX_PATTERN:
        raise _wrong(f"it has {len(pattern):,} characters, but at most {_MAX_PATTERN:,} are allowed")
    pieces: list[str | NameField] = []
    for found in _PIECE.finditer(pattern):
        text = found.group()
        if text in ("{{", "}}"):
            pieces.append(text[0])
        elif found.group(1) is not None:
            pieces.append(_field(found.group(1), text, plan))
        elif text in "{}":
            raise _wrong(
                f"the brace at character {found.start() + 1} has no matching brace. Write {text * 2} "
                "for a literal brace"
            )
        else:
            pieces.append(text)
    return pieces


def field_texts(field: NameField, plan: SweepPlan) -> Iterator[str]:
    """Return the texts of a field: one for each candidate of its axis, or one for a fixed value.

    Raises:
        InvalidInput: when the format does not fit a value.
    """
    if field.axis is None:
        values = [(field.value, field.text)]
    else:
        values = [(one.value, one.source) for one in plan.axes[field.axis].candidates]
    return (_formatted(field, value, text) for value, text in values)


def number_texts(field: NameField, numbers: range) -> Iterator[str]:
    """Return the texts of `{n}`, by default with leading zeros so that names sort by number."""
    width = len(str(numbers[-1])) if numbers else 1
    if field.spec:
        return (_formatted(field, number, str(number)) for number in numbers)
    return (f"{number:0{width}d}" for number in numbers)


def missing_keys(pattern: str, plan: SweepPlan) -> list[str]:
    """Return the swept keys that the pattern would need to give each task a different name."""
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
        raise _wrong(f"{spec!r} in {source} is not a number format. Use, for example, {{n:03}} or {{lr:.0e}}")
    key = _resolved(name, source, list(axes), plan)
    if key in axes:
        return NameField(key, spec, source, axis=axes[key])
    leaf = plan.template.leaf(key)
    if leaf is None:
        return NameField(key, spec, source, builtin=True)
    text = leaf.source if leaf.style in ("plain", "flow", "block") else str(leaf.value)
    return NameField(key, spec, source, value=leaf.value, text=text)


def _resolved(name: str, source: str, swept: list[str], plan: SweepPlan) -> str:
    """Return the full key of `name`; swept keys take precedence."""
    fixed = [leaf.key for leaf in plan.template.leaves if not leaf.batch]
    fixed += sorted(plan.broken)
    if name in swept or name in fixed:
        return name
    if name in (NUMBER, WORKSPACE):
        return name
    if not name:
        raise _wrong(f"{source} has no key. Use {_known(swept, fixed)}")
    for keys in (swept, fixed):
        ends = [key for key in keys if key.endswith(f".{name}")]
        if len(ends) == 1:
            return ends[0]
        if ends:
            raise _wrong(f"{source} is ambiguous. Write {_braced(ends)}")
    near = difflib.get_close_matches(name, [*swept, *fixed], n=1)
    hint = f"Did you mean {{{near[0]}}}?" if near else f"Use {_known(swept, fixed)}"
    raise _wrong(f"unknown key {name!r}. {hint}")


def _known(swept: list[str], fixed: list[str]) -> str:
    return f"{{n}}, {_braced([*swept, *fixed])}".removesuffix(", ")


def _braced(keys: list[str]) -> str:
    return ", ".join("{" + key + "}" for key in keys[:_MAX_KEYS_SHOWN])


def _formatted(field: NameField, value: object, text: str) -> str:
    if not field.spec:
        return text
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            return format(value, field.spec)
    raise _wrong(f"the format {field.spec!r} of {field.source} does not fit the value {text[:60]}")


def _wrong(message: str) -> InvalidInput:
    end = "" if message.endswith(("?", ".")) else "."
    return InvalidInput(f"Invalid name pattern: {message}{end}", field="name")
