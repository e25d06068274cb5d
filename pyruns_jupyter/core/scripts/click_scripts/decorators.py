"""The options and arguments that click decorators add, including decorators that a project defines."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.model import Parameter, Problem
from pyruns_jupyter.core.scripts.source.files import text_of
from pyruns_jupyter.core.scripts.source.functions import Function, keywords
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.objects import UnknownError
from pyruns_jupyter.core.scripts.types import Shape

from .options import OptionReader, name_of

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.modules import Module

PACKAGES = ("click", "rich_click", "asyncclick", "cloup")
_SKIPPED = ("version_option", "help_option")
_DEPTH = 8


def is_click(name: str) -> bool:
    """Return whether a full name belongs to click or to a replacement of it."""
    return name.split(".")[0] in PACKAGES


@dataclass
class Declared:
    """The parameters that a decorator adds, in the order of the help."""

    parameters: list[Parameter] = field(default_factory=list)
    open: bool = False

    def below(self, other: Declared) -> None:
        """Append the parameters of a decorator below."""
        self.parameters += other.parameters
        self.open = self.open or other.open

    def above(self, other: Declared) -> None:
        """Prepend the parameters of a decorator above."""
        self.parameters = other.parameters + self.parameters
        self.open = self.open or other.open


class Decorators:
    """Resolves decorators to the options and arguments that they add."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def of(self, module: Module, node: ast.expr, depth: int = 0) -> Declared:
        """Return the parameters that the decorator `node` adds; none when it is unrelated to click."""
        if depth > _DEPTH:
            return Declared()
        called = node.func if isinstance(node, ast.Call) else node
        name = external_name(module.tree, called)
        last = name.rsplit(".", 1)[-1]
        if is_click(name):
            return self._clicks(module, node, last)
        if not name:
            return Declared()
        found = module.find(called)
        if found is None:
            if "click" in name.split(".")[0] or name.split(".")[0] == "cloup":
                text = (
                    f"The parameters that {text_of(called)} adds could not be determined. They are not listed"
                )
                self._problem(module, text, node.lineno)
                return Declared(open=True)
            return Declared()
        home, definition = found
        if isinstance(definition, ast.expr):
            return self.of(home, definition, depth + 1)
        if isinstance(definition, Function):
            call = node if isinstance(node, ast.Call) else None
            return self._function(home, definition, call, module, depth)
        return Declared()

    def merged(self, one: Parameter, other: Parameter) -> Parameter:
        """Return the parameter that several flags of one name set to different values."""
        assert one.shape is not None and other.shape is not None
        default = one.default if one.default is not None else other.default
        choices = (*one.shape.choices, *other.shape.choices)
        shape = replace(one.shape, choices=choices, words=(*one.shape.words, *other.shape.words))
        help_text = "; ".join(text for text in (one.help, other.help) if text)
        flags = one.flags + other.flags
        return replace(
            one, type="choice", default=default, choices=choices, shape=shape, help=help_text, flags=flags
        )

    def _problem(self, module: Module, message: str, line: int) -> None:
        self._problems.append(module.problem(message, line))

    def _function(
        self, home: Module, function: ast.AST, call: ast.Call | None, caller: Module, depth: int
    ) -> Declared:
        """Return the parameters of a project's decorator: `@common`, `@common()` or `@add(options)`."""
        assert isinstance(function, Function)
        body: list[ast.stmt] = function.body
        inner = [node for node in body if isinstance(node, Function)]
        if call is not None:
            given = _bound(function, call, caller, home)
            # A factory whose inner function decorates; or one that returns an option.
            body = [_Substitute(given).visit(copy.deepcopy(node)) for node in body]
            inner = [node for node in body if isinstance(node, Function)]
        wrapped = inner[0] if call is not None and inner else None
        declared = Declared()
        self._statements(home, wrapped.body if wrapped is not None else body, declared, depth)
        if wrapped is not None and not declared.parameters:
            self._statements(home, body, declared, depth)
        return declared

    def _statements(self, home: Module, body: Iterable[ast.stmt], declared: Declared, depth: int) -> None:
        for statement in body:
            if isinstance(statement, (ast.Assign, ast.Return, ast.Expr, ast.AnnAssign)) and statement.value:
                declared.above(self._applied(home, statement.value, depth))
            elif isinstance(statement, ast.For):
                for item in self._items(home, statement.iter):
                    declared.above(self.of(home, item, depth + 1))
            elif isinstance(statement, Function):
                for decorator in statement.decorator_list:
                    declared.below(self.of(home, decorator, depth + 1))
            elif isinstance(statement, (ast.If, ast.With, ast.Try)):
                self._statements(home, statement.body, declared, depth)

    def _applied(self, home: Module, node: ast.expr, depth: int) -> Declared:
        """Return the parameters that `option(...)(other(function))` or `option(...)` adds."""
        declared = Declared()
        while isinstance(node, ast.Call):
            if isinstance(node.func, ast.Call):
                declared.below(self.of(home, node.func, depth + 1))
            elif is_click(external_name(home.tree, node.func)):
                declared.below(self.of(home, node, depth + 1))
                return declared
            else:
                found = home.find(node.func)
                if found is not None:
                    target = (
                        node if isinstance(found[1], Function) and not _decorates(found[1]) else node.func
                    )
                    declared.below(self.of(home, target, depth + 1))
            if not node.args:
                return declared
            node = node.args[0]
        return declared

    def _items(self, home: Module, node: ast.expr, depth: int = 0) -> list[ast.expr]:
        """Return the decorators in a list of them, in the order in which a loop applies them."""
        if depth > _DEPTH:
            return []
        if isinstance(node, (ast.List, ast.Tuple)):
            return [inner for item in node.elts for inner in self._item(home, item, depth)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._items(home, node.left, depth + 1) + self._items(home, node.right, depth + 1)
        if isinstance(node, ast.Call) and text_of(node.func) == "reversed" and node.args:
            return self._items(home, node.args[0], depth + 1)[::-1]
        if isinstance(node, ast.Subscript) and text_of(node.slice) in ("::-1", "None:None:-1"):
            return self._items(home, node.value, depth + 1)[::-1]
        if isinstance(node, (ast.Name, ast.Attribute)):
            found = home.find(node)
            if found is not None and isinstance(found[1], ast.expr):
                return self._items(found[0], found[1], depth + 1)
        self._problem(
            home, f"The options in {text_of(node)} could not be resolved. They are not listed", node.lineno
        )
        return []

    def _item(self, home: Module, item: ast.expr, depth: int) -> list[ast.expr]:
        return self._items(home, item.value, depth + 1) if isinstance(item, ast.Starred) else [item]

    def _clicks(self, module: Module, node: ast.expr, last: str) -> Declared:
        if last in _SKIPPED or not isinstance(node, ast.Call):
            return Declared()
        if last in ("option", "Option", "argument", "Argument"):
            return self._declared(module, node, last.lower())
        if last == "confirmation_option":
            flags = self._texts(module, node) or ["--yes"]
            name = name_of(flags) or "yes"
            found = Parameter(
                name,
                "bool",
                False,
                tuple(flags),
                help="Confirm the action without prompting.",
                action="store_true",
                item_type="bool",
                line=node.lineno,
                shape=Shape("bool"),
            )
            return Declared([found])
        if last == "password_option":
            flags = self._texts(module, node) or ["--password"]
            name = name_of(flags) or "password"
            found = Parameter(name, flags=tuple(flags), required=True, line=node.lineno, shape=Shape("str"))
            return Declared([found])
        if last in ("option_group", "constraint"):  # cloup
            declared = Declared()
            for argument in node.args:
                if isinstance(argument, ast.Call):
                    declared.below(self.of(module, argument, 1))
            return declared
        return Declared()

    def _texts(self, module: Module, node: ast.Call) -> list[str]:
        try:
            return [str(module.constants.value(argument)) for argument in node.args]
        except UnknownError:
            return []

    def _declared(self, module: Module, node: ast.Call, kind: str) -> Declared:
        words = keywords(node)
        if len(words) != len(node.keywords):
            self._problem(module, f"An {kind} is declared with **, which could not be resolved", node.lineno)
        try:
            given = node.args
            if kind == "option" and "param_decls" in words:
                given = [words["param_decls"]]
            texts: list[Any] = []
            for argument in given:
                value = module.constants.value(argument)
                texts += value if isinstance(value, list) else [value]
        except UnknownError:
            texts = []
        if not texts or not all(isinstance(text, str) and text for text in texts):
            self._problem(
                module,
                f"The name of an {kind} is computed. It is not listed but can be set as a key",
                node.lineno,
            )
            return Declared(open=True)
        reader = OptionReader(module, node, words, self._problems)
        found = reader.argument(texts) if kind == "argument" else reader.option(texts)
        return Declared([found] if found is not None else [])


def _decorates(function: ast.AST) -> bool:
    """Return whether a function takes the function to decorate (and is not a decorator factory)."""
    assert isinstance(function, Function)
    return not any(isinstance(node, Function) for node in function.body) and len(function.args.args) == 1


class _Substitute(ast.NodeTransformer):
    """Replaces the names of a function's parameters by the arguments of a call."""

    def __init__(self, given: dict[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.given:
            return self.given[node.id]
        return node


def _bound(function: ast.AST, call: ast.Call, caller: Module, home: Module) -> dict[str, ast.expr]:
    """Return the expressions that a call passes to the parameters of a function."""
    assert isinstance(function, Function)
    arguments = function.args
    names = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
    given: dict[str, ast.expr] = dict(
        zip(names[len(names) - len(arguments.defaults) :], arguments.defaults, strict=True)
    )
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            given[argument.arg] = default
    given.update(zip(names, call.args, strict=False))
    if arguments.vararg is not None:
        given[arguments.vararg.arg] = ast.copy_location(ast.List(call.args[len(names) :], ast.Load()), call)
    given.update(keywords(call))
    if caller is not home:
        given = {name: _literal(caller, node) for name, node in given.items()}
    return given


def _literal(caller: Module, node: ast.expr) -> ast.expr:
    """Return an expression of the calling module as literals, so that another module can evaluate it."""
    try:
        value = caller.constants.value(node)
    except UnknownError:
        return node
    try:
        return ast.copy_location(ast.parse(repr(value), mode="eval").body, node)
    except SyntaxError:
        return node
