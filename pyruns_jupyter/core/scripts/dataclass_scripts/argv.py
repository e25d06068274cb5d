"""The command-line arguments of a script that uses `HfArgumentParser`, for one configuration.

Its parser is one of argparse, in which every boolean takes a value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from pyruns_jupyter.core.scripts.argparse_scripts import argv as argparse_argv
from pyruns_jupyter.core.scripts.bind_values import fill, is_default, plain_word
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters

from .reading import WORDS


def build(script: ScriptParameters, config: Mapping[str, object], pass_defaults: bool) -> list[str]:
    """Return the command-line arguments after the script's path for `config`; see `..argv`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    parser, file_key = script.parser, script.details
    assert parser is not None
    if file_key and config.get(file_key) is not None:
        return _only_file(script, file_key, config)
    known = parser.by_key
    more: list[Parameter] = []
    for key, value in fill(script.parameters, config, more=True).extra.items() if parser.open else ():
        nargs = "+" if isinstance(value, list) else None
        more.append(Parameter(key, flags=(f"--{key}",), nargs=nargs, item_type="custom", spelling=WORDS))
    values = dict(config)
    for key, value in config.items():
        found = known.get(key)
        if found is not None and isinstance(value, Mapping) and not is_default(found, value):
            shape = found.shape
            if found.item_type != "json" and shape is not None and shape.name in ("dict", "union"):
                values[key] = json.dumps(value)
    parser = replace(parser, parameters=(*parser.parameters, *more))
    return argparse_argv.build(replace(script, parser=parser), values, pass_defaults)


def _only_file(script: ScriptParameters, key: str, config: Mapping[str, object]) -> list[str]:
    """Return the file as the only argument; values other than the defaults are errors."""
    known = {one.name: one for one in script.parameters}
    filled = fill(script.parameters, config, more=script.open)
    for name, value in (*filled.values.items(), *filled.extra.items()):
        if name != key and value is not None and not (name in known and is_default(known[name], value)):
            filled.refuse(name, f"the script reads only the file in {key}. Write the value there")
    return filled.finish(filled.word(key, lambda: [plain_word(filled.values[key])]))
