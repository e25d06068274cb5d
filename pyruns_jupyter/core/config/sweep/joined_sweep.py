"""Joining several configurations into one sweep that has exactly these."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.config.yamltext.reader import Path
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.config.yamltext.values import identity, mapping_lines, quoted, value_text

_PLAIN = re.compile(r"\w[\w.-]*", re.ASCII)  # a string that may not need quotes


def joined_sweep(texts: Sequence[str], names: Sequence[str]) -> str:
    """Return the text of a sweep over exactly some configurations: the values that differ are zipped.

    The comments and the order of the first configuration are kept. `names` are those of the configurations,
    for messages.

    Raises:
        InvalidInput: if a configuration is not valid, if they do not have the same keys, or if two values of
            one have the same dotted key.
    """
    configs = [
        parse_config(text, f"The configuration of {name}") for text, name in zip(texts, names, strict=True)
    ]
    templates = list(map(_examined, texts, configs))
    columns: dict[Path, list[object]] = {leaf.path: [] for leaf in templates[0].leaves}
    for template, config, name in zip(templates, configs, names, strict=True):
        check_time()
        found = {leaf.path: _value_at(config, leaf.path) for leaf in template.leaves}
        if found.keys() != columns.keys():
            key = ".".join(min(found.keys() ^ columns.keys()))
            raise InvalidInput(
                f"The configurations of {names[0]} and {name} cannot be joined into a sweep, because only "
                f"one of them has the key {key!r}. Select tasks with the same keys.",
                field="names",
            )
        for path, value in found.items():
            columns[path].append(value)
    template = templates[0]
    [(key, uses)] = Counter(map(".".join, columns)).most_common(1) or [("", 0)]
    if uses > 1:
        raise InvalidInput(
            f"The configurations cannot be joined into a sweep, because two values have the name {key!r}. "
            "Rename one of them.",
            field="names",
        )
    changes = {
        ".".join(path): f"({' | '.join(map(_candidate, values))})"
        for path, values in columns.items()
        if len(set(map(identity, values))) > 1
    }
    # A text that is only a value in a configuration may be sweep syntax in a sweep.
    fixed = {leaf.key: _candidate(columns[leaf.path][0]) for leaf in template.leaves if leaf.batch}
    return template.replaced({**fixed, **changes})


def _examined(text: str, config: Mapping[str, object]) -> Template:
    """Return a configuration as a template; its text is written anew if it is not valid as a sweep, reads
    differently as one (`[)|]` has no end), or has aliases: what they repeat cannot be replaced.
    """
    check_time()
    template = Template.examine(text)
    is_usable = not template.errors and not template.has_aliases
    if is_usable and not any(leaf.batch for leaf in template.leaves):
        return template
    anew = Template.examine("".join(mapping_lines(config, _candidate)))
    same_keys = {leaf.path for leaf in template.leaves} == {leaf.path for leaf in anew.leaves}
    return template if is_usable and same_keys else anew


def _value_at(config: object, path: Sequence[str]) -> object:
    for part in path:
        config = config[int(part)] if isinstance(config, list) else config[part]  # type: ignore[index]  # a leaf
    return config


def _candidate(value: object) -> str:
    """Return a value as an alternative of a sweep."""
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        return quoted(value)
    return value_text(value)
