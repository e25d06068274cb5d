"""Parsers of argparse: intercepting them, describing them, and checking command lines with them."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import dis
import enum
import io
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

from .session import CommandLine, Session, callers
from .shapes import fields_of, shape_of
from .values import choices_of, converter, default_of, plain, text_of

SUPPRESS = "==SUPPRESS=="
_ACTIONS = {
    "_StoreConstAction": "store_const",
    "_StoreTrueAction": "store_true",
    "_StoreFalseAction": "store_false",
    "_AppendAction": "append",
    "_AppendConstAction": "append_const",
    "_CountAction": "count",
    "_ExtendAction": "extend",
    "BooleanOptionalAction": "boolean_optional",
    "_StoreAction": "store",
}
_YAML = ("draccus", "pyrallis")
_NOT_LISTED = ("_HelpAction", "_VersionAction")
_CALLS = ("parse_args", "parse_known_args", "parse_args_into_dataclasses", "parse_intermixed_args", "parse")
_PLAIN_GROUPS = ("options", "optional arguments", "positional arguments", "optional parameters")
_MAX_LEVELS = 10
_MAX_MESSAGE = 1000


class Rejected(Exception):
    """A parser rejects a command line."""


def install(session: Session) -> None:
    """Intercept every parser of argparse, also of a class derived from it."""
    base = argparse.ArgumentParser
    parse_known = base.parse_known_args  # which `parse_args` calls, also that of a derived class
    add_argument = argparse._ActionsContainer.add_argument

    def add_argument_here(self: Any, *words: Any, **given: Any) -> Any:
        action = add_argument(self, *words, **given)
        session.note_place(action)
        return action

    def parse_known_here(self: Any, args: Any = None, namespace: Any = None) -> Any:
        if session.inside or not _is_command_line(session, args) or _is_inner(self):
            return parse_known(self, args, namespace)
        return _intercepted(session, self, parse_known, namespace, _is_strict(self))

    argparse._ActionsContainer.add_argument = add_argument_here  # type: ignore[method-assign]
    base.parse_known_args = parse_known_here  # type: ignore[method-assign]


def _is_command_line(session: Session, args: Any) -> bool:
    """Return whether a parser reads the command line, not a list of the script's own.

    It may be a copy, which is empty here; but `parse_args([])` in the project means the defaults.
    """
    if args is None or isinstance(args, CommandLine):
        return True
    try:
        if list(args):
            return False
    except TypeError:
        return False
    ours = (argparse.__file__, __file__)
    frame = next((one for one in callers() if one.f_code.co_filename not in ours), None)
    return frame is None or not (session.owns(frame.f_code.co_filename) and _passes_empty_list(frame))


def _passes_empty_list(frame: Any) -> bool:
    """Return whether the current call of a frame has `[]` as its last argument."""
    before = [step for step in dis.get_instructions(frame.f_code) if step.offset <= frame.f_lasti]
    return any(step.opname == "BUILD_LIST" and step.arg == 0 for step in before[-4:])


def _is_inner(parser: Any) -> bool:
    """Return whether another parser is parsing, and uses this one, such as for its configuration files."""
    for frame in callers():
        other = frame.f_locals.get("self")
        is_parser = other is not parser and isinstance(other, argparse.ArgumentParser)
        if is_parser and frame.f_code.co_name in _CALLS:
            return True
    return False


def _is_strict(parser: Any) -> bool:
    """Return whether a method around `parse_known_args` rejects the words that it leaves."""
    for frame in callers():
        if frame.f_locals.get("self") is parser:
            if frame.f_code.co_name == "parse_args_into_dataclasses":
                return not frame.f_locals.get("return_remaining_strings")
            if frame.f_code.co_name == "parse_args":
                return True
    return False


def _intercepted(
    session: Session, parser: Any, parse_known: Callable[..., Any], space: Any, strict: bool
) -> Any:
    session.inside += 1
    library, command = _library(parser), describe(session, parser)
    if library.split(".")[0] in _YAML:
        _take_fields(command, _config_owner(parser), library)
    answer: dict[str, Any] = {
        "framework": "argparse",
        "library": library,
        "command": command,
        "strict": strict,
        "checks": checked(session, lambda words: _check(parser, parse_known, words, strict)),
    }
    session.inside -= 1
    if session.candidate is not None:
        answer["first"] = session.candidate["command"]
    later = None if strict else _later_call(session)
    if later is None:
        session.finish(answer)
    session.candidate = answer
    _finish_after(session, later)
    session.inside += 1
    try:
        return parse_known(parser, [], space)
    except SystemExit:
        session.finish(answer)
    finally:
        session.inside -= 1


def _library(parser: Any) -> str:
    """Return the package and class of a parser that is derived from argparse's."""
    for one in type(parser).__mro__:
        package = one.__module__.split(".")[0]
        if package not in ("argparse", "__main__", "builtins"):
            return package + "." + one.__name__
    return ""


