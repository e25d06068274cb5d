"""A client of the REST API that checks each answer against its description."""

from __future__ import annotations

import asyncio
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

import yaml
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders
from tornado.websocket import WebSocketClientConnection, websocket_connect

import pyruns_jupyter

PATIENCE = 120.0  # seconds; a safety net, no measure
DESCRIPTION = Path(pyruns_jupyter.__file__).parent / "server" / "openapi.yaml"
OPENAPI: dict[str, Any] = yaml.load(DESCRIPTION.read_bytes(), yaml.CSafeLoader)
_jsonschema: Any = importlib.import_module("jsonschema")
ValidationError: type[Exception] = _jsonschema.ValidationError
_Validator = _jsonschema.Draft202012Validator
METHODS = ("get", "post", "put", "patch", "delete")


def operation(method: str, address: str) -> dict[str, Any]:
    """The description of a method at an address such as `/workspaces/{ws}`."""
    return cast("dict[str, Any]", OPENAPI["paths"][address][method.lower()])


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that is meant by a reference or by alternatives: the first that is not null."""
    while "$ref" in schema:
        schema = OPENAPI["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return resolve(alternatives[0]) if alternatives else schema


def check(schema: dict[str, Any], value: object) -> None:
    """Check a value against a schema of the description."""
    whole = {**schema, "components": OPENAPI["components"]}
    _Validator(whole).validate(value)


def check_schema(name: str, value: object) -> None:
    """Check a value against a named schema."""
    check({"$ref": f"#/components/schemas/{name}"}, value)


def check_answer(method: str, address: str, status: int, headers: HTTPHeaders, body: bytes) -> Any:
    """Check an answer against the description; return its JSON, or its bytes when it is none."""
    responses = operation(method, address)["responses"]
    described = responses.get(str(status), responses["default"])
    if "$ref" in described:
        described = OPENAPI["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    kinds = described.get("content", {})
    if not kinds:
        assert body == b""
        return None
    kind = headers["Content-Type"].split(";")[0]
    if "*/*" in kinds:
        return body
    assert kind in kinds, f"{kind} is not described for {method} {address}"
    if kind != "application/json":
        return body
    value = json.loads(body, parse_constant=refuse_constant)
    check(kinds[kind]["schema"], value)
    if status >= 400:
        assert value["message"].endswith((".", "?")), f"no sentence: {value['message']!r}"
    return value


def refuse_constant(name: str) -> None:
    """Refuse what Python reads in JSON though JSON does not have it."""
    raise ValueError(f"JSON has no {name}")


@dataclass
class Answer:
    """What a request brought."""

    status: int
    body: Any
    headers: HTTPHeaders


class Api:
    """Sends requests to the server of a test."""

    def __init__(self, client: Any, port: int, base_url: str, headers: dict[str, str]) -> None:
        self._client = client
        self._origin = f"localhost:{port}"
        self._base = base_url.rstrip("/")
        self.headers = headers
        self._streams: list[Stream] = []

    def path(self, address: str, query: dict[str, Any] | None = None, **parts: str) -> str:
        """The path of an address with its parts filled in."""
        filled = address.format(**{key: quote(value, safe="") for key, value in parts.items()})
        return f"{self._base}/pyruns/api{filled}" + (f"?{urlencode(query, doseq=True)}" if query else "")

    async def raw(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """Send a request as it is, without any check."""
        response = await self._client.fetch(
            path,
            method=method.upper(),
            body=body,
            headers=self.headers if headers is None else headers,
            raise_error=False,
            allow_nonstandard_methods=True,
            follow_redirects=False,
            connect_timeout=PATIENCE,
            request_timeout=PATIENCE,
        )
        return cast("HTTPResponse", response)

    async def __call__(
        self,
        method: str,
        address: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **parts: Any,
    ) -> Answer:
        """Send a request to an address of the description and check the answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        response = await self.raw(method, self.path(address, query, **parts), data, headers)
        checked = check_answer(method, address, response.code, response.headers, response.body)
        return Answer(response.code, checked, response.headers)

    async def get(self, address: str, query: dict[str, Any] | None = None, **parts: Any) -> Any:
        """The body of a GET that has to succeed."""
        answer = await self("get", address, query=query, **parts)
        assert answer.status == 200, answer.body
        return answer.body

    async def post(self, address: str, body: Any, **parts: Any) -> Any:
        """The body of a POST that has to succeed."""
        answer = await self("post", address, body, **parts)
        assert answer.status in (200, 201), answer.body
        return answer.body

    async def stream(
        self,
        address: str,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **parts: str,
    ) -> Stream:
        """Open a websocket."""
        request = HTTPRequest(
            f"ws://{self._origin}{self.path(address, query, **parts)}",
            headers=self.headers if headers is None else headers,
            connect_timeout=PATIENCE,
            request_timeout=PATIENCE,
        )
        stream = Stream(await websocket_connect(request))
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        """Leave all websockets."""
        for stream in self._streams:
            stream.close()


class Stream:
    """A websocket's client."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection

    async def frame(self, timeout: float = PATIENCE) -> str | bytes | None:
        """The next frame, None when the server closed."""
        return await asyncio.wait_for(_read(self.connection), timeout)

    async def message(self, schema: str) -> dict[str, Any]:
        """The next frame, which is a JSON message."""
        frame = await self.frame()
        assert isinstance(frame, str), frame
        value = json.loads(frame)
        check_schema(schema, value)
        return cast("dict[str, Any]", value)

    async def send(self, value: object) -> None:
        """Send a JSON frame."""
        await self.connection.write_message(json.dumps(value))

    def close(self) -> None:
        """Leave."""
        self.connection.close()


async def _read(connection: WebSocketClientConnection) -> str | bytes | None:
    return await connection.read_message()


async def until(condition: Any, what: str = "") -> Any:
    """Wait until an asynchronous condition returns something true, and return that."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        found = await condition()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"in vain: {what}"
        await asyncio.sleep(0.05)
