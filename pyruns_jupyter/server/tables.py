"""What tables of tasks show beside the tasks: which columns there are, groups, small curves."""

from __future__ import annotations

from pyruns_jupyter.service.columns import columns_reader
from pyruns_jupyter.service.curves import MOST, MOST_POINTS, curves
from pyruns_jupyter.service.groups import Grouping

from .handler import READ, PyrunsHandler, endpoint


class ColumnsHandler(PyrunsHandler):
    """`workspaces/{ws}/columns`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer what the tasks have values of."""
        watcher = self.services.watcher(await self.run(self.workspace, ws))
        self.answer_text(watcher.known("columns") or await watcher.answer("columns", columns_reader))


class GroupsHandler(PyrunsHandler):
    """`workspaces/{ws}/groups`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer tasks that are alike as one item each."""
        texts = {key: self.query_text(key) for key in ("query", "status", "sort", "order")}
        limit = self.query_number("limit", low=1, high=1000)
        wanted = Grouping(
            by=tuple(dict.fromkeys(self.get_query_arguments("by", strip=False))),
            fold=tuple(dict.fromkeys(self.get_query_arguments("fold", strip=False))),
            offset=self.query_number("offset") or 0,
            limit=200 if limit is None else limit,
            **texts,
        )
        watcher = self.services.watcher(await self.run(self.workspace, ws))
        make = await watcher.look(lambda index: wanted.reader(index, lambda: self.is_gone))
        found = await self.search(make)
        if found is not None:
            await self.answer(found)


class CurvesHandler(PyrunsHandler):
    """`workspaces/{ws}/curves`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer curves of several tasks."""
        names = list(dict.fromkeys(self.get_query_arguments("name", strip=False)))[:MOST]
        keys = list(dict.fromkeys(self.get_query_arguments("key", strip=False))) or None
        points = self.query_number("points", low=2, high=MOST_POINTS) or 40
        run = self.query_number("run", low=1)
        await self.answer(await self.run(lambda: curves(self.workspace(ws), names, keys, points, run)))
