"""Modules of an archive that other scripts, notebooks or tools of a project would run.

Python searches for modules first next to the script, or in the folder of the notebook. So a file with the
name of an installed module runs instead of it, for every script in that folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path, PurePath

# Run by Python, pytest, pip, nox, tox, Fabric, doit and torch.hub if they find it.
_RUN_BY_TOOLS = frozenset(
    {
        *("sitecustomize", "usercustomize", "__init__", "__main__", "conftest", "setup"),
        *("noxfile", "toxfile", "fabfile", "dodo", "hubconf"),
    }
)
_CONFIG_END = "_config"  # of Jupyter and IPython, which read them from the working folder too
# The environments of scripts have these modules, even if the server does not.
_WELL_KNOWN = frozenset(
    {
        *("numpy", "scipy", "pandas", "matplotlib", "seaborn", "sklearn"),
        *("torch", "torchvision", "torchaudio"),
        *("tensorflow", "keras", "jax", "jaxlib", "flax", "optax", "transformers", "lightning", "wandb"),
        *("mlflow", "tqdm", "requests", "yaml", "hydra", "omegaconf", "click", "typer", "PIL", "cv2", "pip"),
        *("setuptools", "pkg_resources", "IPython", "ipykernel", "traitlets", "notebook", "jupyterlab"),
        *("pyruns", "pyruns_jupyter"),
    }
)
_SITE_FOLDERS = frozenset({"site-packages", "dist-packages"})


def why_left_out(relative: PurePath, project: Path, made: Collection[Path]) -> str:
    """Return why a module of an archive must not be added to a project, "" if it may be.

    `made` are folders that were created for the archive: they contain no other script.
    """
    place = project
    for part in relative.parts:
        if not os.path.lexists(place / part):
            return "" if place in made else _why(part.partition(".")[0], project)
        place = place / part
    return ""


def _why(name: str, project: Path) -> str:
    if name in _RUN_BY_TOOLS or name.endswith(_CONFIG_END):
        return f"other programs run a file named {name}.py if they find it"
    if name in sys.stdlib_module_names or name in _WELL_KNOWN or _is_installed(name, project):
        return f"other scripts and notebooks of the project would import it instead of the module {name}"
    return ""


def _is_installed(name: str, project: Path) -> bool:
    """Return whether a module with this name exists outside of the project and the working folder."""
    if name in _distributed():
        return True
    ours = {os.path.realpath(project), os.path.realpath(".")}
    for folder in sys.path:
        if not folder or os.path.realpath(folder) in ours:
            continue
        found = PathFinder.find_spec(name, [folder])
        # In site-packages, a folder without __init__.py is a package; elsewhere it may be just a folder.
        if found is not None and (found.origin or os.path.basename(folder) in _SITE_FOLDERS):
            return True
    return False


@cache
def _distributed() -> frozenset[str]:
    return frozenset(packages_distributions())
