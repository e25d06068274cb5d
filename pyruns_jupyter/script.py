"""What a user's script calls: its configuration, its curves and figures, its place on disk.

Inside a task the runner says through the environment which run this is: `PYRUNS_TASK_DIR` and
`PYRUNS_RUN_INDEX` (ours), `__PYRUNS_CONFIG__` and `__PYRUNS_ROOT__` (shared with the program `pyruns`).
Outside a task `load` reads a file and `track` and `record` do nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .core.errors import InvalidInput, NotFound, PyrunsError

if TYPE_CHECKING:
    from .core.journal import Appender

__all__ = ["Config", "artifact_dir", "get_run_index", "get_task_dir", "load", "read", "record", "track"]

_CONFIG, _ROOT = "__PYRUNS_CONFIG__", "__PYRUNS_ROOT__"
_TASK_DIR, _RUN_INDEX = "PYRUNS_TASK_DIR", "PYRUNS_RUN_INDEX"
_READY = frozenset({float, int, bool, str, type(None)})

_lock = threading.Lock()
_journals: dict[tuple[str, str], Appender] = {}
_chosen: str | None = None
_warned = False


class Config(dict[str, Any]):
    """A configuration: `config.training.lr`, `config["training"]`, or as any dictionary.

    A key that is also the name of a dictionary method (`items`) is reached with brackets.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({key: _wrap(value) for key, value in values.items()})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(_no_key(name, self)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = _wrap(value)

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(_no_key(name, self)) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self if key.isidentifier())]

    def __repr__(self) -> str:
        return f"Config({dict.__repr__(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Config, (self.to_dict(),)

    def to_dict(self) -> dict[str, Any]:
        """Return a copy as plain dictionaries and lists."""
        return {key: _unwrap(value) for key, value in self.items()}


class _NotStorableError(InvalidInput, TypeError):
    """A value that JSON cannot hold."""


def load(path: str | os.PathLike[str] | None = None) -> Config:
    """Return the configuration: in a task always the task's own.

    Outside a task it is the file `path`, else the one that `read` chose, else `config_default.yaml` of the
    main script's workspace, else `config.yaml` beside the main script.

    Raises:
        NotFound: when there is none.
        InvalidInput, Unreadable: when it cannot be understood.
    """
    from .core.configfile import read_config

    return Config(read_config(_config_path(path)))


def read(path: str | os.PathLike[str] | None = None) -> Config:
    """Return what `load(path)` returns, and make `path` what a later `load()` reads outside a task.

    Raises:
        NotFound, InvalidInput, Unreadable: see `load`.
    """
    global _chosen
    config = load(path)
    if path is not None:
        _chosen = os.path.abspath(path)
    return config


