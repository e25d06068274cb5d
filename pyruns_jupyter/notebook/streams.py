"""What goes on until it is closed: news of a workspace and of the machine, for the views of a widget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from pyruns_jupyter.service import events
from pyruns_jupyter.service.http_errors import to_json
from pyruns_jupyter.system.sampler import Sampler

from .watch import Watch

Frame = Callable[[str | bytes], None]


class Stream(Protocol):
    """One stream to one view. Nothing is sent before `start`, and `close` may come at any moment."""

    def start(self) -> None: ...

    def receive(self, text: str) -> None:
        """Hear what the view says."""

    def close(self) -> None: ...


class _Telling:
    """A stream that hears nothing."""

    def receive(self, text: str) -> None:
        """Pass over what a view says."""

    def close(self) -> None:
        """Send nothing more."""
        self._end()

    _end: Callable[[], None] = staticmethod(lambda: None)


class EventStream(_Telling):
    """What changes in a workspace, with the messages of the server's `events`."""

    def __init__(self, watch: Watch, *, epoch: str, since: int | None, send: Frame) -> None:
        self._watch = watch
        self._epoch = epoch
        self._since = since
        self._send = send
        self._telling = threading.Lock()
        self._revision = 0

    def start(self) -> None:
        """Send the greeting, and go on."""
        messages, self._revision = self._watch.look(
            lambda index: events.greeting(index, self._epoch, self._since)
        )
        for message in messages:
            self._send(to_json(message))
        self._end = self._watch.listen(self._heard)
        self._heard()  # what changed since the greeting, before anybody listened

    def _heard(self) -> None:
        with self._telling:
            news = self._watch.look(lambda index: events.message_since(index, self._revision))
            if news is not None:
                self._revision = news["revision"]
                self._send(to_json(news))


class SystemStream(_Telling):
    """The loads of the machine, with the messages of the server's `system/stream`."""

    def __init__(self, sampler: Sampler, send: Frame) -> None:
        self._sampler = sampler
        self._send = send

    def start(self) -> None:
        """Send what is known, and go on."""
        self._send(to_json({"type": "history", "samples": self._sampler.history()}))
        self._end = self._sampler.subscribe(
            lambda sample: self._send(to_json({"type": "sample", "samples": [sample]}))
        )
