"""Tasks changed or gone: the event socket of a workspace."""

from __future__ import annotations

from pyruns_jupyter.live.watcher import Watcher
from pyruns_jupyter.service.events import greeting
from pyruns_jupyter.service.http_errors import to_json

from .streams import Send, StreamHandler, no_messages


class EventConnection:
    """Tells one client what changes in a workspace, from the revision it knows on."""

    def __init__(self, watcher: Watcher, epoch: str, since: int | None) -> None:
        self._watcher = watcher
        self._epoch = epoch
        self._since = since

    receive = staticmethod(no_messages)

    async def run(self, send: Send) -> None:
        """Send `hello`, then `changes` or `reset` whenever something changed.

        The next message is made only when the last one is on its way, so that a slow client gets fewer and
        larger ones.
        """
        async with self._watcher.listening() as changed:
            messages, revision = await self._watcher.look(
                lambda index: greeting(index, self._epoch, self._since)
            )
            for message in messages:
                await send(to_json(message))
            while True:
                found = await self._watcher.message_since(revision)
                if found is None:
                    await changed.wait()
                    changed.clear()
                else:
                    revision, text = found
                    await send(text)


class EventStream(StreamHandler):
    """`workspaces/{ws}/events`"""

    async def connect(self, *arguments: str) -> EventConnection:
        """Find the workspace."""
        watcher = self.services.watcher(await self.services.run(self.services.paths.workspace, arguments[0]))
        return EventConnection(watcher, self.get_query_argument("epoch", ""), self.query_number("since"))
