"""Functions for scripts, which read the configuration, log metrics and store artifacts.

In a task, environment variables identify the run: `PYRUNS_TASK_DIR` and `PYRUNS_RUN_INDEX`, or
`__PYRUNS_CONFIG__` and `__PYRUNS_ROOT__`, which the program `pyruns` sets. Outside a task, `load` reads a
file, and `track` and `record` do nothing.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pyruns_jupyter.core.common.attrdict import Config, MissingKeyError
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError
from pyruns_jupyter.core.common.stack_signal import prepare_stack_dump

if TYPE_CHECKING:
    from pyruns_jupyter.core.metrics.journal import Appender

__all__ = [
    "Config",
    "MissingKeyError",
    "alert",
    "artifact_dir",
    "checkpoint_dir",
    "get_artifact_dir",
    "get_run_index",
    "get_task_dir",
    "load",
    "read",
    "record",
    "resumed_from",
    "should_stop",
    "track",
    "track_many",
]

_CONFIG, _ROOT = "__PYRUNS_CONFIG__", "__PYRUNS_ROOT__"
_TASK_DIR, _RUN_INDEX = "PYRUNS_TASK_DIR", "PYRUNS_RUN_INDEX"
_CHECKPOINT_DIR, _RESUMED_FROM = "PYRUNS_CHECKPOINT_DIR", "PYRUNS_RESUMED_FROM"
_READY = frozenset({float, int, bool, str, type(None)})
_NOT_GIVEN: Any = object()
_FIGURES = frozenset({"matplotlib.figure", "PIL.Image"})  # modules whose figures and images `track` saves

_journals: dict[tuple[str, str], Appender] = {}
_long: set[tuple[str, str]] = set()  # runs of `pyruns` with many points
_forks_watched = False
_chosen: str | None = None
_warned = False


class _NotStorableError(InvalidInput, TypeError):
    """The error for a value that cannot be represented in JSON."""


def load(path: str | os.PathLike[str] | None = None) -> Config:
    """Return the configuration of the task. Outside a task, read it from a file.

    Args:
        path: the path of a YAML file. It is ignored in a task. By default, the first of these files that
            exists is read: the file of the last `read(path)`, `config_default.yaml` in the workspace of the
            main script, and `config.yaml` next to the main script.

    Raises:
        NotFound: if the file does not exist.
        Unreadable: if the file cannot be read.
        InvalidInput: if the file is not a valid configuration.
    """
    from pyruns_jupyter.core.config.document import read_config

    if os.environ.get(_TASK_DIR):
        prepare_stack_dump()
    return Config(read_config(_config_path(path)))


def read(path: str | os.PathLike[str] | None = None) -> Config:
    """Return the configuration as `load(path)` does, and make `path` the default of later `load()` calls.

    Args:
        path: the path of a YAML file. It is ignored in a task.

    Raises:
        NotFound: if the file does not exist.
        Unreadable: if the file cannot be read.
        InvalidInput: if the file is not a valid configuration.
    """
    global _chosen
    config = load(path)
    if path is not None:
        _chosen = os.path.abspath(path)
    return config


def track(values: Mapping[str, Any] | str | None = None, value: Any = _NOT_GIVEN, /, **more: Any) -> None:
    """Add one value to the curve of each given metric, as in `track(loss=0.8, step=3)`.

    Outside a task, this function does nothing. When it returns, the values are stored, even if the process is
    killed afterwards. If several processes of a task track the same metric, their values are mixed in the
    order of the calls. In distributed training, track from one rank only, or use different names.

    A matplotlib figure or a Pillow image, as in `track(confusion=fig, step=3)`, is saved as a PNG file in the
    artifacts of the run: `media/NAME_STEP.png`. Only rank 0 saves it.

    Args:
        values: a dictionary of values by name, or a name, as in `track("loss", 0.8)`.
        value: the value, if `values` is a name.
        more: the values by name.

    Raises:
        InvalidInput: if a value is not a number, a string, a boolean, None, a list or dictionary of these, or
            an image, or if all values together are larger than 1 MiB. This error is also a `TypeError`.
    """
    if value is not _NOT_GIVEN:
        if not isinstance(values, str):
            _refuse_call("track", f"the first of two arguments must be a name, not a {type(values).__name__}")
        values = {values: value}
    _put("track", values, more)


def track_many(points: Iterable[Mapping[str, Any]]) -> None:
    """Add several values to curves, as in `track_many([{"loss": 0.8}, {"loss": 0.7}])`.

    Args:
        points: dictionaries of values by name, in order.

    Raises:
        InvalidInput: if a value is not valid, as in `track`. Earlier dictionaries are stored.
    """
    for point in points:
        _put("track", point, {})


def record(values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Set summary values of the run, as in `record(acc=0.91)`. Outside a task, this function does nothing.

    If the same metric is recorded again, the new value replaces the old one, even in another process.

    Args:
        values: a dictionary of values by name.
        more: the values by name.

    Raises:
        InvalidInput: if a value is not a number, a string, a boolean, None, or a list or dictionary of these,
            or if all values together are larger than 1 MiB. This error is also a `TypeError`.
    """
    _put("record", values, more)


