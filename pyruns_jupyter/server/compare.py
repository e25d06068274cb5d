"""Tasks side by side."""

from __future__ import annotations

from ..resources.compare import Comparing
from .handler import READ, PyrunsHandler, endpoint


class CompareHandler(PyrunsHandler):
    """`workspaces/{ws}/compare`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer in which parameters tasks differ, and their figures."""
        texts = {key: self.query_text(key) for key in ("query", "status", "sort", "order")}
        names = tuple(dict.fromkeys(self.get_query_arguments("name", strip=False)))
        wanted = Comparing(names=names, **texts)
        watcher = self.services.watcher(await self.run(self.workspace, ws))
        found = await self.search(await watcher.look(wanted.reader(lambda: self.is_gone)))
        if found is not None:
            self.answer(found)
