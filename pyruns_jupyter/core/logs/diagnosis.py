"""Classifying failures by the end of the log."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pyruns_jupyter.core.fs.regular_files import open_regular

from .reader import last_drawn

_TAIL_BYTES = 64 * 1024
_MAX_HEADLINE = 300  # characters of a headline
_EXCEPTION = re.compile(r"([A-Za-z_][\w.]*)(?::.*)?\Z")  # `ValueError: bad`, `KeyboardInterrupt`
_FRAME = re.compile(r'\s+File "([^"]*)", line (\d+), in (.*)')
# PyTorch, CUDA itself, JAX and TensorFlow, cuBLAS, ROCm.
_OUT_OF_MEMORY = (
    r"OutOfMemoryError|CUDA out of memory|CUDA error: out of memory|CUDA_ERROR_OUT_OF_MEMORY"
    r"|RESOURCE_EXHAUSTED: Out of memory|CUBLAS_STATUS_ALLOC_FAILED|hipErrorOutOfMemory|HIP out of memory"
)
GPU_MEMORY = "gpu_memory"  # the kind of a failure in task files
_TRACEBACK = "Traceback (most recent call last):"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# What differs between identical failures: numbers, addresses, the names of private copies.
_VARYING = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.pyruns-input-\w+|'[^']*'|\"[^\"]*\"")


class Failure(Struct, frozen=True):
    """`headline` is the exception of a Python traceback, "" without one. Identical failures have the same
    `mark`. `out_of_memory` means a lack of GPU memory.
    """

    headline: str
    mark: str
    out_of_memory: bool = False

    def to_list(self) -> list[str]:
        """Return the failure in the format of task files."""
        return [self.headline, self.mark, *([GPU_MEMORY] if self.out_of_memory else [])]


def diagnose(log: Path, exit_code: int | None, message: str = "") -> Failure:
    """Return the failure of a run.

    `message` says why the run could not start, or why we ended it. The mark of a traceback is made from its
    frames and the type of its exception; otherwise from the exit code and the last line of output, without
    numbers.
    """
    if message:
        return Failure("", _mark("message", _NUMBER.sub("#", message)))
    lines = [line for line in _tail(log) if line.strip() and not line.startswith("[PYRUNS] ")]
    out_of_memory = any(map(is_gpu_memory_error, lines))
    start = next((at for at in range(len(lines) - 1, -1, -1) if _TRACEBACK in lines[at]), None)
    if start is not None:
        prefix = lines[start].partition(_TRACEBACK)[0]  # such as `[rank0]: ` of distributed launchers
        found = _traceback([line.removeprefix(prefix) for line in lines[start + 1 :]])
        if found is not None:
            return replace(found, out_of_memory=out_of_memory)
    last = lines[-1].strip() if lines else ""
    return Failure("", _mark("exit", str(exit_code), _VARYING.sub("#", last)), out_of_memory)


def is_gpu_memory_error(line: str) -> bool:
    """Return whether a line of output says that a GPU has no memory left."""
    return re.search(_OUT_OF_MEMORY, line) is not None


def _traceback(lines: list[str]) -> Failure | None:
    frames: list[str] = []
    for line in lines:
        frame = _FRAME.match(line)
        if frame:
            frames.append("\0".join(frame.groups()))
        elif not line.strip() or line[0].isspace() or not frames:
            continue
        else:
            exception = _EXCEPTION.match(line.strip())
            if exception is None:
                return None
            headline = line.strip()
            shown = headline if len(headline) <= _MAX_HEADLINE else f"{headline[: _MAX_HEADLINE - 1]}…"
            return Failure(shown, _mark("traceback", *frames, exception.group(1)))
    return None


def _tail(log: Path) -> list[str]:
    try:
        with os.fdopen(open_regular(log), "rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - _TAIL_BYTES))
            data = stream.read(_TAIL_BYTES)
    except OSError:
        return []
    return last_drawn(data.decode("utf-8", "replace")).split("\n")


def _mark(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8).hexdigest()
