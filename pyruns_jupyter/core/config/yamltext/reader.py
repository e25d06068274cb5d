"""Read a YAML text with sweep syntax as a document. Errors are collected, not raised."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cached_property

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.time_limit import check_time

from .batch_spans import BatchSpan, looks_batch
from .blockscan import BlockScan
from .nodes import KEY_PROBLEM, NodeReader, duplicate_key, key_text, tag_problem
from .textscan import ScanError, sentence
from .values import MAP, MERGE, UNPRINTABLE, compose
from .yaml_errors import yaml_problem

Path = tuple[str, ...]
_BREAK = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"[ \t,\]}]*[ \t]#[ \t]*([^\r\n]*)")
_MAX_LENGTH = 2_000_000
_MAX_DEPTH = 100
_MAX_ERRORS = 50  # that are reported at once


@dataclass(frozen=True)
class _Place:
    """The position of a value.

    `key` is the dotted path, with the index (from 0) for an item of a list. `line` and `column` count from 1;
    `start` and `end` are indexes in the text.
    """

    key: str
    path: Path
    start: int
    end: int
    line: int
    column: int
    source: str


@dataclass(frozen=True)
class Leaf(_Place):
    """A value that a form shows as one field.

    `style` is plain, single, double, literal, folded, flow or block. `value` is None where the text is batch
    syntax (`batch` is True), see `sweep.batch`.
    """

    value: object
    style: str
    comment: str
    batch: bool


@dataclass(frozen=True)
class SweptValue(_Place):
    """A value that is written in sweep syntax."""

    in_flow: bool


@dataclass
class Document:
    """The contents of a text: fields, values in sweep syntax, the plain data without these, errors.

    With `has_aliases`, some values are not fields, because aliases repeat them.
    """

    text: str
    leaves: list[Leaf] = field(default_factory=list)
    places: list[SweptValue] = field(default_factory=list)
    errors: list[InvalidInput] = field(default_factory=list)
    base: dict[str, object] = field(default_factory=dict)
    readable: bool = True
    has_aliases: bool = False

    def position(self, index: int) -> tuple[int, int]:
        """Return line and column, from 1, of an index into the text."""
        line = bisect_right(self.line_starts, index)
        return line, index - self.line_starts[line - 1] + 1

    @cached_property
    def line_starts(self) -> list[int]:
        """Where each line begins."""
        return [0, *(found.end() for found in _BREAK.finditer(self.text))]


class DocumentReader:
    """Fills an empty document from its text."""

    def __init__(self, document: Document) -> None:
        self.text = document.text
        self.scan = BlockScan(document.text)
        self.spans: dict[int, BatchSpan] = {}  # those that no value was found for yet, by start
        self.span_starts: list[int] = []  # of all of them, in order
        self.seen: set[int] = set()
        self.result = document
        self.starts: list[int] = []  # of the places, in order
        self.batch_keys: dict[str, SweptValue] = {}
        self.values = NodeReader()
        self.within = 0  # enclosing lists that are one field: their items are not fields
        self.batch_within = False

    def read(self) -> None:
        """Fill the document."""
        try:
            self.check_length()
            self.scan.run()
            self.check_characters()
            self.spans = {span.start: span for span in self.scan.spans}
            self.span_starts = sorted(self.spans)
            root = compose(self.masked())
            if root is not None:
                self.root(root)
        except ScanError as error:
            self.unreadable(error.message, error.offset)
        except yaml.YAMLError as error:
            self.unreadable(*yaml_problem(self.text, error))
        except RecursionError:
            self.unreadable("the values are nested too deeply", 0)
        self.result.errors.sort(key=lambda error: (error.line or 0, error.column or 0))

    def root(self, root: Node) -> None:
        if not isinstance(root, MappingNode):
            raise ScanError(
                "a configuration must consist of 'key: value' lines, but this is a single value or a list",
                root.start_mark.index,
            )
        self.mapping(root, (), 0)
        for span in self.spans.values():
            self.fail("sweep syntax is not allowed here. Quote the value if it is text", span.start)
        value = NodeReader(strict=not self.result.errors).value(root)
        assert isinstance(value, dict)
        self.result.base = value

    def unreadable(self, message: str, index: int) -> None:
        """Add an error because of which only the values in sweep syntax are known."""
        self.result.readable = False
        self.result.leaves = []
        self.result.places = []
        self.fail(message, index, self.scan.key_at(index))
        for span in self.scan.spans:
            key = self.scan.key_before(span.start) or "yaml"
            self.result.places.append(self.swept(span, tuple(key.split("."))))

    def swept(self, span: BatchSpan, path: Path) -> SweptValue:
        return SweptValue(*self.place(path, span.start, span.end), span.in_flow)

    def place(self, path: Path, start: int, end: int) -> tuple[str, Path, int, int, int, int, str]:
        line, column = self.result.position(start)
        return ".".join(path), path, start, end, line, column, self.text[start:end]

    def check_length(self) -> None:
        if len(self.text) > _MAX_LENGTH:
            raise ScanError(
                f"the text has {len(self.text):,} characters, but at most {_MAX_LENGTH:,} are allowed"
            )

    def check_characters(self) -> None:
        found = UNPRINTABLE.search(self.text)
        if found:
            raise ScanError(
                f"the character {found.group()!r} is not allowed in YAML. Remove it", found.start()
            )

    def masked(self) -> str:
        """Return the text with plain words instead of sweep syntax, of the same length."""
        parts: list[str] = []
        position = 0
        for span in self.scan.spans:
            parts += [self.text[position : span.start], "x" * (span.end - span.start)]
            position = span.end
        return "".join([*parts, self.text[position:]])

    def fail(self, message: str, index: int, key: str | None = None) -> None:
        """Add an error at an index."""
        if len(self.result.errors) >= _MAX_ERRORS:
            return
        line, column = self.result.position(min(max(index, 0), len(self.text)))
        self.result.errors.append(
            InvalidInput(sentence(message), field=key or "yaml", line=line, column=column)
        )

    def mapping(self, node: MappingNode, path: Path, depth: int) -> None:
        self.enter(node, depth)
        if node.tag != MAP:
            self.fail(tag_problem(node), node.start_mark.index, ".".join(path))
        names: set[str] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self.fail(KEY_PROBLEM, key_node.start_mark.index, ".".join(path))
                continue
            key = key_text(key_node)
            if key_node.tag == MERGE:
                self.merge(value_node)
                continue
            inner = (*path, key)
            if key in names:
                self.fail(duplicate_key(key), key_node.start_mark.index, ".".join(inner))
                self.forget(value_node)
                continue
            names.add(key)
            self.value(value_node, inner, depth)

    def forget(self, node: Node) -> None:
        """Ignore the sweep syntax in a value that is not used."""
        first = bisect_left(self.span_starts, node.start_mark.index)
        last = bisect_left(self.span_starts, max(node.end_mark.index, node.start_mark.index + 1))
        for start in self.span_starts[first:last]:
            self.spans.pop(start, None)

    def enter(self, node: Node, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ScanError(f"the values are nested more than {_MAX_DEPTH} deep", node.start_mark.index)
        self.seen.add(id(node))

    def merge(self, node: Node) -> None:
        self.result.has_aliases = True
        for base in node.value if isinstance(node, SequenceNode) else [node]:
            if id(base) not in self.seen:
                self.fail(
                    "<< needs an alias (*name) of a mapping above, or a list of aliases",
                    base.start_mark.index,
                )
                self.forget(base)
            else:
                self.repeated(base)

    def repeated(self, node: Node) -> None:
        """Report sweep syntax in a value that an alias repeats: sweeping one key would change the other."""
        start, end = node.start_mark.index, node.end_mark.index
        first = bisect_left(self.starts, start)
        for place in self.result.places[first : bisect_left(self.starts, end)]:
            if len(self.result.errors) >= _MAX_ERRORS:
                break
            self.fail(
                f"{place.key} is repeated by an alias (*name) and cannot be swept. "
                "Sweep it at the alias, or write out both values",
                place.start,
                place.key,
            )

    def value(self, node: Node, path: Path, depth: int) -> None:
        check_time()
        if id(node) in self.seen:
            self.result.has_aliases = True
            self.repeated(node)
            return
        self.seen.add(id(node))
        start = node.start_mark.index
        span = self.spans.pop(start, None)
        if span is not None:
            self.add_place(span, path)
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
        """Report sweep syntax after an anchor or a tag, or where the line scan could not see it."""
        start = node.start_mark.index
        if not node.style and self.text[start : start + 1] != "!" and looks_batch(node.value.strip()):
            self.fail(
                "a value cannot be swept here or after an anchor. Remove the anchor, or quote the text",
                start,
                ".".join(path),
            )

    def sequence(self, node: SequenceNode, path: Path, depth: int) -> None:
        self.enter(node, depth)
        one_field = node.flow_style or all(isinstance(item, ScalarNode) for item in node.value)
        if not one_field:
            for index, item in enumerate(node.value):
                self.value(item, (*path, str(index)), depth)
            return
        # The whole list is one field, except for block-style lists of mappings or lists.
        outside, self.batch_within = self.batch_within, False
        self.within += 1
        for index, item in enumerate(node.value):
            self.value(item, (*path, str(index)), depth)
        self.within -= 1
        batch, self.batch_within = self.batch_within, outside or self.batch_within
        start, end = node.start_mark.index, node.end_mark.index
        if not node.flow_style:
            end = max(start, self.block_end(node))
        self.append(path, start, end, node, "flow" if node.flow_style else "block", batch)

    def block_end(self, node: SequenceNode) -> int:
        last = node.value[-1]
        end: int = last.end_mark.index
        if last.style in ("|", ">"):
            return end
        starts = self.result.line_starts
        line = bisect_right(starts, end)
        stop = starts[line] if line < len(starts) else len(self.text)
        return len(self.text[:stop].rstrip("\r\n"))

    def add_leaf(self, node: Node, path: Path) -> None:
        style = {"'": "single", '"': "double", "|": "literal", ">": "folded"}.get(
            getattr(node, "style", "") or ""
        )
        if not isinstance(node, ScalarNode):
            style = "flow"
        self.append(path, node.start_mark.index, node.end_mark.index, node, style or "plain", batch=False)

    def append(self, path: Path, start: int, end: int, node: Node, style: str, batch: bool) -> None:
        if self.within:
            return
        key = ".".join(path)
        try:
            value = None if batch else self.values.value(node)
        except ScanError as error:
            self.fail(error.message, error.offset, key)
            return
        comment = self.comment(end) if style in ("plain", "single", "double", "flow") else ""
        self.result.leaves.append(Leaf(*self.place(path, start, end), value, style, comment, batch))

    def add_place(self, span: BatchSpan, path: Path) -> None:
        self.batch_within = True
        place = self.swept(span, path)
        key = place.key
        other = self.batch_keys.setdefault(key, place)
        if other is not place:
            self.fail(f"two swept values have the name {key!r}. Rename one of them", span.start, key)
        self.result.places.append(place)
        self.starts.append(place.start)
        if not self.within:
            where = self.place(path, span.start, span.end)
            self.result.leaves.append(Leaf(*where, None, "plain", self.comment(span.end), batch=True))

    def comment(self, end: int) -> str:
        """Return the comment on the same line after a value that ends at `end`."""
        found = _COMMENT.match(self.text, end)
        return found.group(1).rstrip() if found else ""
