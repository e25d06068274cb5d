"""Parsers of other kinds: Hydra, OmegaConf, absl, tyro, jsonargparse."""

from __future__ import annotations

import enum
import importlib
import os
import sys
from typing import Any

from .parsers import Rejected, checked, describe
from .session import Session
from .shapes import shape_of
from .values import default_of, plain, text_of

_MAX_GROUPS = 200
# Actions of jsonargparse that print and exit, or read a whole section from a file.
_NOT_VALUES = ("_ActionHelpClassPath", "_ActionPrintConfig", "_ActionConfigLoad")
_ABSL = {
    "ListParser": "str",
    "WhitespaceSeparatedListParser": "str",
    "IntegerParser": "int",
    "FloatParser": "float",
    "BooleanParser": "bool",
}


def patch_hydra(session: Session, module: Any) -> None:
    """Intercept functions decorated with `hydra.main`."""
    original = module.main

    def main(*words: Any, **given: Any) -> Any:
        decorate = original(*words, **given)
        named = dict(zip(("config_path", "config_name", "version_base"), words))
        named.update(given)

        def decorator(function: Any) -> Any:
            decorated = decorate(function)

            def call(passed: Any = None) -> Any:
                if session.inside or passed is not None:
                    return decorated(passed)
                session.inside += 1
                return _composed(session, function, named)

            return call

        return decorator

    module.main = main


def _composed(session: Session, function: Any, named: dict[str, Any]) -> Any:
    """Compose the configuration with Hydra, and answer with its values and groups."""
    # Not an import statement: this package does not need Hydra.
    hydra: Any = importlib.import_module("hydra")
    holder: Any = importlib.import_module("hydra.core.global_hydra").GlobalHydra

    path, name = named.get("config_path"), named.get("config_name")
    base = os.path.dirname(os.path.abspath(function.__code__.co_filename))
    holder.instance().clear()
    if path is None and "config_path" not in named and "version_base" not in named:
        path = "."
    options = {"version_base": named["version_base"]} if "version_base" in named else {}
    try:
        if isinstance(path, str) and path.startswith("pkg://"):
            context: Any = hydra.initialize_config_module(path[6:].replace("/", "."), **options)
        elif path is None:
            context = hydra.initialize(config_path=None, **options)
        else:
            context = hydra.initialize_config_dir(os.path.normpath(os.path.join(base, path)), **options)
    except Exception as error:
        return session.stopped("exception", type(error).__name__ + ": " + str(error))

    def compose(overrides: list[str]) -> Any:
        return hydra.compose(config_name=name, overrides=overrides, return_hydra_config=True)

    with context:
        try:
            config = compose([])
        except Exception as error:
            return session.stopped("exception", type(error).__name__ + ": " + str(error))
        answer = {
            "content": _content(config),
            "chosen": _chosen(config),
            "groups": _groups(holder.instance().config_loader()),
            "checks": checked(session, lambda words: _override(compose, words)),
        }
        return session.reached("hydra", {"parameters": []}, strict=True, **answer)


def _override(compose: Any, words: list[str]) -> None:
    try:
        compose(words)
    except Exception as error:
        raise Rejected(str(error).strip().split("\n")[0]) from None


def _content(config: Any) -> Any:
    found = importlib.import_module("omegaconf").OmegaConf.to_container(config, resolve=False)
    assert isinstance(found, dict)
    found.pop("hydra", None)
    return plain(found)


def _chosen(config: Any) -> dict[str, Any]:
    try:
        choices = dict(config.hydra.runtime.choices)
    except Exception:
        return {}
    return {str(key): plain(value) for key, value in choices.items() if not str(key).startswith("hydra/")}


