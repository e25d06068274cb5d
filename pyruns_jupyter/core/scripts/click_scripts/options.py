"""One declaration of click: `option(...)`, `argument(...)`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.model import Parameter, Problems
from pyruns_jupyter.core.scripts.source.files import text_of
from pyruns_jupyter.core.scripts.source.functions import default_of, enum_member
from pyruns_jupyter.core.scripts.types import CUSTOM, Shape

from .option_types import click_type, inferred

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.modules import Module


class OptionReader:
    """Reads one declaration: `option(...)`, `argument(...)`."""

    def __init__(
        self, module: Module, node: ast.Call, words: dict[str, ast.expr], problems: Problems
    ) -> None:
        self.module = module
        self.line = node.lineno
        self.file = "" if module.main else module.name
        self.words = words
        self.problems = problems

    def word(self, name: str, default: Any = None) -> Any:
        """Return the value of a keyword; `default` when it is absent or unknown."""
        return self.module.constants.get(self.words.get(name), default)

    def default(self, name: str) -> tuple[Any, bool]:
        """Return the default, and whether it is computed."""
        if "default" not in self.words:
            return None, False
        node = self.words["default"]
        if text_of(node).endswith("UNSET"):
            return None, False
        return default_of(self.module, name, node, self.problems, self._value)

    def _value(self, node: ast.expr) -> Any:
        """Return the value of a default; for a choice of an enumeration the name of its member."""
        member = enum_member(self.module, node)
        if member is not None and "type" in self.words:
            shape = click_type(self.module, self.words["type"])
            if member in shape.choices:
                return member
        return self.module.constants.value(node)

    def shape(self, default: Any, nargs: Any, multiple: bool) -> Shape:
        """Return the type of one value."""
        if "type" in self.words:
            return click_type(self.module, self.words["type"])
        several = multiple or (isinstance(nargs, int) and nargs != 1)
        shape = inferred(default[0] if several and isinstance(default, list) and default else default)
        return shape if shape.name != "list" else CUSTOM

    def argument(self, texts: list[str]) -> tuple[list[Parameter], bool]:
        """Return the parameter of `argument(*texts, ...)`; see `option`."""
        name = texts[-1].lower().replace("-", "_") if len(texts) == 1 else texts[0]
        nargs = self.word("nargs", 1)
        default, computed = self.default(name)
        shape = self.shape(default, nargs, False)
        required = self.word("required", None)
        if required is None:
            required = "default" not in self.words and nargs != -1 and "envvar" not in self.words
        count = len(shape.items) if shape.name == "tuple" else nargs
        several = count == -1 or (isinstance(count, int) and count > 1)
        found = Parameter(
            name=name,
            type="list" if several else shape.shown,
            default=default,
            choices=None if several else (shape.choices or None),
            help=_text(self.word("help")),
            required=bool(required) or (required and computed),
            positional=True,
            nargs="*" if count == -1 else count if several else None,
            item_type=shape.item_type,
            line=self.line,
            file=self.file,
            shape=shape,
            computed=computed,
        )
        return [found], False

    def option(self, texts: list[str]) -> tuple[list[Parameter], bool]:
        """Return the parameter of `option(*texts, ...)`, and whether there is one that is not listed."""
        flags, off, name = declarations(texts)
        if not name or self.word("is_eager") is True:
            return [], False
        default, computed = self.default(name)
        common: dict[str, Any] = {
            "name": name,
            "flags": tuple(flags),
            "off_flags": tuple(off),
            "help": _text(self.word("help")),
            "line": self.line,
            "file": self.file,
            "computed": computed,
        }
        required = self.word("required") is True or (
            self.word("prompt") not in (None, False) and self.word("prompt_required") is not False
        )
        if self.word("count") is True:
            base = default if isinstance(default, int) else 0
            common.update(default=base, action="count", item_type="int", shape=Shape("int"))
            return [Parameter(**common, type="int")], False
        value = self.word("flag_value")
        is_flag = self.word("is_flag")
        if is_flag is None:
            is_flag = "flag_value" in self.words or bool(off)
        if is_flag and "flag_value" in self.words and not isinstance(value, bool):
            self.problems.add(self.module, f"{texts[0]} stands for a value. It is not listed", self.line)
            return [], True
        if is_flag:
            return [self._flag(common, default, computed, bool(off), required)], False
        multiple = self.word("multiple") is True
        nargs = self.word("nargs", 1)
        shape = self.shape(default, nargs, multiple)
        count = len(shape.items) if shape.name == "tuple" else nargs
        several = multiple or (isinstance(count, int) and count > 1)
        found = Parameter(
            **common,
            type="list" if several else shape.shown,
            default=default,
            choices=None if several else (shape.choices or None),
            required=required and ("default" not in self.words or self.word("prompt") not in (None, False)),
            nargs=count
            if isinstance(count, int) and count > 1
            else "?"
            if "flag_value" in self.words
            else None,
            action="append" if multiple else "store",
            item_type=shape.item_type,
            shape=shape,
        )
        return [found], False

    def _flag(
        self, common: dict[str, Any], default: Any, computed: bool, pair: bool, required: bool
    ) -> Parameter:
        value = self.word("flag_value")
        if default is None and not computed and "default" not in self.words:
            default = False
        action = "boolean_optional" if pair else "store_false" if value is False else "store_true"
        shape = Shape("bool")
        return Parameter(
            **common,
            type="bool",
            default=default,
            action=action,
            item_type="bool",
            shape=shape,
            required=required,
        )


def declarations(texts: list[str]) -> tuple[list[str], list[str], str]:
    """Return the flags, the flags that disable it and the name that `option(*texts)` declares."""
    flags: list[str] = []
    off: list[str] = []
    name = ""
    for text in texts:
        if text.isidentifier():
            name = text
            continue
        mark = ";" if text[:1] == "/" else "/"
        if mark in text:
            first, second = (part.strip() for part in text.split(mark, 1))
            flags += [first] if first else []
            off += [second] if second else []
        else:
            flags.append(text)
    return flags, off, name or name_of(flags or off)


def name_of(flags: list[str]) -> str:
    ordered = sorted(flags, key=lambda flag: -_dashes(flag))
    name = ordered[0].lstrip("-+/").replace("-", "_").lower() if ordered else ""
    return name if name.isidentifier() else ""


def _dashes(flag: str) -> int:
    first = flag[:1]
    if first.isalnum():
        return 0
    return 2 if flag[1:2] == first else 1


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
