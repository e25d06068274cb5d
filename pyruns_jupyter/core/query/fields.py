"""What a query can compare and a table be sorted by: a task's facts, swept values, figures, configuration."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.taskfile.runs import RUNNING, STATUSES
from pyruns_jupyter.core.tasks.row import Shape, TaskRow

if TYPE_CHECKING:
    from pyruns_jupyter.core.tasks.index import TaskIndex

Getter = Callable[[TaskRow], Any]
Configs = Callable[[], Mapping[str, Mapping[str, Any]]]

MISSING: Any = object()
CONFIG, FIGURE = "config", "figure"
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Sources:
    """What a query may need besides the rows.

    `configs` gives the flat configuration of each task by its name, `log` the log of a task's latest run.
    `shapes` says how many rows have which swept values and metrics; without it they are counted.
    """

    configs: Configs | None = None
    log: Callable[[TaskRow], Path] | None = None
    shapes: Mapping[Shape, int] | None = None

    @classmethod
    def of(cls, index: TaskIndex) -> Sources:
        """Return the sources of an index' rows."""
        paths = index.workspace.paths
        return cls(index.configs, lambda row: paths(row.name).log(row.run), index.shapes())


@dataclass(frozen=True)
class QueryField:
    """A field that a word in a query means.

    `kind` is `text` (found in parts), `label` (one of several words), `number`, `time` (epoch seconds),
    `duration` (seconds) or `value` (what a configuration or a figure holds). `get` returns MISSING or None
    where a task has none.
    """

    name: str
    kind: str
    get: Getter


class UnknownField(Exception):
    """No task has such a field; `close` are names that are written alike."""

    def __init__(self, key: str, close: Sequence[str]) -> None:
        super().__init__(key)
        self.key = key
        self.close = close


class AmbiguousField(Exception):
    """Several fields end in this key."""

    def __init__(self, key: str, candidates: Sequence[str]) -> None:
        super().__init__(key)
        self.key = key
        self.candidates = candidates


def _builtins(now: float) -> dict[str, QueryField]:
    def lasted(row: TaskRow) -> float | None:
        if row.duration is None and row.status == RUNNING and row.started_at is not None:
            return max(0.0, now - row.started_at)
        return row.duration

    fields = [
        QueryField("name", "text", lambda row: row.name),
        QueryField("status", "label", lambda row: row.status),
        QueryField("kind", "label", lambda row: row.kind),
        QueryField("note", "text", lambda row: row.notes or None),
        QueryField("message", "text", lambda row: row.message or None),
        QueryField("tag", "label", lambda row: row.tags or None),
        QueryField("gpu", "label", lambda row: row.gpus or None),
        QueryField("study", "label", lambda row: row.study.name if row.study else None),
        QueryField("created", "time", lambda row: row.created_at),
        QueryField("started", "time", lambda row: row.started_at),
        QueryField("finished", "time", lambda row: row.finished_at),
        QueryField("duration", "duration", lasted),
        QueryField("run", "number", lambda row: row.run or None),
        QueryField("runs", "number", lambda row: row.runs),
        QueryField("exit_code", "number", lambda row: row.exit_code),
        QueryField("progress", "number", lambda row: row.progress),
        QueryField("order", "number", lambda row: row.place),
    ]
    found = {field.name: field for field in fields}
    for alias, name in _ALIASES.items():
        found[alias] = found[name]
    return found


_ALIASES = {
    "notes": "note",
    "tags": "tag",
    "gpus": "gpu",
    "exit": "exit_code",
    "ended": "finished",
    "created_at": "created",
    "started_at": "started",
    "finished_at": "finished",
}
SCOPES = ("log", "has", "no", "is")