def _groups(loader: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    waiting = [""]
    try:
        while waiting and len(found) < _MAX_GROUPS:
            parent = waiting.pop()
            for name in loader.list_groups(parent):
                group = parent + "/" + name if parent else name
                if group != "hydra":
                    found[group] = [str(one) for one in loader.get_group_options(group)]
                    waiting.append(group)
    except Exception:
        return found
    return {group: names for group, names in found.items() if names}


def patch_omegaconf(session: Session, module: Any) -> None:
    """Intercept `OmegaConf.from_cli`: the configuration that it is merged with has the keys."""
    owner = module.OmegaConf
    from_cli, merge = owner.from_cli, owner.merge
    given: list[Any] = []

    def from_cli_here(args_list: Any = None) -> Any:
        found = from_cli([] if args_list is None else args_list)
        if not session.inside and not list(args_list or ()):
            given.append(found)
            session.candidate = {
                "framework": "omegaconf",
                "command": {"parameters": [], "open": True},
                "content": {},
            }
        return found

    def merge_here(*configs: Any) -> Any:
        found = merge(*configs)
        if session.inside or not any(one is config for one in configs for config in given):
            return found
        session.inside += 1

        def check(words: list[str]) -> None:
            cli = from_cli(words)
            try:
                merge(*(cli if any(one is config for config in given) else one for one in configs))
            except Exception as error:
                raise Rejected(str(error).strip().split("\n")[0]) from None

        content = plain(owner.to_container(found, resolve=False))
        content = content if isinstance(content, dict) else {}
        closed = bool(getattr(found, "_get_flag", lambda _: False)("struct"))
        return session.reached(
            "omegaconf",
            {"parameters": [], "open": not closed},
            content=content,
            checks=checked(session, check),
        )

    owner.from_cli = staticmethod(from_cli_here)
    owner.merge = staticmethod(merge_here)


def patch_absl(session: Session, module: Any) -> None:
    """Intercept the parsing of absl's flags."""
    original = module.FlagValues.__call__

    def call(self: Any, argv: Any, known_only: bool = False) -> Any:
        if session.inside or not list(argv) or list(argv)[1:]:
            return original(self, argv, known_only)
        session.inside += 1

        def check(words: list[str]) -> None:
            try:
                self.unparse_flags()
                original(self, ["script", *words], known_only)
            except Exception as error:
                raise Rejected(str(error)) from None

        # The flags of libraries, such as those of absl.logging, are not the script's.
        own: dict[str, Any] = {}
        modules = self.flags_by_module_dict()
        for name, flags in modules.items():
            if str(name).split(".")[0] != "absl":
                for flag in flags:
                    own[flag.name] = _flag(flag, str(name))
        return session.reached(
            "absl", {"parameters": list(own.values())}, strict=not known_only, checks=checked(session, check)
        )

    module.FlagValues.__call__ = call


def _flag(flag: Any, module: str) -> dict[str, Any]:
    parser = type(flag.parser).__name__
    multiple = "Multi" in type(flag).__name__
    one: dict[str, Any] = {
        "name": str(flag.name),
        "flags": ["--" + str(flag.name)],
        "off_flags": ["--no" + str(flag.name)] if flag.boolean else [],
        "positional": False,
        "help": text_of(flag.help),
        "group": "" if module in ("__main__", sys.argv[0]) else module,
        "required": bool(
            getattr(flag, "using_default_value", False) and flag.default is None and _required(flag)
        ),
        "action": "boolean_optional" if flag.boolean else "append" if multiple else "store",
        "item": _ABSL.get(parser, "str" if parser in ("ArgumentParser", "EnumParser") else "custom"),
        "nargs": None,
    }
    if parser.endswith("ListParser"):
        one["separator"] = " " if parser.startswith("Whitespace") else ","
    values = getattr(flag.parser, "enum_values", None)
    if values:
        one["choices"] = [str(value) for value in values]
    enum_class = getattr(flag.parser, "enum_class", None)
    if enum_class is not None:
        one["choices"] = [str(member.name).lower() for member in enum_class]
    value = flag.default
    if enum_class is not None and value is not None:
        members = [str(member.name).lower() for member in (value if isinstance(value, list) else [value])]
        value = members if isinstance(value, list) else members[0]
    words = one.get("choices")
    one["shape"] = {"name": "choice", "choices": words, "words": words} if words else {"name": one["item"]}
    for bound, name in (("lower_bound", "low"), ("upper_bound", "high")):
        limit = getattr(flag.parser, bound, None)
        if isinstance(limit, (int, float)) and not words:
            one["shape"][name] = limit
    one.update(default_of(value))
    return one


def _required(flag: Any) -> bool:
    # What `mark_flag_as_required` adds, also for `DEFINE_string(..., required=True)`.
    messages = [str(getattr(one, "message", "")) for one in getattr(flag, "validators", ())]
    return any("must have a value other than None" in message for message in messages)


def patch_tyro(session: Session, module: Any) -> None:
    """Intercept `tyro.cli`."""
    original = module.cli

    def cli(f: Any, *words: Any, **given: Any) -> Any:
        if session.inside or given.get("args") is not None:
            return original(f, *words, **given)
        session.inside += 1
        arguments = importlib.import_module("tyro._arguments")
        owner = arguments.ArgumentDefinition
        add, found = owner.add_argument, []

        def add_argument(self: Any, parser: Any) -> Any:
            before = {id(one) for one in parser._actions}
            result = add(self, parser)
            for action in parser._actions:
                if id(action) not in before:
                    found.append((action, self))
            return result

        owner.add_argument = add_argument
        kept = ("default", "use_underscores", "config", "registry", "description")
        options = {name: value for name, value in given.items() if name in kept and value is not None}
        try:
            parser = module.get_parser(f, **options)
        except Exception as error:
            return session.stopped("exception", type(error).__name__ + ": " + str(error))
        command = describe(session, parser)
        fields = {action.dest: definition for action, definition in found}
        _typed(command, fields)

        def check(words: list[str]) -> None:
            rest = parser.parse_known_args(words)[1]
            if rest and not given.get("return_unknown_args"):
                raise Rejected("unrecognized arguments: " + " ".join(rest))

        strict = not given.get("return_unknown_args")
        return session.reached("tyro", command, strict=strict, checks=checked(session, check))

    module.cli = cli


def _typed(command: dict[str, Any], fields: dict[str, Any]) -> None:
    """Add the types and defaults of tyro's fields to the description of its parser."""
    for one in command["parameters"]:
        definition = fields.get(one["name"])
        if definition is None:
            continue
        field = definition.field
        one["shape"] = shape_of(getattr(field, "type_stripped", None))
        _take_item(one, "True", "False")
        one["nargs"] = None if one["nargs"] == 1 else one["nargs"]
        one.update(computed=False, shown="", help=text_of(getattr(field, "helptext", "")))
        value = None if one["required"] else field.default
        one.update(default_of(value.name if isinstance(value, enum.Enum) else value))
        one["name"] = _own_name(one["name"]) or one["name"]
    command["choice"] = _own_name(command.get("choice", ""))
    for inner in command.get("commands", {}).values():
        _typed(inner, fields)


def _own_name(name: str) -> str:
    """Return the name of a field or a choice without what tyro adds to it."""
    parts = name.replace(" (positional)", "").replace("-", "_").split(".")
    return ".".join(part for part in parts if not part.startswith("__tyro_dummy"))


def _take_item(one: dict[str, Any], yes: str, no: str) -> None:
    """Set how one word is converted, from the type of a parameter."""
    if one["action"] in ("boolean_optional", "store_true", "store_false", "count"):
        return
    shape = one["shape"]
    while shape["name"] in ("list", "tuple") and shape.get("items"):
        shape = shape["items"][0]
    one["item"] = shape["name"] if shape["name"] in ("int", "float", "str", "path") else "custom"
    if shape["name"] == "bool":
        one.update(item="truth", spelling=[[True, yes], [False, no]], choices=None)


def patch_jsonargparse(session: Session, module: Any) -> None:
    """Intercept parsers of jsonargparse, also those of LightningCLI."""
    owner = module.ArgumentParser
    original = owner.parse_args

    def parse_args(self: Any, args: Any = None, *words: Any, **given: Any) -> Any:
        if session.inside or (args is not None and list(args) != list(sys.argv[1:])):
            return original(self, args, *words, **given)
        session.inside += 1

        def check(words: list[str]) -> None:
            def error(message: Any, *_: Any, **__: Any) -> None:
                raise Rejected(str(message))

            self.error = error
            original(self, words)

        command = describe(session, self)
        _nested(self, command)
        return session.reached("jsonargparse", command, strict=True, checks=checked(session, check))

    owner.parse_args = parse_args


def _nested(parser: Any, command: dict[str, Any]) -> None:
    """Add the types of jsonargparse's arguments, which it parses as YAML."""
    actions = {action.dest: action for action in parser._actions}
    for one in command["parameters"]:
        action = actions.get(one["name"])
        hint = getattr(action, "_typehint", None)
        if hint is not None or "ActionConfigFile" in type(action).__name__:
            one["action"], one["nargs"] = "store", None
            one["shape"] = shape_of(hint) if hint is not None else {"name": "path"}
            _take_item(one, "true", "false")
            if one["shape"]["name"] in ("list", "tuple", "dict", "union", "custom", "any"):
                one.update(item="json")  # which is YAML, too
            one["choices"] = one["shape"].get("choices")
    command["parameters"] = [
        one
        for one in command["parameters"]
        if one["name"] not in ("help", "print_shtab")
        and type(actions.get(one["name"])).__name__ not in _NOT_VALUES
    ]
    for name, inner in command.get("commands", {}).items():
        for action in parser._actions:
            choices = getattr(action, "choices", None)
            if isinstance(choices, dict) and name in choices:
                _nested(choices[name], inner)
