"""Names of new tasks: legal, unique, and made of a number and the swept values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.taskfile.paths import MAX_NAME_LENGTH, check_task_name, is_task_name

from .pattern import NUMBER, WORKSPACE, NameField, field_texts, number_texts, parse_pattern
from .plan import SweepPlan

_FORBIDDEN = re.compile(r'[@<>:"/\\|?*\x00-\x1f\x7f\s\ud800-\udfff]+')
_FORBIDDEN_AT_ENDS = re.compile(rf"\A{_FORBIDDEN.pattern}|{_FORBIDDEN.pattern}\Z")
_MAX_VALUE = 40  # characters of a value in a name
_MAX_READ = 1000  # characters of a value that are read for its name
_MAX_BYTES = 240  # most file systems allow 255; this leaves room for suffixes
_LABEL_ROOM = 16  # bytes that the prefix of a sweep must leave for numbers and values


class NameTaken(InvalidInput, Conflict):
    """There is already a task with this name; `field` is `name`."""

    code = "conflict"

    def __init__(self, name: str) -> None:
        super().__init__(f"A task named {name!r} already exists. Choose another name.", field="name")
        self.name = name


def check_name(name: str, taken: Collection[str] = ()) -> str:
    """Return `name` if a new task can have it.

    Raises:
        InvalidInput: when it is not legal.
        NameTaken: when a task has this name.
    """
    if check_task_name(name) in taken:
        raise NameTaken(name)
    return name


def default_names(plan: SweepPlan, prefix: str, taken: Collection[str] = ()) -> list[str]:
    """Return one name for each configuration of the plan.

    A single task is named `prefix`. Those of a sweep are named `prefix_07_lr=0.01,opt=adam`: a number with
    leading zeros, and the swept values, cut to the maximum length. Numbers start after those of existing
    tasks.

    Raises:
        InvalidInput: when the prefix is not a legal name, too long for a sweep, or taken by another task.
    """
    if plan.count == 1:
        return [check_name(prefix, taken)]
    _check_prefix(prefix)
    return _numbered(prefix, swept_labels(plan), taken)


def _check_prefix(prefix: str) -> None:
    check_task_name(prefix)
    limit = min(MAX_NAME_LENGTH, _MAX_BYTES) - _LABEL_ROOM
    size = len(prefix.encode())
    if size > limit:
        raise InvalidInput(
            f"The name is too long. A sweep appends to it, so it can have at most {limit} bytes in UTF-8, "
            f"but it has {size}.",
            field="name",
        )


def pattern_names(
    plan: SweepPlan, pattern: str, workspace: str = "", taken: Collection[str] = ()
) -> list[str]:
    """Return names from a pattern such as `{lr}-{seed}`; see `pattern` for its syntax.

    When there are several tasks, `_2`, `_3`, ... is appended to equal and taken names. Where `{n}` follows
    plain text, numbers start after those of existing tasks.

    Raises:
        InvalidInput: when the pattern has an unknown or ambiguous key, or its names are not legal.
    """
    pieces = parse_pattern(pattern, plan)
    check_task_name("".join(piece if isinstance(piece, str) else "x" for piece in pieces))
    first = _first_number(pieces, workspace, taken) if plan.count > 1 else 1
    numbers = range(first, first + plan.count)
    choices = list(plan.choices())
    columns: list[Iterable[str]] = []
    for piece in pieces:
        if isinstance(piece, str):
            columns.append(repeat(piece))
        elif piece.builtin:
            is_number = piece.key == NUMBER
            columns.append(number_texts(piece, numbers) if is_number else repeat(_legal(workspace or "task")))
        else:
            texts = [_legal(text) for text in field_texts(piece, plan)]
            columns.append([texts[0 if piece.axis is None else choice[piece.axis]] for choice in choices])
    names = []
    for _, *parts in zip(choices, *columns, strict=False):
        check_time()
        names.append(_whole("".join(parts)))
    if plan.count == 1:
        return [check_name(names[0], taken)]
    return _distinct(names, taken)


def numbered_names(prefix: str, rows: Sequence[Mapping[str, str]], taken: Collection[str] = ()) -> list[str]:
    """Return names like those of `default_names` for tasks with these values (as texts), by dotted key.

    Raises:
        InvalidInput: when the prefix is not a legal name or too long.
    """
    _check_prefix(prefix)
    short = _short_keys(list(dict.fromkeys(key for row in rows for key in row)))
    labels = [",".join(f"{_legal(short[key])}={_legal(text)}" for key, text in row.items()) for row in rows]
    return _numbered(prefix, labels, taken)


def swept_labels(plan: SweepPlan) -> list[str]:
    """Return the swept values of each configuration as a legal part of a name: `lr=0.01,opt=adam`.

    Keys are shortened to their last part where that is unique.
    """
    short = _short_keys([axis.key for axis in plan.axes])
    texts = [
        [f"{_legal(short[axis.key])}={_legal(one.source)}" for one in axis.candidates] for axis in plan.axes
    ]
    labels = []
    for choice in plan.choices():
        check_time()
        labels.append(",".join([options[at] for options, at in zip(texts, choice, strict=True)]))
    return labels


def _short_keys(keys: list[str]) -> dict[str, str]:
    """Shorten dotted keys to the fewest last parts that are unique; an index keeps the name of its list."""
    parts = {key: key.split(".") for key in keys}
    ends: dict[tuple[str, ...], int] = {}
    for own in parts.values():
        for size in range(1, len(own) + 1):
            end = tuple(own[-size:])
            ends[end] = ends.get(end, 0) + 1
    result: dict[str, str] = {}
    for key, own in parts.items():
        size = 1
        while size < len(own) and (own[-size].isdigit() or ends[tuple(own[-size:])] > 1):
            size += 1
        result[key] = ".".join(own[-size:])
    return result


def _numbered(prefix: str, labels: list[str], taken: Collection[str]) -> list[str]:
    first = _next_number(f"{prefix}_", taken)
    width = len(str(first + len(labels) - 1))
    names = [
        _cut(f"{prefix}_{number:0{width}d}" + (f"_{label}" if label else ""))
        for number, label in enumerate(labels, start=first)
    ]
    for name in names[:1] + names[-1:]:
        check_task_name(name)
    return names


def _next_number(before: str, taken: Collection[str]) -> int:
    """Return the number after the highest one that follows `before` in a name."""
    pattern = re.compile(re.escape(before) + r"0*(\d{1,9})(?!\d)")
    numbers = [int(found.group(1)) for found in map(pattern.match, taken) if found]
    return max(numbers, default=0) + 1


def _first_number(pieces: list[str | NameField], workspace: str, taken: Collection[str]) -> int:
    before = ""
    for piece in pieces:
        if isinstance(piece, str):
            before += piece
        elif piece.builtin and piece.key == WORKSPACE:
            before += _legal(workspace or "task")
        elif piece.builtin and before:
            return _next_number(before, taken)
        else:
            break
    return 1


def _distinct(names: list[str], taken: Collection[str]) -> list[str]:
    """Append numbers to names that occur before or are taken; case is ignored."""
    used: set[str] = set()
    last: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        final, number = name, last.get(name, 1)
        while final.casefold() in used or final in taken:
            number += 1
            final = f"{name}_{number}"
        last[name] = number
        used.add(final.casefold())
        result.append(final)
    return result


def _legal(text: str) -> str:
    """Replace characters that a name cannot have, and shorten long texts."""
    text = text[:_MAX_READ].replace(", ", ",")
    clean = _FORBIDDEN.sub("-", _FORBIDDEN_AT_ENDS.sub("", text)) or "-"
    return clean if len(clean) <= _MAX_VALUE else clean[: _MAX_VALUE - 1] + "…"


def _whole(name: str) -> str:
    """Return a name from a pattern, changed when it is not legal as a whole."""
    name = _cut(name.strip(), _MAX_BYTES - 8, MAX_NAME_LENGTH - 8)
    return name if is_task_name(name) else f"_{name}"


def _cut(name: str, max_bytes: int = _MAX_BYTES, max_length: int = MAX_NAME_LENGTH) -> str:
    if len(name) > max_length:
        name = name[: max_length - 1] + "…"
    if not name.isascii() and len(name.encode()) > max_bytes:
        name = name.encode()[: max_bytes - 3].decode("utf-8", "ignore") + "…"
    return name.rstrip(" .")
