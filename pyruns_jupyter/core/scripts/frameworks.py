"""Whether a script imports a framework that computes on GPUs: read from its source, never run."""

from __future__ import annotations

import time
from pathlib import Path

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.fs.text_files import read_source
from pyruns_jupyter.core.scripts.notebooks.reading import code_cells
from pyruns_jupyter.core.scripts.source.cache import FileCache, Stamp, stamp
from pyruns_jupyter.core.scripts.source.files import Import
from pyruns_jupyter.core.scripts.source.modules import Module, Project
from pyruns_jupyter.core.taskfile.paths import NOTEBOOK_SUFFIX

# A module of theirs counts too, such as `torch.nn`.
GPU_FRAMEWORKS = (
    "torch",
    "torchvision",
    "torchaudio",
    "torch_geometric",
    "lightning",  # PyTorch Lightning, also under its earlier name:
    "pytorch_lightning",
    "accelerate",  # Hugging Face
    "transformers",
    "diffusers",
    "sentence_transformers",
    "deepspeed",
    "vllm",
    "timm",
    "fastai",
    "ultralytics",  # YOLO
    "tensorflow",
    "keras",
    "jax",
    "flax",
    "paddle",  # PaddlePaddle
    "mxnet",
    "cupy",
    "numba.cuda",
    "pycuda",
    "cudf",  # RAPIDS
    "cuml",
)
_MAX_SECONDS = 2.0  # for reading the files of a project; unread files are ignored
_cache: FileCache[tuple[str, str], str] = FileCache(64)


def imported_framework(script: Path, within: Path | None = None) -> str:
    """Return the framework that a script or notebook imports, directly or through modules of its project; ""
    when it imports none, or cannot be read.

    Only files in `within` are read when it is set. The result is cached until one of the files changes.
    """
    key = (str(script), str(within))
    known = _cache.get(key)
    if known is not None:
        return known
    was = stamp(str(script))
    try:
        found, consulted = _read(script, within)
    except (PyrunsError, RecursionError):  # the task reports the error in its script
        found, consulted = "", {}
    return _cache.put(key, found, {**consulted, str(script): was})


def _read(script: Path, within: Path | None) -> tuple[str, dict[str, Stamp]]:
    source: str | bytes = read_source(script)
    if script.suffix.lower() == NOTEBOOK_SUFFIX:
        assert isinstance(source, bytes)
        source = "\n".join(cell.python for cell in code_cells(source, script.name))
    project = Project(script, source, script.name, within)
    give_up_at = time.monotonic() + _MAX_SECONDS
    found = ""
    for module in project.reached():
        found = next(filter(None, (_framework(module, one) for one in module.source.imports)), "")
        if found or time.monotonic() > give_up_at:
            break
    project.release()
    return found, project.consulted


def _framework(module: Module, item: Import) -> str:
    """Return the framework that an import names; project modules do not count."""
    found = next(filter(item.is_from, GPU_FRAMEWORKS), "")
    return found if found and module.imported(item) is None else ""
