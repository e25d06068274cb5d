"""A limit for nested values in YAML."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.events import CollectionEndEvent, CollectionStartEvent

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 300  # of nested values; a thousand overflow a small thread's stack


def check_depth(text: str) -> None:
    """Check that values are not nested too deeply for the C stack: libyaml's composer has no limit.

    Raises:
        yaml.YAMLError: when they are nested too deeply, or the text is not YAML.
    """
    if sum(map(text.count, "[{-?:")) <= _MAX_DEPTH:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark: Any = event.start_mark
                raise ComposerError(None, None, "the values are nested too deeply", mark)
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
