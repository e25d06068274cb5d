"""Uncertain changes to dictionaries and lists, and their contents afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .objects import UNKNOWN, UnknownError, weight


def spoil(owner: Any) -> None:
    """Mark all items of a container as unknown: it may contain anything."""
    if isinstance(owner, dict):
        owner.clear()
        owner[UNKNOWN] = UNKNOWN
    elif isinstance(owner, list):
        owner[:] = [UNKNOWN]
    elif isinstance(owner, set):
        owner.clear()
        owner.add(UNKNOWN)


def update_unknown(owner: dict[Any, Any]) -> None:
    """Update a dictionary with unknown items: its keys are kept, but each may have another value."""
    owner.update({**dict.fromkeys(owner, UNKNOWN), UNKNOWN: UNKNOWN})


def store_perhaps(owner: Any, index: Any, value: Any, either: Callable[[list[Any]], Any]) -> None:
    """Store an item in a container when it is unknown whether the statement runs."""
    if isinstance(owner, dict):
        if index is UNKNOWN:
            update_unknown(owner)
        elif index in owner:
            owner[index] = either([owner[index], value])
        else:
            owner[UNKNOWN] = UNKNOWN
    elif isinstance(owner, list):
        owner[index] = either([owner[index], value])


def remove(owner: dict[Any, Any] | list[Any], index: Any, *, doubt: bool) -> None:
    """Apply `del owner[index]`; with `doubt` it is unknown whether the statement runs."""
    try:
        weight(index)  # also bounds the work of its hash
        if isinstance(owner, dict) and index is not UNKNOWN:
            owner.pop(index, None)
            if doubt:
                owner[UNKNOWN] = UNKNOWN
        elif isinstance(owner, list) and index is not UNKNOWN and not doubt:
            del owner[index]
        else:
            spoil(owner)
    except (TypeError, IndexError, UnknownError):
        spoil(owner)


def change_perhaps(
    owner: Any,
    name: str,
    arguments: list[Any],
    words: dict[str, Any],
    either: Callable[[list[Any]], Any],
) -> Any:
    """Call a method that changes a container when it is unknown whether the call runs."""
    given = arguments[0] if arguments else None
    if isinstance(owner, dict) and name == "update" and isinstance(given or {}, dict):
        for key, value in {**(given or {}), **words}.items():
            store_perhaps(owner, key, value, either)
    elif isinstance(owner, dict) and name == "setdefault" and given is not UNKNOWN:
        if given in owner:
            return owner[given]
        owner[UNKNOWN] = UNKNOWN
        return arguments[1] if len(arguments) > 1 else None
    elif isinstance(owner, dict) and name == "pop" and given is not UNKNOWN:
        remove(owner, given, doubt=True)
    elif isinstance(owner, list) and name in ("append", "extend"):
        owner.append(UNKNOWN)
    elif isinstance(owner, set) and name in ("add", "update"):
        owner.add(UNKNOWN)
    else:
        spoil(owner)
    return UNKNOWN
