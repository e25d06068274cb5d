"""Results to download."""

from __future__ import annotations

from tornado.iostream import StreamClosedError

from pyruns_jupyter.service.exports import Export, export_chunks
from pyruns_jupyter.service.operations import READ

from .handler import PyrunsHandler, endpoint


class ExportHandler(PyrunsHandler):
    """`workspaces/{ws}/export`"""

    @endpoint(READ)
    async def get(self, ws: str) -> None:
        """Answer results as a file, a part at a time."""
        wanted = Export.read(self.query_text)
        workspace = await self.run(self.workspace, ws)
        find = await self.services.watcher(workspace).look(wanted.names, max_age=0.0)
        names = await self.services.search(lambda: None if self.is_gone else find())
        if names is None:
            return
        chunks = export_chunks(workspace, wanted, names)
        try:
            first = await self.run(next, chunks, None)  # what is wrong is answered as an error
            self.set_header("Content-Type", wanted.media_type)
            name = wanted.file_name(workspace)
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
            self.set_header("Cache-Control", "no-store")
            chunk = first
            while chunk is not None:
                self.write(chunk)
                await self.flush()
                chunk = await self.run(next, chunks, None)
        except StreamClosedError:
            return  # nobody wants the rest
        finally:
            await self.run(chunks.close)
        self.finish(set_content_type=wanted.media_type)
