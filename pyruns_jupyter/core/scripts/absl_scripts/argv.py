"""The command-line arguments of a script with absl flags: `--name=value`, `--name` and `--noname`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyruns_jupyter.core.scripts.bind_values import MismatchError, one_word, option_words
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from pyruns_jupyter.core.scripts.types import ANY

# Flags that absl itself defines.
_OWN = ("alsologtostderr", "log_dir", "logtostderr", "pdb_post_mortem", "stderrthreshold", "v", "verbosity")


def build(script: ScriptParameters, config: Mapping[str, object], pass_defaults: bool) -> list[str]:
    """Return the command-line arguments after the script's path for `config`; see `..argv`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    known = {one.name for one in script.parameters}
    own = (Parameter(name) for name in _OWN if name not in known)
    script = replace(script, parameters=(*script.parameters, *own))
    return option_words(script, config, pass_defaults, _words)


def _words(parameter: Parameter, value: Any) -> list[str]:
    flag, shape = f"--{parameter.name}", parameter.shape or ANY
    if parameter.off_flags:
        if not isinstance(value, bool):
            raise MismatchError(f"it is a boolean flag. Write true or false, not {value!r}")
        return [flag] if value else [*parameter.off_flags]
    if parameter.type != "list":
        return [f"{flag}={one_word(shape, value)}"]
    items = value if isinstance(value, list) else [value]
    words = [one_word(shape, item) for item in items]
    if parameter.action == "append":
        if not words:
            raise MismatchError("it cannot be an empty list, because absl would use the default of the flag")
        return [f"{flag}={word}" for word in words]
    if parameter.separator == " ":
        if any(not word or word.split() != [word] for word in words):
            raise MismatchError("its items cannot contain spaces")
        return [f"{flag}={' '.join(words)}"]
    line = io.StringIO()  # absl reads the list as a line of CSV, and strips each item
    csv.writer(line, lineterminator="").writerow(words)
    if any(word != word.strip() or "\n" in word or "\r" in word for word in words) or words == [""]:
        raise MismatchError("its items cannot be empty, or begin or end with spaces")
    return [f"{flag}={line.getvalue()}"]
