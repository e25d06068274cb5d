"""Files to download: whole or by ranges (RFC 9110), no faster than the client takes them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from urllib.parse import quote

from tornado.iostream import StreamClosedError

from .handler import PyrunsHandler

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class DownloadHandler(PyrunsHandler):
    """A resource that sends a file."""

    async def send_file(
        self, open_file: Callable[[], int], name: str, media_type: str, *, inline: bool = False
    ) -> None:
        """Send the file that `open_file` opens, under a name for saving it; a browser may show it when it is
        `inline`.
        """
        descriptor, size = await self.run(_opened, open_file)
        try:
            first, last = self._range(size)
            # Nothing that a run has written may run in the browser with the user's rights.
            self.set_header("X-Content-Type-Options", "nosniff")
            self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
            self.set_header("Content-Type", media_type)
            self.set_header("Accept-Ranges", "bytes")
            self.set_header("Cache-Control", "no-store")
            self.set_header("Content-Length", str(max(0, last + 1 - first)))
            how = "inline" if inline else "attachment"
            self.set_header("Content-Disposition", f"{how}; filename*=UTF-8''{quote(name, safe='')}")
            if self.get_status() == 416:
                self.set_header("Content-Range", f"bytes */{size}")
            elif self.get_status() == 206:
                self.set_header("Content-Range", f"bytes {first}-{last}/{size}")
            while first <= last:
                data = await self.run(_read_at, descriptor, first, min(_CHUNK, last + 1 - first))
                if not data:  # it was cut meanwhile: the client sees that something is missing
                    self.request.connection.stream.close()  # type: ignore[union-attr]  # there is one while we answer
                    return
                first += len(data)
                self.write(data)
                await self.flush()
        except StreamClosedError:
            return  # nobody wants the rest
        finally:
            await self.run(os.close, descriptor)
        self.finish(set_content_type=media_type)

    def _range(self, size: int) -> tuple[int, int]:
        """Return the first and the last byte that are wanted, and set the status accordingly."""
        found = _RANGE.fullmatch(self.request.headers.get("Range", ""))
        if found is None or not any(found.groups()):
            return 0, size - 1  # also for several ranges: a server may send the whole instead
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


def _opened(open_file: Callable[[], int]) -> tuple[int, int]:
    descriptor = open_file()
    try:
        return descriptor, os.fstat(descriptor).st_size
    except BaseException:
        os.close(descriptor)
        raise


def _read_at(descriptor: int, offset: int, limit: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, limit)
