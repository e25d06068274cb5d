"""Select the rows that match a query, in order, with notices about it."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.taskfile.runs import STATUSES
from pyruns_jupyter.core.tasks.row import TaskRow

from .ast import Query
from .compile import Binder
from .diagnostics import QueryNotice
from .fields import Fields, Sources
from .logs import Excerpt, wanted_needles
from .order import ordered
from .parser import parse


@dataclass(frozen=True)
class QueryResult:
    """A page of the rows that match, how many match, and notices about the query."""

    items: list[TaskRow]
    total: int
    notices: list[QueryNotice] = field(default_factory=list)
    excerpts: dict[str, Excerpt] = field(default_factory=dict)  # by name


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
    now: float | None = None,
    is_given_up: Callable[[], bool] | None = None,
) -> QueryResult:
    """Return the rows that match a search.

    Args:
        rows: those of a workspace.
        query: what to look for.
        statuses: which of those to return, all when None.
        sort: fields between commas, the most important one first, each with a `-` before it when it goes the
            other way; see `docs/query.md`. Pinned tasks come first in any case.
        order: `asc` or `desc`.
        offset: how many to leave out.
        limit: how many to return, None for all.
        sources: where configurations and logs are.
        strict: refuse what would return other tasks than were meant (a field that there is not, logs that
            could not be read) instead of a notice; for callers that act on the result.
        partial: whether `strict` accepts, with a notice, that not all logs could be searched.
        excerpts: whether to return the first line of each log that matches.
        now: the time in epoch seconds.
        is_given_up: whether the client is gone; called between searches in texts and logs.

    Raises:
        InvalidInput: when the query, a status or the order is not understood, or a field is ambiguous.
    """
    if order not in ("asc", "desc"):
        raise InvalidInput(f"The order is asc or desc, not {order!r}.", field="order")
    parsed = parse(query) if isinstance(query, str) else query
    now = time.time() if now is None else now
    known = list(rows)
    found = known
    if statuses is not None:
        wanted = {_status(status) for status in statuses}
        found = [row for row in known if row.status in wanted]
    fields = Fields(known, sources or Sources(), now)
    binder = Binder(fields, now, is_given_up)
    bound = binder.bind(parsed)
    emptied: QueryNotice | None = None
    with closing(binder.logs):
        for term, check in bound:
            left = [row for row in found if check(row)]
            if found and not left:
                emptied = binder.nothing(term, len(found), len(bound) == 1)
            found = left
        notices = binder.notices()
        if emptied is not None and not notices:
            notices = [emptied]
        if strict:
            for said in notices:
                if said.is_serious and not (partial and said.is_partial):
                    raise said.error()
        in_order, about_sort = ordered(found, fields, sort, order)
        offset = max(0, offset)
        end = None if limit is None else offset + max(0, limit)
        items = in_order[offset:end]
        needles = [*wanted_needles(parsed.term)] if excerpts else []
        lines = ((row.name, binder.logs.excerpt(row, needles)) for row in items if needles)
        shown = {name: line for name, line in lines if line is not None}
    return QueryResult(items, len(found), notices + about_sort, shown)


def _status(word: str) -> str:
    status = word.strip().lower()
    if status in STATUSES:
        return status
    close = difflib.get_close_matches(status, STATUSES, 1)
    hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(STATUSES)}."
    raise InvalidInput(f"There is no status {word!r}: {hint}", field="status")
