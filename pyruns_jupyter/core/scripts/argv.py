"""The words after a script's path for one configuration, by the way the script takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pyruns_jupyter.core.config.references import interpolate

from . import commandline
from .argparse_scripts import argv as argparse_argv
from .click_scripts import argv as click_argv
from .dataclass_scripts import argv as dataclass_argv
from .fire_scripts import argv as fire_argv
from .hydra_scripts import argv as hydra_argv
from .model import Parameter, ScriptParameters
from .notebooks import argv as notebook_argv

_Builder = Callable[[ScriptParameters, Mapping[str, object], bool], list[str]]
_BUILDERS: dict[str, _Builder] = {
    "argparse": argparse_argv.build,
    "click": click_argv.build,
    "typer": click_argv.build,
    "fire": fire_argv.build,
    "hydra": lambda script, config, _: hydra_argv.build(script, config),
    "dataclass": dataclass_argv.build,
    "notebook": lambda script, config, _: notebook_argv.build(script, config),
    "command": lambda _script, config, _: commandline.build(config),
}


def passes_words(script: ScriptParameters) -> bool:
    """Tell whether a script is given its configuration as words; else it reads the file itself."""
    return script.kind in _BUILDERS


def run_words(
    script: ScriptParameters,
    config: Mapping[str, object],
    where: str = "The configuration",
    *,
    pass_defaults: bool = False,
) -> list[str]:
    """Return the words after the script's path that a run gets for `config`, which stands in its file.

    Both the check of a sweep and the start of a run call this. `where` names the configuration in errors.

    Raises:
        InvalidInput: when a reference cannot be followed, or a key does not fit (`InvalidInputs`).
    """
    if script.kind != "hydra":  # which follows references itself
        config = interpolate(dict(config), where)
    return build_argv(script, config, pass_defaults=pass_defaults)


def build_argv(
    script: ScriptParameters | Sequence[Parameter],
    config: Mapping[str, object],
    *,
    pass_defaults: bool = False,
) -> list[str]:
    """Return the words after the script's path for `config`: none for a script that reads it by itself.

    An option whose value is the script's default is left out, so that what else the script takes it from (a
    file of its own, a preset, the environment) applies; with `pass_defaults` it is passed all the same.

    Raises:
        InvalidInputs: every key that does not fit, with the key as its field.
    """
    known = script if isinstance(script, ScriptParameters) else ScriptParameters("argparse", tuple(script))
    builder = _BUILDERS.get(known.kind)
    return [] if builder is None else builder(known, config, pass_defaults)
