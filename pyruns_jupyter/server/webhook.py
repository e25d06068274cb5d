"""Sending events to another service: a POST request to the configured URL."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPRequest

from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.service.http_errors import to_json

TIMEOUT = 10.0  # seconds of one attempt
PAUSES = (2.0, 30.0)  # seconds before the second and the third attempt
MAX_PENDING = 20  # messages; further ones are dropped because the service is too slow

# Slack escapes only &, < and >, and <!channel> notifies everybody; in Mattermost also @channel.
_MENTION = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE)

_log = logging.getLogger(__name__)


class Webhook:
    """Sends events to a URL. The URL is often a secret and is never logged."""

    def __init__(self, url: str) -> None:
        """With an empty `url`, nothing is sent.

        Raises:
            ValueError: if it is not an HTTP URL.
        """
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("webhook_url must be an https:// or http:// URL with a host name.")
        self._url = url
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, name: str, facts: dict[str, Any]) -> None:
        """Send an event (see `event_schemas`) without waiting for it."""
        if not self._url:
            return
        if len(self._sending) >= MAX_PENDING:
            _log.warning("The webhook is too slow. The event %s was dropped.", name)
            return
        body = to_json({**facts, "event": name, "text": plain(sentence(name, facts))})
        task = asyncio.ensure_future(self._post(body))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        """Cancel pending messages."""
        tasks = [*self._sending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _post(self, body: str) -> None:
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
                problem = f"status {error.code}"
                if 400 <= error.code < 500 and error.code not in (408, 429):
                    break  # another attempt would fail too
            except OSError as error:
                problem = error.strerror or type(error).__name__
            except Exception as error:  # noqa: BLE001 - its text may contain the URL
                problem = type(error).__name__
        _log.warning("Cannot send an event to the webhook: %s.", problem)


def plain(text: str) -> str:
    """Return a text that chat services show literally: the output of a script must not notify a channel or
    look like another text.
    """
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@\u200b", text)


def sentence(name: str, facts: dict[str, Any]) -> str:
    """Return an event as a sentence for chat services."""
    workspace = str(facts.get("workspace", "")).replace("_pyruns_/", "")
    if name == "task_failed":
        message = str(facts.get("message") or f"exit code {facts.get('exit_code')}").rstrip(".")
        return f"Task {facts.get('task')} in {workspace} failed: {message}."
    if name == "task_silent":
        return (
            f"Task {facts.get('task')} in {workspace} is stalled. It has produced no output or "
            "metrics for a while."
        )
    if name == "alert_sent":
        text = f": {facts['text']}" if facts.get("text") else ""
        task = f"task {facts.get('task')} in {workspace}"
        return f"Alert ({facts.get('level')}) of {task}: {facts.get('title')}{text}"
    if name == "study_ended":
        how = {"finished": "has finished", "stopped": "was stopped"}.get(str(facts.get("state")), "failed")
        message = str(facts.get("message") or "").rstrip(".")
        return f"Study {facts.get('study')} in {workspace} {how}{f': {message}' if message else ''}."
    counts = [(facts.get(key, 0), key) for key in ("completed", "failed", "cancelled")]
    summary = ", ".join(f"{count} {key}" for count, key in counts if count)
    why = f" {facts['summary']}" if facts.get("summary") else ""
    return f"All tasks in {workspace} have ended ({summary or 'none'}).{why}"
