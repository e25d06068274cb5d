"""Figures of matplotlib and images of Pillow that a script tracks, saved as PNG files in the artifacts."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.metrics.downsample import STEP_KEYS

from .names import FOLDER

# Modules and classes. They are not imported: a value can only be of a class whose module was imported before.
_CLASSES = (("matplotlib.figure", "Figure"), ("PIL.Image", "Image"))
_MODES = ("1", "L", "LA", "I", "P", "RGB", "RGBA", "I;16")  # of Pillow's images that a PNG file can have
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
_MAX_PART = 200  # bytes of a part of a file's name
_MAX_STEP = 10**12

_counters: dict[tuple[str, str], count[int]] = {}


def is_figure(value: object) -> bool:
    """Return whether a value is a figure of matplotlib or an image of Pillow."""
    for module, name in _CLASSES:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and isinstance(value, kind):
            return True
    return False


def save_figure(artifacts: str, key: str, figure: Any, values: Mapping[str, Any]) -> Path:
    """Save a figure as `media/KEY_STEP.png` in the artifact folder, and return its path.

    The step is that of the other values, else the number of figures that this process has saved with the key.

    Raises:
        Exception: whatever matplotlib or Pillow raise if the figure cannot be drawn, and OSError.
    """
    stream = io.BytesIO()
    if hasattr(figure, "savefig"):
        figure.savefig(stream, format="png")
    else:
        (figure if figure.mode in _MODES else figure.convert("RGB")).save(stream, format="PNG")
    step = _step(values)
    if step is None:
        step = next(_counters.setdefault((artifacts, key), count()))
    *folders, name = _parts(key)
    path = Path(artifacts, FOLDER, *folders, f"{name}_{step:06d}.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, stream.getvalue(), durable=False)
    return path


def _parts(key: str) -> list[str]:
    """Return the folders and the name of the file of a key, such as `val/confusion`."""
    coded = [_FORBIDDEN.sub("_", part).encode(errors="replace")[:_MAX_PART] for part in key.split("/")]
    parts = [part.decode(errors="ignore").strip() for part in coded]
    return [part for part in parts if part.strip(".")] or ["figure"]


def _step(values: Mapping[str, Any]) -> int | None:
    """Return the step among values that are tracked together."""
    for key in STEP_KEYS:
        value = values.get(key)
        try:
            step = int(value)  # type: ignore[arg-type]  # also scalars of NumPy and PyTorch
        except (TypeError, ValueError, OverflowError, RuntimeError):
            continue
        if not isinstance(value, str) and step == value and 0 <= step < _MAX_STEP:
            return step
    return None
