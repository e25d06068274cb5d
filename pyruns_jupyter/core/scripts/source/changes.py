"""Uncertain changes to dictionaries and lists, and their contents afterwards."""

from __future__ import annotations

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


def remove(owner: dict[Any, Any] | list[Any], index: Any, *, doubt: bool) -> None:
    """Apply `del owner[index]`; with `doubt` it is unknown whether the statement runs."""
    try:
        weight(index)  # also bounds the work of its hash
        if doubt or index is UNKNOWN:
            raise UnknownError("it may be any item")
        del owner[index]
    except (TypeError, LookupError, UnknownError):
        spoil(owner)


def change_perhaps(owner: Any, name: str = "") -> None:
    """Store an item (or call the method `name`) when it is unknown whether the statement runs."""
    if isinstance(owner, list) and name in ("append", "extend"):
        owner.append(UNKNOWN)
    elif isinstance(owner, dict) and name in ("", "update", "setdefault"):
        update_unknown(owner)
    else:
        spoil(owner)
