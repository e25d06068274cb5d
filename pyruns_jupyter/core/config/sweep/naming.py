"""Names of new tasks: what was swept, numbered with leading zeros, legal and not taken."""

from __future__ import annotations

import re
from collections.abc import Collection

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.taskfile.paths import MAX_NAME_LENGTH, check_task_name, is_task_name

from .pattern import NUMBER, WORKSPACE, NameField, field_texts, is_pattern, number_texts, parse_pattern
from .plan import SweepPlan

_FORBIDDEN = re.compile(r'[@<>:"/\\|?*\x00-\x1f\x7f\s\ud800-\udfff]+')
_FORBIDDEN_AT_ENDS = re.compile(rf"\A{_FORBIDDEN.pattern}|{_FORBIDDEN.pattern}\Z")
_MAX_VALUE = 40
_MAX_READ = 1000  # characters of a value that its part of a name is made of
_MAX_BYTES = 240  # most file systems store 255; room for the suffixes of others
_LABEL_ROOM = 16  # bytes that a sweep's prefix leaves at least


class NameTaken(InvalidInput, Conflict):
    """A task of that name exists already; `field` is `name`."""

    code = "conflict"

    def __init__(self, name: str) -> None:
        super().__init__(f"A task named {name!r} exists already; choose another name.", field="name")
        self.name = name


def check_name(name: str, taken: Collection[str] = ()) -> str:
    """Return `name` if a single task may have it.

    Raises:
        InvalidInput: when it is not legal.
        NameTaken: when a task of this name exists.
    """
    if check_task_name(name) in taken:
        raise NameTaken(name)
    return name


def sweep_names(plan: SweepPlan, name: str, taken: Collection[str] = (), *, workspace: str = "") -> list[str]:
    """Return one name for each configuration: by pattern when `name` is one, else `name` and what was swept.

    Raises:
        InvalidInput: see `default_names` and `pattern_names`.
    """
    if is_pattern(name):
        return pattern_names(plan, name, workspace, taken)
    return default_names(plan, name, taken)


def default_names(plan: SweepPlan, prefix: str, taken: Collection[str] = ()) -> list[str]:
    """Return one name for each configuration of the plan.

    A plan of one gets `prefix` itself. A sweep gets `prefix_07_lr=0.01,opt=adam`: a number with leading
    zeros, then what was swept, cut where it would be too long. Numbers go on after those that are taken.

    Raises:
        InvalidInput: when the prefix is no legal name or too long for a sweep, or a plan of one meets an
            existing name.
    """
    check_task_name(prefix)
    if plan.count == 1:
        return [check_name(prefix, taken)]
    most = min(MAX_NAME_LENGTH, _MAX_BYTES) - _LABEL_ROOM
    if max(len(prefix), len(prefix.encode())) > most:
        raise InvalidInput(
            f"The name is too long: the tasks of a sweep add to it, so it may have {most} characters "
            f"(bytes of UTF-8), and has {max(len(prefix), len(prefix.encode()))}.",
            field="name",
        )
    return _numbered(prefix, swept_labels(plan), taken)


def pattern_names(
    plan: SweepPlan, pattern: str, workspace: str = "", taken: Collection[str] = ()
) -> list[str]:
    """Return names made by a pattern such as `{lr}-{seed}`; see `pattern` for what may stand in it.

    Equal or taken names get `_2`, `_3`, ... where the plan makes several tasks. Where `{n}` follows plain
    text, numbers go on after those that are taken.

    Raises:
        InvalidInput: when the pattern names an unknown or ambiguous key, or makes no legal name.
    """
    pieces = parse_pattern(pattern, plan)
    check_task_name("".join(piece if isinstance(piece, str) else "x" for piece in pieces))
    first = _first_number(pieces, workspace, taken) if plan.count > 1 else 1
    numbers = range(first, first + plan.count)
    made: list[list[str] | str] = []
    axes: list[int | None] = []
    for piece in pieces:
        axis: int | None = None
        if isinstance(piece, str):
            made.append(piece)
        elif piece.axis is not None:
            axis = piece.axis
            made.append([_legal(text) for text in field_texts(piece, plan)])
        elif piece.builtin and piece.key == NUMBER:
            made.append(list(number_texts(piece, numbers)))
        elif piece.builtin:
            made.append(_legal(workspace or "task"))
        else:
            made.append(_legal(next(iter(field_texts(piece, plan)))))
        axes.append(axis)
    parts = list(zip(made, axes, strict=True))
    names = []
    for index, choice in enumerate(plan.choices()):
        check_time()
        names.append(
            _whole(
                "".join(
                    part if isinstance(part, str) else part[index if axis is None else choice[axis]]
                    for part, axis in parts
                )
            )
        )
    if plan.count == 1:
        return [check_name(names[0], taken)]
    return _distinct(names, taken)


def swept_labels(plan: SweepPlan) -> list[str]:
    """Return for each configuration what was swept as one legal piece of a name: `lr=0.01,opt=adam`.

    Keys are shortened to their last part where that stays clear.
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
    """Shorten dotted keys to the fewest last parts that are unique; a list's item keeps the list's name."""
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
    names = [_cut(f"{prefix}_{number:0{width}d}_{label}") for number, label in enumerate(labels, start=first)]
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
    """Number names that stand there already; names that differ only in case count as equal."""
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
    """Replace what a name may not hold, and shorten what nobody would read."""
    text = text[:_MAX_READ].replace(", ", ",")
    clean = _FORBIDDEN.sub("-", _FORBIDDEN_AT_ENDS.sub("", text)) or "-"
    return clean if len(clean) <= _MAX_VALUE else clean[: _MAX_VALUE - 1] + "…"


def _whole(name: str) -> str:
    """Return a name that a pattern made, changed where its values make it illegal as a whole."""
    name = _cut(name.strip(), _MAX_BYTES - 8, MAX_NAME_LENGTH - 8)
    return name if is_task_name(name) else f"_{name}"


def _cut(name: str, most_bytes: int = _MAX_BYTES, most: int = MAX_NAME_LENGTH) -> str:
    if len(name) > most:
        name = name[: most - 1] + "…"
    if not name.isascii() and len(name.encode()) > most_bytes:
        name = name.encode()[: most_bytes - 3].decode("utf-8", "ignore") + "…"
    return name.rstrip(" .")
