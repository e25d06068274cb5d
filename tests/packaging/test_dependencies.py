"""What the package imports is what it says to need."""

from __future__ import annotations

import sys
from importlib.metadata import files

from tests.packaging.installed import lower_bounds
from tests.test_layers import PACKAGE, python_files, python_imports

# Used where they are installed, most of them by an extra. Windows has pywinpty, ROCm brings amdsmi.
OPTIONAL = {
    *(
        "amdsmi",
        "dask_gateway",
        "distributed",
        "hydra",
        "joblib",
        "mcp",
        "mcp_types",
        "omegaconf",
        "optuna",
        "pandas",
        "polars",
        "pyarrow",
    ),
    *("typing_extensions", "winpty"),
}


def test_every_direct_import_is_declared() -> None:
    tops = {name.split(".")[0] for file in python_files() for name in python_imports(file)}
    foreign = tops - sys.stdlib_module_names - {PACKAGE.name} - OPTIONAL
    assert {"tornado", "yaml"} <= foreign
    declared = {path.parts[0].removesuffix(".py") for name, _ in lower_bounds() for path in files(name) or ()}
    assert foreign - declared == set()
