"""Whether every configuration of a sweep can become a command line, without making each of them.

A value is right or wrong by itself, and beside others only by what it is there for: whether a key is given
at all, which subcommand is chosen, how long a list is. So every value is tried once beside the first values
of the other keys, for each choice of what selects other parameters; and values that are alike in those
respects stand for each other where values meet.
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

MAX_ERRORS = 20  # that are told at once
_MAX_CHECKED = 2_000  # configurations of a sweep that is refused anyway for its size
_CONVERTED = frozenset({"int", "float", "str"})


def validate_argv(plan: SweepPlan, parameters: ScriptParameters, build: Check) -> list[InvalidInput]:
    """Return what is wrong with the configurations of a plan, each mistake once, with line and column.

    `build` raises InvalidInput for a configuration that cannot become a command line. Mistakes about keys
    whose text is wrong already are left out, and so are those after the first 20.
    """
    found: dict[tuple[str | None, str], InvalidInput] = {}
    for config in _configurations(plan, parameters):
        check_time()
        try:
            build(config)
        except InvalidInput as error:
            for one in error.errors if isinstance(error, InvalidInputs) else [error]:
                # A variable that is not set here may be where the task runs.
                if not _is_broken(one.field, plan.broken) and not isinstance(one, VariableNotSet):
                    found.setdefault((one.field, one.message), _placed(one, plan))
            if len(found) >= MAX_ERRORS:
                break
    return list(found.values())


def _configurations(plan: SweepPlan, parameters: ScriptParameters) -> Iterable[dict[str, object]]:
    """Yield configurations that show every mistake; all of them where that is not more."""
    known = _by_key(parameters)
    selective = parameters.kind == "hydra" or any(parameter.scope for parameter in parameters.parameters)
    refers = "${" in plan.template.text  # then a value counts for other parameters too
    groups = plan.axis_groups()
    if not groups:
        yield plan.assembled([])
        return
    selects: list[bool] = []
    alike: list[list[int]] = []  # for each group, positions that stand for all
    for axes, positions in groups:
        found = [known.get(plan.axes[number].key) for number in axes]
        selects.append(selective and any(one is None or one.choices is not None for one in found))
        classes = [
            _classes(plan.axes[number], one, selects[-1]) for number, one in zip(axes, found, strict=True)
        ]
        first: dict[tuple[object, ...], int] = {}
        for at in positions:
            first.setdefault(tuple(one[at] for one in classes), at)
        alike.append(list(first.values()))
    values = [
        [at for at in positions if refers or not _is_alike_enough(plan, axes, known, at)] or [positions[0]]
        for axes, positions in groups
    ]
    selections = math.prod(len(one) for one, chosen in zip(alike, selects, strict=True) if chosen)
    singles = selections * sum(len(one) for one in values)
    meetings = math.prod(len(one) for one in alike)
    if singles + meetings >= plan.count:
        turns: Iterable[Sequence[int]] = itertools.product(*(positions for _, positions in groups))
    else:
        turns = itertools.chain(itertools.product(*alike), _alone(alike, values, selects))
    for turn in itertools.islice(turns, None if plan.count <= plan.limit else _MAX_CHECKED):
        yield plan.assembled(
            [(plan.axes[number], at) for (axes, _), at in zip(groups, turn, strict=True) for number in axes]
        )


def _alone(alike: list[list[int]], values: list[list[int]], selects: list[bool]) -> Iterable[tuple[int, ...]]:
    """Yield each value beside the first ones of the other groups, for each choice of those that select."""
    for number, positions in enumerate(values):
        around = [one if selects[other] and other != number else one[:1] for other, one in enumerate(alike)]
        around[number] = positions
        yield from itertools.product(*around)


def _classes(axis: Axis, parameter: Parameter | None, selects: bool) -> list[object]:
    """Return for each candidate what it shares with those that do the same to other parameters."""
    default = parameter.default if parameter is not None else None
    return [_class(one.value, default, selects) for one in axis.candidates]


def _class(value: object, default: object, selects: bool) -> object:
    if selects or isinstance(value, (bool, dict)) or value is None:
        return identity(value)
    if isinstance(value, list):
        return ("list", len(value), value == default)
    kind = type(value).__name__
    return (kind, value == default, isinstance(value, (int, float)) and value < 0, value == "")


def _is_alike_enough(plan: SweepPlan, axes: tuple[int, ...], known: Mapping[str, Parameter], at: int) -> bool:
    """Return whether a position holds only numbers of which one is as good as another for its parameter."""
    return at != 0 and all(_is_usual(plan.axes[number], known, at) for number in axes)


def _is_usual(axis: Axis, known: Mapping[str, Parameter], at: int) -> bool:
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
    for parameter in parameters.parameters:
        for flag in parameter.flags:
            known.setdefault(flag.lstrip("-"), parameter)
    return known


def _is_broken(field: str | None, broken: set[str]) -> bool:
    return field is not None and (
        field in broken or any(field.startswith(f"{key}.") or key.startswith(f"{field}.") for key in broken)
    )


def _placed(error: InvalidInput, plan: SweepPlan) -> InvalidInput:
    """Add line and column of the key that an error is about, or of the nearest one around it."""
    key = error.field or ""
    leaf = None
    while key and error.line is None and leaf is None:
        leaf = plan.template.leaf(key)
        key = key.rpartition(".")[0]
    return error if leaf is None else error.at(leaf.line, leaf.column)
