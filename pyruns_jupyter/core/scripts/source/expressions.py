"""Static evaluation of expressions."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .classes import Classes
from .files import Import
from .modules import Module
from .objects import (
    MAX_BITS,
    MAX_TEXT,
    RAISED,
    UNKNOWN,
    ClassRef,
    EnumMember,
    External,
    Function,
    Instance,
    Method,
    ModuleRef,
    Scope,
    Super,
    Unknown,
    UnknownError,
    is_plain,
    weight,
)
from .operators import binary, compare, unary
from .safe_builtins import CONSTANTS, formatted, has_method

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.argparse_scripts.parserobjects import ParserMethods

_ITEMS_OF_A_STEP = 10
_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
STEPS = 40_000


class OutOfSteps(Exception):
    """The source is too long to follow."""


class Expressions(Classes):
    """Evaluates expressions in scopes; parts of an UNKNOWN value are still visited."""

    doubt = 0  # number of unknown conditions around the current statement

    def __init__(self, parsers: ParserMethods | None = None, steps: int = STEPS) -> None:
        self.parsers = parsers
        self.steps = steps
        self._modules: dict[int, Scope] = {}
        self._lazy: dict[tuple[int, str], Any] = {}
        self._busy: set[tuple[int, str]] = set()
        self._met: dict[int, tuple[Any, int]] = {}  # mutable objects, with the doubt at their creation

    # Names

    def module_scope(self, module: Module) -> Scope:
        """Return the scope of a module's own names."""
        scope = self._modules.get(id(module))
        if scope is None:
            scope = self._modules[id(module)] = Scope(module)
        return scope

    def name(self, name: str, scope: Scope) -> Any:
        """Return the value of a name."""
        current: Scope | None = scope
        while current is not None:
            if name in current.values and name not in current.outer:
                return current.values[name]
            current = current.parent
        found = self.global_name(scope.module, name)
        if found is not None:
            return found[0]
        if name in _BUILTINS:
            return External(f"builtins.{name}")
        if name == "__name__":
            return "__main__" if scope.module.main else scope.module.name
        return UNKNOWN

    def global_name(self, module: Module, name: str) -> tuple[Any] | None:
        """Return the value of a name of a module's top level, None when it is not defined."""
        scope = self.module_scope(module)
        if name in scope.values:
            return (scope.values[name],)
        definition = module.source.definitions.get(name)
        if definition is None:
            for star in module.source.stars:
                other = module.imported(star)
                key = (id(other), f"*{name}")
                if other is None or other is module or key in self._busy:
                    continue
                self._busy.add(key)
                try:
                    found = self.global_name(other, name)
                finally:
                    self._busy.discard(key)
                if found is not None:
                    return found
            return None
        key = (id(module), name)
        if key in self._lazy:
            return (self._lazy[key],)
        if key in self._busy:
            return (UNKNOWN,)
        self._busy.add(key)
        try:
            value = self._defined(module, name, definition, scope)
        finally:
            self._busy.discard(key)
        self._lazy[key] = value
        return (value,)

    def _defined(self, module: Module, name: str, definition: Any, scope: Scope) -> Any:
        if isinstance(definition, Import):
            return self.imported(module, definition)
        if isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return Function(module, definition)
        if isinstance(definition, ast.ClassDef):
            return ClassRef(module, definition)
        if name in module.source.changed:
            return UNKNOWN
        return self.evaluate(definition, scope)

    def imported(self, module: Module, item: Import) -> Any:
        """Return the object that an import binds."""
        found = module.imported(item)
        if item.name is None:
            if found is None:
                return External(item.module)
            self.entered(found)
            return ModuleRef(found)
        if found is not None and found is not module:
            self.entered(found)
            value = self.global_name(found, item.name)
            if value is not None:
                return value[0]
        inner = module.submodule(item)
        if inner is not None:
            self.entered(inner)
            return ModuleRef(inner)
        if found is not None:
            return UNKNOWN
        return CONSTANTS.get(item.target, External(item.target))

    def entered(self, module: Module) -> None:
        """Handle the import of a module."""

    # Expressions

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """Return the value of `node`; UNKNOWN when it is unknown."""
        self.steps -= 1
        if self.steps < 0:
            raise OutOfSteps
        method: Callable[[Any, Scope], Any] | None = getattr(
            self, f"value_{type(node).__name__.lower()}", None
        )
        if method is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.evaluate(child, scope)
            return UNKNOWN
        try:
            value = method(node, scope)
            if isinstance(value, (dict, list, set, Instance)):
                self._met.setdefault(id(value), (value, self.doubt))
            return value
        except (OutOfSteps, RecursionError):
            raise
        except UnknownError:
            return UNKNOWN
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            MemoryError,
            SyntaxError,
        ):
            return UNKNOWN  # the script's own arithmetic may fail in any way

    def spend(self, *values: Any) -> None:
        """Count the cost of an operation on these values before running it.

        Raises:
            OutOfSteps: the total is too large.
            UnknownError: one value is too large for any operation.
        """
        self.steps -= sum(map(weight, values)) // _ITEMS_OF_A_STEP
        if self.steps < 0:
            raise OutOfSteps

    def value_constant(self, node: ast.Constant, scope: Scope) -> Any:
        value = node.value
        if isinstance(value, complex) or value is ...:
            return UNKNOWN
        return UNKNOWN if isinstance(value, int) and value.bit_length() > MAX_BITS else value

    def value_name(self, node: ast.Name, scope: Scope) -> Any:
        return self.name(node.id, scope)

    def items(self, nodes: list[ast.expr], scope: Scope) -> list[Any]:
        """Return the values of expressions, with `*values` expanded; an unknown one is one UNKNOWN."""
        found: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                many = self.iterated(self.evaluate(node.value, scope))
                found.extend([UNKNOWN] if many is None else many)
                self.spend(many)
            else:
                found.append(self.evaluate(node, scope))
            if len(found) > MAX_TEXT:
                raise UnknownError("too long")
        return found

    def value_list(self, node: ast.List, scope: Scope) -> Any:
        return self.items(node.elts, scope)

    def value_tuple(self, node: ast.Tuple, scope: Scope) -> Any:
        return tuple(self.items(node.elts, scope))

    def value_set(self, node: ast.Set, scope: Scope) -> Any:
        items = self.items(node.elts, scope)
        weight(items)  # also bounds the work of their hashes
        return list(dict.fromkeys(items))

    def value_dict(self, node: ast.Dict, scope: Scope) -> Any:
        result: dict[Any, Any] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.evaluate(item, scope)
            if key is not None:
                name = self.evaluate(key, scope)
                weight(name)
                result[name] = value
            elif isinstance(value, dict):
                result.update(value)
            else:
                result = {**dict.fromkeys(result, UNKNOWN), UNKNOWN: UNKNOWN}  # it may change any of them
        return result

    def value_joinedstr(self, node: ast.JoinedStr, scope: Scope) -> Any:
        text = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = self.evaluate(part.value, scope)
                spec = self.evaluate(part.format_spec, scope) if part.format_spec is not None else ""
                self.spend(value)
                text += formatted(value, part.conversion, spec)
            else:
                text += str(self.evaluate(part, scope))
            if len(text) > MAX_TEXT:
                raise UnknownError("too long")
        return text

    def value_unaryop(self, node: ast.UnaryOp, scope: Scope) -> Any:
        value = self.evaluate(node.operand, scope)
        if isinstance(node.op, ast.Not):
            known = self.truth(value)
            return UNKNOWN if known is None else not known
        return unary(node.op, value)

    def value_binop(self, node: ast.BinOp, scope: Scope) -> Any:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        if isinstance(node.op, ast.Add) and isinstance(left, list) and right is UNKNOWN:
            self.spend(left)
            return [*left, UNKNOWN]
        self.spend(left, right)
        result = binary(node.op, left, right)
        self.spend(result)
        return result

    def value_boolop(self, node: ast.BoolOp, scope: Scope) -> Any:
        wanted = isinstance(node.op, ast.Or)
        value: Any = UNKNOWN
        doubt = False
        for item in node.values:
            value = self.evaluate(item, scope)
            known = self.truth(value)
            doubt = doubt or known is None
            if known is wanted and not doubt:
                return value
        return UNKNOWN if doubt and (is_plain(value) or isinstance(value, Unknown)) else value

    def value_ifexp(self, node: ast.IfExp, scope: Scope) -> Any:
        known = self.truth(self.evaluate(node.test, scope))
        if known is not None:
            return self.evaluate(node.body if known else node.orelse, scope)
        return self.either([self.evaluate(node.body, scope), self.evaluate(node.orelse, scope)])

    def value_compare(self, node: ast.Compare, scope: Scope) -> Any:
        left = self.evaluate(node.left, scope)
        for kind, item in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(item, scope)
            items = right if isinstance(right, (list, tuple, dict)) else [right]
            if not all(map(_is_comparable, (left, *items))):
                return UNKNOWN
            if isinstance(kind, (ast.In, ast.NotIn)) and isinstance(right, ClassRef):
                right = self.iterated(right)
            self.spend(left, right)
            if isinstance(left, External) and isinstance(kind, (ast.Is, ast.IsNot)):
                kind = ast.Eq() if isinstance(kind, ast.Is) else ast.NotEq()  # a built-in type exists once
            result = compare(kind, left, right)
            if not result:
                return result
            left = right
        return True

    def value_namedexpr(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = scope.values[node.target.id] = self.evaluate(node.value, scope)
        return value

    def value_await(self, node: ast.Await, scope: Scope) -> Any:
        return self.evaluate(node.value, scope)

    def value_lambda(self, node: ast.Lambda, scope: Scope) -> Any:
        return Function(scope.module, node, scope)

    def value_slice(self, node: ast.Slice, scope: Scope) -> Any:
        parts = [
            None if part is None else self.evaluate(part, scope)
            for part in (node.lower, node.upper, node.step)
        ]
        return UNKNOWN if UNKNOWN in parts else slice(*parts)

    def value_subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        owner, index = self.evaluate(node.value, scope), self.evaluate(node.slice, scope)
        if isinstance(owner, ClassRef):
            return next((one for one in self.iterated(owner) or () if one.name == index), UNKNOWN)
        if index is UNKNOWN or not isinstance(owner, (str, list, tuple, dict)):
            return UNKNOWN
        weight(index)
        found = owner[index]
        if isinstance(index, slice):
            self.spend(found)
        return found

    def value_attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        return self.attribute(self.evaluate(node.value, scope), node.attr)

    def attribute(self, owner: Any, name: str) -> Any:
        """Return an attribute of a value."""
        if isinstance(owner, External):
            full = f"{owner.name}.{name}"
            return CONSTANTS.get(full, External(full))
        if isinstance(owner, ModuleRef):
            found = self.global_name(owner.module, name)
            if found is not None:
                return found[0]
            path = owner.module.path
            inner = (
                owner.module.project.module_in(path.parent, name)
                if path is not None and path.name == "__init__.py"
                else None
            )
            if inner is None:
                return UNKNOWN
            self.entered(inner)
            return ModuleRef(inner)
        if isinstance(owner, ClassRef):
            return self.class_attribute(owner, name, owner)
        if isinstance(owner, EnumMember):
            return {"value": owner.value, "name": owner.name}.get(name, UNKNOWN)
        if isinstance(owner, Instance):
            if name in owner.attributes:
                return owner.attributes[name]
            return UNKNOWN if owner.cls is None else self.class_attribute(owner.cls, name, owner)
        if isinstance(owner, Super):
            for base in self.bases(owner.cls):
                value = (
                    self.class_attribute(base, name, owner.this) if isinstance(base, ClassRef) else UNKNOWN
                )
                if value is not UNKNOWN:
                    return value
            if self.parsers is not None and self.parsers.is_parser(owner.this):
                return Method(owner.this, name)
            return UNKNOWN
        if self.parsers is not None and self.parsers.is_parser(owner):
            return self.parsers.attribute(owner, name)
        return Method(owner, name) if has_method(owner, name) else UNKNOWN

    def in_doubt(self, owner: Any) -> bool:
        """Return whether it is unknown that a change to an object at this place runs at all."""
        return self.doubt > self._met.get(id(owner), (None, 0))[1]

    # Contents of a value

    def truth(self, value: Any) -> bool | None:
        """Return whether a value counts as true, None when it is unknown."""
        if isinstance(value, (Unknown, External)):
            return None
        if is_plain(value) or isinstance(value, (list, tuple, dict, set)):
            return None if not is_plain(value) and UNKNOWN in value else bool(value)
        return True

    def either(self, values: list[Any]) -> Any:
        """Return the value when it is one of several and it is unknown which one."""
        first = values[0]
        if all(value is first for value in values) or (
            first is not RAISED
            and all(type(value) is type(first) and is_plain(value) and value == first for value in values)
        ):
            return first
        if self.parsers is not None:
            for value in values:
                if self.parsers.is_parser(value):
                    return value
        return UNKNOWN


def _is_comparable(value: Any) -> bool:
    """Return whether the result of a comparison with a value is known."""
    if isinstance(value, External):
        return value.name.startswith("builtins.")
    return not isinstance(value, Unknown)
