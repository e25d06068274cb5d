"""A growing log, and the search in one, for the views of a widget: each from a thread of its own."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from pyruns_jupyter.core.logs.reader import LogFollower, LogReset
from pyruns_jupyter.core.logs.search import LogSearch, is_last, start_search
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.http_errors import to_json
from pyruns_jupyter.service.logruns import RunWatch, latest_run, log_start, run_state
from pyruns_jupyter.service.logs import find_log
from pyruns_jupyter.service.path_guard import check_inside

from .streams import Frame

WINDOW = 1024 * 1024  # bytes that may be on their way without an acknowledgement
MAX_UNACKNOWLEDGED = 8 * WINDOW  # bytes; the view of a busy kernel gets no more, nor does a page that is gone
CHUNK = 128 * 1024  # bytes in a frame
BUSY_PAUSE = 0.5  # seconds between two frames while nobody acknowledges
MIN_PERIOD_SECONDS, MAX_PERIOD_SECONDS = 0.05, 0.5  # seconds between two looks at a log that does not grow
SETTLE = 0.2  # seconds in which the last lines of a run that just ended may still arrive

_log = logging.getLogger(__name__)


class LogStream:
    """Sends one run's log to one view, with the messages of the server's `logs/stream`.

    A kernel that is busy with a cell receives no acknowledgements. The log continues then, a frame at a time,
    until `MAX_UNACKNOWLEDGED` bytes are on their way: Jupyter keeps what nobody receives in memory.
    """

    def __init__(
        self,
        workspace: WorkspaceFolder,
        name: str,
        *,
        run: int | None,
        offset: int | None,
        tail: int | None,
        send: Frame,
        ended: Callable[[], None],
    ) -> None:
        """Find the task and the run.

        Raises:
            NotFound: when there is no such task or run.
        """
        paths = workspace.existing(name)
        info = read_task(paths.folder)
        self._run = latest_run(info) if run is None else run
        self._watch = RunWatch(paths, self._run, run_state(info, self._run, waited=False))
        path = check_inside(paths.log(self._run), paths.folder)
        self._offset, self._size = log_start(path, offset, tail)
        self._acknowledged = self._offset
        self._task = name
        self._path = path
        self._send = send
        self._ended = ended
        self._heard = threading.Condition()
        self._closed = False

    def start(self) -> None:
        """Begin to send."""
        threading.Thread(target=self._follow, name="pyruns-log", daemon=True).start()

    def receive(self, text: str) -> None:
        """Take an acknowledgement, `{"ack": offset}`; anything else is passed over."""
        try:
            offset = json.loads(text)["ack"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        with self._heard:
            if isinstance(offset, int) and self._acknowledged < offset <= self._offset:
                self._acknowledged = offset
                self._heard.notify()

    def close(self) -> None:
        """Send nothing more."""
        with self._heard:
            self._closed = True
            self._heard.notify()

    def _follow(self) -> None:
        follower = LogFollower(self._path, self._offset)
        try:
            self._send_all(follower)
        except OSError as error:
            _log.warning("%s cannot be read: %s", self._path, error)
        except Exception:  # noqa: BLE001 - it ends as a stream without a fault does
            _log.exception("The stream of %s failed.", self._path)
        finally:
            follower.close()
            self._ended()

    def _send_all(self, follower: LogFollower) -> None:
        self._tell("header", size=self._size, task=self._task)
        pause, settled = MIN_PERIOD_SECONDS, False
        while not self._closed:
            over = self._watch.state.over  # known before the read that finds nothing more
            data = self._read(follower)
            if data:
                pause, settled = MIN_PERIOD_SECONDS, False
                self._offset += len(data)
                self._send(data)
                self._wait_for_room()
                continue
            if over and settled:
                self._tell("end", size=self._offset, exit_code=self._watch.state.exit_code)
                return
            settled = over
            time.sleep(SETTLE if over else pause)
            pause = min(1.5 * pause, MAX_PERIOD_SECONDS)
            self._watch.look()

    def _read(self, follower: LogFollower) -> bytes:
        try:
            return follower.read(CHUNK)
        except LogReset as reset:
            with self._heard:
                self._offset = self._acknowledged = 0
            self._tell("reset", size=0, reason=reset.reason)
            return b""

    def _wait_for_room(self) -> None:
        with self._heard:
            self._heard.wait_for(lambda: self._has_room(WINDOW), timeout=BUSY_PAUSE)
            self._heard.wait_for(lambda: self._has_room(MAX_UNACKNOWLEDGED))

    def _has_room(self, most: int) -> bool:
        return self._closed or self._offset - self._acknowledged < most

    def _tell(self, kind: str, **more: Any) -> None:
        if not self._closed:
            status = self._watch.state.status
            message = {"type": kind, "run": self._run, "offset": self._offset, "status": status, **more}
            self._send(to_json(message))


class SearchStream:
    """Tells the hits of a search in a log, a line of JSON after each part, as the server's `logs/search`."""

    def __init__(
        self,
        workspace: WorkspaceFolder,
        name: str,
        wanted: LogSearch,
        *,
        run: int | None,
        send: Frame,
        failed: Callable[[Exception], None],
        ended: Callable[[], None],
    ) -> None:
        """Begin to search.

        Raises:
            NotFound: when there is no such log.
        """
        self._process = start_search(find_log(workspace, name, run)[0], wanted)
        self._send = send
        self._failed = failed
        self._ended = ended

    def start(self) -> None:
        """Begin to tell."""
        threading.Thread(target=self._search, name="pyruns-search", daemon=True).start()

    def receive(self, text: str) -> None:
        """There is nothing to be said to a search."""

    def close(self) -> None:
        """Stop searching."""
        self._process.kill()

    def _search(self) -> None:
        try:
            line = b""
            while not is_last(line):
                line = self._process.next_line()
                self._send(line.decode())
        except Exception as error:  # noqa: BLE001 - reported to the view
            self._failed(error)
        finally:
            self._process.close()
            self._ended()
