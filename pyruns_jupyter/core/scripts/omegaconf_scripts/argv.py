"""The command-line arguments of a script that calls `OmegaConf.from_cli()`: `key=value` with YAML values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyruns_jupyter.core.scripts.bind_values import option_words
from pyruns_jupyter.core.scripts.key_values import dotlist_words
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters


def build(script: ScriptParameters, config: Mapping[str, object], pass_defaults: bool) -> list[str]:
    """Return the command-line arguments after the script's path for `config`; see `..argv`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    return option_words(script, config, pass_defaults, _words, passes_null=True)


def _words(parameter: Parameter, value: Any) -> list[str]:
    return dotlist_words(parameter.name, value)
