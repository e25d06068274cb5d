"""The fields of tasks for queries and sorting: properties, parameters and metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.flatten import column_of
from pyruns_jupyter.core.metrics.expressions import BEST, LAST, MAX, MIN, Aggregate, parse_aggregate
from pyruns_jupyter.core.metrics.goals import Goal
from pyruns_jupyter.core.metrics.journal import Remaining
from pyruns_jupyter.core.metrics.statistics import numeric
from pyruns_jupyter.core.taskfile.runs import RUNNING
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES, Shape, ShapePart, TaskRow, cells_of, shown_statuses

if TYPE_CHECKING:
    from pyruns_jupyter.core.tasks.index import TaskIndex

Column = Callable[[Sequence[TaskRow]], list[Any]]  # returns one value for each row
Configs = Callable[[], Mapping[str, Mapping[str, Any]]]


class _Missing(float):
    """A value that is missing. As it is NaN, a column of numbers can be packed although some are missing."""


MISSING: Any = _Missing("nan")
NO_VALUES = frozenset({type(MISSING), type(None)})  # the types of MISSING and None
CONFIG, METRIC = "config", "figure"  # the prefixes of parameters and metrics in queries


class Sources(Struct, frozen=True):
    """Data that a query may need in addition to the rows.

    `configs` returns the flat configuration of each task by name, `log` the path of the log of a task's last
    run. `shapes` has the number of rows for each set of swept values and metrics; without it they are
    counted. `aggregate` returns an aggregate of the metrics of a row, or raises TimeoutError. `goal` returns
    the goal of a metric.
    """

    configs: Configs | None = None
    log: Callable[[TaskRow], Path] | None = None
    shapes: Mapping[Shape, int] | None = None
    aggregate: Callable[[TaskRow, Aggregate, Remaining | None], float | None] | None = None
    goal: Callable[[str], Goal | None] | None = None

    @classmethod
    def of(cls, index: TaskIndex) -> Sources:
        """Return the sources for the rows of an index."""
        paths, goals = index.workspace.paths, cache(index.goals)  # few queries need the settings
        return cls(
            index.configs,
            lambda row: paths(row.name).log(row.run),
            index.shapes(),
            index.aggregates.value,
            lambda metric: goals().find(metric),
        )


class QueryField(Struct, frozen=True):
    """A field of tasks.

    `kind` is `text` (which can contain a value), `label` (one of several words), `number`, `time` (epoch
    seconds), `duration` (seconds) or `value` (a parameter or a metric). `values` returns MISSING or None for
    a task without the field; if it `reads_points`, that may take time. `hint` is a sentence for the user
    about the field. `goal` is that of a metric, if it is known.
    """

    name: str
    kind: str
    values: Column
    reads_points: bool = False
    hint: str = ""
    goal: Goal | None = None


class UnknownField(Exception):
    """No task has this field; `close` are similar names."""

    def __init__(self, key: str, close: Sequence[str]) -> None:
        super().__init__(key)
        self.key = key
        self.close = close


class AmbiguousField(Exception):
    """Several fields end with this key; `advice` is what the user can do."""

    def __init__(self, key: str, candidates: Sequence[str], advice: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.candidates = candidates
        self.advice = advice


def _builtins(now: float) -> dict[str, QueryField]:
    def lasted(row: TaskRow) -> float | None:
        if row.duration is None and row.status == RUNNING and row.started_at is not None:
            return max(0.0, now - row.started_at)
        return row.duration

    fields = [
        QueryField("name", "text", _each(attrgetter("name"))),
        QueryField("status", "label", shown_statuses),
        QueryField("kind", "label", _each(attrgetter("kind"))),
        QueryField("note", "text", _each(lambda row: row.notes or None)),
        QueryField("message", "text", _each(lambda row: row.message or None)),
        QueryField("alert", "text", _each(_alert)),
        QueryField("tag", "label", _each(lambda row: row.tags or None)),
        QueryField("gpu", "label", _each(lambda row: row.gpus or None)),
        QueryField("study", "label", _each(lambda row: row.study.name if row.study else None)),
        QueryField("created", "time", _each(attrgetter("created_at"))),
        QueryField("started", "time", _each(attrgetter("started_at"))),
        QueryField("finished", "time", _each(attrgetter("finished_at"))),
        QueryField("duration", "duration", _each(lasted)),
        QueryField("run", "number", _each(lambda row: row.run or None)),
        QueryField("runs", "number", _each(attrgetter("runs"))),
        QueryField("exit_code", "number", _each(attrgetter("exit_code"))),
        QueryField("progress", "number", _each(attrgetter("progress"))),
        QueryField("order", "number", _each(attrgetter("place"))),
        QueryField("gpu_hours", "number", _each(attrgetter("gpu_hours"))),
        QueryField("energy_kwh", "number", _each(attrgetter("energy_kwh"))),
    ]
    found = {field.name: field for field in fields}
    for alias, name in _ALIASES.items():
        found[alias] = found[name]
    return found


def _each(get: Callable[[TaskRow], Any]) -> Column:
    return lambda rows: [*map(get, rows)]


def _alert(row: TaskRow) -> str | None:
    """Return level, title and text of the last alert of the latest run."""
    return f"{row.alert.level}: {row.alert.title}: {row.alert.text}" if row.alert else None


_ALIASES = {
    "alerts": "alert",
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
    """The fields of some rows. Keys are only collected, and configurations only loaded, when needed.

    `remaining` limits the time to read points; then `unread` are the names of tasks that were not read.
    """

    def __init__(
        self, rows: Sequence[TaskRow], sources: Sources, now: float, remaining: Remaining | None = None
    ) -> None:
        self.rows = rows
        self.sources = sources
        self.unread: set[str] = set()
        self._remaining = remaining
        self._builtins = _builtins(now)

    def find(self, key: str) -> QueryField:
        """Return the field of a key.

        It is a property of the task, unless the key begins with a dot; else the swept parameter or metric
        with this key or the only one that ends with it; else an aggregate of a metric, such as `min(loss)`;
        else a key of any configuration. Case matters only where fields differ in it.

        Raises:
            UnknownField: when there is no such field.
            AmbiguousField: when there are several, or for `best` of a metric whose goal is not known.
            InvalidInput: when an argument of an aggregate is not valid.
        """
        builtin = self._builtins.get(key.lower())
        if builtin is not None:
            return builtin
        own = key.removeprefix(".")
        for group in (CONFIG, METRIC):
            if own.startswith(f"{group}."):
                inner = own.removeprefix(f"{group}.")
                found = self._match(inner, [group]) or (
                    self._match_config(inner) if group == CONFIG else None
                )
                if found:
                    return self._one(key, found)
        found = self._match(own, [CONFIG, METRIC])
        aggregate = None if found else parse_aggregate(own.removeprefix(f"{METRIC}."))
        if aggregate is not None:
            return self._aggregate(key, aggregate)
        found = found or self._match_config(own)
        if not found:
            raise UnknownField(key, self._close(key))
        return self._one(key, found)

    def metric(self, key: str) -> QueryField | None:
        """Return the field of a metric or an aggregate, None if there is not exactly one."""
        try:
            return self.find(f"{METRIC}.{key}")
        except (UnknownField, AmbiguousField, InvalidInput):
            return None

    def aggregate(self, key: str) -> QueryField | None:
        """Return the field of an aggregate, None if the key is not one, or the name of a value."""
        try:
            is_aggregate = parse_aggregate(key) is not None
        except InvalidInput:
            return None
        if not is_aggregate or key in self.metrics or key in self.swept:
            return None
        return self.metric(key)

    def has(self, key: str) -> bool:
        """Return whether there is at least one field for a key."""
        try:
            self.find(key)
        except AmbiguousField:
            return True
        except (UnknownField, InvalidInput):
            return False
        return True

    def alike(self, full: str) -> list[str]:
        """Return the other swept parameters and metrics that end with the key `full`."""
        end = f".{full}"
        return [one for one in {**self.swept, **self.metrics} if one.endswith(end)]

    def shadowed(self, key: str) -> str | None:
        """Return the key of the parameter or metric with the same name as a property of the task, if any."""
        if key.lower() not in self._builtins or key.startswith("."):
            return None
        return f".{key}" if key in self.swept or key in self.metrics else None

    @cached_property
    def _shapes(self) -> Mapping[Shape, int]:
        known = self.sources.shapes
        return Counter(row.shape for row in self.rows) if known is None else known

    @cached_property
    def swept(self) -> Counter[str]:
        """The number of rows with each swept key."""
        return count_keys("swept", self._shapes)

    @cached_property
    def metrics(self) -> Counter[str]:
        """The number of rows with each metric."""
        return count_keys("figures", self._shapes)

    @cached_property
    def _configs(self) -> Mapping[str, Mapping[str, Any]]:
        return {} if self.sources.configs is None else self.sources.configs()

    @cached_property
    def _config_keys(self) -> dict[str, None]:
        different = {id(values): values for values in self._configs.values()}
        key_sets = dict.fromkeys(map(tuple, different.values()))
        return dict.fromkeys(key for keys in key_sets for key in keys)

    def _match(self, key: str, groups: Sequence[str]) -> list[tuple[str, str]]:
        """Return group and full key of the swept parameters and metrics for a key."""
        return _matching(
            key,
            [(group, full) for group in groups for full in (self.swept if group == CONFIG else self.metrics)],
        )

    def _match_config(self, key: str) -> list[tuple[str, str]]:
        return _matching(key, [(CONFIG, full) for full in self._config_keys])

    def _one(self, key: str, found: list[tuple[str, str]]) -> QueryField:
        if len(found) > 1:
            names = [full for _, full in found]
            raise AmbiguousField(
                key, [full if names.count(full) == 1 else f"{group}.{full}" for group, full in found]
            )
        group, full = found[0]
        if group == CONFIG:
            return QueryField(full, "value", self._config(full))
        return QueryField(full, "value", self._metric(full), goal=self._goal(full))

    def resolve(self, wanted: Aggregate, key: str = "") -> Aggregate:
        """Return an aggregate with the full name of its metric, and `min` or `max` instead of `best`.

        Raises:
            UnknownField: when there is no such metric; with `key`, which is the aggregate by default.
            AmbiguousField: when there are several, or for `best` of a metric whose goal is not known.
        """
        key = key or str(wanted)
        found = self._match(wanted.key, [METRIC])
        if not found:
            import difflib  # slow to import, and most names are known

            close = difflib.get_close_matches(wanted.key, list(self.metrics)[:5000], 3, 0.65)
            raise UnknownField(key, [str(wanted._replace(key=one)) for one in close])
        if len(found) > 1:
            raise AmbiguousField(key, [str(wanted._replace(key=full)) for _, full in found])
        return self.without_best(wanted._replace(key=found[0][1]), key)

    def without_best(self, wanted: Aggregate, key: str = "") -> Aggregate:
        """Return `min` or `max` instead of `best`; otherwise as `resolve`, for the full name of a metric."""
        if wanted.function != BEST:
            return wanted
        goal = self._goal(wanted.key)
        if goal is None:
            ways = [str(wanted._replace(function=one)) for one in (MIN, MAX)]
            advice = f"Use one of them, or define the goal of `{wanted.key}` (minimize or maximize)."
            raise AmbiguousField(key or str(wanted), ways, advice)
        return wanted.resolved(goal.direction)

    def _aggregate(self, key: str, wanted: Aggregate) -> QueryField:
        resolved = self.resolve(wanted, key)
        goal = self._goal(resolved.key)
        name, hint = str(wanted._replace(key=resolved.key)), ""
        if wanted.function == BEST and goal is not None and goal.origin == "name":
            hint = (
                f"`{name}` is `{resolved}`, because of the name of the metric. If this is wrong, define "
                f"the goal of `{resolved.key}`."
            )
        read = self.sources.aggregate or _of_row

        def get(row: TaskRow) -> Any:
            try:
                value = read(row, resolved, self._remaining)
            except TimeoutError:
                self.unread.add(row.name)
                return MISSING
            return MISSING if value is None else value

        return QueryField(name, "value", _each(get), reads_points=resolved.needs_points, hint=hint, goal=goal)

    def _goal(self, metric: str) -> Goal | None:
        return None if self.sources.goal is None else self.sources.goal(metric)

    def _metric(self, full: str) -> Column:
        return lambda rows: cells_of(rows, "figures", full, MISSING)

    def _config(self, full: str) -> Column:
        def swept(rows: Sequence[TaskRow]) -> list[Any]:
            return cells_of(rows, "swept", full, MISSING)

        count = self.swept.get(full, 0)
        if count >= len(self.rows) or count >= sum(row.readable for row in self.rows):
            return swept
        configs = self._configs

        def values(rows: Sequence[TaskRow]) -> list[Any]:
            known = column_of([configs.get(row.name) for row in rows], full, MISSING)
            if not count:
                return known
            pairs = zip(swept(rows), known, strict=True)
            return [other if value is MISSING else value for value, other in pairs]

        return values

    def _close(self, key: str) -> list[str]:
        """Return up to three names that are similar to `key`, in their shortest form."""
        full = dict.fromkeys([*self.swept, *self.metrics, *self._config_keys])
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
        import difflib

        wanted = key.removeprefix(".").casefold()
        close = difflib.get_close_matches(wanted, list(short)[:5000], 3, 0.65)
        if not close and len(wanted) > 1:  # `opt` for `optimizer`, `metrics.acc` for `acc`
            last = wanted.rpartition(".")[2]
            within = [name for name in short if wanted in name or name == last]
            return list(dict.fromkeys(short[name] for name in within))[:3]
        likeness = [difflib.SequenceMatcher(None, wanted, name).ratio() for name in close]
        near = [name for name, like in zip(close, likeness, strict=True) if like > likeness[0] - 0.1]
        return list(dict.fromkeys(short[name] for name in near))


def _of_row(row: TaskRow, wanted: Aggregate, remaining: Remaining | None) -> float | None:
    """Return an aggregate as far as the row has it."""
    if wanted.key not in row.shape.figures or wanted.needs_points:
        return None
    if wanted.function == LAST or row.statistics is None or wanted.key not in row.statistics:
        return numeric(row.metric(wanted.key))
    return row.statistics.value(wanted)


def sort_ranks(field: QueryField) -> Column:
    """Return the function for the values by which to sort."""
    if field.name == "status":
        ranks = {status: rank for rank, status in enumerate(SHOWN_STATUSES)}
        return lambda rows: [*map(ranks.get, field.values(rows))]
    if field.name in ("tag", "gpu"):
        return lambda rows: [", ".join(labels or ()) or None for labels in field.values(rows)]
    return field.values


def count_keys(part: ShapePart, shapes: Mapping[Shape, int]) -> Counter[str]:
    """Return the number of rows with each swept parameter, or with each metric."""
    counts: Counter[str] = Counter()
    for shape, number in shapes.items():
        for key in getattr(shape, part):
            counts[key] += number
    return counts


def _matching(key: str, known: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the fields with this key; else those that end with it; else the same, ignoring case."""
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
