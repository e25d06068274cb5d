"""What people say about a task: notes, pin, tags, environment; and changing them together or not at all."""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput
from pyruns_jupyter.core.common.json_floats import finite_number
from pyruns_jupyter.core.common.secret_names import is_secret

from .task_file import OWN_KEY, TaskInfo, own, own_facts

MAX_TAGS, MAX_TAG = 50, 50
MAX_VARIABLES, MAX_VALUE = 1000, 100_000  # characters; Linux takes 128 KiB for one
MAX_NOTES = 1_000_000  # characters
# What every run gets from us: set by a task it would have no effect.
_OURS = frozenset({"PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8"})
_OUR_PREFIXES = ("PYRUNS_", "__PYRUNS_")
_FIELDS = ("notes", "pinned", "tags", "order", "env")
_ABSENT: Any = object()
MAX_ORDER = 1e15


class TaskPatch(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a task; None (and an empty `env`) leaves things as they are.

    `tags` replaces all tags. `env` sets variables, and unsets those whose value is None; others stay. `order`
    is a number for sorting. `expected` holds the old values of `notes`, `pinned`, `tags`, `order` and `env`
    (of the variables that it names, None for unset) as the user saw them.
    """

    notes: str | None = None
    pinned: bool | None = None
    tags: tuple[str, ...] | None = None
    env: Mapping[str, Annotated[str, Meta(description="text, or null to unset a variable")] | None] = {}
    order: Annotated[float, Meta(gt=-MAX_ORDER, lt=MAX_ORDER)] | None = None
    expected: Mapping[str, Any] = {}

    def check(self) -> None:
        """Check what is wanted, whatever the task.

        Raises:
            InvalidInput: with the field that is wrong.
        """
        if self.notes is not None and len(self.notes) > MAX_NOTES:
            raise InvalidInput(f"Notes have at most {MAX_NOTES} characters.", field="notes")
        if self.tags is not None:
            check_tags(self.tags)
        for name, text in self.env.items():
            check_variable(name, text)
        for key in self.expected:
            if key not in _FIELDS:
                raise InvalidInput(
                    f"'expected' knows name, {', '.join(_FIELDS)}, not {key!r}.", field=f"expected.{key}"
                )

    def apply(self, info: TaskInfo) -> None:
        """Change a task file's content.

        Raises:
            Conflict: when something is not as it was expected to be; nothing is changed then.
            InvalidInput: when there would be too many variables.
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
            raise InvalidInput(f"A task has at most {MAX_VARIABLES} variables of its own.", field="env")
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
                raise Conflict(f"{what} {word} changed meanwhile. Look at the task again before saving.")


_WORDS = {"env": "environment", "pinned": "pin"}


def remember(info: TaskInfo) -> dict[str, Any]:
    """Return what a `TaskPatch` may change, for `put_back`."""
    kept: dict[str, Any] = {key: info.get(key, _ABSENT) for key in ("notes", "pinned", "env", OWN_KEY)}
    return copy.deepcopy({key: value for key, value in kept.items() if value is not _ABSENT})


def put_back(info: TaskInfo, kept: Mapping[str, Any]) -> None:
    """Undo a `TaskPatch` to what `remember` returned before it; our other facts stay as they are now."""
    for key in ("notes", "pinned", "env"):
        _set(info, key, kept.get(key, _ABSENT))
    before = kept.get(OWN_KEY)
    for key in ("tags", "order"):
        _set(own(info), key, before.get(key, _ABSENT) if isinstance(before, dict) else _ABSENT)
    if before is None and not info[OWN_KEY]:
        del info[OWN_KEY]


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    if value is _ABSENT:
        values.pop(key, None)
    else:
        values[key] = value


def notes_of(info: TaskInfo) -> str:
    """Return a task's notes; empty when there are none."""
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
    """Return the place that a task was given by hand, None when it has none."""
    return finite_number(own_facts(info).get("order"), MAX_ORDER)


def env_of(info: TaskInfo) -> dict[str, str]:
    """Return the task's own environment, the variables that a run gets."""
    env = info.get("env")
    if not isinstance(env, dict):
        return {}
    texts = {str(name): "" if text is None else str(text) for name, text in env.items()}
    return {
        name: text for name, text in texts.items() if name and "=" not in name and "\0" not in name + text
    }


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags, each once, when they can be used.

    Raises:
        InvalidInput: with `field` "tags".
    """
    found = tuple(dict.fromkeys(tags))
    for tag in found:
        problem = _tag_problem(tag)
        if problem:
            raise InvalidInput(f"The tag {tag!r} cannot be used: {problem}.", field="tags")
    if len(found) > MAX_TAGS:
        raise InvalidInput(f"A task has at most {MAX_TAGS} tags.", field="tags")
    return found


def _tag_problem(tag: str) -> str | None:
    if not tag:
        return "it is empty"
    if len(tag) > MAX_TAG:
        return f"it has {len(tag)} characters, at most {MAX_TAG} are allowed"
    if tag != tag.strip():
        return "it begins or ends with a space"
    if "," in tag or '"' in tag:
        return "commas and quotation marks are not allowed in it"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in tag):
        return "it holds a character that cannot be shown"
    return None


def check_variable(name: str, text: str | None) -> None:
    """Check a variable that a task is to be given, or (None) to lose.

    Raises:
        InvalidInput: with `field` "env".
    """
    if not name or "=" in name or any(character.isspace() or character < " " for character in name):
        raise InvalidInput(
            f"{name!r} is no name of a variable: no space and no '=' may be in it.", field="env"
        )
    if text is None:
        return
    if name in _OURS or name.startswith(_OUR_PREFIXES):
        raise InvalidInput(f"{name} is set by every run itself; choose another name.", field="env")
    shown = "" if is_secret(name) else f" ({text[:40]!r})"
    if "\0" in text:
        raise InvalidInput(f"The value of {name}{shown} holds a NUL character.", field="env")
    if len(text) > MAX_VALUE:
        raise InvalidInput(f"The value of {name} is longer than {MAX_VALUE} characters.", field="env")
