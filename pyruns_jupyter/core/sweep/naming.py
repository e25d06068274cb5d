"""Names of new tasks: what was swept, numbered with leading zeros, legal and not taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ..errors import InvalidInput
from ..layout import MAX_NAME_LENGTH, check_task_name
from ..yamltext.template import Template
from .plan import SweepPlan

Taken = Collection[str] | Callable[[str], bool]

_FORBIDDEN = re.compile(r'[@<>:"/\\|?*\x00-\x1f\x7f\s]+')
_FIELD = re.compile(r"\{([^{}]*)\}")
_LONGEST_VALUE = 40
_MAX_BYTES = 240  # most file systems store 255; room for the suffixes of others


def check_name(name: str, taken: Taken = ()) -> str:
    """Return `name` if a single task may have it.

    Raises:
        InvalidInput: when it is not legal or a task of this name exists.
    """
    check_task_name(name)
    if _lookup(taken)(name):
        raise InvalidInput(f"A task named {name!r} exists already; choose another name.", field="name")
    return name


def default_names(plan: SweepPlan, prefix: str, taken: Taken = ()) -> list[str]:
    """Return one name for each configuration of the plan.

    A plan of one gets `prefix` itself. A sweep gets `prefix_07_lr=0.01,opt=adam`: a number with leading
    zeros, then what was swept, cut where it would be too long. Numbers go on after those that are taken.

    Raises:
        InvalidInput: when the prefix is no legal name, or a plan of one meets an existing name.
    """
    check_task_name(prefix)
    if plan.count == 1:
        return [check_name(prefix, taken)]
    labels = [swept_label(plan, index) for index in range(plan.count)]
    return _numbered(prefix, labels, taken)


def pattern_names(plan: SweepPlan, pattern: str, prefix: str = "", taken: Taken = ()) -> list[str]:
    """Return names made by a pattern such as `{lr}-{seed}`; `{n}` is the number and `{name}` the prefix.

    Equal or taken names get `_2`, `_3`, ... where the plan makes several tasks.

    Raises:
        InvalidInput: when the pattern names an unknown key, or makes no legal name.
    """
    known = _known_texts(plan.template)
    swept = {axis.key for axis in plan.axes}
    wanted = _FIELD.findall(pattern)
    if "{" in _FIELD.sub("", pattern) or "}" in _FIELD.sub("", pattern):
        raise InvalidInput("The name pattern has a brace without its partner.", field="name")
    for key in wanted:
        if key not in swept and key not in known and key not in ("n", "name"):
            keys = ", ".join(["{n}", *("{" + key + "}" for key in [*swept, *known][:12])])
            raise InvalidInput(
                f"The name pattern asks for {{{key}}}, but there is no such key; use {keys}.", field="name"
            )
    is_taken = _lookup(taken)
    width = len(str(plan.count))
    names: list[str] = []
    used: set[str] = set()
    for index in range(plan.count):
        texts = {**known, **plan.sources(index)}
        texts.setdefault("n", str(index + 1).zfill(width))
        texts.setdefault("name", prefix)
        name = "".join(
            _legal(texts[part]) if place % 2 else part for place, part in enumerate(_FIELD.split(pattern))
        ).strip()
        name = _cut(name, _MAX_BYTES - 8)
        check_task_name(name)
        if plan.count == 1:
            return [check_name(name, taken)]
        final, number = name, 1
        while final in used or is_taken(final):
            number += 1
            final = f"{name}_{number}"
        used.add(final)
        names.append(final)
    return names


def swept_label(plan: SweepPlan, index: int) -> str:
    """Return what was swept as one legal piece of a name: `lr=0.01,opt=adam`.

    Keys are shortened to their last part where that stays clear.
    """
    short = _short_keys([axis.key for axis in plan.axes])
    return ",".join(f"{_legal(short[key])}={_legal(text)}" for key, text in plan.sources(index).items())


def _short_keys(keys: list[str]) -> dict[str, str]:
    """Shorten dotted keys to the fewest last parts that are unique; a list's item keeps the list's name."""
    result: dict[str, str] = {}
    for key in keys:
        parts = key.split(".")
        size = 1
        while size < len(parts):
            tail = parts[-size:]
            clash = any(other != key and other.split(".")[-size:] == tail for other in keys)
            if not tail[0].isdigit() and not clash:
                break
            size += 1
        result[key] = ".".join(parts[-size:])
    return result


def _numbered(prefix: str, labels: list[str], taken: Taken) -> list[str]:
    is_taken = _lookup(taken)
    first = _next_number(prefix, taken)
    while True:
        width = len(str(first + len(labels) - 1))
        names = [
            _cut(f"{prefix}_{number:0{width}d}_{label}", _MAX_BYTES)
            for number, label in enumerate(labels, start=first)
        ]
        clash = next((number for number, name in enumerate(names, start=first) if is_taken(name)), None)
        if clash is None:
            for name in names[:1] + names[-1:]:
                check_task_name(name)
            return names
        first = clash + 1


def _next_number(prefix: str, taken: Taken) -> int:
    if callable(taken):
        return 1
    pattern = re.compile(re.escape(prefix) + r"_(\d{1,9})(?:_|\Z)")
    numbers = [int(found.group(1)) for found in map(pattern.match, taken) if found]
    return max(numbers, default=0) + 1


def _known_texts(template: Template) -> dict[str, str]:
    return {leaf.key: _plain_text(leaf.value) for leaf in template.leaves if not leaf.batch}


def _plain_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def _legal(text: str) -> str:
    """Replace what a name may not hold, and shorten what nobody would read."""
    clean = _FORBIDDEN.sub("-", text).strip("- .") or "-"
    clean = "".join(character for character in clean if not 0xD800 <= ord(character) <= 0xDFFF)
    return clean if len(clean) <= _LONGEST_VALUE else clean[: _LONGEST_VALUE - 1] + "…"


def _cut(name: str, most_bytes: int) -> str:
    if len(name) > MAX_NAME_LENGTH:
        name = name[: MAX_NAME_LENGTH - 1] + "…"
    while len(name.encode("utf-8", "replace")) > most_bytes:
        name = name[:-2] + "…"
    return name.rstrip(" .")


def _lookup(taken: Taken) -> Callable[[str], bool]:
    return taken if callable(taken) else taken.__contains__
