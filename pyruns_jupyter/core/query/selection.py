"""Select and sort the rows that match a query, with notices about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from msgspec import Struct, field

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES, TaskRow

from .ast import Query
from .columns import NO_USAGE, BestValue, Usage, aggregate_values, best_values, usage_of
from .compile import Binder, with_status
from .diagnostics import QueryNotice, of_unread
from .fields import Fields, Sources
from .logs import Excerpt, wanted_needles
from .order import ordered
from .parser import close_to, parse
from .pattern import TimeBudget

POINTS_SECONDS = 8.0  # to read points of metrics for one query


class QueryResult(Struct, frozen=True):
    """A page of the matching rows, the number of all matching rows, and notices about the query."""

    items: list[TaskRow]
    total: int
    notices: list[QueryNotice] = field(default_factory=list)
    excerpts: dict[str, Excerpt] = field(default_factory=dict)  # by name
    values: dict[str, dict[str, Any]] = field(default_factory=dict)  # aggregates, by name
    best: dict[str, BestValue] = field(default_factory=dict)  # of all matching rows
    usage: Usage = NO_USAGE  # of all matching rows


def select(
    rows: Iterable[TaskRow],
    query: str | Query = "",
    statuses: Iterable[str] | None = None,
    sort: str = "created",
    order: str = "desc",
    offset: int = 0,
    limit: int | None = 200,
    *,
    sources: Sources | None = None,
    strict: bool = False,
    partial: bool = False,
    excerpts: bool = False,
    aggregates: Iterable[str] = (),
    best: Iterable[str] = (),
    now: float | None = None,
    is_given_up: Callable[[], bool] | None = None,
    points_seconds: float = POINTS_SECONDS,
) -> QueryResult:
    """Return the rows that match a query.

    Args:
        rows: the rows of a workspace, in the natural order of their names.
        query: the query or its text.
        statuses: return only rows with one of these statuses; None for all.
        sort: fields separated by commas; a `-` before a field reverses its order; see `docs/query.md`. Pinned
            tasks always come first.
        order: `asc` or `desc`.
        offset: the number of rows to skip.
        limit: the maximum number of rows, None for all.
        sources: access to configurations and logs.
        strict: raise an error, instead of adding a notice, when the result is not what was asked for (an
            unknown field, logs that could not be read); for callers that act on the result.
        partial: whether `strict` accepts, with a notice, that not all logs could be searched.
        excerpts: whether to return the first matching line of each log.
        aggregates: keys, of which those that are aggregates such as `min(loss)` are returned as `values`.
        best: the metrics and aggregates of which the best value is returned.
        now: the time in epoch seconds.
        is_given_up: whether the client is gone; called between searches in texts and logs, and reads
            of points.
        points_seconds: the maximum time to read points of metrics.

    Raises:
        InvalidInput: when the query, a status or the order is invalid, or a field is ambiguous.
    """
    if order not in ("asc", "desc"):
        raise InvalidInput(f"The order must be asc or desc, not {order!r}.", field="order")
    parsed = parse(query) if isinstance(query, str) else query
    now = time.time() if now is None else now
    known = list(rows)
    found = known
    if statuses is not None:
        wanted = {_status(status) for status in statuses}
        found = with_status(known, wanted)
    time_to_read = TimeBudget(points_seconds, is_given_up)
    fields = Fields(known, sources or Sources(), now, time_to_read.remaining)
    binder = Binder(fields, now, is_given_up)
    bound = binder.bind(parsed)
    emptied: QueryNotice | None = None
    with closing(binder.logs):
        for index, (term, keep) in enumerate(bound):
            left = [*keep(found)]
            if found and not left:
                emptied = binder.nothing(term, len(found), index == 0)
            found = left
        notices = binder.notices()
        if emptied is not None and not notices and not fields.unread:
            notices = [emptied]
        if strict:
            for one in notices + of_unread(fields, points_seconds):
                if one.is_serious and not (partial and one.is_partial):
                    raise one.error()
        offset = max(0, offset)
        end = None if limit is None else offset + max(0, limit)
        in_order, about_sort = ordered(found, fields, sort, order, end)
        items = in_order[offset:]
        needles = [*wanted_needles(parsed.term)] if excerpts else []
        lines = ((row.name, binder.logs.excerpt(row, needles)) for row in items if needles)
        shown = {name: line for name, line in lines if line is not None}
    values, best_of = aggregate_values(items, fields, aggregates), best_values(found, fields, best)
    notices += about_sort + of_unread(fields, points_seconds)
    return QueryResult(items, len(found), notices, shown, values, best_of, usage_of(found))


def _status(word: str) -> str:
    status = word.strip().lower()
    if status in SHOWN_STATUSES:
        return status
    raise InvalidInput(f"Unknown status {word!r}. {close_to(status, SHOWN_STATUSES)[1]}", field="status")
