r"""Resolve references in values, in the syntax of OmegaConf: `${a.b}`, `${.sibling}`, `${oc.env:HOME}`.

A value that is a single reference has the type of its target; within a text, the target becomes text. `\${`
is the text `${`. The results are those of OmegaConf 2.4.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from pyruns_jupyter.core.common.errors import InvalidInput

Step = str | int
KeyPath = tuple[Step, ...]

_OPENING = re.compile(r"(\\*)\$\{")
_NAME = re.compile(r"[^${}:\\]*")
_ESCAPED = frozenset("\\,{} :'\"")  # that a backslash escapes in the arguments of a function
_MAX_VALUES = 100_000  # references can expand a small text to a huge value
_MAX_TEXT = 4 * 1024 * 1024  # characters of all texts with references
_MAX_DEPTH = 40


def interpolate(values: dict[str, Any], where: str = "The configuration") -> dict[str, Any]:
    """Return a copy of `values` with all references resolved. `where` names the values in errors.

    Raises:
        InvalidInput: when a reference is malformed, or its target is missing or the reference itself; `field`
            is the dotted key of the value.
    """
    try:
        resolved = _Resolver(values, where).value(values, ())
    except RecursionError:
        raise InvalidInput(f"{where} is not valid because its references are nested too deeply.") from None
    assert isinstance(resolved, dict)
    return resolved


class VariableNotSet(InvalidInput):
    """A reference to an environment variable that is not set."""


class _Resolver:
    def __init__(self, root: dict[str, Any], where: str) -> None:
        self.root = root
        self.where = where
        self.results: dict[KeyPath, Any] = {}
        self.resolving: list[KeyPath] = []
        self.count = self.length = 0

    def value(self, raw: Any, path: KeyPath) -> Any:
        """Return the resolved value of `raw`, which is at `path`."""
        self.count += 1
        self.check(path)
        if isinstance(raw, str):
            return self.text(raw, path) if "${" in raw else raw
        if isinstance(raw, dict):
            return {key: self.value(item, (*path, key)) for key, item in raw.items()}
        if isinstance(raw, list):
            return [self.value(item, (*path, number)) for number, item in enumerate(raw)]
        return raw

    def text(self, raw: str, path: KeyPath) -> Any:
        if path in self.results:
            return self.counted(self.results[path], path)
        if path in self.resolving:
            chain = " -> ".join(
                _dotted(step) for step in (*self.resolving[self.resolving.index(path) :], path)
            )
            self.fail(path, f"it refers to itself: {chain}")
        if len(self.resolving) >= _MAX_DEPTH:
            self.fail(path, f"a chain of references is longer than {_MAX_DEPTH}")
        self.resolving.append(path)
        try:
            value = _Text(self, raw, path).whole()
        finally:
            self.resolving.pop()
        self.results[path] = value
        return self.counted(value, path)

    def counted(self, value: Any, path: KeyPath) -> Any:
        """Return a resolved value after adding it to the count."""
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, (dict, list)):
                self.count += 1 + len(item)
                self.check(path)
                waiting += item.values() if isinstance(item, dict) else item
        return value

    def check(self, path: KeyPath) -> None:
        if self.count > _MAX_VALUES:
            self.fail(path, f"its references expand to more than {_MAX_VALUES:,} values")

    def find(self, reference: str, path: KeyPath) -> Any:
        """Return the target of `reference`, which is in the value at `path`.

        Raises:
            KeyError, IndexError: when it does not exist.
        """
        steps = _steps(reference, path)
        current: Any = self.root
        resolved = False  # whether `current` is the result of a reference
        for number, step in enumerate(steps, 1):
            current = _child(current, step)
            if not resolved and isinstance(current, str) and "${" in current:
                current, resolved = self.text(current, _normalized(self.root, steps[:number])), True
        return current if resolved else self.value(current, _normalized(self.root, steps))

    def measured(self, text: str, path: KeyPath) -> str:
        self.length += len(text)
        if self.length > _MAX_TEXT:
            self.fail(path, "its references expand to too long a text")
        return text

    def fail(self, path: KeyPath, problem: str, kind: type[InvalidInput] = InvalidInput) -> NoReturn:
        key = _dotted(path)
        raise kind(f"{self.where} is not valid. At {key!r}, {problem}.", field=key)


class _Text:
    """Parses a text with references from left to right."""

    def __init__(self, resolver: _Resolver, text: str, path: KeyPath) -> None:
        self.resolver, self.text, self.path = resolver, text, path

    def whole(self) -> Any:
        """Return the value of the text: that of its only reference, or text."""
        parts: list[Any] = []
        at = 0
        while found := _OPENING.search(self.text, at):
            slashes = len(found[1])
            parts.append(self.text[at : found.start()] + "\\" * (slashes // 2))
            if slashes % 2:
                parts.append("${")
                at = found.end()
                continue
            value, at = self.reference(found.end(), 0)
            if found.start() == 0 and not slashes and at == len(self.text):
                return value
            parts.append(str(value))
        parts.append(self.text[at:])
        return self.resolver.measured("".join(parts), self.path)

    def reference(self, at: int, depth: int) -> tuple[Any, int]:
        """Return the value of the reference whose inside begins at `at`, and where the reference ends."""
        if depth > _MAX_DEPTH:
            self.fail("its references are nested too deeply")
        name, begin = "", at
        while True:
            piece = _NAME.match(self.text, at)
            assert piece is not None
            name += piece[0]
            at = piece.end()
            if self.text.startswith("${", at):
                value, at = self.reference(at + 2, depth + 1)
                name += str(value)
            elif self.text[at : at + 1] == ":":
                arguments, at = self.arguments(at + 1, depth)
                return self.call(name.strip(), arguments), at
            elif self.text[at : at + 1] == "}":
                return self.found(name.strip(), self.text[begin:at]), at + 1
            elif at < len(self.text) and self.text[at] == "$":
                name += "$"
                at += 1
            else:
                opening = "${" + self.text[begin:][:40]
                self.fail(f"the reference {opening!r} is never closed. Write \\${{ for the literal text")

    def found(self, name: str, written: str) -> Any:
        if not name:
            self.fail("the reference '${}' is empty")
        try:
            value = self.resolver.find(name, self.path)
        except (KeyError, IndexError):
            self.fail(
                f"it refers to {name!r}, which does not exist.{_suggestion(self.resolver.root, name)} "
                f"Write \\${{{written}}} for the literal text"
            )
        if value == "???":
            self.fail(f"it refers to {name!r}, which has no value yet")
        return value

    def arguments(self, at: int, depth: int) -> tuple[list[Any], int]:
        arguments: list[Any] = []
        parts: list[Any] = []

        def end_argument() -> None:
            texts = [part for part in parts if not isinstance(part, str) or part.strip()]
            only = texts[0] if len(texts) == 1 else None
            if only is not None and not isinstance(only, str):
                arguments.append(only[0])
            else:
                joined = "".join(part if isinstance(part, str) else str(part[0]) for part in parts)
                arguments.append(_bare(joined.strip()))
            parts.clear()

        while True:
            if at >= len(self.text):
                self.fail(f"the reference {'${...' + self.text[-40:]!r} is never closed")
            character = self.text[at]
            if self.text.startswith("${", at):
                value, at = self.reference(at + 2, depth + 1)
                parts.append((value,))
            elif character in "'\"" and not any(isinstance(part, tuple) or part.strip() for part in parts):
                value, at = self.quoted(at)
                parts.append((value,))
            elif character in ",}":
                end_argument()
                at += 1
                if character == "}":
                    return arguments, at
            elif character == "\\" and at + 1 < len(self.text) and self.text[at + 1] in _ESCAPED:
                parts.append(self.text[at + 1])
                at += 2
            else:
                parts.append(character)
                at += 1

    def quoted(self, at: int) -> tuple[str, int]:
        quote = self.text[at]
        end = at + 1
        while end < len(self.text) and self.text[end] != quote:
            end += 2 if self.text.startswith("\\" + quote, end) else 1
        if end >= len(self.text):
            self.fail(f"a quote {quote} inside a reference is never closed")
        return self.text[at + 1 : end].replace("\\" + quote, quote), end + 1

    def call(self, name: str, arguments: list[Any]) -> Any:
        function = _FUNCTIONS.get(name)
        if function is None:
            known = ", ".join(f"${{{known}:...}}" for known in ("oc.env", "oc.select", "oc.decode"))
            self.fail(f"it uses the unknown function ${{{name}:...}}. Use one of {known}")
        minimum, maximum, work = function
        if not minimum <= len(arguments) <= maximum or arguments[0] in ("", None):
            count = minimum if minimum == maximum else f"{minimum} or {maximum}"
            self.fail(f"${{{name}:...}} needs {count} arguments")
        return work(self, arguments)

    def fail(self, problem: str) -> NoReturn:
        self.resolver.fail(self.path, problem)

    def environment(self, arguments: list[Any]) -> Any:
        name = str(arguments[0])
        value = os.environ.get(name)
        if value is not None:
            return value
        if len(arguments) == 1:
            problem = (
                f"the environment variable {name!r} is not set. Add a default: ${{oc.env:{name},default}}"
            )
            self.resolver.fail(self.path, problem, VariableNotSet)
        return None if arguments[1] is None else str(arguments[1])

    def select(self, arguments: list[Any]) -> Any:
        try:
            return self.resolver.find(str(arguments[0]), self.path)
        except (KeyError, IndexError):
            return arguments[1] if len(arguments) == 2 else None

    def decode(self, arguments: list[Any]) -> Any:
        if not isinstance(arguments[0], str):
            return arguments[0]
        from .document import parse_config

        return parse_config(f"value: {arguments[0]}", f"the text {arguments[0]!r}").get("value")

    def keys(self, arguments: list[Any]) -> Any:
        return list(self.mapping(arguments[0]))

    def values(self, arguments: list[Any]) -> Any:
        return list(self.mapping(arguments[0]).values())

    def mapping(self, name: Any) -> dict[str, Any]:
        value = self.found(str(name), str(name))
        if not isinstance(value, dict):
            self.fail(f"{name!r} is not a mapping")
        return value


_FUNCTIONS: dict[str, tuple[int, int, Callable[[_Text, list[Any]], Any]]] = {
    "env": (1, 2, _Text.environment),
    "oc.env": (1, 2, _Text.environment),
    "oc.select": (1, 2, _Text.select),
    "oc.decode": (1, 1, _Text.decode),
    "oc.dict.keys": (1, 1, _Text.keys),
    "oc.dict.values": (1, 1, _Text.values),
}


def _steps(reference: str, path: KeyPath) -> list[Step]:
    """Return the path from the root to the target of a reference in the value at `path`.

    Raises:
        KeyError: when it goes above the root.
    """
    dots = len(reference) - len(reference.lstrip("."))
    if dots > len(path):
        raise KeyError(reference)
    parts = re.findall(r"[^.\[\]]+|\[[^\[\]]*\]", reference[dots:])
    start = path[: len(path) - dots] if dots else ()
    return [*start, *(part[1:-1] if part.startswith("[") else part for part in parts)]


def _child(value: Any, step: Step) -> Any:
    if isinstance(value, dict):
        return value[str(step)]
    if isinstance(value, list):
        if isinstance(step, str) and not re.fullmatch(r"-?[0-9]{1,9}", step):
            raise KeyError(step)
        return value[int(step)]
    raise KeyError(step)


def _normalized(root: Any, path: Sequence[Step]) -> KeyPath:
    """Return `path` with indexes of lists as numbers from 0."""
    real: list[Step] = []
    current = root
    for step in path:
        if isinstance(current, list):
            step = int(step) % len(current)
        current = _child(current, step)
        real.append(step)
    return tuple(real)


def _bare(text: str) -> Any:
    """Return the value of an unquoted argument."""
    from pyruns_jupyter.core.config.yamltext.values import plain_value

    return plain_value(text) if text else ""


def _dotted(path: KeyPath) -> str:
    return ".".join(str(step) for step in path)


def _suggestion(root: dict[str, Any], name: str) -> str:
    import difflib

    names: list[str] = []

    def walk(value: Any, path: KeyPath) -> None:
        if isinstance(value, dict) and len(names) < 2000 and len(path) < 20:
            for key, item in value.items():
                names.append(_dotted((*path, key)))
                walk(item, (*path, key))

    walk(root, ())
    close = difflib.get_close_matches(name, names, 1)
    close = close or [known for known in names if known.endswith("." + name)][:1]
    return f" Did you mean ${{{close[0]}}}?" if close else ""
