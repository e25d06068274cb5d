"""Convert YAML nodes to plain data: text, numbers, booleans, null, lists, mappings with text keys."""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .textscan import ScanError
from .values import MAP, MERGE, SEQ, TAG, is_same_everywhere, tagged_value

KEY_PROBLEM = "a key must be text, not a list or a mapping"
_MAX_VALUES = 100_000  # aliases can expand a small text to a huge value


class NodeReader:
    """Reads the values of nodes of one text, at most 100,000 in all. Keys are strings, as written: `no: 1` is
    the key "no".

    Without `strict`, errors are skipped, for a text whose errors were reported before.
    """

    def __init__(self, strict: bool = True) -> None:
        self.strict = strict
        self.left = _MAX_VALUES
        self.open: set[int] = set()

    def value(self, node: Node) -> object:
        """Return the plain value of a node.

        Raises:
            ScanError: at the offset of the node that is wrong (duplicate key, unknown tag, recursion, ...).
        """
        self.left -= 1
        if self.left < 0:
            raise ScanError(f"the text has more than {_MAX_VALUES:,} values", node.start_mark.index)
        if isinstance(node, ScalarNode):
            try:
                return tagged_value(node.value, node.tag)
            except ValueError as error:
                if not self.strict:
                    return None
                raise ScanError(str(error), node.start_mark.index) from None
        if id(node) in self.open:
            if not self.strict:
                return None
            raise ScanError("an alias is inside the value that it repeats", node.start_mark.index)
        if len(self.open) > 200:
            raise ScanError("the values are nested too deeply", node.start_mark.index)
        self.open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                if node.tag != SEQ and self.strict:
                    raise ScanError(tag_problem(node), node.start_mark.index)
                return [self.value(item) for item in node.value]
            assert isinstance(node, MappingNode)
            return self.mapping(node)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: MappingNode) -> dict[str, object]:
        if node.tag != MAP and self.strict:
            raise ScanError(tag_problem(node), node.start_mark.index)
        own: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not (self.strict or isinstance(key_node, ScalarNode)):
                continue
            key = key_text(key_node)
            if key_node.tag == MERGE:
                for base in self.merged(value_node):
                    for name, item in base.items():
                        merged.setdefault(name, item)
                continue
            if key in own:
                if not self.strict:
                    continue
                raise ScanError(duplicate_key(key), key_node.start_mark.index)
            own[key] = self.value(value_node)
        return {**merged, **own} if merged else own

    def merged(self, node: Node) -> list[dict[str, object]]:
        value = self.value(node)
        bases = value if isinstance(value, list) else [value]
        found = [base for base in bases if isinstance(base, dict)]
        if len(found) < len(bases) and self.strict:
            raise ScanError("<< needs a mapping or a list of mappings", node.start_mark.index)
        return found


def key_text(node: Node) -> str:
    """Return a mapping key as text.

    Raises:
        ScanError: when the key is a list or a mapping.
    """
    if not isinstance(node, ScalarNode):
        raise ScanError(KEY_PROBLEM, node.start_mark.index)
    return str(node.value)


def duplicate_key(key: str) -> str:
    """Return the error for a key that a mapping has twice."""
    return f"the key {key!r} is duplicated. Keep one of them"


def tag_problem(node: Node) -> str:
    """Return the error for the tag of a node that is not plain data."""
    return f"the tag {str(node.tag).replace(TAG, '!!')!r} is not supported"


def uses_common_scalars(node: Node) -> bool:
    """Return whether YAML 1.1 readers read every plain scalar below `node` as this package does."""
    if isinstance(node, ScalarNode):
        return bool(node.style) or is_same_everywhere(node.value)
    if isinstance(node, SequenceNode):
        return all(uses_common_scalars(item) for item in node.value)
    return all(uses_common_scalars(key) and uses_common_scalars(item) for key, item in node.value)
