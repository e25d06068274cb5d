"""Check that every configuration of a sweep can become a command line, without making each of them.

A value is valid or not on its own, except for what it does to other parameters: whether its key is given,
which subcommand it selects, how long a list is. So each value is checked once with the first values of the
other keys, for each value that selects other parameters. Combinations are checked with one value of each
kind, where a kind is what does the same to other parameters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.references import VariableNotSet
from pyruns_jupyter.core.config.sweep.plan import Axis, SweepPlan
from pyruns_jupyter.core.config.yamltext.values import identity
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters

Check = Callable[[Mapping[str, object]], object]

MAX_ERRORS = 20  # that are reported at once
_MAX_CHECKED = 2_000  # configurations of a sweep that has too many tasks anyway
_CONVERTED = frozenset({"int", "float", "str"})


def validate_argv(plan: SweepPlan, parameters: ScriptParameters, build: Check) -> list[InvalidInput]:
    """Return the errors in the configurations of a plan, each of them once, with line and column.

    `build` raises InvalidInput for a configuration that cannot become a command line. Errors about keys whose
    text is invalid are left out, and only the first 20 errors are returned.
    """
    found: dict[tuple[str | None, str], InvalidInput] = {}
    for config in _configurations(plan, parameters):
        check_time()
        try:
            build(config)
        except InvalidInput as error:
            for one in error.errors if isinstance(error, InvalidInputs) else [error]:
                # A variable that is not set here may be set where the task runs.
                if not _is_broken(one.field, plan.broken) and not isinstance(one, VariableNotSet):
                    placed = plan.template.with_position(one) if one.line is None else one
                    found.setdefault((one.field, one.message), placed)
            if len(found) >= MAX_ERRORS:
                break
    return list(found.values())


def _configurations(plan: SweepPlan, parameters: ScriptParameters) -> Iterable[dict[str, object]]:
    """Yield configurations that show every error; all configurations where these are not more."""
    known = _by_key(parameters)
    selective = parameters.kind == "hydra" or any(parameter.scope for parameter in parameters.parameters)
    refers = "${" in plan.template.text  # then a value may be used for other parameters too
    groups = [(group.axes, group.positions) for group in plan.groups]
    if not groups:
        yield plan.assembled([])
        return
    selects: list[bool] = []  # for each group, whether its values select other parameters
    alike: list[list[int]] = []  # for each group, one position of each kind
    for axes, positions in groups:
        found = [known.get(plan.axes[number].key) for number in axes]
        selects.append(selective and any(one is None or one.choices is not None for one in found))
        kinds = [
            _kinds_of(plan.axes[number], one, selects[-1]) for number, one in zip(axes, found, strict=True)
        ]
        first: dict[tuple[object, ...], int] = {}
        for at in positions:
            first.setdefault(tuple(one[at] for one in kinds), at)
        alike.append(list(first.values()))
    values = [
        [at for at in positions if refers or not _is_redundant(plan, axes, known, at)] or [positions[0]]
        for axes, positions in groups
    ]
    selections = math.prod(len(one) for one, chosen in zip(alike, selects, strict=True) if chosen)
    singles = selections * sum(len(one) for one in values)
    combined = math.prod(len(one) for one in alike)
    if singles + combined >= plan.count:
        combinations: Iterable[Sequence[int]] = itertools.product(*(positions for _, positions in groups))
    else:
        combinations = itertools.chain(itertools.product(*alike), _alone(alike, values, selects))
    for combination in itertools.islice(combinations, None if plan.count <= plan.limit else _MAX_CHECKED):
        yield plan.assembled(
            [
                (plan.axes[number], at)
                for (axes, _), at in zip(groups, combination, strict=True)
                for number in axes
            ]
        )


def _alone(alike: list[list[int]], values: list[list[int]], selects: list[bool]) -> Iterable[tuple[int, ...]]:
    """Yield each value with the first ones of the other groups, for each value of groups that select."""
    for number, positions in enumerate(values):
        around = [one if selects[other] and other != number else one[:1] for other, one in enumerate(alike)]
        around[number] = positions
        yield from itertools.product(*around)


def _kinds_of(axis: Axis, parameter: Parameter | None, selects: bool) -> list[object]:
    """Return the kind of each candidate: candidates of one kind do the same to other parameters."""
    default = parameter.default if parameter is not None else None
    return [_kind(one.value, default, selects) for one in axis.candidates]


def _kind(value: object, default: object, selects: bool) -> object:
    if selects or isinstance(value, (bool, dict)) or value is None:
        return identity(value)
    if isinstance(value, list):
        return ("list", len(value), value == default)
    kind = type(value).__name__
    return (kind, value == default, isinstance(value, (int, float)) and value < 0, value == "")


def _is_redundant(plan: SweepPlan, axes: tuple[int, ...], known: Mapping[str, Parameter], at: int) -> bool:
    """Return whether a position only has numbers that are valid if the first ones are."""
    return at != 0 and all(_is_plain_number(plan.axes[number], known, at) for number in axes)


def _is_plain_number(axis: Axis, known: Mapping[str, Parameter], at: int) -> bool:
    parameter = known.get(axis.key)
    if parameter is None or parameter.choices is not None or parameter.item_type not in _CONVERTED:
        return False
    if parameter.action != "store" or parameter.spelling or parameter.separator:
        return False
    shape = parameter.shape
    if shape is not None and (
        shape.low is not None or shape.high is not None or shape.name not in _CONVERTED
    ):
        return False
    first, value = axis.candidates[0].value, axis.candidates[at].value
    if type(first) is not type(value) or isinstance(value, bool):
        return False
    if isinstance(value, int) and isinstance(first, int):
        return value >= 0 and first >= 0
    if isinstance(value, float) and isinstance(first, float):
        whole = value.is_integer() == first.is_integer() or parameter.item_type != "int"
        return value >= 0 and first >= 0 and whole and math.isfinite(value) and math.isfinite(first)
    return False


def _by_key(parameters: ScriptParameters) -> dict[str, Parameter]:
    known = {parameter.name: parameter for parameter in parameters.parameters}
    return {**known, **{alias: known[name] for alias, name in parameters.aliases.items()}}


def _is_broken(field: str | None, broken: set[str]) -> bool:
    return field is not None and (
        field in broken or any(field.startswith(f"{key}.") or key.startswith(f"{field}.") for key in broken)
    )