def alert(title: str, text: str = "", level: str = "warning") -> None:
    """Send an alert, which is shown with the task, as in `alert("Divergence", f"loss={loss}")`.

    Outside a task, and in a run of the program `pyruns`, the alert is printed.

    Args:
        title: a short title, of up to 200 characters.
        text: details, of up to 2,000 characters.
        level: `info`, `warning` or `error`.

    Raises:
        InvalidInput: if the level is not one of these, or an argument is not a string. This error is also a
            `TypeError`.
    """
    if level not in ("info", "warning", "error"):
        raise _NotStorableError(
            f"alert() needs the level 'info', 'warning' or 'error', not {level!r}.", field="level"
        )
    given: tuple[object, object] = title, text
    if not all(isinstance(one, str) for one in given):
        raise _NotStorableError("alert() needs a title and a text that are strings.", field="title")
    folder = os.environ.get(_TASK_DIR)
    if folder:
        values = {"title": title[:200], "text": text[:2000], "level": level}
        _put_journal((folder, os.environ.get(_RUN_INDEX, "1")), "alert", values)
    else:
        print(f"Alert ({level}): {title}" + (f": {text}" if text else ""), flush=True)


def artifact_dir() -> str:
    """Create the artifact folder of the run and return its path.

    It is `artifacts/runN` in the folder of the task, or in the working folder outside a task.
    """
    folder = Path(get_task_dir() or os.getcwd()) / "artifacts" / f"run{get_run_index() or 1}"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def get_artifact_dir() -> str:
    """Alias of `artifact_dir`, for scripts written for the package `pyruns`."""
    return artifact_dir()


def checkpoint_dir() -> str:
    """Create the checkpoint folder of the task and return its path.

    All runs of a task share it, so a run finds the checkpoints of earlier ones. It is `checkpoints` in the
    folder of the task, or in the working folder outside a task.
    """
    given = os.environ.get(_CHECKPOINT_DIR)
    folder = Path(given) if given else Path(get_task_dir() or os.getcwd()) / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def resumed_from() -> int | None:
    """Return the number of the previous run if this run should continue it, otherwise None.

    A run continues the previous run of its task if the previous run did not complete, and a checkpoint was
    saved after the last completed run.
    """
    text = os.environ.get(_RESUMED_FROM, "")
    return int(text) if text.isdecimal() else None


def should_stop() -> bool:
    """Return whether the run was asked to stop: save a checkpoint and exit.

    The result is True if SIGTERM or SIGUSR1 has arrived since the first call, which installs handlers for
    these signals. To requeue the run, exit with code 75 (`os.EX_TEMPFAIL`).

    Raises:
        RuntimeError: if the first call is not in the main thread, where Python handles signals.
    """
    from pyruns_jupyter.core.common.stop_signals import stop_requested

    return stop_requested()


def get_task_dir() -> str | None:
    """Return the path of the task folder, or None outside a task."""
    folder = os.environ.get(_TASK_DIR)
    if folder:
        return folder
    config = os.environ.get(_CONFIG)
    if config and os.environ.get(_ROOT):
        return os.path.dirname(os.path.abspath(config))
    return None


def get_run_index() -> int | None:
    """Return the number of the run, starting at 1, or None outside a task."""
    text = os.environ.get(_RUN_INDEX, "")
    if get_task_dir() is None:
        return None
    return int(text) if text.isdecimal() and int(text) > 0 else 1


def _config_path(path: str | os.PathLike[str] | None) -> Path:
    given = os.environ.get(_CONFIG)
    if given:
        return Path(given)
    if path is not None:
        return Path(path)
    if _chosen is not None:
        return Path(_chosen)
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if not main:
        raise NotFound("load() requires a path because no script is running. Use load('config.yaml').")
    script = Path(os.path.abspath(main))
    for folder in script.parents:
        candidate = folder / "_pyruns_" / script.stem / "config_default.yaml"
        if candidate.is_file():
            return candidate
    beside = script.with_name("config.yaml")
    if beside.is_file():
        return beside
    raise NotFound(
        f"load() found no configuration for {script.name}. Create {beside}, open the script in Pyruns or "
        "use load('path.yaml')."
    )


def _put(kind: str, given: object, values: dict[str, Any]) -> None:
    if given is not None:
        if not isinstance(given, Mapping):
            _refuse_call(kind, f"this argument is of type {type(given).__name__}")
        values = {**{key if type(key) is str else str(key): value for key, value in given.items()}, **values}
    if not values:
        return
    for value in values.values():
        if type(value) not in _READY:
            if kind == "track" and not _FIGURES.isdisjoint(sys.modules):
                values = _without_figures(values)
            values = {key: _plain(value, kind, key) for key, value in values.items()}
            break
    if not values:
        return
    folder = os.environ.get(_TASK_DIR)
    if folder:
        _put_journal((folder, os.environ.get(_RUN_INDEX, "1")), kind, values)
    elif get_task_dir() is not None:
        _put_task_file(kind, values)