def _config_owner(parser: Any) -> Any:
    """Return what has the dataclass: the parser of pyrallis, or of draccus, which contains argparse's."""
    owners = (frame.f_locals.get("self") for frame in callers())
    around = (one for one in owners if getattr(one, "parser", None) is parser)
    return next((one for one in (parser, *around) if getattr(one, "config_class", None) is not None), None)


def _take_fields(command: dict[str, Any], owner: Any, library: str) -> None:
    """Add types and defaults of a dataclass, which its library keeps from argparse and reads as YAML."""
    config, file = getattr(owner, "config_class", None), getattr(owner, "config_path", None)
    fields = fields_of(config) if dataclasses.is_dataclass(config) else {}
    sections = {one["name"].rpartition(".")[0] for one in command["parameters"]}
    command["parameters"] = [one for one in command["parameters"] if one["name"] not in sections]
    for one in command["parameters"]:
        if one["name"] in fields:
            hint, value, lost = fields[one["name"]]
            if file:  # of the script, which may set any field
                value, lost = None, True
            missing = value is dataclasses.MISSING
            shape = shape_of(hint, library.startswith("draccus"))
            one.update(shape=shape, item="json", nargs=None, suppressed=False, required=missing)
            value = value.name if isinstance(value, enum.Enum) else value  # as in YAML
            one.update(default_of(None if missing else value))
            if lost:
                one["computed"] = True  # so that its value is always passed
        elif "." in one["name"] and not one.get("choices"):  # of a class that may be chosen
            one.update(shape={"name": "any"}, item="json", nargs=None)


def _later_call(session: Session) -> Any:
    """Return the innermost frame of the project that parses again after the current call, if there is one."""
    for frame in callers():
        if session.owns(frame.f_code.co_filename):
            for step in dis.get_instructions(frame.f_code):
                if step.offset > frame.f_lasti and step.argval in _CALLS and step.opname.startswith("LOAD"):
                    return frame
    return None


