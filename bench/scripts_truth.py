"""Run a script up to its parser and print its parameters as JSON; with arguments, let the parser read them.

    python bench/scripts_truth.py FOLDER SCRIPT [ARGUMENT ...]

Only for the scripts of `scripts.py`: it executes them. The last line of the output is the result.
"""

from __future__ import annotations

import argparse
import enum
import inspect
import json
import os
import runpy
import sys
from importlib import import_module
from pathlib import PurePath
from typing import Any, NoReturn


def plain(value: Any) -> Any:
    """Return a value as JSON; "?" for an object."""
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, str) else value.name
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(one) for one in value)
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else "?"


def kind_of(function: Any) -> str:
    """Return the type of a converter: int, float, str or another one."""
    return "str" if function in (None, str) else getattr(function, "__name__", "other")


def finish(framework: str, found: dict[str, Any]) -> NoReturn:
    """Print the result and end the process."""
    sys.stdout.flush()
    print("\n" + json.dumps({"framework": framework, "parameters": found}))
    sys.stdout.flush()
    os._exit(0)


def of_argparse(parser: argparse.ArgumentParser, prefix: str = "") -> dict[str, Any]:
    """Return the arguments of a parser and its subcommands."""
    found: dict[str, Any] = {}
    for action in parser._actions:
        if isinstance(action, (argparse._HelpAction, argparse._VersionAction)):
            continue
        if isinstance(action, argparse._SubParsersAction):
            seen: list[Any] = []
            for name, inner in action.choices.items():
                if inner not in seen:
                    seen.append(inner)
                    found |= of_argparse(inner, f"{prefix}{name}.")
            continue
        if action.help == argparse.SUPPRESS and action.dest == argparse.SUPPRESS:
            continue
        default = parser.get_default(action.dest)
        if isinstance(default, str) and action.default == default:
            try:
                default = parser._get_value(action, default)
            except argparse.ArgumentError:
                default = "?"
        default = None if default is argparse.SUPPRESS else default
        switch = action.nargs == 0
        found.setdefault(
            f"{prefix}{action.dest}",
            {"default": plain(default), "type": "switch" if switch else kind_of(action.type)},
        )
    return found


def of_click(command: Any, prefix: str = "") -> dict[str, Any]:
    """Return the parameters of a command and those below it."""
    found: dict[str, Any] = {}
    for one in command.params:
        if getattr(one, "is_eager", False) or one.name == "help":
            continue
        default = None if callable(one.default) or "UNSET" in repr(one.default).upper() else one.default
        names = {"integer": "int", "integer range": "int", "float range": "float", "text": "str"}
        name = getattr(getattr(one, "type", None), "name", "")
        kind = names.get(name, name)
        found[f"{prefix}{one.name}"] = {"default": plain(default), "type": kind}
    if hasattr(command, "list_commands"):
        context = command.make_context("script", [], resilient_parsing=True)
        for name in command.list_commands(context):
            found |= of_click(command.get_command(context, name), f"{prefix}{name}.")
    return found


def of_function(function: Any) -> dict[str, Any]:
    """Return the parameters of a function that fire calls."""
    rules = inspect.signature(function).parameters.values()
    return {
        one.name: {"default": None if one.default is one.empty else plain(one.default), "type": ""}
        for one in rules
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    }


def intercept(words: list[str]) -> None:
    """Let the parsers of the frameworks print what they have instead of parsing."""
    parse = argparse.ArgumentParser.parse_known_args

    inside: list[Any] = []  # parsers of a command line of the script's own

    def parse_known_args(self: Any, args: Any = None, namespace: Any = None, **options: Any) -> Any:
        if inside or (args is not None and list(args) != sys.argv[1:]):
            inside.append(self)
            try:
                return parse(self, args, namespace)
            finally:
                inside.pop()
        if words:
            inside.append(self)
            _, rest = parse(self, words, namespace)
            finish("argparse", {"rest": rest})
        found: Any = type(self).__module__.split(".")[0]
        preprocess = getattr(self, "_preprocessing", None)
        if preprocess is not None:
            preprocess(args=[], namespace=None)
        finish(found, of_argparse(self))

    argparse.ArgumentParser.parse_known_args = parse_known_args  # type: ignore[method-assign]
    try:
        configargparse: Any = import_module("configargparse")

        configargparse.ArgumentParser.parse_known_args = parse_known_args
    except ImportError:
        pass
    try:
        import click

        def main(self: Any, *args: Any, **options: Any) -> Any:
            if not words:
                finish("click", of_click(self))
            self.make_context("script", list(words))
            finish("click", {"rest": []})

        click.Command.main = main  # type: ignore[method-assign]
        core: Any = import_module("typer.core")
        core.TyperCommand.main = core.TyperGroup.main = main
    except ImportError:
        pass
    try:
        fire: Any = import_module("fire")

        def run(component: Any = None, *args: Any, **options: Any) -> Any:
            finish("fire", of_function(component) if not words else {"rest": []})

        fire.Fire = run
    except ImportError:
        pass
    try:
        app: Any = import_module("absl.app")
        flags: Any = import_module("absl.flags")

        def start(main: Any, argv: Any = None, **options: Any) -> Any:
            if words:
                rest = flags.FLAGS(["script", *words])[1:]
                finish("absl", {"rest": rest})
            own = [key for key in flags.FLAGS.flags_by_module_dict() if not key.startswith("absl")]
            kinds = {"int": "int", "float": "float", "bool": "switch", "string": "str"}
            found = {
                one.name: {"default": plain(one.default), "type": kinds.get(one.flag_type(), one.flag_type())}
                for key in own
                for one in flags.FLAGS.flags_by_module_dict()[key]
            }
            finish("absl", found)

        app.run = start
    except ImportError:
        pass


if __name__ == "__main__":
    folder, script, *given = sys.argv[1:]
    intercept(given)
    sys.argv = [script]
    sys.path[0] = folder
    runpy.run_path(script, run_name="__main__")
