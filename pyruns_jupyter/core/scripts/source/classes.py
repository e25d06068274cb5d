"""Classes of a project and their members, evaluated statically."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .files import text_of
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
            if not isinstance(one, ClassRef):
                continue
            for statement in reversed(one.node.body):
                value = self._in_class(one, statement, name, owner)
                if value is not None:
                    return value[0]
        return UNKNOWN

    def _in_class(self, cls: ClassRef, statement: ast.stmt, name: str, owner: Any) -> tuple[Any] | None:
        scope = self.module_scope(cls.module)
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name == name:
            return (self._method(cls, statement, owner),)
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            return (ClassRef(cls.module, statement),)
        if isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            return (self.evaluate(statement.value, scope),) if name in names else None
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.target.id == name
        ):
            return (UNKNOWN if statement.value is None else self.evaluate(statement.value, scope),)
        return None

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
        for statement in cls.node.body:
            if not isinstance(statement, ast.Assign):
                continue
            for target in statement.targets:
                if isinstance(target, ast.Name) and not target.id.startswith("_"):
                    value = self.evaluate(statement.value, scope)
                    if isinstance(statement.value, ast.Call) and value is UNKNOWN:
                        function = self.evaluate(statement.value.func, scope)
                        if isinstance(function, External) and function.name == "enum.auto":
                            value = len(members) + 1
                    members.append(EnumMember(cls, target.id, value))
        return members
