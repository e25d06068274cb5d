"""The arguments that a script declares with argparse, read from its syntax tree."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

from .constants import ARGPARSE_WORDS, Constants, UnknownError
from .model import Parameter, Problem

SUPPRESS = ARGPARSE_WORDS["SUPPRESS"]
_ACTIONS = (
    "store",
    "store_const",
    "store_true",
    "store_false",
    "append",
    "append_const",
    "extend",
    "count",
    "boolean_optional",
)


class ArgparseReader:
    """Collects what the calls of argparse say."""

    def __init__(self, module: ast.Module) -> None:
        self.constants = Constants(module)
        self.uses_argparse = "argparse" in {
            name.split(".")[0]
            for node in ast.walk(module)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in (
                [item.name for item in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
        }
        self.groups = self._group_titles(module)
        self.found: list[Parameter] = []
        self.defaults: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.open = False

    def finished(self) -> tuple[Parameter, ...]:
        """Return the parameters in source order, the later of two with one name left out."""
        result: dict[str, Parameter] = {}
        for parameter in sorted(self.found, key=lambda item: item.line):
            if parameter.name in self.defaults:
                parameter = replace(parameter, default=self.defaults[parameter.name])
            if parameter.name in result:
                self._problem(
                    f"{parameter.name} is declared twice; the first declaration counts", parameter.line
                )
            else:
                result[parameter.name] = parameter
        return tuple(result.values())

    def call(self, node: ast.Call) -> None:
        """Take in one call, whatever it is."""
        if not isinstance(node.func, ast.Attribute):
            return
        name = node.func.attr
        if name == "add_argument":
            self._argument(node, node.func.value)
        elif name == "set_defaults":
            for keyword in node.keywords:
                if keyword.arg:
                    self.defaults[keyword.arg] = self._default(keyword.value, keyword.arg)
        elif name == "add_subparsers" and self.uses_argparse:
            self._problem(
                "Subcommands are not supported: give the script's arguments in a shell task", node.lineno
            )
            self.open = True
        elif name == "parse_known_args" and self.uses_argparse:
            self.open = True

    def _problem(self, message: str, line: int) -> None:
        self.problems.append(Problem(f"{message} (line {line}).", line))

    def _group_titles(self, module: ast.Module) -> dict[str, str]:
        titles: dict[str, str] = {}
        for node in ast.walk(module):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                title = self._group_title(node.value, titles)
                for target in node.targets:
                    if title:
                        titles[ast.unparse(target)] = title
        return titles

    def _group_title(self, call: ast.expr, titles: dict[str, str]) -> str:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return titles.get(ast.unparse(call), "")
        if call.func.attr == "add_mutually_exclusive_group":
            return titles.get(ast.unparse(call.func.value), "")
        if call.func.attr != "add_argument_group":
            return ""
        arguments = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "title")]
        try:
            return str(self.constants.value(arguments[0])) if arguments else ""
        except UnknownError:
            return ""

    def _default(self, node: ast.expr, name: str) -> Any:
        try:
            return self.constants.value(node)
        except UnknownError:
            self._problem(
                f"The default of {name} is computed ({ast.unparse(node)}); left empty, it applies",
                node.lineno,
            )
            return None

    def _argument(self, node: ast.Call, receiver: ast.expr) -> None:
        words = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        if len(words) != len(node.keywords):
            self._problem("An argument is declared with **, which cannot be followed", node.lineno)
        try:
            flags = [self.constants.value(argument) for argument in node.args]
        except UnknownError:
            flags = []
        if not flags or not all(isinstance(flag, str) and flag for flag in flags):
            self._problem("The name of an argument is computed; it can still be given as a key", node.lineno)
            self.open = True
            return
        action = self._action(words.get("action"), flags[0], node.lineno)
        if action in ("version", "help"):
            return
        positional = not flags[0].startswith("-")
        name = self._name(flags, words.get("dest"), positional)
        nargs = self._word(words.get("nargs"))
        choices = self._choices(words.get("choices"), name)
        default = self._default(words["default"], name) if "default" in words else _implied_default(action)
        item_type = _item_type(words.get("type"))
        optional_positional = nargs in ("?", "*", "...")
        self.found.append(
            Parameter(
                name=name,
                type=_shown_type(action, nargs, choices, item_type),
                default=None if default == SUPPRESS else default,
                flags=() if positional else tuple(flags),
                choices=choices,
                help=_help(self._word(words.get("help")), default),
                group=self._group_title(receiver, self.groups),
                required=not optional_positional if positional else self._word(words.get("required")) is True,
                positional=positional,
                nargs=nargs if isinstance(nargs, (str, int)) else None,
                action=action,
                const=self._word(words.get("const")),
                item_type=item_type,
                line=node.lineno,
            )
        )

    def _name(self, flags: list[str], dest: ast.expr | None, positional: bool) -> str:
        given = self._word(dest)
        if isinstance(given, str) and given:
            return given
        if positional:
            return flags[0]
        long = [flag for flag in flags if flag.startswith("--")]
        return (long or flags)[0].lstrip("-").replace("-", "_")

    def _word(self, node: ast.expr | None) -> Any:
        try:
            return self.constants.value(node) if node is not None else None
        except UnknownError:
            return None

    def _action(self, node: ast.expr | None, flag: str, line: int) -> str:
        if node is None:
            return "store"
        if ast.unparse(node).rsplit(".", 1)[-1] == "BooleanOptionalAction":
            return "boolean_optional"
        action = self._word(node)
        if isinstance(action, str) and (action in _ACTIONS or action in ("version", "help")):
            return action
        self._problem(f"The action of {flag} is the script's own; its value is passed as one word", line)
        return "store"

    def _choices(self, node: ast.expr | None, name: str) -> tuple[Any, ...] | None:
        if node is None:
            return None
        try:
            # mypy cannot know that `_is_keys` has seen the call and its attribute.
            keys_of = node.func.value if _is_keys(node) else node  # type: ignore[attr-defined]
            value = self.constants.value(keys_of)
        except UnknownError:
            self._problem(
                f"The choices of {name} are computed ({ast.unparse(node)}) and not checked", node.lineno
            )
            return None
        return tuple(value) if isinstance(value, (list, dict, str)) else None


def _is_keys(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "keys"
        and not node.args
    )


def _implied_default(action: str) -> Any:
    return {"store_true": False, "store_false": True}.get(action)


def _item_type(node: ast.expr | None) -> str:
    if node is None:
        return "str"
    name = ast.unparse(node)
    if name in ("int", "float", "str", "bool"):
        return name
    short = name.split("(", 1)[0].rsplit(".", 1)[-1]
    return "path" if short in ("Path", "PurePath", "FileType") else "custom"


def _shown_type(action: str, nargs: Any, choices: Any, item_type: str) -> str:
    if action in ("store_true", "store_false", "boolean_optional"):
        return "bool"
    if action == "count":
        return "int"
    if action in ("append", "append_const", "extend") or nargs in ("*", "+", "...") or isinstance(nargs, int):
        return "list"
    if choices is not None:
        return "choice"
    return "str" if item_type == "custom" else item_type


def _help(text: Any, default: Any) -> str:
    if not isinstance(text, str) or text == SUPPRESS:
        return ""
    return re.sub(r"%\(default\)\w", str(default), text).replace("%%", "%")
