"""A YAML text as a document: its values with their keys and places, and the text with some of them replaced.

Everything that is not replaced stays as it is: comments, order, spacing, line endings.
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ..errors import InvalidInput
from ..sweep.batch import sentence
from .blockscan import block_holes
from .holes import Hole, looks_batch
from .nodes import key_text, node_value
from .textscan import ScanError
from .values import MERGE, UNPRINTABLE, compose, value_text

Path = tuple[str, ...]
_BREAK = re.compile(r"\r\n|\r|\n")
_MAX_LENGTH = 2_000_000
_MAX_DEPTH = 100
_SWEEPING_BARS = re.compile(r"\S[ \t]+\|[ \t]+\S")


@dataclass(frozen=True)
class Leaf:
    """A value that a form shows as one field.

    `key` is the dotted path, items of lists by number from 0. `line` and `column` count from 1; `start` and
    `end` are indices into the text. `style` is plain, single, double, literal, folded, flow or block. `value`
    is None when the place holds batch syntax (`batch` is True), whose meaning is asked for with
    `batch.parse_value(source)`.
    """

    key: str
    path: Path
    start: int
    end: int
    line: int
    column: int
    source: str
    value: object
    style: str
    comment: str
    batch: bool


@dataclass(frozen=True)
class Place:
    """A hole with its key."""

    key: str
    path: Path
    start: int
    end: int
    line: int
    column: int
    source: str
    in_flow: bool


@dataclass
class Template:
    """A parsed document. Make one with `Template.parse`."""

    text: str
    leaves: list[Leaf] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    base: dict[str, object] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> Template:
        """Read a YAML mapping that may hold batch syntax. An empty text is an empty mapping.

        Raises:
            InvalidInput: with `field` ("yaml" or a dotted key), line and column.
        """
        return _Parse(text.removeprefix("\ufeff")).template()

    def leaf(self, key: str) -> Leaf | None:
        """Return the field with this dotted key, None when there is none."""
        return next((leaf for leaf in self.leaves if leaf.key == key), None)

    def config(self, values: Iterable[tuple[Path, object]]) -> dict[str, object]:
        """Return the configuration with `values` at the places of batch syntax."""
        result = copy.deepcopy(self.base)
        for path, value in values:
            target: Any = result  # mappings and lists, as deep as the document
            for part in path[:-1]:
                target = target[int(part)] if isinstance(target, list) else target[part]
            if isinstance(target, list):
                target[int(path[-1])] = value
            else:
                target[path[-1]] = value
        return result

    def replaced(self, changes: Mapping[str, str]) -> str:
        """Return the text with other source texts (YAML or batch syntax, one line) for some fields.

        Raises:
            InvalidInput: when a key is not a field of this document or the result cannot be read.
        """
        parts: list[str] = []
        position = 0
        known = {leaf.key: leaf for leaf in self.leaves}
        for key in changes:
            if key not in known:
                raise InvalidInput(f"There is no key {key!r} in this configuration.", field=key)
        for leaf in self.leaves:
            if leaf.key not in changes:
                continue
            source = changes[leaf.key].strip()
            if leaf.style in ("block", "literal", "folded"):
                start, source, tail = self._value_start(leaf), f" {source}", self._tail(leaf)
            else:
                start, tail = leaf.start, ""
                before = self.text[start - 1 : start]
                source = f" {source}" if source and before in (":", "-") else source
            parts += [self.text[position:start], source, tail]
            position = leaf.end
        result = "".join([*parts, self.text[position:]])
        Template.parse(result)
        return result

    def replaced_values(self, changes: Mapping[str, object]) -> str:
        """Return the text with other values (plain data) for some fields."""
        return self.replaced({key: value_text(value) for key, value in changes.items()})

    def _value_start(self, leaf: Leaf) -> int:
        """Where the value of a block leaf begins: right after the colon or dash before it."""
        return len(self.text[: leaf.start].rstrip())

    def _tail(self, leaf: Leaf) -> str:
        found = re.search(r"(?:\r\n|\r|\n)+\Z", self.text[leaf.start : leaf.end])
        return found.group() if found else ""

    def quoted_bars(self) -> list[Leaf]:
        """Return the quoted fields whose text would be a sweep without the quotes."""
        return [
            leaf
            for leaf in self.leaves
            if not leaf.batch
            and leaf.style in ("single", "double")
            and isinstance(leaf.value, str)
            and _SWEEPING_BARS.search(leaf.value)
        ]


class _Parse:
    def __init__(self, text: str) -> None:
        self.text = text
        self.line_starts = [0, *(found.end() for found in _BREAK.finditer(text))]
        self.holes: dict[int, Hole] = {}
        self.seen: set[int] = set()
        self.result = Template(text)
        self.batch_keys: dict[str, Place] = {}

    def template(self) -> Template:
        self.check_characters()
        try:
            found = block_holes(self.text)
            self.holes = {hole.start: hole for hole in found}
            root = compose(self.masked(found))
            if root is None:
                return self.result
            if not isinstance(root, MappingNode):
                raise ScanError(
                    "a configuration is a list of 'key: value' lines, not a single value or a list",
                    root.start_mark.index,
                )
            self.mapping(root, (), 0)
            value = node_value(root)
            if self.holes:
                hole = next(iter(self.holes.values()))
                raise ScanError("batch syntax cannot stand here; quote it if it is text", hole.start)
            assert isinstance(value, dict)
            self.result.base = value
        except ScanError as error:
            self.fail(error.message, error.offset)
        except yaml.YAMLError as error:
            self.fail_yaml(error)
        except RecursionError:
            self.fail("the values are nested too deeply", 0)
        return self.result

    def check_characters(self) -> None:
        if len(self.text) > _MAX_LENGTH:
            self.fail(f"the text has {len(self.text):,} characters, at most {_MAX_LENGTH:,} are allowed", 0)
        found = UNPRINTABLE.search(self.text)
        if found:
            self.fail(f"the character {found.group()!r} is not allowed in YAML; remove it", found.start())

    def masked(self, holes: list[Hole]) -> str:
        parts: list[str] = []
        position = 0
        for hole in holes:
            parts += [self.text[position : hole.start], "x" * (hole.end - hole.start)]
            position = hole.end
        return "".join([*parts, self.text[position:]])

    def place(self, index: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, index)
        return line, index - self.line_starts[line - 1] + 1

    def fail(self, message: str, index: int, key: str = "yaml") -> NoReturn:
        line, column = self.place(min(max(index, 0), len(self.text)))
        raise InvalidInput(sentence(message), field=key, line=line, column=column)

    def fail_yaml(self, error: yaml.YAMLError) -> NoReturn:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
        index = mark.index if mark is not None else 0
        line, _ = self.place(min(index, len(self.text)))
        start = self.line_starts[line - 1]
        indent = re.compile(r"[ \t]*").match(self.text, start)
        if indent and "\t" in indent.group():
            self.fail(
                "this line is indented with a tab; YAML takes only spaces", start + indent.group().index("\t")
            )
        if "mapping values are not allowed" in problem:
            problem = "a colon and a space stand inside a value; quote the value, or check the indentation"
        elif "expected a single document" in problem or "but found another document" in problem:
            problem = "a configuration is one document; remove the line ---"
        elif "found undefined alias" in problem:
            problem = "an alias (*name) has no anchor (&name) above it; quote the value if it is text"
        elif "found duplicate anchor" in problem:
            problem = "this anchor (&name) stands here twice"
        elif "expected <block end>" in problem or "could not find expected ':'" in problem:
            problem = (
                "the line does not fit those above: check its indentation, quotes and the colon after the key"
            )
        else:
            problem = f"this is not YAML: {problem}"
        self.fail(problem, index)

    def mapping(self, node: MappingNode, path: Path, depth: int) -> None:
        self.enter(node, depth)
        names: set[str] = set()
        for key_node, value_node in node.value:
            key = key_text(key_node)
            if key_node.tag == MERGE:
                self.merge(value_node)
                continue
            inner = (*path, key)
            if key in names:
                self.fail(
                    f"the key {key!r} stands here twice; keep one of them",
                    key_node.start_mark.index,
                    ".".join(inner),
                )
            names.add(key)
            self.value(value_node, inner, depth)

    def enter(self, node: Node, depth: int) -> None:
        if depth > _MAX_DEPTH:
            self.fail(f"the values are nested more than {_MAX_DEPTH} deep", node.start_mark.index)
        self.seen.add(id(node))

    def merge(self, node: Node) -> None:
        for base in node.value if isinstance(node, SequenceNode) else [node]:
            if id(base) not in self.seen:
                self.fail(
                    "<< takes an alias (*name) of a mapping above, or a list of them", base.start_mark.index
                )
            self.repeated(base)

    def repeated(self, node: Node) -> None:
        """A value that an alias repeats must not be swept: one key would silently move another."""
        start, end = node.start_mark.index, node.end_mark.index
        for place in self.result.places:
            if start <= place.start < end:
                self.fail(f"{place.key} is repeated by an alias and cannot be swept", place.start, place.key)

    def value(self, node: Node, path: Path, depth: int) -> None:
        if id(node) in self.seen:
            self.repeated(node)
            return
        self.seen.add(id(node))
        start = node.start_mark.index
        hole = self.holes.pop(start, None)
        if hole is not None:
            self.add_place(hole, path)
        elif isinstance(node, ScalarNode):
            self.check_missed(node, path)
            self.add_leaf(node, path)
        elif not node.value:
            self.add_leaf(node, path)
        elif isinstance(node, SequenceNode):
            self.sequence(node, path, depth + 1)
        else:
            assert isinstance(node, MappingNode)
            self.mapping(node, path, depth + 1)

    def check_missed(self, node: ScalarNode, path: Path) -> None:
        """Batch syntax with an anchor or a tag before it, or where the line scan could not see it."""
        start = node.start_mark.index
        if not node.style and self.text[start : start + 1] != "!" and looks_batch(node.value.strip()):
            self.fail(
                "a value here or with an anchor cannot be swept; remove the anchor, or quote the text",
                start,
                ".".join(path),
            )

    def sequence(self, node: SequenceNode, path: Path, depth: int) -> None:
        self.enter(node, depth)
        before = len(self.result.leaves)
        for index, item in enumerate(node.value):
            self.value(item, (*path, str(index)), depth)
        if not node.flow_style and not all(isinstance(item, ScalarNode) for item in node.value):
            return
        # One field for the whole list; a list of mappings or lists in block style stays many.
        inner = self.result.leaves[before:]
        del self.result.leaves[before:]
        start, end = node.start_mark.index, node.end_mark.index
        if not node.flow_style:
            end = max(start, self.block_end(node))
        self.append(
            path, start, end, node, "flow" if node.flow_style else "block", any(x.batch for x in inner)
        )

    def block_end(self, node: SequenceNode) -> int:
        last = node.value[-1]
        end: int = last.end_mark.index
        if last.style in ("|", ">"):
            return end
        line = bisect_right(self.line_starts, end)
        stop = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        return len(self.text[:stop].rstrip("\r\n"))

    def add_leaf(self, node: Node, path: Path) -> None:
        style = {"'": "single", '"': "double", "|": "literal", ">": "folded"}.get(
            getattr(node, "style", "") or ""
        )
        if not isinstance(node, ScalarNode):
            style = "flow"
        self.append(path, node.start_mark.index, node.end_mark.index, node, style or "plain", batch=False)

    def append(self, path: Path, start: int, end: int, node: Node, style: str, batch: bool) -> None:
        line, column = self.place(start)
        self.result.leaves.append(
            Leaf(
                key=".".join(path),
                path=path,
                start=start,
                end=end,
                line=line,
                column=column,
                source=self.text[start:end],
                value=None if batch else node_value(node),
                style=style,
                comment=self.comment(end) if style in ("plain", "single", "double", "flow") else "",
                batch=batch,
            )
        )

    def add_place(self, hole: Hole, path: Path) -> None:
        line, column = self.place(hole.start)
        key, source = ".".join(path), self.text[hole.start : hole.end]
        place = Place(key, path, hole.start, hole.end, line, column, source, hole.in_flow)
        other = self.batch_keys.setdefault(key, place)
        if other is not place:
            self.fail(f"two values with the name {key!r} are swept; rename one of them", hole.start, key)
        self.result.places.append(place)
        comment = self.comment(hole.end)
        self.result.leaves.append(
            Leaf(key, path, hole.start, hole.end, line, column, source, None, "plain", comment, batch=True)
        )

    def comment(self, end: int) -> str:
        """Return the text of the comment after a value that ends at `end`, on the same line."""
        found = re.compile(r"[ \t,\]}]*[ \t]#[ \t]*([^\r\n]*)").match(self.text, end)
        return found.group(1).rstrip() if found else ""