def _finish_after(session: Session, watched: Any) -> None:
    """Finish with the candidate when the frame returns without having parsed again."""

    def profile(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame is watched and session.candidate is not None:
            sys.setprofile(None)
            session.finish(session.candidate)

    sys.setprofile(profile)


def checked(session: Session, check: Callable[[list[str]], Any]) -> list[str | None]:
    """Return for each command line to check why it is rejected, or None."""
    found: list[str | None] = []
    for words in session.checks:
        output = io.StringIO()
        try:
            with contextlib.redirect_stderr(output), contextlib.redirect_stdout(output):
                check(list(words))
            found.append(None)
        except Rejected as error:
            found.append(str(error)[:_MAX_MESSAGE] or "rejected")
        except SystemExit as error:
            lines = [line.strip() for line in output.getvalue().splitlines() if line.strip()]
            first = [number for number, line in enumerate(lines) if "error:" in line][:1]
            message = " ".join(lines[first[0] if first else -1 :]).partition("error:")
            text = (message[2] or message[0]).strip() or "rejected"
            found.append(text[:_MAX_MESSAGE] if error.code else None)
        except Exception as error:
            found.append((type(error).__name__ + ": " + str(error))[:_MAX_MESSAGE])
    return found


def _check(parser: Any, parse_known: Callable[..., Any], words: list[str], strict: bool) -> None:
    def error(message: str) -> None:
        raise Rejected(message)

    for one in _parsers(parser):
        one.error = error
    _, rest = parse_known(parser, words)
    if rest and strict:
        raise Rejected("unrecognized arguments: " + " ".join(rest))


def _parsers(parser: Any, depth: int = 0) -> list[Any]:
    found = [parser]
    for action in parser._actions:
        if _is_subparsers(action) and depth < _MAX_LEVELS:
            for one in action.choices.values():
                found += _parsers(one, depth + 1)
    return found


def _class_names(thing: Any) -> list[str]:
    return [one.__name__ for one in type(thing).__mro__]


def _is_subparsers(action: Any) -> bool:
    return "_SubParsersAction" in _class_names(action)


def describe(session: Session, parser: Any, depth: int = 0) -> dict[str, Any]:
    """Return the description of a parser with its subcommands."""
    groups: dict[int, str] = {}
    for group in parser._action_groups:
        title = group.title if isinstance(group.title, str) else ""
        for action in group._group_actions:
            groups[id(action)] = "" if title.lower() in _PLAIN_GROUPS else title
    parameters: list[dict[str, Any]] = []
    described: dict[str, Any] = {}
    names: dict[int, str] = {}
    for action in parser._actions:
        classes = _class_names(action)
        if any(name in classes for name in _NOT_LISTED):
            continue
        if _is_subparsers(action):
            described = {"choice_at": len(parameters)}
            described.update(_subcommands(session, action, depth))
            continue
        if not action.option_strings and action.dest == SUPPRESS:
            continue
        one = _parameter(session, parser, action, groups.get(id(action), ""))
        names[id(action)] = one["name"]
        parameters.append(one)
    exclusive = []
    for group in parser._mutually_exclusive_groups:
        keys = [names[id(action)] for action in group._group_actions if id(action) in names]
        if keys:
            exclusive.append({"keys": keys, "required": bool(group.required)})
    return {
        "help": text_of(parser.description),
        "parameters": parameters,
        "exclusive": exclusive,
        "prefix_chars": str(parser.prefix_chars),
        "fromfile_chars": str(getattr(parser, "fromfile_prefix_chars", None) or ""),
        "allow_abbrev": bool(getattr(parser, "allow_abbrev", True)),
        **described,
    }


def _subcommands(session: Session, action: Any, depth: int) -> dict[str, Any]:
    helps = {one.dest: text_of(one.help) for one in getattr(action, "_choices_actions", ())}
    commands: dict[str, Any] = {}
    aliases: dict[str, str] = {}
    seen: dict[int, str] = {}
    for name, one in action.choices.items() if depth < _MAX_LEVELS else ():
        if id(one) in seen:
            aliases[str(name)] = seen[id(one)]
            continue
        seen[id(one)] = str(name)
        commands[str(name)] = describe(session, one, depth + 1)
        commands[str(name)]["help"] = helps.get(name) or commands[str(name)]["help"]
    place = session.place_of(action)
    return {
        "commands": commands,
        "aliases": aliases,
        "choice": "" if action.dest in (None, SUPPRESS) else str(action.dest),
        "choice_required": bool(action.required),
        "choice_help": text_of(action.help),
        "choice_line": place[1],
    }


def _parameter(session: Session, parser: Any, action: Any, group: str) -> dict[str, Any]:
    kind = _kind(action)
    choices = choices_of(action.choices, bool(session.stubbed))
    one: dict[str, Any] = {}
    if kind not in ("store_true", "store_false", "boolean_optional", "count"):
        given = action.type
        given = parser._registry_get("type", given, given) if not callable(given) else given
        one = converter(given, choices)
    flags = [str(flag) for flag in action.option_strings]
    off: set[str] = set(getattr(action, "_no_strings", ()))  # tyro
    if kind == "boolean_optional" and not off:
        off = {flag for flag in flags if flag.startswith("--no-") and "--" + flag[5:] in flags}
    file, line = session.place_of(action)
    if choices is not None and "choices" not in one and not one.get("spelling"):
        one["choices"] = [_word(choice) for choice in choices]
    metavar = action.metavar
    one.update(
        name=str(action.dest),
        flags=[flag for flag in flags if flag not in off],
        off_flags=[flag for flag in flags if flag in off],
        positional=not flags,
        action=kind,
        nargs=action.nargs if isinstance(action.nargs, (int, str)) and action.nargs != 0 else None,
        required=action.nargs not in ("?", "*", "...") if not flags else bool(action.required),
        help=_help(parser, action),
        group=group,
        metavar=metavar if isinstance(metavar, str) else "",
        file=file,
        line=line,
    )
    one.update(_defaults(parser, action, one))
    if kind not in ("store_true", "store_false", "boolean_optional"):
        constant = default_of(action.const)
        one["const"] = constant.get("default")
    return one


def _kind(action: Any) -> str:
    classes = _class_names(action)
    for name in classes:
        if name in _ACTIONS:
            own = classes[0] != name and name == "_StoreAction"
            return "custom" if own else _ACTIONS[name]
    if hasattr(action, "_no_strings"):
        return "boolean_optional"
    return "custom_flag" if action.nargs == 0 else "custom"


def _word(choice: Any) -> Any:
    try:
        found = plain(choice)
    except Exception:
        return str(choice)
    return found if isinstance(found, (str, int, float, bool)) else str(choice)


def _help(parser: Any, action: Any) -> str:
    if not isinstance(action.help, str) or action.help == SUPPRESS:
        return ""
    try:
        return text_of(parser._get_formatter()._expand_help(action))
    except Exception:
        return text_of(action.help)


def _defaults(parser: Any, action: Any, one: dict[str, Any]) -> dict[str, Any]:
    value = action.default
    if isinstance(value, str) and value == SUPPRESS:
        return {"default": None, "suppressed": True}
    if isinstance(value, str) and one.get("item") not in ("path", "custom"):
        # argparse converts a text in the same way as a word
        with contextlib.suppress(BaseException):
            value = parser._get_value(action, value)
    spelled = one.get("spelling")
    if spelled and one.get("item") == "custom":
        return {"default": _spelled(value, spelled)}
    return default_of(value)


def _spelled(value: Any, spelled: list[tuple[Any, str]]) -> Any:
    """Return a default as the word that stands for it."""
    if isinstance(value, (list, tuple)):
        return [_spelled(item, spelled) for item in value]
    try:
        known = plain(value)
    except Exception:
        return None
    for member, word in spelled:
        if type(member) is type(known) and member == known:
            return word
    return known
