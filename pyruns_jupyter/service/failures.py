"""The failed ones of some tasks, grouped by their error."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pyruns_jupyter.core import query
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.tasks.failure_groups import failure_groups
from pyruns_jupyter.core.tasks.index import TaskIndex

from .actions import MAX_NAMES
from .tasks import Selection


class FailuresRequest(Selection, frozen=True):
    """The tasks whose failures to group: those of `names`, or those that match the query."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.names and (self.query or self.status):
            raise InvalidInput("Specify either task names, or 'query' and 'status', not both.", field="names")
        if len(self.names) > MAX_NAMES:
            raise InvalidInput(
                f"At most {MAX_NAMES:,} names are allowed, not {len(self.names):,}. Use a query instead.",
                field="names",
            )

    def reader(self, index: TaskIndex, is_given_up: Callable[[], bool]) -> Callable[[], dict[str, Any]]:
        """Return a slow function that makes the `Failures` from the present index.

        It raises InvalidInput if the query is not valid.
        """
        wanted = {*self.names}
        named = [row for name, row in index.rows.items() if name in wanted]
        select = self.selection(index)
        if self.names:
            select = partial(query.select, named, limit=None, sources=query.Sources.of(index))

        def make() -> dict[str, Any]:
            chosen = select(is_given_up=is_given_up).items
            known = index.configs()
            configs = [known.get(row.name) or row.swept for row in chosen]
            groups = failure_groups(index.workspace, chosen, configs, is_given_up)
            return {"tasks": len(chosen), "groups": [one.to_dict() for one in groups]}

        return make
