"""The command-line arguments of a script for one configuration, by kind of script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyruns_jupyter.core.config.references import interpolate

from . import commandline
from .absl_scripts import argv as absl_argv
from .argparse_scripts import argv as argparse_argv
from .bind_values import option_words
from .click_scripts import argv as click_argv
from .configurator_scripts import argv as configurator_argv
from .dataclass_scripts import argv as dataclass_argv
from .fire_scripts import argv as fire_argv
from .hydra_scripts import argv as hydra_argv
from .key_values import dotlist_words
from .model import Parameter, ScriptParameters
from .notebooks import argv as notebook_argv
from .script_constants import changed_constants

_Builder = Callable[[ScriptParameters, Mapping[str, object], bool], list[str]]
_BUILDERS: dict[str, _Builder] = {
    "argparse": argparse_argv.build,
    "click": click_argv.build,
    "typer": click_argv.build,
    "fire": fire_argv.build,
    "hydra": lambda script, config, _: hydra_argv.build(script, config),
    "dataclass": dataclass_argv.build,
    "absl": absl_argv.build,
    "configurator": configurator_argv.build,
    "omegaconf": lambda script, config, pass_defaults: option_words(
        script, config, pass_defaults, lambda one, value: dotlist_words(one.name, value), passes_null=True
    ),
    "notebook": lambda script, config, _: notebook_argv.build(script, config),
    "command": lambda script, config, _: commandline.build(config, script.parameters),
}


def passes_words(script: ScriptParameters) -> bool:
    """Return whether a script gets its configuration as command-line arguments; else it reads the file."""
    return script.kind in _BUILDERS


def run_words(
    script: ScriptParameters,
    config: Mapping[str, object],
    where: str = "The configuration",
    *,
    pass_defaults: bool = False,
) -> list[str]:
    """Return the arguments after the script's path that a run gets for the `config` of its file.

    Both the check of a sweep and the start of a run call this. `where` names the configuration in errors.

    Raises:
        InvalidInput: a reference cannot be resolved, or a key is invalid (`InvalidInputs`).
    """
    if script.kind != "hydra":  # Hydra resolves references
        config = interpolate(dict(config), where)
    return build_argv(script, config, pass_defaults=pass_defaults)


@dataclass(frozen=True)
class RunFiles:
    """Files of a run besides its configuration: see `commandline.file_texts` and `script_constants`."""

    texts: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


def run_files_of(
    script: ScriptParameters, config: Mapping[str, object], where: str = "The configuration"
) -> RunFiles:
    """Return the files that a run needs for a valid `config`, and the constants of its copy of the script.

    Raises:
        InvalidInput: a reference cannot be resolved, or a constant has an invalid value.
    """
    if script.kind == "command":
        config = interpolate(dict(config), where)
        return RunFiles(commandline.file_texts(config), changed_constants(script.parameters, config))
    replaced = script.kind != "notebook" and commandline.is_free(script.parameters)
    if replaced and config.get(commandline.KEY):
        return RunFiles(commandline.file_texts(interpolate(dict(config), where)))
    return RunFiles()


def build_argv(
    script: ScriptParameters | Sequence[Parameter],
    config: Mapping[str, object],
    *,
    pass_defaults: bool = False,
) -> list[str]:
    """Return the arguments after the script's path for `config`: none for a script that reads the file.

    An option whose value is the script's default is omitted, so that other sources of the script (its own
    file, a preset, the environment) can set it; with `pass_defaults` it is always passed. The key
    `command_line` replaces all of this by a free command line, see `commandline`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    known = script if isinstance(script, ScriptParameters) else ScriptParameters("argparse", tuple(script))
    builder = _BUILDERS.get(known.kind)
    if builder is None:
        return []
    if known.kind not in ("command", "notebook") and commandline.is_free(known.parameters):
        if config.get(commandline.KEY):
            return commandline.build(config, known.parameters)
        config = {key: value for key, value in config.items() if key != commandline.KEY}
    return builder(known, config, pass_defaults)
