"""Evaluation of calls: of the project's functions and classes, and of known external functions."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from .changes import change_perhaps
from .expressions import Expressions
from .functions import signature_of
from .objects import (
    RAISED,
    UNKNOWN,
    CallSite,
    ClassRef,
    EnumMember,
    External,
    Function,
    Instance,
    Method,
    Scope,
    Super,
    is_plain,
)
from .safe_builtins import CHANGING, call_external, call_method, is_path

_MAX_DEPTH = 25


class Calls(Expressions):
    """Evaluates calls; subclasses implement the evaluation of statements."""

    def __init__(self, parsers: Any = None, steps: int | None = None) -> None:
        super().__init__(parsers, *([] if steps is None else [steps]))
        self.followed: set[int] = set()
        self._depth = 0
        self._running: list[ast.AST] = []
        self._results: list[list[Any]] = []

    def block(self, body: list[ast.stmt], scope: Scope) -> str | None:
        """Evaluate statements; return how they end early, if they do."""
        raise NotImplementedError

    def value_call(self, node: ast.Call, scope: Scope) -> Any:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            cls = scope.cls
            return Super(scope.this, cls) if cls is not None and scope.this is not None else UNKNOWN
        callee = self._callee(node, scope)
        arguments = self.items(node.args, scope)
        words: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                words[keyword.arg] = value
            elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
                words.update(value)
            else:
                words["**"] = UNKNOWN
        return self.call(callee, CallSite(arguments, words, node, scope))

    def _callee(self, node: ast.Call, scope: Scope) -> Any:
        callee = self.evaluate(node.func, scope)
        if self.parsers is not None and isinstance(node.func, ast.Attribute) and callee is UNKNOWN:
            return self.parsers.implied(node.func, scope) or callee
        return callee

    def call(self, callee: Any, call: CallSite) -> Any:
        """Return the result of a call."""
        if isinstance(callee, Function):
            result = self.call_function(callee, call.arguments, call.words)
            return UNKNOWN if result is RAISED else result
        if isinstance(callee, ClassRef):
            return self._instance(callee, call)
        if isinstance(callee, Method):
            if self.parsers is not None and self.parsers.is_parser(callee.owner):
                return self.parsers.call(callee, call)
            if callee.name not in CHANGING or isinstance(callee.owner, str):
                self.spend(callee.owner)
            self.spend(call.arguments, call.words)
            if callee.name in CHANGING and self.in_doubt(callee.owner):
                change_perhaps(callee.owner, callee.name)
                return UNKNOWN
            result = call_method(callee.owner, callee.name, call.arguments, call.words)
            self.spend(result)
            return result
        if isinstance(callee, External):
            return self._external(callee, call)
        return UNKNOWN if self.parsers is None else self.parsers.stranger(callee, call)

    def _external(self, callee: External, call: CallSite) -> Any:
        if self.parsers is not None:
            made = self.parsers.external(callee, call)
            if made is not None:
                return made
        arguments, words = call.arguments, call.words
        if callee.name == "inspect.getfullargspec" and len(arguments) == 1:
            return _argument_names(arguments[0])
        if callee.name == "builtins.type" and len(arguments) == 1:
            return _type(arguments[0])
        if callee.name == "builtins.isinstance" and len(arguments) == 2:
            return _isinstance(*arguments)
        if callee.name == "builtins.map" and len(arguments) == 2:
            items = self.iterated(arguments[1])
            if items is None:
                return UNKNOWN
            return [self.call(arguments[0], replace(call, arguments=[item], words={})) for item in items]
        if callee.name in ("builtins.vars", "dataclasses.asdict") and arguments:
            return dict(arguments[0].attributes) if isinstance(arguments[0], Instance) else UNKNOWN
        arguments = [
            many if isinstance(one, ClassRef) and (many := self.iterated(one)) is not None else one
            for one in arguments
        ]
        if callee.name in ("builtins.int", "builtins.str", "builtins.len") and any(
            isinstance(one, (EnumMember, Instance, Function)) for one in arguments
        ):
            return UNKNOWN
        if callee.name == "builtins.dict" and "**" in words:
            return UNKNOWN
        if is_path(callee.name) and not all(isinstance(one, str) for one in arguments):
            return UNKNOWN
        self.spend(arguments, words)
        result = call_external(callee.name, arguments, words)
        self.spend(result)
        return result

    def _instance(self, cls: ClassRef, call: CallSite) -> Any:
        if self.is_enum(cls):
            wanted = call.arguments[0] if call.arguments else UNKNOWN
            members = self.iterated(cls) or ()
            return next(
                (one for one in members if is_plain(wanted) and is_plain(one.value) and one.value == wanted),
                UNKNOWN,
            )
        made = self.parsers.subclass(cls, call) if self.parsers is not None else None
        this: Any = Instance(cls) if made is None else made
        method = self.class_attribute(cls, "__init__", this)
        if isinstance(method, Function):
            self.call_function(method, call.arguments, call.words)
        elif made is None:
            this.attributes.update({name: value for name, value in call.words.items() if name != "**"})
            names = [
                statement.target.id
                for statement in cls.node.body
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
            ]
            this.attributes.update(zip(names, call.arguments, strict=False))
        return this

    def call_function(self, function: Function, arguments: list[Any], words: dict[str, Any]) -> Any:
        """Return the result of a function of the project: RAISED when it ends with an error."""
        node = function.node
        if self._depth >= _MAX_DEPTH or sum(node is one for one in self._running) > 1:
            return UNKNOWN
        self.followed.add(id(node))
        scope = self._bound(function, arguments, words)
        self._depth += 1
        self._running.append(node)
        self._results.append([])
        try:
            if isinstance(node, ast.Lambda):
                return self.evaluate(node.body, scope)
            signal = self.block(node.body, scope)
            results = self._results[-1]
            if signal == "raise":
                return RAISED if not results else self.either([*results, UNKNOWN])
            if signal is None and results:
                results = [*results, None]
            return self.either(results) if results else None
        finally:
            self._depth -= 1
            self._running.pop()
            self._results.pop()

    def probe(self, function: Any, word: str) -> Any:
        """Return the result of a converter for a string: RAISED when it rejects it; may be UNKNOWN."""
        parsers, self.parsers = self.parsers, None
        try:
            if isinstance(function, Function):
                return self.call_function(function, [word], {})
            if isinstance(function, ClassRef):
                return next((one for one in self.iterated(function) or () if one.value == word), RAISED)
            if isinstance(function, External):
                return call_external(function.name, [word], {})
            return UNKNOWN
        except Exception:  # noqa: BLE001 - the script's converter may fail in any way
            return RAISED
        finally:
            self.parsers = parsers

    def _bound(self, function: Function, arguments: list[Any], words: dict[str, Any]) -> Scope:
        scope = Scope(function.module, function.scope)
        scope.cls, scope.this = function.cls, function.this
        given = list(arguments) if function.this is None else [function.this, *arguments]
        if function.this is None and function.cls is not None and given:
            scope.this = given[0]
        outside = function.scope or self.module_scope(function.module)
        rest = dict(words)
        values: dict[str, Any] = {}
        for index, (one, kind, default) in enumerate(signature_of(function.node.args)):
            if kind == "many":
                values[one.arg] = tuple(given[index:])
            elif kind == "rest":
                values[one.arg] = {UNKNOWN: UNKNOWN} if "**" in rest else rest
            elif one.arg in rest:
                values[one.arg] = rest.pop(one.arg)
            elif kind != "keyword" and index < len(given):
                values[one.arg] = given[index]
            elif default is not None and "**" not in rest:
                values[one.arg] = self.evaluate(default, outside)
            else:
                values[one.arg] = UNKNOWN
        scope.values = values
        return scope


def _argument_names(function: Any) -> Any:
    """Return the first item of the result of `inspect.getfullargspec`."""
    if not isinstance(function, Function):
        return UNKNOWN
    rules = function.node.args
    return ([one.arg for one in (*rules.posonlyargs, *rules.args)], *[UNKNOWN] * 6)


def _type(value: Any) -> Any:
    if isinstance(value, (Instance, EnumMember)):
        return value.cls or UNKNOWN
    kind = type(value)
    known = value is None or kind in _TYPES.values()
    return External(f"builtins.{kind.__name__}") if known else UNKNOWN


_TYPES = {"bool": bool, "int": int, "float": float, "str": str, "list": list, "tuple": tuple, "dict": dict}


def _isinstance(value: Any, kinds: Any) -> Any:
    if value is UNKNOWN or isinstance(value, (External, Instance, EnumMember)):
        return UNKNOWN
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    known = [_TYPES.get(one.short) for one in wanted if isinstance(one, External)]
    if len(known) != len(wanted) or None in known:
        return UNKNOWN
    return isinstance(value, tuple(one for one in known if one is not None))
