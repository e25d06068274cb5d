"""The overrides that pass a configuration to a script run by Hydra.

Values that equal the default are not passed. `+key` adds a key that the configuration lacks, `++key` adds or
changes one, `~key` removes one, as on Hydra's own command line. Hydra's own files (`.hydra`, its log) are
artifacts of the run, unless the configuration sets another folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from pyruns_jupyter.core.config.flatten import flatten
from pyruns_jupyter.core.scripts.bind_values import MismatchError, fill, same, unknown_key
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters

from .files import MISSING
from .overrides import override_key, override_value, quoted
from .reading import HydraDetails

RUN_FOLDER = "${oc.env:PYRUNS_TASK_DIR}/artifacts/run${oc.env:PYRUNS_RUN_INDEX}"
_RUN_KEYS = ("hydra.run.dir", "hydra.run", "hydra")
_PREFIX = re.compile(r"\+\+|\+|~")


def build(script: ScriptParameters, config: Mapping[str, object]) -> list[str]:
    """Return the overrides for `config`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    details = script.details
    assert isinstance(details, HydraDetails)
    filled = fill(script.parameters, config, more=True)
    groups = [parameter for parameter in script.parameters if parameter.action == "group"]
    values = {parameter.name: parameter for parameter in script.parameters if parameter.action != "group"}
    words: list[str] = []
    chosen: dict[str, Any] = {}
    for parameter in groups:
        value = filled.values.get(parameter.name, parameter.default)
        if parameter.required and value is None:
            filled.refuse(parameter.name, f"{parameter.name} is required. Choose a configuration.")
        elif not same(value, parameter.default, exact=True):
            words += filled.word(parameter.name, partial(_group, parameter, value, details, chosen))
    composed = details.tree.composed(chosen) if chosen else details.default
    for problem in composed.problems if chosen else ():
        if problem not in details.default.problems:
            filled.refuse(next(iter(chosen)).lstrip("+"), problem)
    now = flatten(composed.content)
    for key in values:
        if filled.values.get(key) is None and now.get(key) == MISSING:
            filled.refuse(key, f"{key} is required. Set a value.")
    for key, value in filled.values.items():
        if key in values:
            words += filled.word(key, partial(_value, values[key], value, now, bool(chosen)))
    for key, value in filled.extra.items():
        words += filled.word(key, partial(_extra, key, value, now, script))
    if not details.places_runs and not any(key.lstrip("+~") in _RUN_KEYS for key in filled.extra):
        words.append(f"hydra.run.dir={quoted(RUN_FOLDER)}")
    return filled.finish(words)


def _group(parameter: Parameter, value: Any, details: HydraDetails, chosen: dict[str, Any]) -> list[str]:
    names = value if isinstance(value, list) else [] if value is None else [value]
    for name in names:
        if parameter.choices is not None and str(name).removesuffix(".yaml") not in parameter.choices:
            allowed = ", ".join(parameter.choices)
            raise MismatchError(f"expected one of {allowed}, got {name!r}")
    listed = parameter.name in details.default.choices
    mark = "" if listed else "+"
    if isinstance(value, (bool, Mapping)):
        raise MismatchError("expected the name of a configuration")
    chosen[f"{mark}{parameter.name}"] = value
    texts = [quoted(str(name)) for name in names]
    if value is None:
        return [f"~{parameter.name}"]
    text = f"[{','.join(texts)}]" if isinstance(value, list) else texts[0]
    return [f"{mark}{parameter.name}={text}"]


def _value(parameter: Parameter, value: Any, now: Mapping[str, Any], other: bool) -> list[str]:
    key = parameter.name
    if parameter.required and value is None:
        return []
    if key in now and same(value, now[key], exact=True):
        return []
    if same(value, parameter.default, exact=True) and not parameter.required:
        return []  # with another choice of a group, the value of that choice applies
    if key not in now and other and not _inside(key, now):
        raise MismatchError(f"this key does not exist with the chosen config groups. Write +{key} to add it")
    if isinstance(value, Mapping):
        return [f"++{override_key(key)}={override_value(value)}"]  # it may have keys that do not exist yet
    return [f"{override_key(key)}={override_value(value)}"]


def _inside(key: str, now: Mapping[str, Any]) -> bool:
    return any(name.startswith(f"{key}.") or key.startswith(f"{name}.") for name in now)


def _extra(key: str, value: Any, now: Mapping[str, Any], script: ScriptParameters) -> list[str]:
    """Return the override for a key that the default configuration lacks."""
    key = _marked(key)
    match = _PREFIX.match(key)
    name = key[match.end() :] if match is not None else key
    mark = match[0] if match is not None else ""
    path, _, _ = name.partition("@")
    if "/" not in path and "@" not in name:
        override_key(name)
    elif not re.fullmatch(r"[\w$./@-]+", name, re.ASCII):
        raise MismatchError("this key cannot be expressed on Hydra's command line")
    if mark == "~":
        return [key if value is None else f"{key}={override_value(value)}"]
    if not mark and (name.split(".")[0].split("/")[0] == "hydra"):
        return [f"{'' if '/' in path else '++'}{name}={override_value(value)}"]
    if mark or name in now:
        return (
            []
            if not mark and same(now.get(name), value, exact=True)
            else [f"{mark}{name}={override_value(value)}"]
        )
    # A value that is null, or that is not known, may be a mapping.
    if script.open or any(
        known.startswith(f"{name}.") or (value is None and name.startswith(f"{known}."))
        for known, value in now.items()
    ):
        return [f"++{name}={override_value(value)}"]
    raise MismatchError(
        unknown_key(name, [*now]).removeprefix(f"{name}: ").rstrip(".") + f". Write +{name} to add it"
    )


def _marked(key: str) -> str:
    """Return a key with the mark of one of its parts (`data: {+more: 1}`) moved to the front."""
    for mark in ("++", "+", "~"):
        if f".{mark}" in key:
            return mark + key.replace(f".{mark}", ".", 1)
    return key
