"""Tasks side by side."""

from __future__ import annotations

from pyruns_jupyter.service.compare import Comparing

from .handler import READ, PyrunsHandler, endpoint


class CompareHandler(PyrunsHandler):
    """`workspaces/{ws}/compare`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer in which parameters tasks differ, and their figures."""
        texts = {key: self.query_text(key) for key in ("query", "status", "sort", "order")}
        names = tuple(dict.fromkeys(self.get_query_arguments("name", strip=False)))
        await self._compare(ws, Comparing(names=names, **texts))

    @endpoint(READ)
    async def post(self, ws: str) -> None:
        """The same for so many names that an address does not hold them."""
        await self._compare(ws, Comparing.read(await self.body("names")))

    def update_api_activity(self) -> None:
        """Looking is nobody's work, also where it takes a body."""

    async def _compare(self, ws: str, wanted: Comparing) -> None:
        watcher = self.services.watcher(await self.run(self.workspace, ws))
        found = await self.search(await watcher.look(wanted.reader(lambda: self.is_gone)))
        if found is not None:
            await self.answer(found)
