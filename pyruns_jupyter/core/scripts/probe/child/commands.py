"""Commands of click and typer, and the functions that a script passes to fire."""

from __future__ import annotations

import enum
import inspect
import sys
import types
from typing import Any

from .parsers import Rejected, checked
from .session import Session
from .shapes import shape_of
from .values import default_of, text_of

_MAX_LEVELS = 8
_MAX_COMMANDS = 200
_COMPLETION = ("install_completion", "show_completion")  # typer
_TYPES = {
    "integer": "int",
    "integer range": "int",
    "float": "float",
    "float range": "float",
    "text": "str",
    "boolean": "bool",
    "path": "path",
    "filename": "path",
    "file": "path",
    "directory": "path",
    "choice": "choice",
    "datetime": "datetime",
}


def patch_click(session: Session, module: Any) -> None:
    """Intercept the main function of a command of click."""
    owner = getattr(module, "BaseCommand", None)
    owner = module.Command if owner is None or "main" not in vars(owner) else owner
    _patch_main(session, owner, "click")


def patch_typer(session: Session, module: Any) -> None:
    """Intercept the main function of a command of typer."""
    for name in ("TyperCommand", "TyperGroup"):
        _patch_main(session, getattr(module, name), "typer")


def _patch_main(session: Session, owner: Any, framework: str) -> None:
    original = owner.main

    def main(self: Any, args: Any = None, *words: Any, **given: Any) -> Any:
        if session.inside or (args is not None and list(args) != list(sys.argv[1:])):
            return original(self, args, *words, **given)
        session.inside += 1
        return session.reached(
            framework,
            _command(session, self, 0),
            strict=True,
            checks=checked(session, lambda words: _check(self, words)),
        )

    owner.main = main


def _check(command: Any, words: list[str]) -> None:
    """Parse a command line, also that of the subcommands, without running a function."""
    parent, name = None, "script"
    try:
        while True:
            context = command.make_context(name, words, parent=parent)
            if not hasattr(command, "resolve_command"):
                return
            words = [*getattr(context, "protected_args", ()), *context.args]
            protected = getattr(context, "_protected_args", None)
            if protected is not None:
                words = [*protected, *context.args]
            if not words:
                return
            name, command, words = command.resolve_command(context, words)
            parent = context
    except Exception as error:
        message = getattr(error, "format_message", None)
        if type(error).__name__ in ("Exit", "Abort"):
            return
        raise Rejected(message() if message is not None else str(error)) from None


def _command(session: Session, command: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "help": _first_line(getattr(command, "short_help", None) or getattr(command, "help", None)),
        "parameters": [],
        "chain": bool(getattr(command, "chain", False)),
        "open": bool(getattr(command, "ignore_unknown_options", False))
        or bool((getattr(command, "context_settings", None) or {}).get("ignore_unknown_options")),
    }
    for parameter in getattr(command, "params", ()):
        one = _parameter(session, command, parameter)
        if one is not None:
            found["parameters"].append(one)
    listed = getattr(command, "list_commands", None)
    if listed is not None and depth < _MAX_LEVELS:
        context = command.make_context("script", [], resilient_parsing=True)
        commands = {}
        for name in list(listed(context))[:_MAX_COMMANDS]:
            inner = command.get_command(context, name)
            if inner is not None:
                commands[str(name)] = _command(session, inner, depth + 1)
        found["commands"] = commands
        found["choice_required"] = not getattr(command, "invoke_without_command", False)
    found.update(_place(session, getattr(command, "callback", None)))
    return found


