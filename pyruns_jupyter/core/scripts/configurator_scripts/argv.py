"""The command-line arguments for a `configurator.py`: a file, then `--key=value` with Python literals."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from pyruns_jupyter.core.scripts.bind_values import MismatchError, one_word, option_words, plain_word
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from pyruns_jupyter.core.scripts.types import ANY

from .reading import FILE_KEY


def build(script: ScriptParameters, config: Mapping[str, object], pass_defaults: bool) -> list[str]:
    """Return the command-line arguments after the script's path for `config`; see `..argv`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    return option_words(script, config, pass_defaults, _words)


def _words(parameter: Parameter, value: Any) -> list[str]:
    if parameter.name == FILE_KEY and parameter.positional:
        word = plain_word(value)
        if "=" in word or word.startswith("--"):
            raise MismatchError(f"the script would parse the file name {word!r} as an option")
        return [word]
    # The configurator requires a literal of exactly the type of the default.
    default = parameter.default
    if isinstance(default, str):
        text = one_word(parameter.shape or ANY, value)
        try:
            literal = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            literal = text
        except (TypeError, RecursionError, MemoryError):
            literal = None
        text = text if literal == text else repr(text)
    elif isinstance(default, bool) or default is None:
        if isinstance(default, bool) and not isinstance(value, bool):
            raise MismatchError(f"expected true or false, got {value!r}")
        text = repr(value) if not isinstance(value, str) else value
    else:
        text = one_word(parameter.shape or ANY, value)
        text = repr(float(text)) if isinstance(default, float) else text
    if "=" in text:
        raise MismatchError("the script cannot read a value that contains =")
    return [f"--{parameter.name}={text}"]
