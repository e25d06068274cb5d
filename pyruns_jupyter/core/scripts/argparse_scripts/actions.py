"""The parameter that one `add_argument` call declares."""

from __future__ import annotations

import ast
import re
from argparse import SUPPRESS
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.model import Parameter
from pyruns_jupyter.core.scripts.source.files import text_of
from pyruns_jupyter.core.scripts.source.objects import (
    ClassRef,
    EnumMember,
    External,
    Unknown,
    UnknownError,
    is_plain,
)

from .assembly import SWITCHES, shown_type
from .converters import Converter, converter
from .parserobjects import ArgumentAction, ParserMethods, ParserObject

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.tracing import Tracer

_STORING = ("store", "store_const", "store_true", "store_false")
_ACTIONS = (*_STORING, "append", "append_const", "extend", "count", "help", "version")
_CLASSES = {f"_{''.join(map(str.title, one.split('_')))}Action": one for one in _ACTIONS}
_CLASSES["BooleanOptionalAction"] = "boolean_optional"


class ActionReader:
    """Converts declared arguments to parameters."""

    def __init__(self, tracer: Tracer, methods: ParserMethods) -> None:
        self.tracer = tracer
        self.methods = methods
        self.known: dict[tuple[int, int], Converter] = {}

    def parameter(self, action: ArgumentAction, parser: ParserObject, group: str) -> Parameter | None:
        """Return the parameter of an argument, None for one without a value (help, version)."""
        words = action.words
        flags = action.flags
        positional = flags[0][0] not in parser.prefix_chars
        name = _name(flags, words.get("dest"), positional, parser.prefix_chars)
        kind, own_nargs = self._action(action)
        if kind in ("help", "version"):
            return None
        nargs = words.get("nargs")
        if nargs is None and own_nargs is not None:
            nargs = own_nargs
        if nargs is not None and (not isinstance(nargs, (str, int)) or isinstance(nargs, bool)):
            self._problem(action, f"The nargs of {name} is computed. A single value is assumed")
            nargs = None
        convert_with = self._type(action)
        choices = self._choices(action, convert_with, name)
        default, computed = self._default(action, parser, kind, convert_with, name)
        suppressed = default == SUPPRESS
        const = self._const(action, kind, convert_with)
        item_type = convert_with.item_type
        if choices is None and convert_with.members:
            choices = tuple(word for _, word in convert_with.members)
        if words.get("type") is None and kind == "store" and isinstance(default, (int, float)):
            self._problem(
                action,
                f"{flags[0]} has no type. Values other than the default {default} are passed as strings",
            )
        optional_positional = nargs in ("?", "*", "...")
        help_text, metavar = words.get("help"), words.get("metavar")
        return Parameter(
            name=name,
            type=shown_type(kind, nargs, item_type, convert_with.separator, choices, default),
            default=None if suppressed else default,
            flags=() if positional else flags,
            choices=choices,
            help=_help(help_text, name, None if suppressed else default, choices, item_type, const, metavar),
            group=group,
            required=not optional_positional if positional else words.get("required") is True,
            positional=positional,
            nargs=nargs,
            action=kind,
            const=const,
            item_type=item_type,
            line=action.line,
            separator=convert_with.separator,
            spelling=convert_with.spelling,
            metavar=metavar if isinstance(metavar, str) else "",
            computed=computed,
            suppressed=suppressed,
            file="" if action.module.main else action.module.name,
        )

    def _problem(self, action: ArgumentAction, message: str) -> None:
        self.methods.problems.add(action.module, message, action.line)

    def _action(self, action: ArgumentAction) -> tuple[str, int | None]:
        """Return the kind of an action, and the nargs that a custom action class sets."""
        given = action.words.get("action", "store")
        if isinstance(given, str) and given in _ACTIONS:
            return given, None
        if isinstance(given, External) and given.short in _CLASSES:
            return _CLASSES[given.short], None
        nargs: int | None = None
        if isinstance(given, ClassRef):
            for base in self.tracer.ancestors(given):
                if isinstance(base, External) and base.short in _CLASSES and base.short != "_StoreAction":
                    return _CLASSES[base.short], None
            nargs = _own_nargs(given)
        takes = (
            "it is passed as a flag without a value" if nargs == 0 else "its value is passed as one argument"
        )
        self._problem(action, f"{action.flags[0]} has a custom action; {takes}")
        return ("custom_flag" if nargs == 0 else "custom"), None if nargs == 0 else nargs

    def _type(self, action: ArgumentAction) -> Converter:
        given = action.words.get("type")
        found = converter(given, self.tracer, self.known, self.tracer.iterated(action.words.get("choices")))
        if given is None and "choices" in action.words:
            members = self.tracer.iterated(action.words["choices"]) or []
            if members and all(isinstance(one, EnumMember) for one in members):
                spelled = tuple((one, str(one.value)) for one in members)
                return Converter("custom", members=spelled)
        return found

    def _choices(self, action: ArgumentAction, convert_with: Converter, name: str) -> tuple[Any, ...] | None:
        if action.words.get("choices") is None:
            return None
        items = self.tracer.iterated(action.words["choices"])
        if items is not None:
            try:
                return tuple(convert_with.word(item) for item in items)
            except UnknownError:
                pass
        text = _source(action, "choices")
        self._problem(action, f"The choices of {name} are computed{text}. Values are not checked")
        return None

    def _default(
        self, action: ArgumentAction, parser: ParserObject, kind: str, convert_with: Converter, name: str
    ) -> tuple[Any, bool]:
        text, module, line = _source(action, "default"), action.module, action.line
        if name in parser.defaults:
            value, source, module, line = parser.defaults[name]
            text = f" ({source})" if source else ""
        elif "default" in action.words:
            value = action.words["default"]
        elif parser.argument_default is not None:
            value = parser.argument_default
        else:
            value = {"store_true": False, "store_false": True}.get(kind)
        if isinstance(value, str) and value != SUPPRESS and kind in ("store", "append", "extend", "custom"):
            value = self._converted(value, action, convert_with)
        try:
            return convert_with.word(value), False
        except UnknownError:
            self.methods.problems.add(
                module, f"The default of {name} is computed{text}. Set null to use it", line
            )
            return None, True

    def _converted(self, text: str, action: ArgumentAction, convert_with: Converter) -> Any:
        """Return a string default as the parser converts it."""
        given = action.words.get("type")
        if given is None or (convert_with.item_type in ("path", "custom") and not convert_with.members):
            return text
        value = self.tracer.probe(given, text)
        return text if isinstance(value, Unknown) else value

    def _const(self, action: ArgumentAction, kind: str, convert_with: Converter) -> Any:
        if kind in SWITCHES:
            return kind == "store_true"
        try:
            return convert_with.word(action.words.get("const"))
        except UnknownError:
            if action.words.get("nargs") != "?":
                self._problem(
                    action,
                    f"The const of {action.flags[0]} is computed{_source(action, 'const')}. "
                    "Set the parameter to true to use it",
                )
            return None


