"""Telling another service what happened to tasks: a POST to an address that the server's owner chose."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPRequest

from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.service.http_errors import to_json

TIMEOUT = 10.0  # seconds for one try
PAUSES = (2.0, 30.0)  # seconds before the second and the third try
MAX_PENDING = 20  # messages on their way; with more the service is too slow, and they are dropped

# Slack escapes no more than &, < and >, and takes <!channel> for a call; Mattermost also takes @channel.
_MENTION = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE)

_log = logging.getLogger(__name__)


class Webhook:
    """Sends events to an address; it is often a secret, and so never told."""

    def __init__(self, url: str) -> None:
        """An empty `url` sends nothing.

        Raises:
            ValueError: when it is no address of a web server.
        """
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("webhook_url should begin with https:// or http:// and name a host.")
        self._url = url
        self._sending: set[asyncio.Task[None]] = set()

    def tell(self, name: str, facts: dict[str, Any]) -> None:
        """Send an event (see `event_schemas`) without waiting for it."""
        if not self._url:
            return
        if len(self._sending) >= MAX_PENDING:
            _log.warning("The webhook is too slow: the event %s is not sent.", name)
            return
        body = to_json({"text": plain(sentence(name, facts)), "event": name, **facts})
        task = asyncio.ensure_future(self._send(body))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        """Give up what is on its way."""
        tasks = [*self._sending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, body: str) -> None:
        problem = ""
        for pause in (0.0, *PAUSES):
            await asyncio.sleep(pause)
            try:
                await AsyncHTTPClient().fetch(
                    HTTPRequest(
                        self._url,
                        method="POST",
                        body=body,
                        headers={"Content-Type": "application/json"},
                        connect_timeout=TIMEOUT,
                        request_timeout=TIMEOUT,
                        follow_redirects=False,
                    )
                )
                return
            except HTTPError as error:
                problem = f"it answers {error.code}"
                if 400 <= error.code < 500 and error.code not in (408, 429):
                    break  # it will not take it later either
            except OSError as error:
                problem = error.strerror or type(error).__name__
            except Exception as error:  # noqa: BLE001 - whatever it is, its text may name the address
                problem = type(error).__name__
        _log.warning("The webhook could not be told: %s.", problem)


def plain(text: str) -> str:
    """Return a text that chat services show as it is: what a script prints must not call a whole channel,
    or hide behind another text.
    """
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@\u200b", text)


def sentence(name: str, facts: dict[str, Any]) -> str:
    """Return an event as a sentence, as chat services show it."""
    workspace = str(facts.get("workspace", "")).replace("_pyruns_/", "")
    if name == "task_failed":
        said = str(facts.get("message") or f"exit code {facts.get('exit_code')}").rstrip(".")
        return f"{workspace}: {facts.get('task')} failed: {said}."
    if name == "task_silent":
        return f"{workspace}: {facts.get('task')} runs, but has fallen silent."
    if name == "study_ended":
        how = {"finished": "is finished", "stopped": "was stopped"}.get(str(facts.get("state")), "gave up")
        said = str(facts.get("message") or "").rstrip(".")
        return f"{workspace}: the search {facts.get('study')} {how}{f': {said}' if said else ''}."
    counts = [(facts.get(key, 0), key) for key in ("completed", "failed", "cancelled")]
    told = ", ".join(f"{count} {key}" for count, key in counts if count)
    return f"{workspace}: all tasks are done: {told or 'none'}."
