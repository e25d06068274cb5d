"""Reading a finished configuration (`config.yaml`): plain data, without batch syntax. References like
`${a.b}` stay as they are written, except in what `resolved_config` and `read_config` return.
"""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.fs.text_files import read_text


def parse_config(text: str, where: str = "the configuration") -> dict[str, object]:
    """Return the mapping that a YAML text holds; `where` names it in errors. An empty text is an empty
    mapping.

    Raises:
        InvalidInput: with line and column, when it is no YAML mapping of plain data.
    """
    import yaml
    from yaml.nodes import MappingNode

    from pyruns_jupyter.core.config.yamltext.nodes import node_value
    from pyruns_jupyter.core.config.yamltext.textscan import ScanError
    from pyruns_jupyter.core.config.yamltext.values import compose

    text = text.removeprefix("\ufeff")
    try:
        node = compose(text)
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            raise InvalidInput(f"{where} should hold `key: value` lines.", field="yaml", line=1, column=1)
        value = node_value(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = error.problem or "it cannot be read"
        raise InvalidInput(
            f"{where} is not valid YAML in line {line}: {problem}.", field="yaml", line=line, column=column
        ) from error
    except ScanError as error:
        before = text[: error.offset]
        line, column = before.count("\n") + 1, error.offset - (before.rfind("\n") + 1) + 1
        raise InvalidInput(
            f"{where} cannot be used, line {line}: {error.message}.", field="yaml", line=line, column=column
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is not valid YAML: {error}.", field="yaml") from error
    assert isinstance(value, dict)
    return value


def resolved_config(text: str, where: str = "the configuration") -> dict[str, object]:
    """Return the mapping that a YAML text holds, its references (see `references`) replaced: what a run
    is given.

    Raises:
        InvalidInput: see `parse_config`, and when a reference cannot be followed.
    """
    config = parse_config(text, where)
    if "$" not in text:
        return config
    from .references import interpolate

    return interpolate(config, where)


def read_config(path: Path) -> dict[str, object]:
    """Return the mapping in the YAML file `path`, its references replaced.

    Raises:
        NotFound: when there is no such file.
        Unreadable: when it is no UTF-8 text.
        InvalidInput: see `resolved_config`.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise NotFound(f"There is no configuration {path}.") from None
    return resolved_config(text, str(path))