def _source(action: ArgumentAction, word: str) -> str:
    """Return the source of a keyword argument of the call, in parentheses; "" if there is none."""
    node = action.nodes.get(word)
    if node is None:
        return ""
    text = text_of(node)
    return f" ({text if len(text) <= 60 else text[:57] + '...'})"


def _name(flags: tuple[str, ...], dest: Any, positional: bool, prefix: str) -> str:
    if isinstance(dest, str) and dest:
        return dest
    if positional:
        return flags[0]
    long = [flag for flag in flags if len(flag) > 1 and flag[1] in prefix]
    return (long or flags)[0].lstrip(prefix).replace("-", "_")


def _own_nargs(cls: ClassRef) -> int | None:
    """Return the `nargs` that an action class passes to its base class."""
    for statement in cls.node.body:
        if not isinstance(statement, ast.FunctionDef) or statement.name != "__init__":
            continue
        for node in ast.walk(statement):
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                if keyword.arg == "nargs" and isinstance(keyword.value, ast.Constant):
                    value = keyword.value.value
                    return value if isinstance(value, int) else None
    return None


def _help(text: Any, dest: str, default: Any, choices: Any, item_type: str, const: Any, metavar: Any) -> str:
    if not isinstance(text, str) or text == SUPPRESS:
        return ""
    values = {
        "default": default,
        "dest": dest,
        "type": item_type,
        "choices": ", ".join(str(one) for one in choices or ()),
        "const": const,
        "metavar": metavar,
    }

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1], values)
        return str(found) if is_plain(found) or isinstance(found, (list, tuple)) else match[0]

    return re.sub(r"%\((\w+)\)[-0-9.]*[a-zA-Z]", value, text).replace("%%", "%")
