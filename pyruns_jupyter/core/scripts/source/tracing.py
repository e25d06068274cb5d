"""Static evaluation of a script's statements.

Both branches of an unknown condition are evaluated, and a `while` loop, or a loop over an unknown value,
once. Everything is bounded: steps, depth of calls, sizes of values.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from .calling import Calls
from .changes import change_perhaps, remove
from .expressions import OutOfSteps
from .files import imports
from .modules import Module
from .objects import UNKNOWN, ClassRef, Function, Instance, Scope, UnknownError, weight

_MAX_TURNS = 500  # of a loop; a longer one is treated as one over an unknown value
_NAMES_OF_A_STEP = 20
_RETURN, _BREAK, _CONTINUE, _RAISE = "return", "break", "continue", "raise"


class Tracer(Calls):
    """Evaluates statements; `parsers` handles their effects on parsers."""

    def __init__(self, parsers: Any = None, steps: int | None = None) -> None:
        super().__init__(parsers, steps)
        self._entered: set[int] = set()

    # Modules

    def run_module(self, module: Module) -> None:
        """Evaluate the top level of a module."""
        self._entered.add(id(module))
        self.block(module.tree.body, self.module_scope(module))

    def entered(self, module: Module) -> None:
        if self.parsers is None or id(module) in self._entered or not _declares(module):
            return
        self._entered.add(id(module))
        doubt, self.doubt = self.doubt, 0
        try:
            self.block(module.tree.body, self.module_scope(module))
        finally:
            self.doubt = doubt

    # Statements

    def block(self, body: list[ast.stmt], scope: Scope) -> str | None:
        """Evaluate statements; return how they end early, if they do."""
        for statement in body:
            self.steps -= 1
            if self.steps < 0:
                raise OutOfSteps
            signal = self._statement(statement, scope)
            if signal is not None:
                return signal
        return None

    def _statement(self, node: ast.stmt, scope: Scope) -> str | None:
        if isinstance(node, ast.Expr):
            self.evaluate(node.value, scope)
        elif isinstance(node, ast.Assign):
            value = self.evaluate(node.value, scope)
            for target in node.targets:
                self.assign(target, value, scope)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.assign(node.target, self.evaluate(node.value, scope), scope)
        elif isinstance(node, ast.AugAssign):
            # The context of a node (load, store) does not matter to the evaluation.
            value = self.evaluate(ast.BinOp(node.target, node.op, node.value), scope)
            self.assign(node.target, value, scope)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._bind(node.name, Function(scope.module, node, self._closure(scope)), scope)
        elif isinstance(node, ast.ClassDef):
            self._bind(node.name, ClassRef(scope.module, node), scope)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node, scope)
        elif isinstance(node, ast.Return):
            self._results[-1].append(None if node.value is None else self.evaluate(node.value, scope))
            return _RETURN
        elif isinstance(node, ast.Raise):
            for part in (node.exc, node.cause):
                if part is not None:
                    self.evaluate(part, scope)
            return _RAISE
        elif isinstance(node, ast.Break):
            return _BREAK
        elif isinstance(node, ast.Continue):
            return _CONTINUE
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            scope.outer.update(node.names)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._delete(target, scope)
        else:
            return self._compound(node, scope)
        return None

    def _compound(self, node: ast.stmt, scope: Scope) -> str | None:
        if isinstance(node, ast.If):
            known = self.truth(self.evaluate(node.test, scope))
            if known is not None:
                return self.block(node.body if known else node.orelse, scope)
            return self._either([node.body, node.orelse], scope)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self._for(node, scope)
        if isinstance(node, ast.While):
            return self._while(node, scope)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                value = self.evaluate(item.context_expr, scope)
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, value, scope)
            return self.block(node.body, scope)
        if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            return self._try(node, scope)
        if isinstance(node, ast.Match):
            self.evaluate(node.subject, scope)
            return self._either([case.body for case in node.cases] + [[]], scope)
        if isinstance(node, ast.Assert):
            self.evaluate(node.test, scope)
        return None

    def _try(self, node: Any, scope: Scope) -> str | None:
        signal = self.block(node.body, scope)
        if signal == _RAISE and node.handlers:
            signal = self._either([handler.body for handler in node.handlers], scope)
        elif signal is None:
            signal = self.block(node.orelse, scope)
        return self.block(node.finalbody, scope) or signal

    def _either(self, bodies: list[list[ast.stmt]], scope: Scope) -> str | None:
        """Evaluate all of several branches; it is unknown which one runs."""
        before = scope.values
        ends: list[dict[str, Any]] = []
        signals: list[str | None] = []
        self.doubt += 1
        try:
            for body in bodies:
                scope.values = dict(before)
                signals.append(self.block(body, scope))
                if signals[-1] is None:
                    ends.append(scope.values)
        finally:
            self.doubt -= 1
            self.steps -= len(before) // _NAMES_OF_A_STEP * len(bodies)
            changed = [
                name for end in ends for name, value in end.items() if before.get(name, self) is not value
            ]
            for name in dict.fromkeys(changed):
                before[name] = self.either([end[name] for end in ends if name in end])
            scope.values = before
        if ends or not signals:
            return None
        return _RETURN if _RETURN in signals else signals[0]

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> str | None:
        items = self.iterated(self.evaluate(node.iter, scope))
        if items is None:
            return self._unknown_turns(node, scope)
        enough = self.steps // 2
        for item in items:
            if len(items) > _MAX_TURNS or self.steps < enough:
                if self.parsers is not None:
                    self.parsers.problems.add(
                        scope.module, "A loop is too long to analyze completely", node.lineno
                    )
                    self.parsers.leave_open()
                return self._unknown_turns(node, scope)
            self.assign(node.target, item, scope)
            signal = self.block(node.body, scope)
            if signal == _BREAK:
                return None
            if signal in (_RETURN, _RAISE):
                return signal
        return self.block(node.orelse, scope)

    def _unknown_turns(self, node: ast.For | ast.AsyncFor, scope: Scope) -> str | None:
        self.assign(node.target, UNKNOWN, scope)
        return self._either([node.body, []], scope)

    def _while(self, node: ast.While, scope: Scope) -> str | None:
        if self.truth(self.evaluate(node.test, scope)) is False:
            return self.block(node.orelse, scope)
        return self._either([node.body, []], scope)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for name, item in imports(node):
            if name == "*":
                module = scope.module.imported(item)
                if module is not None:
                    self.entered(module)
            else:
                self._bind(name, self.imported(scope.module, item), scope)

    def _closure(self, scope: Scope) -> Scope | None:
        return None if scope is self.module_scope(scope.module) else scope

    def _bind(self, name: str, value: Any, scope: Scope) -> None:
        (self.module_scope(scope.module) if name in scope.outer else scope).values[name] = value

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Assign a value to an assignment target."""
        if isinstance(target, ast.Name):
            self._bind(target.id, value, scope)
        elif isinstance(target, (ast.Tuple, ast.List)):
            items = self.iterated(value)
            stars = [index for index, one in enumerate(target.elts) if isinstance(one, ast.Starred)]
            if items is None or len(items) < len(target.elts) - len(stars):
                items = [UNKNOWN] * len(target.elts)
            elif stars:
                start, after = stars[0], len(target.elts) - stars[0] - 1
                items = [*items[:start], items[start : len(items) - after], *items[len(items) - after :]]
            for one, item in zip(target.elts, items, strict=False):
                self.assign(one.value if isinstance(one, ast.Starred) else one, item, scope)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value, scope)
            if isinstance(owner, Instance):
                if target.attr in owner.attributes and self.in_doubt(owner):
                    value = self.either([owner.attributes[target.attr], value])
                owner.attributes[target.attr] = value
            elif self.parsers is not None and self.parsers.is_parser(owner):
                self.parsers.set_attribute(owner, target.attr, value)
        elif isinstance(target, ast.Subscript):
            self._store_item(target, value, scope)

    def _store_item(self, target: ast.Subscript, value: Any, scope: Scope) -> None:
        owner, index = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
        try:
            weight(index)  # also bounds the work of its hash
            if isinstance(index, slice):
                raise UnknownError("part of a list is replaced")
            if self.in_doubt(owner):
                change_perhaps(owner)
            elif isinstance(owner, (dict, list)):
                owner[index] = value
        except (TypeError, IndexError, ValueError, UnknownError):
            if isinstance(owner, list):
                owner.append(UNKNOWN)

    def _delete(self, target: ast.expr, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, UNKNOWN, scope)
        elif isinstance(target, ast.Attribute):
            self.assign(target, UNKNOWN, scope)
        elif isinstance(target, ast.Subscript):
            owner, index = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
            if isinstance(owner, (dict, list)):
                remove(owner, index, doubt=self.in_doubt(owner))

    # Comprehensions

    def _made(self, node: Any, scope: Scope) -> Iterator[Any]:
        inner = Scope(scope.module, scope)
        inner.cls, inner.this = scope.cls, scope.this
        yield from self._generated(node, list(node.generators), inner)

    def _generated(self, node: Any, generators: list[ast.comprehension], scope: Scope) -> Iterator[Any]:
        if not generators:
            if isinstance(node, ast.DictComp):
                yield self.evaluate(node.key, scope), self.evaluate(node.value, scope)
            else:
                yield self.evaluate(node.elt, scope)
            return
        items = self.iterated(self.evaluate(generators[0].iter, scope))
        if items is None:
            raise UnknownError("a loop over what is not known")
        for item in items:
            self.assign(generators[0].target, item, scope)
            tests = [self.truth(self.evaluate(test, scope)) for test in generators[0].ifs]
            if None in tests:
                raise UnknownError("a condition")
            if all(tests):
                yield from self._generated(node, generators[1:], scope)

    def value_listcomp(self, node: Any, scope: Scope) -> Any:
        made = list(self._made(node, scope))
        weight(made)
        return made

    value_generatorexp = value_listcomp

    def value_dictcomp(self, node: ast.DictComp, scope: Scope) -> Any:
        made = list(self._made(node, scope))
        weight(made)
        return dict(made)


def _declares(module: Module) -> bool:
    """Return whether the top level of a module changes a parser."""
    for statement in module.tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for node in ast.walk(statement):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            if name in ("add_argument", "ArgumentParser", "parse_args", "parse_known_args"):
                return True
            if name.endswith(("Parser", "parser")):
                return True
    return False
