"""Metadata that users give a task: notes, pin, tags, environment, order; changed together or not at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput
from pyruns_jupyter.core.common.json_floats import finite_number
from pyruns_jupyter.core.common.secret_names import is_secret

from .task_file import TaskInfo, own, own_facts

MAX_TAGS, MAX_TAG = 50, 50
MAX_VARIABLES, MAX_VALUE = 1000, 100_000  # characters of a value; Linux accepts 128 KiB
MAX_NOTES = 1_000_000  # characters
# Variables that we set for every run: a task's own value would have no effect.
_OURS = frozenset({"PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8"})
_OUR_PREFIXES = ("PYRUNS_", "__PYRUNS_")
_FIELDS = ("notes", "pinned", "tags", "order", "env")
MAX_ORDER = 1e15


class TaskPatch(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of a task's metadata; None (and an empty `env`) changes nothing.

    `tags` replaces all tags. `env` sets variables, and unsets those whose value is None; others are kept.
    `order` is a number for sorting. `expected` contains the old values of `notes`, `pinned`, `tags`, `order`
    and `env` (of the variables that it names, None for unset) as the user saw them.
    """

    notes: str | None = None
    pinned: bool | None = None
    tags: tuple[str, ...] | None = None
    env: Mapping[str, Annotated[str, Meta(description="text, or null to unset a variable")] | None] = {}
    order: Annotated[float, Meta(gt=-MAX_ORDER, lt=MAX_ORDER)] | None = None
    expected: Mapping[str, Any] = {}

    def check(self) -> None:
        """Check the new values, independent of the task.

        Raises:
            InvalidInput: with the invalid field.
        """
        if self.notes is not None and len(self.notes) > MAX_NOTES:
            raise InvalidInput(f"Notes may have at most {MAX_NOTES} characters.", field="notes")
        if self.tags is not None:
            check_tags(self.tags)
        for name, text in self.env.items():
            check_variable(name, text)
        for key in self.expected:
            if key not in _FIELDS:
                raise InvalidInput(
                    f"Unknown field {key!r} in 'expected'. Valid fields: name, {', '.join(_FIELDS)}.",
                    field=f"expected.{key}",
                )

    def apply(self, info: TaskInfo) -> None:
        """Change a task file's content.

        Raises:
            Conflict: if an old value is not the expected one; nothing is changed.
            InvalidInput: if there would be too many variables; nothing is changed.
        """
        self._compare(info)
        if self.env:
            info["env"] = self._environment(info)
        if self.notes is not None and self.notes != notes_of(info):
            info["notes"] = self.notes
        if self.pinned is not None and self.pinned != is_pinned(info):
            info["pinned"] = self.pinned
        if self.tags is not None and (tags := list(dict.fromkeys(self.tags))) != list(tags_of(info)):
            own(info)["tags"] = tags
        if self.order is not None:
            own(info)["order"] = self.order

    def _environment(self, info: TaskInfo) -> dict[str, Any]:
        present = info.get("env")
        env = dict(present) if isinstance(present, dict) else {}
        for name, text in self.env.items():
            if text is None:
                env.pop(name, None)
            else:
                env[name] = text
        if len(env) > MAX_VARIABLES:
            raise InvalidInput(f"A task may have at most {MAX_VARIABLES} variables.", field="env")
        return env

    def _compare(self, info: TaskInfo) -> None:
        now: dict[str, Any] = {
            "notes": notes_of(info),
            "pinned": is_pinned(info),
            "tags": list(tags_of(info)),
            "order": order_of(info),
        }
        env = env_of(info)
        for key, value in self.expected.items():
            if key == "env":
                changed = not isinstance(value, Mapping) or any(
                    env.get(name) != text for name, text in value.items()
                )
            else:
                changed = now[key] != value
            if changed:
                what = f"The {_WORDS.get(key, key)} of {info.get('name', 'the task')!r}"
                word = "were" if key in ("notes", "tags") else "was"
                raise Conflict(f"{what} {word} changed elsewhere. Reload the task and try again.")


_WORDS = {"env": "environment", "pinned": "pin"}


def notes_of(info: TaskInfo) -> str:
    """Return a task's notes, "" if there are none."""
    notes = info.get("notes")
    return notes if isinstance(notes, str) else ""


def is_pinned(info: TaskInfo) -> bool:
    """Return whether a task is pinned."""
    return info.get("pinned") is True


def tags_of(info: TaskInfo) -> tuple[str, ...]:
    """Return a task's tags."""
    tags = own_facts(info).get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def order_of(info: TaskInfo) -> float | None:
    """Return the number that the user's order gives a task, None if it has none."""
    return finite_number(own_facts(info).get("order"), MAX_ORDER)


def env_of(info: TaskInfo) -> dict[str, str]:
    """Return the task's own environment variables, as a run gets them."""
    env = info.get("env")
    if not isinstance(env, dict):
        return {}
    texts = {str(name): "" if text is None else str(text) for name, text in env.items()}
    return {
        name: text for name, text in texts.items() if name and "=" not in name and "\0" not in name + text
    }


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return valid tags without duplicates.

    Raises:
        InvalidInput: if one is invalid, or they are too many, with `field` "tags".
    """
    found = tuple(dict.fromkeys(tags))
    for tag in found:
        if problem := _tag_problem(tag):
            raise InvalidInput(f"Invalid tag {tag!r}: {problem}.", field="tags")
    if len(found) > MAX_TAGS:
        raise InvalidInput(f"A task may have at most {MAX_TAGS} tags.", field="tags")
    return found


def _tag_problem(tag: str) -> str | None:
    if not tag:
        return "it is empty"
    if len(tag) > MAX_TAG:
        return f"it has {len(tag)} characters, but at most {MAX_TAG} are allowed"
    if tag != tag.strip():
        return "it begins or ends with a space"
    if "," in tag or '"' in tag:
        return "commas and quotation marks are not allowed"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in tag):
        return "it contains a character that cannot be displayed"
    return None


def check_variable(name: str, text: str | None) -> None:
    """Check an environment variable to be set, or (None) to be unset.

    Raises:
        InvalidInput: with `field` "env".
    """
    if not name or "=" in name or any(character.isspace() or character < " " for character in name):
        raise InvalidInput(
            f"Invalid variable name {name!r}: it must not be empty and must not contain spaces or '='.",
            field="env",
        )
    if text is None:
        return
    if name in _OURS or name.startswith(_OUR_PREFIXES):
        raise InvalidInput(f"{name} is set by Pyruns in every run. Choose another name.", field="env")
    shown = "" if is_secret(name) else f" ({text[:40]!r})"
    if "\0" in text:
        raise InvalidInput(f"The value of {name}{shown} contains a NUL character.", field="env")
    if len(text) > MAX_VALUE:
        raise InvalidInput(f"The value of {name} is longer than {MAX_VALUE} characters.", field="env")
