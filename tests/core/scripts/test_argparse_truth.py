"""Random parsers and configurations: what the real argparse makes of our words is the configuration again."""

from __future__ import annotations

import argparse
import contextlib
import enum
import io
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from hypothesis import HealthCheck, event, given, settings

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.defaults import config_default_text
from pyruns_jupyter.core.scripts.model import Parser
from pyruns_jupyter.core.scripts.reading import read_parameters
from tests.core.parsers import Made, made

# What no command line of argparse can say; everything else has to be said.
CANNOT = re.compile(
    r"would parse '.*' as (an option|the name of an argument file)"
    r"|would also consume the arguments after it|consumes all arguments that follow it|values as an option"
    r"|the script would assign other values to it|removes the argument|cannot be enabled|cannot be expressed"
    r"|cannot contain ':'|not an empty list",
    re.DOTALL,
)


def real_parser(source: str) -> argparse.ArgumentParser:
    """Run the test's own text."""
    scope: dict[str, Any] = {}
    exec(source, scope)
    parser: argparse.ArgumentParser = scope["p"]
    return parser


def shown(value: Any) -> Any:
    """Return a value of a namespace as a configuration has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return value


def expected(parser: Parser, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the namespace that a configuration means: its values, and defaults where it has none."""
    result: dict[str, Any] = {}
    for parameter in parser.parameters:
        value = config.get(parameter.key)
        if parameter.action == "subcommand" or value is not None:
            result[parameter.key] = value
        elif not parameter.suppressed:
            result[parameter.key] = parameter.default
            if parameter.positional and parameter.nargs == "*" and parameter.default is None:
                result[parameter.key] = []
            if parameter.positional and parameter.nargs == "...":
                result[parameter.key] = []
    if parser.subcommands is not None:
        chosen = config.get(parser.subcommands.choice.key)
        if chosen is not None:
            inner = config.get(parser.subcommands.keys[chosen]) or {}
            result.update(expected(parser.subcommands.parsers[chosen], inner))
    return result


def equal(value: Any, other: Any) -> bool:
    """Compare, with the names of members as good as their values."""
    if isinstance(value, str) and isinstance(other, str):
        return value == other or (other in ("FAST", "SLOW") and value == other.lower())
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(equal, value, other))
    return (type(value) is type(other) and value == other) or (
        isinstance(value, float) and type(other) is int and value == other
    )


@given(made())
@settings(suppress_health_check=list(HealthCheck))
def test_the_real_parser_gives_every_configuration_back(script: Made) -> None:
    known = read_parameters(script.source)
    assert known.kind == "argparse" or "add_argument(" not in script.source
    if known.kind != "argparse":
        return
    assert not known.problems, known.problems
    assert known.parser is not None
    try:
        words = build_argv(known, script.config)
    except InvalidInputs as error:
        unjust = [one.message for one in error.errors if not CANNOT.search(one.message)]
        assert not unjust, (unjust, script.config)
        event("refused")
        return
    event(f"subcommands: {len(script.commands)}")
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(errors):
            parsed = vars(real_parser(script.source).parse_args(words))
    except SystemExit:
        raise AssertionError((words, errors.getvalue())) from None
    wanted = expected(known.parser, script.config)
    found = {key: shown(value) for key, value in parsed.items()}
    wrong = {
        key: (found.get(key, "absent"), value)
        for key, value in wanted.items()
        if not equal(found.get(key), value)
    }
    assert not wrong and found.keys() == wanted.keys(), (words, wrong, found.keys() ^ wanted.keys())


@given(made())
@settings(suppress_health_check=list(HealthCheck))
def test_the_default_configuration_holds_every_default(script: Made) -> None:
    known = read_parameters(script.source)
    text = config_default_text(known.parameters, "train.py")
    leaves = {leaf.key: leaf.value for leaf in Template.parse(text).leaves}
    assert leaves == {
        one.name: one.default for one in known.parameters if not isinstance(one.default, dict)
    } | {
        f"{one.name}.{key}": value
        for one in known.parameters
        if isinstance(one.default, dict)
        for key, value in one.default.items()
    }
