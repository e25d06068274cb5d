"""Classes of a project and their members, evaluated statically."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .files import definitions_in, text_of
from .objects import MAX_TEXT, UNKNOWN, ClassRef, EnumMember, External, Function, Scope

if TYPE_CHECKING:
    from .modules import Module

_ENUMS = ("enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag")


class Classes:
    """Resolves members of classes; subclasses implement the evaluation of expressions."""

    def module_scope(self, module: Module) -> Scope:
        """Return the scope of a module's own names."""
        raise NotImplementedError

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """Return the value of `node`; UNKNOWN when it is unknown."""
        raise NotImplementedError

    def bases(self, cls: ClassRef) -> list[Any]:
        """Return the base classes of a class."""
        scope = self.module_scope(cls.module)
        return [self.evaluate(base, scope) for base in cls.node.bases]

    def ancestors(self, cls: ClassRef) -> Iterator[Any]:
        """Yield a class and all its base classes that can be resolved."""
        waiting: list[Any] = [cls]
        seen: list[Any] = []
        while waiting and len(seen) < 50:
            one = waiting.pop(0)
            if one in seen:
                continue
            seen.append(one)
            yield one
            if isinstance(one, ClassRef):
                waiting.extend(self.bases(one))

    def is_enum(self, value: Any) -> bool:
        """Return whether a value is a class of enum members."""
        return isinstance(value, ClassRef) and any(
            isinstance(one, External) and one.name in _ENUMS for one in self.ancestors(value)
        )

    def class_attribute(self, cls: ClassRef, name: str, owner: Any) -> Any:
        """Return an attribute of a class, found through `owner`: a class, or an object of it."""
        if self.is_enum(cls):
            members = self.iterated(cls) or []
            if name == "__members__":
                return {member.name: member for member in members}
            found = next((member for member in members if member.name == name), None)
            if found is not None:
                return found
        if name == "__name__":
            return cls.name
        for one in self.ancestors(cls):
            definition = definitions_in(one.node.body)[0].get(name) if isinstance(one, ClassRef) else None
            if isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return self._method(one, definition, owner)
            if isinstance(definition, ast.ClassDef):
                return ClassRef(one.module, definition)
            if isinstance(definition, ast.expr):
                return self.evaluate(definition, self.module_scope(one.module))
        return UNKNOWN

    def _method(self, cls: ClassRef, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: Any) -> Any:
        marks = {text_of(mark).rpartition(".")[2] for mark in node.decorator_list}
        if "staticmethod" in marks:
            return Function(cls.module, node, cls=cls)
        if "classmethod" in marks:
            this = owner if isinstance(owner, ClassRef) else getattr(owner, "cls", cls)
            return Function(cls.module, node, this=this, cls=cls)
        if owner is None or isinstance(owner, ClassRef):
            return Function(cls.module, node, cls=cls)
        method = Function(cls.module, node, this=owner, cls=cls)
        if marks & {"property", "cached_property"}:
            return self.call_function(method, [], {})
        return method

    def call_function(self, function: Function, arguments: list[Any], words: dict[str, Any]) -> Any:
        """Return the result of a function of the project."""
        raise NotImplementedError

    def iterated(self, value: Any) -> list[Any] | None:
        """Return the items of a value, None when they are unknown."""
        if isinstance(value, (list, tuple, dict, set, frozenset, str, range)):
            if len(value) > MAX_TEXT:
                return None
            return list(value)
        if isinstance(value, ClassRef) and self.is_enum(value):
            return self._members(value)
        return None

    def _members(self, cls: ClassRef) -> list[EnumMember]:
        scope = self.module_scope(cls.module)
        members: list[EnumMember] = []
        for name, node in definitions_in(cls.node.body)[0].items():
            if isinstance(node, ast.expr) and not name.startswith("_"):
                value = self.evaluate(node, scope)
                if isinstance(node, ast.Call) and self.evaluate(node.func, scope) == External("enum.auto"):
                    value = len(members) + 1
                members.append(EnumMember(cls, name, value))
        return members