def _without_figures(values: dict[str, Any]) -> dict[str, Any]:
    """Save the figures among some values, and return the others: none if these are only steps."""
    from pyruns_jupyter.core.media.figures import is_figure, save_figure
    from pyruns_jupyter.core.metrics.downsample import STEP_KEYS
    from pyruns_jupyter.core.metrics.journal import own_rank

    figures = {key: value for key, value in values.items() if is_figure(value)}
    if not figures:
        return values
    others = {key: _plain(value, "track", key) for key, value in values.items() if key not in figures}
    if get_task_dir() is not None and not own_rank():
        for key, figure in figures.items():
            try:
                save_figure(artifact_dir(), key, figure, others)
            except Exception as error:  # noqa: BLE001  # whatever a library raises: the script continues
                _lost("track", error)
    return others if any(key not in STEP_KEYS for key in others) else {}


def _put_journal(place: tuple[str, str], kind: str, values: dict[str, Any]) -> None:
    try:
        journal = _journals.get(place)
        if journal is None or not journal.usable:
            journal = _open_journal(place)
        journal.append(kind, values, time.time())
    except (ValueError, TypeError, RecursionError) as error:
        raise _NotStorableError(f"{kind}() cannot store these values: {error}.", field=kind) from None
    except OSError as error:
        _lost(kind, error)


def _open_journal(place: tuple[str, str]) -> Appender:
    from pyruns_jupyter.core.metrics.journal import Appender
    from pyruns_jupyter.core.taskfile.paths import TaskPaths

    # Without a lock, which a fork in another thread would leave locked in the child. If two threads open the
    # journal, that costs a descriptor.
    global _forks_watched
    if not _forks_watched and hasattr(os, "register_at_fork"):
        _forks_watched = True
        os.register_at_fork(after_in_child=_journals.clear)  # a child has its own rank
    prepare_stack_dump()
    folder, index = place
    path = TaskPaths(Path(folder)).journal(int(index) if index.isdecimal() else 1)
    path.parent.mkdir(exist_ok=True)
    journal = _journals[place] = Appender(path)
    return journal


def _put_task_file(kind: str, values: dict[str, Any]) -> None:
    """Write into the task file of a run that `pyruns` started, as other scripts of that program do.

    This gets slower with each point, so later points of a run go to a journal, and at the end of the process
    evenly chosen points of it are copied to the task file.
    """
    from pyruns_jupyter.core.metrics import peer_run

    place = (get_task_dir() or "", os.environ.get(_RUN_INDEX, "1"))
    folder, run = Path(place[0]), get_run_index() or 1
    if kind != "track" or place not in _long:
        with suppress(OSError, PyrunsError):  # locked for too long, or damaged: use the journal
            if peer_run.put(folder, run, kind, values):
                return
    if place not in _long:
        _long.add(place)
        atexit.register(_fold_at_exit, folder, run)
    _put_journal(place, kind, values)


def _fold_at_exit(folder: Path, run: int) -> None:
    from pyruns_jupyter.core.metrics import peer_run

    with suppress(OSError, PyrunsError):  # the journal has all points
        peer_run.fold(folder, run)


def _lost(kind: str, error: Exception) -> None:
    """Warn once that values are lost; the script must not fail because of it."""
    global _warned
    if not _warned:
        _warned = True
        text = f"pyruns: {kind}() could not store its values: {error}"
        try:
            warnings.warn(text, RuntimeWarning, stacklevel=5)
        except RuntimeWarning:  # warnings are turned into errors
            print(text, file=sys.stderr)


def _plain(value: Any, kind: str, key: str, depth: int = 0) -> Any:
    """Return `value` as JSON data; scalars of NumPy, PyTorch and similar libraries are read by `.item()`."""
    if type(value) in _READY or isinstance(value, (float, int, str)):
        return value
    if depth > 50:
        _refuse(kind, key, "is nested too deeply")
    if isinstance(value, Mapping):
        return {
            name if isinstance(name, str) else str(name): _plain(item, kind, key, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item, kind, key, depth + 1) for item in value]
    if not hasattr(value, "item") and callable(getattr(value, "numpy", None)):
        value = value.numpy()
    item = getattr(value, "item", None)
    if callable(item):
        try:
            scalar = item()
        except (TypeError, ValueError, RuntimeError):
            _refuse(
                kind, key, f"is a {type(value).__name__} with several numbers; use .tolist() or one of them"
            )
        if type(scalar) in _READY:
            return scalar
    if _is_number(value):
        return float(value)
    return _refuse(
        kind,
        key,
        f"has the type {type(value).__name__}; use numbers, text, booleans, None, lists or dictionaries",
    )


def _is_number(value: Any) -> bool:
    """Return whether it is a real number of another type: `Fraction`, `Decimal`, NumPy's `longdouble`."""
    from decimal import Decimal
    from numbers import Real

    return isinstance(value, (Real, Decimal))


def _refuse_call(kind: str, problem: str) -> NoReturn:
    raise _NotStorableError(
        f"{kind}() needs named values, {kind}(loss=0.5), or a dictionary; {problem}.", field=kind
    )


def _refuse(kind: str, key: str, problem: str) -> NoReturn:
    raise _NotStorableError(f"{kind}({key}=...) cannot be stored: the value {problem}.", field=key)
