"""Read a finished configuration (`config.yaml`): plain data, without sweep syntax. Only `resolved_config` and
`read_config` replace references such as `${a.b}`.
"""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.fs.text_files import read_text


def parse_config(text: str, where: str = "the configuration") -> dict[str, object]:
    """Return the mapping in a YAML text; `where` names the text in errors. An empty text is an empty mapping.

    Raises:
        InvalidInput: when the text is not a YAML mapping of plain data; with line and column.
    """
    import yaml
    from yaml.nodes import MappingNode

    from pyruns_jupyter.core.config.yamltext.nodes import NodeReader
    from pyruns_jupyter.core.config.yamltext.textscan import ScanError
    from pyruns_jupyter.core.config.yamltext.values import compose
    from pyruns_jupyter.core.config.yamltext.yaml_errors import yaml_problem

    text = text.removeprefix("\ufeff")
    try:
        node = compose(text)
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            raise InvalidInput(f"{where} must consist of `key: value` lines.", field="yaml", line=1, column=1)
        value = NodeReader().value(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ScanError):
            problem, index = error.message, error.offset
        elif isinstance(error, yaml.MarkedYAMLError):
            problem, index = yaml_problem(text, error)
        else:
            raise InvalidInput(f"{where} is not valid YAML: {error}.", field="yaml") from error
        line, column = text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
        raise InvalidInput(
            f"{where} is not valid YAML, line {line}: {problem}.", field="yaml", line=line, column=column
        ) from error
    assert isinstance(value, dict)
    return value


def resolved_config(text: str, where: str = "the configuration") -> dict[str, object]:
    """Return the mapping in a YAML text with its references (see `references`) replaced, as a run gets it.

    Raises:
        InvalidInput: see `parse_config`, and when a reference cannot be resolved.
    """
    config = parse_config(text, where)
    if "$" not in text:
        return config
    from .references import interpolate

    return interpolate(config, where)


def read_config(path: Path) -> dict[str, object]:
    """Return the mapping in the YAML file `path` with its references replaced.

    Raises:
        NotFound: when the file does not exist.
        Unreadable: when it is not UTF-8 text.
        InvalidInput: see `resolved_config`.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise NotFound(f"The configuration {path} does not exist.") from None
    return resolved_config(text, str(path))