def _place(session: Session, function: Any) -> dict[str, Any]:
    """Return where the project defines a function; empty if it does not."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    if code is None or not session.owns(code.co_filename):
        return {}
    return {"file": session.relative(code.co_filename), "line": code.co_firstlineno}


def _first_line(text: Any) -> str:
    return text_of(str(text).strip().split("\n\n")[0]) if text else ""


def _unset(value: Any) -> bool:
    return value is None or "UNSET" in (getattr(value, "name", ""), type(value).__name__)


def _parameter(session: Session, command: Any, parameter: Any) -> dict[str, Any] | None:
    """Return the description of an option or argument; None for one that prints and exits."""
    option = getattr(parameter, "param_type_name", "") == "option"
    flag = bool(getattr(parameter, "is_flag", False))
    hidden = option and (getattr(parameter, "is_eager", False) or parameter.name in _COMPLETION)
    if hidden or not parameter.name:
        return None
    shape = _shape(parameter)
    value = parameter.default
    one: dict[str, Any] = {
        "name": str(parameter.name),
        "flags": [str(text) for text in parameter.opts] if option else [],
        "off_flags": [str(text) for text in getattr(parameter, "secondary_opts", ())],
        "positional": not option,
        "help": text_of(getattr(parameter, "help", None)),
        "required": bool(parameter.required)
        or bool(getattr(parameter, "prompt", None) and getattr(parameter, "prompt_required", True)),
        "nargs": None if parameter.nargs == 1 else parameter.nargs,
        "shape": shape,
        "metavar": str(parameter.metavar or "") if hasattr(parameter, "metavar") else "",
        "action": "store",
    }
    if parameter.nargs == -1:
        one["nargs"] = "*"
    if callable(value) and not isinstance(value, enum.Enum):
        one.update(computed=True, shown=getattr(value, "__name__", ""))
    else:
        one.update(default_of(None if _unset(value) else value))
    constant = getattr(parameter, "flag_value", None)
    constant = None if _unset(constant) else constant
    if getattr(parameter, "count", False):
        one["action"] = "count"
    elif getattr(parameter, "multiple", False):
        one["action"] = "append"
    elif flag and (constant is None or isinstance(constant, bool)):
        one["action"] = (
            "boolean_optional" if one["off_flags"] else "store_false" if constant is False else "store_true"
        )
        if one.get("default") is None and not one.get("computed"):
            one["default"] = False
    elif flag:
        one["action"] = "store_const"
        one["const"] = default_of(constant).get("default")
        if value is True:
            one["default"] = one["const"]
    elif constant is not None and option:
        one["nargs"] = "?"
    one.update(_place(session, getattr(command, "callback", None)))
    return one


def _shape(parameter: Any) -> dict[str, Any]:
    descriptor = getattr(parameter, "type_descriptor", None)  # typer with its own click
    if descriptor is not None:
        return _described(parameter, descriptor)
    return _click_shape(getattr(parameter, "type", None))


def _click_shape(kind: Any) -> dict[str, Any]:
    inner = getattr(kind, "types", None)
    if inner is not None and type(kind).__name__ == "Tuple":
        return {"name": "tuple", "items": [_click_shape(one) for one in inner]}
    name = _TYPES.get(str(getattr(kind, "name", "")).lower(), "custom")
    shape: dict[str, Any] = {"name": name}
    if name == "choice":
        words = _choice_words(kind)
        shape.update(choices=words, words=words, fold_case=not getattr(kind, "case_sensitive", True))
    elif name == "datetime":
        shape["formats"] = [str(one) for one in getattr(kind, "formats", ())]
    elif not getattr(kind, "clamp", False):
        shape.update(_bounds(getattr(kind, "min", None), getattr(kind, "max", None)))
        shape["open_low"] = bool(getattr(kind, "min_open", False))
        shape["open_high"] = bool(getattr(kind, "max_open", False))
    return shape


def _bounds(low: Any, high: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in (("low", low), ("high", high))
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _choice_words(kind: Any) -> list[str]:
    normalize = getattr(kind, "normalize_choice", None)
    words = []
    for choice in kind.choices:
        if isinstance(choice, enum.Enum):
            words.append(str(normalize(choice, None)) if normalize is not None else choice.name)
        else:
            words.append(str(choice))
    return words


def _described(parameter: Any, descriptor: Any) -> dict[str, Any]:
    annotation = descriptor.annotation
    if getattr(descriptor, "is_choice", False):
        words = [str(getattr(one, "value", one)) for one in descriptor.choices or ()]
        folded = not getattr(descriptor, "case_sensitive", True)
        return {"name": "choice", "choices": words, "words": words, "fold_case": folded}
    if getattr(descriptor, "is_datetime", False):
        formats = getattr(getattr(descriptor, "parameter_info", None), "formats", None)
        return {"name": "datetime", "formats": [str(one) for one in formats or ()]}
    shape = shape_of(annotation)
    if shape["name"] in ("list",) and shape.get("items"):
        shape = shape["items"][0]
    shape.update(_bounds(getattr(parameter, "min", None), getattr(parameter, "max", None)))
    return shape


def patch_fire(session: Session, module: Any) -> None:
    """Intercept `fire.Fire`."""
    original = module.Fire

    def fire(component: Any = None, command: Any = None, *words: Any, **given: Any) -> Any:
        if session.inside or command is not None:
            return original(component, command, *words, **given)
        session.inside += 1
        if component is None:
            frame = sys._getframe(1)
            component = {
                name: value
                for name, value in frame.f_globals.items()
                if not name.startswith("_") and callable(value) and _is_own(value, frame.f_globals)
            }
        return session.reached("fire", _fire(session, component, 0), strict=True)

    module.Fire = fire


def _is_own(value: Any, names: dict[str, Any]) -> bool:
    return getattr(value, "__module__", None) == names.get("__name__")


def _fire(session: Session, component: Any, depth: int) -> dict[str, Any]:
    """Return the command that fire derives from a function, class, object, module or dictionary."""
    if depth > _MAX_LEVELS:
        return {"parameters": [], "open": True}
    if isinstance(component, dict):
        return _table(session, component, depth)
    if isinstance(component, (list, tuple)):
        return _table(session, {getattr(one, "__name__", str(one)): one for one in component}, depth)
    if isinstance(component, types.ModuleType):
        members = {name: one for name, one in vars(component).items() if callable(one)}
        return _table(session, members, depth)
    if inspect.isclass(component):
        found = _signature(session, component)
        found["commands"] = _methods(session, component, depth)
        found["choice_required"] = False
        return found
    if inspect.isroutine(component) or hasattr(component, "__wrapped__"):
        return _signature(session, component)
    return {"parameters": [], "commands": _methods(session, component, depth), "choice_required": True}


def _table(session: Session, members: dict[Any, Any], depth: int) -> dict[str, Any]:
    commands = {
        str(name): _fire(session, one, depth + 1)
        for name, one in list(members.items())[:_MAX_COMMANDS]
        if not str(name).startswith("_") and (callable(one) or isinstance(one, dict))
    }
    return {"parameters": [], "commands": commands, "choice_required": True}


def _methods(session: Session, owner: Any, depth: int) -> dict[str, Any]:
    found = {}
    for name in dir(owner)[:_MAX_COMMANDS]:
        member = inspect.getattr_static(owner, name, None)
        plain = inspect.isfunction(member)
        if not name.startswith("_") and (plain or isinstance(member, (staticmethod, classmethod))):
            found[name] = _signature(session, getattr(owner, name), plain and inspect.isclass(owner))
    return found


def _signature(session: Session, function: Any, skip_first: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"parameters": [], "help": _first_line(inspect.getdoc(function))}
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return {"parameters": [], "open": True}
    place = _place(session, function)
    for parameter in list(signature.parameters.values())[1 if skip_first else 0 :]:
        if parameter.kind is parameter.VAR_KEYWORD:
            found["open"] = True
            continue
        many = parameter.kind is parameter.VAR_POSITIONAL
        has_default = parameter.default is not parameter.empty
        annotation = parameter.annotation
        if isinstance(annotation, str):
            annotation = _evaluated(function, annotation)
        one: dict[str, Any] = {
            "name": parameter.name,
            "flags": ["--" + parameter.name] if not many else [],
            "positional": many,
            "nargs": "*" if many else None,
            "required": not has_default and not many,
            "item": "literal",
            "action": "store",
            "default": [] if many else None,
            "shape": shape_of(annotation) if annotation is not parameter.empty else None,
            **place,
        }
        if has_default:
            one.update(default_of(parameter.default))
        found["parameters"].append(one)
    return found


def _evaluated(function: Any, text: str) -> Any:
    """Return the annotation that a text means in the module of a function; Any when it is unknown."""
    names = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__globals__", {})
    try:
        return eval(text, names)
    except Exception:
        return Any
