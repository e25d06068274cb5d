"""The fields of configuration classes: dataclasses and similar classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.scripts.types import Shape, shape_of_value

from .annotations import shape_of
from .docstrings import argument_help, docstring_of
from .files import text_of
from .functions import Function, keywords, known_default, unannotated
from .import_map import external_name
from .objects import UnknownError

if TYPE_CHECKING:
    from .modules import Module

NOTHING: Any = object()
_DEPTH = 12
_MAX_BYTES = 1 << 20
# Functions that describe a field: of dataclasses, attrs, pydantic, transformers.
_FIELDS = frozenset(("field", "Field", "ib", "attrib", "HfArg"))
_DECORATORS = ("dataclass", "define", "frozen", "attrs", "s")
_ENDS_OF_MISSING = ("MISSING", "II", "SI")


@dataclass(frozen=True)
class ClassField:
    """One field. `default` is NOTHING when it has none, and None when it is `computed`.

    `nested` is the class of the project that it holds by default, `given` the values that the default sets in
    its fields. `words` are the keywords of `field(...)`, `module` is the file of the declaration.
    """

    module: Module
    name: str
    shape: Shape
    default: Any = NOTHING
    computed: bool = False
    help: str = ""
    line: int = 0
    nested: tuple[Module, ast.ClassDef] | None = None
    given: Mapping[str, ast.expr] = field(default_factory=dict)
    words: Mapping[str, ast.expr] = field(default_factory=dict)
    extras: tuple[ast.expr, ...] = ()
    expression: ast.expr | None = None

    def word(self, name: str, default: Any = None) -> Any:
        """Return a keyword of `field(...)`, or an entry of its `metadata`."""
        constants = self.module.constants
        if name in self.words:
            return constants.get(self.words[name], default)
        node = self.words.get("metadata")
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant) and key.value == name:
                return constants.get(value, default)
        found = constants.get(node)
        return found.get(name, default) if isinstance(found, dict) else default


def is_config_class(module: Module, definition: ast.AST, depth: int = 0, *, own: bool = False) -> bool:
    """Return whether a class is a dataclass, or one of attrs or pydantic.

    With `own`, only if its own annotations are fields, too: a dataclass has them by a decorator only.
    """
    if not isinstance(definition, ast.ClassDef) or depth > _DEPTH:
        return False
    for decorator in definition.decorator_list if not (own and depth) else ():
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if own or external_name(module.tree, called).rsplit(".", 1)[-1] in _DECORATORS:
            return True
    for base in definition.bases:
        name = external_name(module.tree, base)
        if name.rsplit(".", 1)[-1] in ("BaseModel", "NamedTuple", "TypedDict"):
            return True
        found = module.find_class(base)
        if found is not None and is_config_class(*found, depth + 1, own=own):
            return True
    return False


def field_names(module: Module, definition: ast.ClassDef, depth: int = 0) -> list[str]:
    """Return the names of the fields that a call of a class can set by their positions, in their order."""
    names: list[str] = []
    for base in reversed(definition.bases) if depth < _DEPTH else ():
        found = module.find_class(base)
        if found is not None and found[1] is not definition:
            names += field_names(found[0], found[1], depth + 1)
    named = any("kw_only=True" in text_of(one) for one in definition.decorator_list)
    for statement in definition.body if is_config_class(module, definition, own=True) else ():
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name, value = statement.target.id, statement.value
            annotation = text_of(statement.annotation)
            named = named or "KW_ONLY" in annotation
            words: dict[str, str] = {}
            if isinstance(value, ast.Call) and _makes_field(module, value):
                words = {key: text_of(node) for key, node in keywords(value).items()}
            by_name = words.get("kw_only", str(named)) == "True"
            if by_name or words.get("init") == "False" or "ClassVar" in annotation:
                names = [one for one in names if one != name]
            else:
                names.append(name)
    return list(dict.fromkeys(names))


def given_values(module: Module, definition: ast.AST, call: ast.Call) -> dict[str, ast.expr]:
    """Return the values that a call of a class sets in its fields."""
    assert isinstance(definition, ast.ClassDef)
    return {**keywords(call), **dict(zip(field_names(module, definition), call.args, strict=False))}


def fields_of(
    module: Module, definition: ast.ClassDef, depth: int = 0, *, init_vars: bool = False
) -> tuple[list[ClassField], list[str]]:
    """Return the fields of a class, those of its bases first, and the bases that are not in the project.

    With `init_vars`, those that only its `__init__` takes, too.
    """
    fields: dict[str, ClassField] = {}
    unknown: list[str] = []
    for base in reversed(definition.bases):
        name = external_name(module.tree, base) if not isinstance(base, ast.Subscript) else "Generic"
        found = module.find_class(base) if name.rsplit(".", 1)[-1] not in _PLAIN_BASES else None
        if found is not None and found[1] is definition:
            continue
        if found is not None and found[0].installed and not is_config_class(*found):
            continue  # its annotations are not fields
        if found is not None and depth < _DEPTH:
            inherited, more = fields_of(found[0], found[1], depth + 1, init_vars=init_vars)
            unknown += more
            for item in inherited:
                fields[item.name] = replace(item) if item.name not in fields else item
        elif name.rsplit(".", 1)[-1] not in _PLAIN_BASES:
            unknown.append(name or text_of(base))
    lines = source_lines(module)
    helps = argument_help(docstring_of(definition))
    body = definition.body if is_config_class(module, definition, own=True) else []
    for index, statement in enumerate(body):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        annotation = text_of(statement.annotation)
        if "ClassVar" in annotation or "KW_ONLY" in annotation:
            continue
        if "InitVar" in annotation and not init_vars:
            continue
        below = body[index + 1] if index + 1 < len(body) else None
        name = statement.target.id
        found_field = _field(module, statement)
        if found_field is None:
            fields.pop(name, None)
            continue
        text = found_field.help or _text_below(below) or comment_of(lines, statement) or helps.get(name, "")
        fields[name] = replace(found_field, help=" ".join(text.split()))
    return list(fields.values()), unknown


_PLAIN_BASES = ("object", "ABC", "Generic", "Protocol", "BaseModel", "NamedTuple", "TypedDict")


def source_lines(module: Module) -> list[str]:
    """Return the lines of a file, for its comments; none when it cannot be read."""
    if module.path is None:
        return []
    try:
        data, _ = read_whole(module.path, most=_MAX_BYTES, follow=True)
        return data.decode("utf-8", "replace").splitlines()
    except (OSError, Unreadable):
        return []


def _field(module: Module, statement: ast.AnnAssign) -> ClassField | None:
    assert isinstance(statement.target, ast.Name)
    annotation, extras = unannotated(module, statement.annotation)
    shape = shape_of(module, annotation)
    nested = None
    if shape.name == "class" and shape.definition is not None and is_config_class(*shape.definition):
        nested = shape.definition
    found = ClassField(
        module, statement.target.id, shape, line=statement.lineno, nested=nested, extras=extras
    )
    return with_default(found, module, statement.value) if statement.value is not None else found


def with_default(found: ClassField, module: Module, node: ast.expr) -> ClassField | None:
    """Return the field with its assigned default; None when it is not a parameter (`init=False`)."""
    found = replace(found, default=NOTHING, computed=False, given={}, expression=node)
    if not isinstance(node, ast.Call) or not _makes_field(module, node):
        return _valued(found, module, node)
    words = keywords(node)
    maker = external_name(module.tree, node.func).rsplit(".", 1)[-1]
    found = replace(found, words=words)
    if found.word("init") is False:
        return None
    found = replace(found, help=str(found.word("help") or found.word("description") or ""))
    factory = words.get("default_factory", words.get("factory"))
    if factory is not None:
        return _made(found, module, factory)
    value = words.get("default") or (node.args[0] if node.args and maker == "Field" else None)
    if value is None or (isinstance(value, ast.Constant) and value.value is ...):
        return found
    return _valued(found, module, value)


def _makes_field(module: Module, node: ast.Call) -> bool:
    name = external_name(module.tree, node.func)
    found = module.find(node.func)
    return name.rsplit(".", 1)[-1] in _FIELDS and (found is None or isinstance(found[1], Function))


def _valued(found: ClassField, module: Module, node: ast.expr) -> ClassField:
    """Return the field with an expression as its default."""
    if external_name(module.tree, node).rsplit(".", 1)[-1] in _ENDS_OF_MISSING:
        return replace(found, default=NOTHING)
    if isinstance(node, ast.Call):
        made = module.find(node.func)
        if made is not None and is_config_class(*made):
            assert isinstance(made[1], ast.ClassDef)
            given = given_values(*made, node)
            return replace(found, nested=(made[0], made[1]), given=given, module=module, default=None)
    try:
        value = known_default(module, node)
    except UnknownError:
        return replace(found, default=None, computed=True, expression=node, nested=None)
    shape = found.shape if found.shape.name not in ("any",) else shape_of_value(value)
    return replace(found, default=value, shape=shape, nested=None)


def _made(found: ClassField, module: Module, factory: ast.expr) -> ClassField:
    """Return the field with the result of its `default_factory`."""
    if isinstance(factory, ast.Lambda):
        return _valued(found, module, factory.body)
    name = text_of(factory)
    if name in ("list", "tuple", "set"):
        return replace(found, default=[])
    if name == "dict":
        return replace(found, default={})
    target = module.resolve(name)
    if target is not None and is_config_class(*target):
        assert isinstance(target[1], ast.ClassDef)
        return replace(found, nested=(target[0], target[1]), default=None)
    return replace(found, default=None, computed=True, expression=factory, nested=None)


def _text_below(statement: ast.stmt | None) -> str:
    """Return the string literal below a field."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value if isinstance(statement.value.value, str) else ""
    return ""


_COMMENT = re.compile(r"\s*#+\s?(.*)")
_PRAGMA = re.compile(r"(fmt|isort|type|pylint|ruff|noqa|mypy|pragma)\b *(:|$)")  # a comment for a tool


def comment_of(lines: list[str], statement: ast.stmt) -> str:
    """Return the comment above a field, else the one at the end of its line."""
    above: list[str] = []
    index = statement.lineno - 2
    while 0 <= index < len(lines):
        match = _COMMENT.fullmatch(lines[index])
        if match is None:
            break
        above.insert(0, match[1])
        index -= 1
    above = [line for line in above if not _PRAGMA.match(line)]
    if above:
        return " ".join(above)
    end = (statement.end_lineno or statement.lineno) - 1
    if not 0 <= end < len(lines):
        return ""
    # The columns of a syntax tree count bytes.
    rest = lines[end].encode()[statement.end_col_offset or 0 :].decode("utf-8", "replace")
    match = _COMMENT.fullmatch(rest)
    return match[1] if match and not _PRAGMA.match(match[1]) else ""
