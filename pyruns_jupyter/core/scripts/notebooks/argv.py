"""Validation of a notebook's configuration, which is passed as variables, not as arguments."""

from __future__ import annotations

from collections.abc import Mapping

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs, shown
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters

_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "list": (list,),
}


def build(script: ScriptParameters, config: Mapping[str, object]) -> list[str]:
    """Check the configuration; return no arguments.

    Raises:
        InvalidInputs: one error for each unknown key and each value of the wrong type.
    """
    known = {parameter.name: parameter for parameter in script.parameters}
    errors = []
    for key, value in config.items():
        parameter = known.get(key)
        if parameter is None:
            names = ", ".join(known) or "none"
            errors.append(
                InvalidInput(f"The notebook has no parameter {key!r}. Its parameters: {names}.", field=key)
            )
        elif (problem := _problem(parameter, value)) is not None:
            errors.append(InvalidInput(f"{key}: {problem}.", field=key))
    if errors:
        raise InvalidInputs(errors)
    return []


def _problem(parameter: Parameter, value: object) -> str | None:
    if parameter.choices is not None:
        if value in parameter.choices:
            return None
        return f"expected one of {', '.join(map(repr, parameter.choices))}, got {shown(value)}"
    wanted = _KINDS.get(parameter.item_type)
    # null is always allowed, and a default of null allows any value.
    if wanted is None or value is None:
        return None
    if isinstance(value, wanted) and (parameter.item_type == "bool" or not isinstance(value, bool)):
        return None
    return f"expected a value of type {parameter.item_type}, got {shown(value)}"
