"""A notebook gets its configuration as variables, not as words; they are checked all the same."""

from __future__ import annotations

from collections.abc import Mapping

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters

_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "list": (list,),
}


def build(script: ScriptParameters, config: Mapping[str, object]) -> list[str]:
    """Return no words.

    Raises:
        InvalidInputs: every key that the notebook does not take, and every value of another kind.
    """
    known = {parameter.name: parameter for parameter in script.parameters}
    errors = []
    for key, value in config.items():
        parameter = known.get(key)
        if parameter is None:
            told = ", ".join(known) or "nothing"
            errors.append(InvalidInput(f"The notebook does not take {key!r}, but {told}.", field=key))
        elif (problem := _problem(parameter, value)) is not None:
            errors.append(InvalidInput(f"{key}: {problem}.", field=key))
    if errors:
        raise InvalidInputs(errors)
    return []


def _problem(parameter: Parameter, value: object) -> str | None:
    if parameter.choices is not None:
        if value in parameter.choices:
            return None
        return f"{value!r} is none of {', '.join(map(repr, parameter.choices))}"
    wanted = _KINDS.get(parameter.item_type)
    # Nothing, and a default of nothing, may stand for anything.
    if wanted is None or value is None:
        return None
    if isinstance(value, wanted) and (parameter.item_type == "bool" or not isinstance(value, bool)):
        return None
    return f"{value!r} is no {parameter.item_type}"
