"""The libraries that parse command lines, and whether a script imports one."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from . import commandline
from .model import Problem
from .source.files import Import, nodes_of
from .source.modules import Module, Project

# A module of theirs counts too.
PARSER_LIBRARIES = (
    *("absl", "argbind", "argparse", "chz", "click", "cloup", "configargparse", "cyclopts"),
    *("docopt", "draccus", "fire", "getopt", "gin", "hydra", "jsonargparse"),
    *("lightning.pytorch.cli", "ml_collections", "optparse", "plac", "pyrallis"),
    *("pytorch_lightning.cli", "rich_click", "sacred", "simple_parsing", "tap", "typer", "tyro"),
)
_CALLS = ("parse_args", "parse_known_args")
_PARTS = {"omegaconf": ("OmegaConf",), "transformers": ("HfArgumentParser",), "trl": ("TrlParser",)}


def nothing_found(project: Project) -> Problem | None:
    """Return the problem that no parameters were found in a script that imports a parser library, or uses
    the parser of another one; None if it does not.
    """
    where, names = "The script", _libraries(project.main.source.imports)
    names = names or [name for name in _CALLS if _is_called(project.main, name)][:1]
    if not names:
        modules = [one for one in project.reached() if not one.main]
        where, names = (
            "A file that the script imports",
            _libraries(item for one in modules for item in one.source.imports),
        )
    if not names:
        return None
    return Problem(
        f"{where} uses {' and '.join(names)}, but no parameters were found in the source. Ask the script for "
        f"its parameters, or write its arguments in {commandline.KEY}, with {{key}} for the value of a key.",
        0,
    )


def _is_called(module: Module, method: str) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr == method for one in nodes_of(module.tree))


def _libraries(imports: Iterable[Import]) -> list[str]:
    found: dict[str, None] = {}
    for item in imports:
        found.update((library, None) for library in PARSER_LIBRARIES if item.is_from(library))
        for library, names in _PARTS.items():
            if item.is_from(library) and item.name in names:
                found[library] = None
    return list(found)
