"""Sending files: whole or in ranges (RFC 9110), no faster than the client reads them."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from tornado.iostream import StreamClosedError

from pyruns_jupyter.service.exports import ExportFile, ExportStopped
from pyruns_jupyter.service.files import File, GeneratedFile

from .handler import PyrunsHandler

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class DownloadHandler(PyrunsHandler):
    """A resource that can send files."""

    _export: ExportFile | None = None  # that is being sent

    def on_connection_close(self) -> None:
        """Stop the export whose client is gone."""
        super().on_connection_close()
        if self._export is not None:
            self._export.stop.set()

    async def send_generated(self, file: GeneratedFile) -> None:
        """Send a file while it is generated, which may take seconds for a chunk."""
        if isinstance(file, ExportFile):
            self._export = file
            if self.is_gone:
                file.stop.set()
        try:
            # An error that occurs here is reported as JSON.
            chunk = await self.services.search(next, file.chunks, None)
            self.set_header("Content-Type", file.media_type)
            self.set_header("Content-Disposition", f'attachment; filename="{file.name}"')
            self.set_header("Cache-Control", "no-store")
            while chunk is not None:
                self.write(chunk)
                await self.flush()
                chunk = await self.services.search(next, file.chunks, None)
        except (StreamClosedError, ExportStopped):
            return  # the client is gone
        except BaseException:
            if self._headers_written:  # closing the connection tells the client that the file is not complete
                self.request.connection.stream.close()  # type: ignore[union-attr]  # it is connected
            raise
        finally:
            await self.run(file.chunks.close)
        self.finish(set_content_type=file.media_type)

    async def send_file(self, file: File) -> None:
        """Send a file, or the range of it that the client requests."""
        descriptor, size = await self.run(file.opened)
        try:
            first, last = self._range(size)
            # Files of a run must not run code in the browser with the rights of the user.
            self.set_header("X-Content-Type-Options", "nosniff")
            self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
            self.set_header("Content-Type", file.media_type)
            self.set_header("Accept-Ranges", "bytes")
            self.set_header("Cache-Control", "no-store")
            self.set_header("Content-Length", str(max(0, last + 1 - first)))
            how = "inline" if file.is_inline else "attachment"
            self.set_header("Content-Disposition", f"{how}; filename*=UTF-8''{quote(file.name, safe='')}")
            if self.get_status() == 416:
                self.set_header("Content-Range", f"bytes */{size}")
            elif self.get_status() == 206:
                self.set_header("Content-Range", f"bytes {first}-{last}/{size}")
            while first <= last:
                data = await self.run(
                    _read_at, descriptor, file.offset + first, min(_CHUNK, last + 1 - first)
                )
                if not data:  # the file was truncated: closing the connection tells the client
                    self.request.connection.stream.close()  # type: ignore[union-attr]  # it is connected
                    return
                first += len(data)
                self.write(data)
                await self.flush()
        except StreamClosedError:
            return  # the client is gone
        finally:
            await self.run(os.close, descriptor)
        self.finish(set_content_type=file.media_type)

    def _range(self, size: int) -> tuple[int, int]:
        """Return the first and the last byte to send, and set the status of the response."""
        found = _RANGE.fullmatch(self.request.headers.get("Range", ""))
        if found is None or not any(found.groups()):
            return 0, size - 1  # also for several ranges: a server may send the whole file instead
        begin, end = found.groups()
        if begin:
            first, last = int(begin), min(int(end) if end else size - 1, size - 1)
        else:
            first, last = max(0, size - int(end)), size - 1
        if first > last or first >= size:
            self.set_status(416)
            return 0, -1
        self.set_status(206)
        return first, last


def _read_at(descriptor: int, offset: int, limit: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, limit)