def track(values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Add a point to curves: `track(loss=0.8, step=3)`. Does nothing outside a task.

    Raises:
        InvalidInput: (also a TypeError) when a value is no number, text, boolean, None, list or dictionary of
        these.
    """
    _put("track", {**values, **more} if values else more)


def record(values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Set final figures of the run: `record(acc=0.91)`; a later value replaces an earlier one.

    Does nothing outside a task.

    Raises:
        InvalidInput: (also a TypeError) when a value is no number, text, boolean, None, list or dictionary of
        these.
    """
    _put("record", {**values, **more} if values else more)


def artifact_dir() -> str:
    """Return the folder for files of this run, created: `artifacts/runN` of the task or of here."""
    folder = Path(get_task_dir() or os.getcwd()) / "artifacts" / f"run{get_run_index() or 1}"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def get_task_dir() -> str | None:
    """Return the task's folder; None outside a task."""
    folder = os.environ.get(_TASK_DIR)
    if folder:
        return folder
    config = os.environ.get(_CONFIG)
    if config and os.environ.get(_ROOT):
        return os.path.dirname(os.path.abspath(config))
    return None


def get_run_index() -> int | None:
    """Return which run of the task this is, from 1; None outside a task."""
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
        raise NotFound(
            "load() needs the path of a configuration here: no script is running. Use load('config.yaml')."
        )
    script = Path(os.path.abspath(main))
    for folder in script.parents:
        candidate = folder / "_pyruns_" / script.stem / "config_default.yaml"
        if candidate.is_file():
            return candidate
    beside = script.with_name("config.yaml")
    if beside.is_file():
        return beside
    raise NotFound(
        f"load() found no configuration for {script.name}: write {beside}, open the script in Pyruns, or use "
        "load('path.yaml')."
    )


def _put(kind: str, values: dict[str, Any]) -> None:
    for value in values.values():
        if type(value) not in _READY:
            values = {key: _plain(value, kind, key) for key, value in values.items()}
            break
    folder = os.environ.get(_TASK_DIR)
    if folder:
        if values:
            _put_journal(folder, kind, values)
    elif values and get_task_dir() is not None:
        _put_task_file(kind, values)


def _put_journal(folder: str, kind: str, values: dict[str, Any]) -> None:
    place = (folder, os.environ.get(_RUN_INDEX, "1"))
    try:
        journal = _journals.get(place)
        if journal is None or not journal.usable:
            journal = _open_journal(place)
        journal.append(kind, values, time.time())
    except ValueError as error:
        raise _NotStorableError(f"{kind}() cannot store these values: {error}.", field=kind) from None
    except OSError as error:
        _lost(kind, error)


def _open_journal(place: tuple[str, str]) -> Appender:
    from .core.journal import Appender
    from .core.layout import TaskPaths

    with _lock:
        journal = _journals.get(place)
        if journal is None or not journal.usable:
            folder, index = place
            path = TaskPaths(Path(folder)).journal(int(index) if index.isdecimal() else 1)
            path.parent.mkdir(exist_ok=True)
            journal = _journals[place] = Appender(path)
        return journal


def _put_task_file(kind: str, values: dict[str, Any]) -> None:
    """Under the other program's runner: straight into the task file, as that program's own scripts do."""
    from .core.taskfile import edit_task

    key = f"{kind}s"
    number = (get_run_index() or 1) - 1
    try:
        with edit_task(Path(get_task_dir() or ""), durable=False) as info:
            slots = info.get(key)
            if not isinstance(slots, list):
                slots = info[key] = []
            slots.extend({} for _ in range(number + 1 - len(slots)))
            slot = slots[number]
            if not isinstance(slot, dict):
                slot = slots[number] = {}
            if kind == "record":
                slot.update(values)
            elif "track_store" not in info:
                for name, value in values.items():
                    points = slot.setdefault(name, [])
                    if isinstance(points, list):
                        points.append(value)
    except (OSError, PyrunsError) as error:
        _lost(kind, error)


def _lost(kind: str, error: Exception) -> None:
    """Say once that points are lost; a training run must not die of it."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(f"pyruns: {kind}() could not store its values: {error}", RuntimeWarning, stacklevel=5)


def _plain(value: Any, kind: str, key: str, depth: int = 0) -> Any:
    """Return `value` as JSON data; scalars of NumPy, PyTorch and the like give themselves by `.item()`."""
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
    item = getattr(value, "item", None)
    if callable(item):
        try:
            scalar = item()
        except (TypeError, ValueError, RuntimeError):
            _refuse(
                kind, key, f"is a {type(value).__name__} of several numbers; use .tolist() or one of them"
            )
        if type(scalar) in _READY:
            return scalar
    return _refuse(
        kind,
        key,
        f"is of type {type(value).__name__}; numbers, text, true/false, None, lists and dictionaries work",
    )


def _refuse(kind: str, key: str, problem: str) -> NoReturn:
    raise _NotStorableError(f"{kind}({key}=...) cannot be stored: the value {problem}.", field=key)


def _wrap(value: Any) -> Any:
    if isinstance(value, Mapping) and not isinstance(value, Config):
        return Config(value)
    if isinstance(value, list):
        return [_wrap(item) for item in value]
    return value


def _unwrap(value: Any) -> Any:
    if isinstance(value, Config):
        return value.to_dict()
    if isinstance(value, list):
        return [_unwrap(item) for item in value]
    return value


def _no_key(name: str, config: Config) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(config), 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"The configuration has no key {name!r}.{hint}"
