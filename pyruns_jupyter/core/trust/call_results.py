"""Return values and exceptions of functions that run in tasks, as signed artifacts of their runs."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from pyruns_jupyter.core.taskfile.paths import CELL_ERROR, CELL_VALUE

from .signed_pickles import load_pickle, sign_pickle


def store_value(folder: Path, value: Any) -> None:
    """Store a return value in the folder of a run's artifacts.

    Raises:
        Exception: whatever pickling the value raises; nothing is stored.
    """
    (folder / CELL_VALUE).write_bytes(sign_pickle(cloudpickle.dumps(value)))


def store_error(folder: Path, error: Exception) -> str:
    """Store an exception and its traceback in the folder of a run's artifacts; return the traceback.

    The traceback begins below the function that called the user's code. An exception that cannot be pickled
    is stored as its traceback only.
    """
    trace = error.__traceback__
    own_frames = (trace.tb_next or trace) if trace is not None else None
    text = "".join(traceback.format_exception(type(error), error, own_frames))
    try:
        pickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - an exception may hold anything, or need other arguments
        stored = cloudpickle.dumps((None, text))
    else:
        stored = cloudpickle.dumps((error, text))
    (folder / CELL_ERROR).write_bytes(sign_pickle(stored))
    return text


def load_error(folder: Path) -> tuple[BaseException | None, str]:
    """Return the exception that `store_error` stored, None if it could not be pickled, and its traceback.

    Raises:
        FileNotFoundError: if there is none.
        Unreadable: if it was not stored by this user, or cannot be read.
    """
    error, text = load_pickle(folder / CELL_ERROR, trust=False)
    return error, text