class Fields:
    """The fields of some rows. Their keys are gathered, and configurations loaded, only when needed."""

    def __init__(self, rows: Sequence[TaskRow], sources: Sources, now: float) -> None:
        self.rows = rows
        self.sources = sources
        self._builtins = _builtins(now)
        self._swept: Counter[str] | None = None
        self._figures: Counter[str] | None = None
        self._loaded: Mapping[str, Mapping[str, Any]] | None = None
        self._config_keys: dict[str, None] | None = None

    def find(self, key: str) -> QueryField:
        """Return the field that `key` means.

        A fact of the task, unless the key begins with a dot; else what was swept or reported under this key
        or one that ends in it; else what any configuration has under it. The case counts only where it must.

        Raises:
            UnknownField: when there is none.
            AmbiguousField: when there are several.
        """
        builtin = self._builtins.get(key.lower())
        if builtin is not None:
            return builtin
        own = key.removeprefix(".")
        for group in (CONFIG, FIGURE):
            if own.startswith(f"{group}."):
                inner = own.removeprefix(f"{group}.")
                found = self._match(inner, [group]) or (
                    self._match_config(inner) if group == CONFIG else None
                )
                if found:
                    return self._one(key, found)
        found = self._match(own, [CONFIG, FIGURE]) or self._match_config(own)
        if not found:
            raise UnknownField(key, self._close(key))
        return self._one(key, found)

    def has(self, key: str) -> bool:
        """Return whether `key` means one field or several."""
        try:
            self.find(key)
        except AmbiguousField:
            return True
        except UnknownField:
            return False
        return True

    def alike(self, full: str) -> list[str]:
        """Return other swept values and figures, of which the key `full` is the end."""
        end = f".{full}"
        return [one for one in {**self.swept, **self.figures} if one.endswith(end)]

    def shadowed(self, key: str) -> str | None:
        """Return how to reach what was swept or reported under the name of a fact of the task, if it was."""
        if key.lower() not in self._builtins or key.startswith("."):
            return None
        return f".{key}" if key in self.swept or key in self.figures else None

    @property
    def swept(self) -> Counter[str]:
        """How many rows have each swept key."""
        if self._swept is None:
            shapes = self.sources.shapes
            self._swept = _count(row.swept for row in self.rows) if shapes is None else count_keys(0, shapes)
        return self._swept

    @property
    def figures(self) -> Counter[str]:
        """How many rows have each figure."""
        if self._figures is None:
            shapes = self.sources.shapes
            self._figures = (
                _count(row.figures for row in self.rows) if shapes is None else count_keys(1, shapes)
            )
        return self._figures

    @property
    def _configs(self) -> Mapping[str, Mapping[str, Any]]:
        if self._loaded is None:
            load = self.sources.configs
            self._loaded = load() if load is not None else {}
        return self._loaded

    def _match(self, key: str, groups: Sequence[str]) -> list[tuple[str, str]]:
        """Return group and full key of what was swept or reported under `key`."""
        return _matching(
            key,
            [(group, full) for group in groups for full in (self.swept if group == CONFIG else self.figures)],
        )

    def _match_config(self, key: str) -> list[tuple[str, str]]:
        if self._config_keys is None:
            kept: dict[int, Mapping[str, Any]] = {}
            shapes: dict[tuple[str, ...], None] = {}
            for values in self._configs.values():
                kept[id(values)] = values
            for values in kept.values():
                shapes[tuple(values)] = None
            self._config_keys = dict.fromkeys(full for shape in shapes for full in shape)
        return _matching(key, [(CONFIG, full) for full in self._config_keys])

    def _one(self, key: str, found: list[tuple[str, str]]) -> QueryField:
        if len(found) > 1:
            names = [full for _, full in found]
            raise AmbiguousField(
                key,
                [full if names.count(full) == 1 else f"{group}.{full}" for group, full in found],
            )
        group, full = found[0]
        return QueryField(full, "value", self._figure(full) if group == FIGURE else self._config(full))

    def _figure(self, full: str) -> Getter:
        return lambda row: row.figures.get(full, MISSING)

    def _config(self, full: str) -> Getter:
        count = self.swept.get(full, 0)
        if count >= len(self.rows) or count >= sum(row.readable for row in self.rows):
            return lambda row: row.swept.get(full, MISSING)
        configs = self._configs

        def get(row: TaskRow) -> Any:
            value = row.swept.get(full, MISSING)
            return configs.get(row.name, _NOTHING).get(full, MISSING) if value is MISSING else value

        return get

    def _close(self, key: str) -> list[str]:
        """Return up to three known names that are written like `key`, as short as they may be."""
        full = dict.fromkeys([*self.swept, *self.figures, *(self._config_keys or ())])
        short: dict[str, str] = {}
        ends = Counter(name.rpartition(".")[2] for name in full)
        for name in full:
            end = name.rpartition(".")[2]
            if ends[end] == 1:
                short.setdefault(end.casefold(), end)
            short.setdefault(name.casefold(), name)
        for name in (*self._builtins, *SCOPES):
            if name not in _ALIASES:
                short.setdefault(name, name)
        wanted = key.removeprefix(".").casefold()
        close = difflib.get_close_matches(wanted, list(short)[:5000], 3, 0.65)
        if not close and len(wanted) > 1:  # `opt` for `optimizer`, `metrics.acc` for `acc`
            last = wanted.rpartition(".")[2]
            within = [name for name in short if wanted in name or name == last]
            return list(dict.fromkeys(short[name] for name in within))[:3]
        likeness = [difflib.SequenceMatcher(None, wanted, name).ratio() for name in close]
        near = [name for name, like in zip(close, likeness, strict=True) if like > likeness[0] - 0.1]
        return list(dict.fromkeys(short[name] for name in near))


def sort_rank(field: QueryField) -> Getter:
    """Return what gives the value that a table is sorted by."""
    if field.name == "status":
        ranks = {status: rank for rank, status in enumerate(STATUSES)}
        return lambda row: ranks.get(row.status)
    if field.name in ("tag", "gpu"):
        return lambda row: ", ".join(field.get(row) or ()) or None
    return field.get


def _count(mappings: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return count_keys(0, {(keys,): number for keys, number in Counter(map(tuple, mappings)).items()})


def count_keys(part: int, shapes: Mapping[Any, int]) -> Counter[str]:
    """Return how many rows have each swept value (part 0) or metric (part 1)."""
    counts: Counter[str] = Counter()
    for shape, number in shapes.items():
        for key in shape[part]:
            counts[key] += number
    return counts


def _matching(key: str, known: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return those whose key is `key`, else those whose last parts are, else both whatever the case."""
    exact = [one for one in known if one[1] == key]
    if exact:
        return exact
    end = f".{key}"
    found = [one for one in known if one[1].endswith(end)]
    if found:
        return found
    folded, end = key.casefold(), end.casefold()
    return [one for one in known if one[1].casefold() == folded] or [
        one for one in known if one[1].casefold().endswith(end)
    ]
