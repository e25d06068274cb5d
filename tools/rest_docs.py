"""Write `docs/rest.md` and `docs/rest/*.md` from `openapi.yaml`; `--check` fails if they are outdated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from tools.generated import ROOT, main, table

SOURCE = ROOT / "pyruns_jupyter" / "server" / "openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")

Schema = dict[str, Any]


class Resource(NamedTuple):
    """A page of operations: its title, and the pattern of their paths."""

    title: str
    paths: str


# By the name of the page. An operation is on the first page whose pattern matches its path.
RESOURCES = {
    "system": Resource("Server and machine", "/status|/system"),
    "queue": Resource("Queue", ".*/queue"),
    "studies": Resource("Studies", ".*/(studies.*|searches)"),
    "runs": Resource("Runs, logs and artifacts", ".*/(logs|runs).*"),
    "results": Resource("Metrics and results", ".*/(compare|columns|groups|curves|media|export|tracks)"),
    "tasks": Resource("Tasks", ".*/(tasks.*|actions|preview|trash|templates)"),
    "workspaces": Resource("Workspaces and settings", "/workspaces.*"),
}
OVERVIEW = "rest.md"
# Schemas that the overview describes; each other schema is on the first page that uses it.
SHARED = ("Error", "FieldError", "EventMessage", "LogMessage", "SystemMessage")
# The order of the pages, for readers and for schemas that several pages use.
ORDER = ("workspaces", "tasks", "runs", "results", "queue", "studies", "system")


class Reference:
    """The pages of an OpenAPI description."""

    def __init__(self, description: Schema) -> None:
        self._info = description["info"]["description"].strip()
        self._components = description["components"]
        self._operations: dict[str, list[tuple[str, str, Schema]]] = {name: [] for name in ORDER}
        for path, item in description["paths"].items():
            name = next(name for name, one in RESOURCES.items() if re.fullmatch(one.paths, path))
            common = item.get("parameters", [])
            for method in METHODS:
                if method in item:
                    operation = {**item[method], "parameters": [*common, *item[method].get("parameters", [])]}
                    self._operations[name].append((method, path, operation))
        self._page_of: dict[str, str] = dict.fromkeys(SHARED, OVERVIEW)
        for name in ORDER:
            for _, _, operation in self._operations[name]:
                self._place(operation, _page(name))
        for name in SHARED:
            self._place(self._components["schemas"][name], _page("system" if "System" in name else "tasks"))

    def pages(self) -> dict[str, Iterator[str]]:
        """Return the lines of each page, by its path in `docs`."""
        return {OVERVIEW: self._overview(), **{_page(name): self._resource(name) for name in ORDER}}

    def _place(self, node: object, page: str) -> None:
        """Assign the schemas that a node refers to or mentions, and those of these schemas, to a page."""
        if isinstance(node, str):
            schemas = self._components["schemas"]
            for name in re.findall(r"(?:`|^#/components/schemas/)(\w+)(?:`|$)", node):
                if name in schemas and name not in self._page_of:
                    self._page_of[name] = page
                    self._place(schemas[name], page)
        elif isinstance(node, list):
            for one in node:
                self._place(one, page)
        elif isinstance(node, dict):
            self._place([*node.values()], page)

    def _overview(self) -> Iterator[str]:
        yield "# REST API and websockets\n"
        yield self._info + "\n"
        yield "## Endpoints\n"
        for name in ORDER:
            yield f"### {RESOURCES[name].title}\n"
            rows = (
                (
                    f"[{method.upper()} `{path[1:]}`]({_page(name)}#{_anchor(method, path)})",
                    operation["summary"],
                )
                for method, path, operation in self._operations[name]
            )
            yield from table(("endpoint", "description"), rows)
        yield "## Schemas of errors and websockets\n"
        yield from self._schemas(OVERVIEW)
        yield "```{toctree}\n:hidden:\n"
        yield from (_page(name).removesuffix(".md") for name in ORDER)
        yield "```"

    def _resource(self, name: str) -> Iterator[str]:
        yield f"# REST API: {RESOURCES[name].title.lower()}\n"
        yield "[REST API and websockets](../rest.md) describes paths, permissions, units and errors.\n"
        yield "## Endpoints\n"
        for method, path, operation in self._operations[name]:
            yield from self._operation(_page(name), method, path, operation)
        if _page(name) in self._page_of.values():
            yield "## Schemas\n"
            yield from self._schemas(_page(name))

    def _operation(self, page: str, method: str, path: str, operation: Schema) -> Iterator[str]:
        yield f"### {method.upper()} `{path[1:]}`\n"
        yield operation["summary"] + ".\n"
        if "description" in operation:
            yield operation["description"].strip() + "\n"
        parameters = (one for one in map(self._resolved, operation["parameters"]) if one["in"] != "path")
        rows = ((f"`{one['name']}`", self._type(one["schema"], page), _described(one)) for one in parameters)
        yield from table(("parameter", "type", "description"), rows)
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if body is not None:
            yield f"Request body: {self._type(body, page)}\n"
        responses = (
            (f"`{status}`", answer["description"], self._content(answer.get("content", {}), page))
            for status, answer in operation["responses"].items()
            if status != "default"
        )
        yield from table(("status", "response", "content"), responses)

    def _content(self, kinds: Mapping[str, Any], page: str) -> str:
        return ", ".join(
            self._type(kind["schema"], page) if name == "application/json" else f"`{name}`"
            for name, kind in kinds.items()
        )

    def _schemas(self, page: str) -> Iterator[str]:
        for name, schema in sorted(self._components["schemas"].items()):
            if self._page_of.get(name) == page:
                yield from self._schema(name, schema, page)

    def _schema(self, name: str, schema: Schema, page: str) -> Iterator[str]:
        yield f"### {name}\n"
        if "description" in schema:
            yield schema["description"].rstrip(".") + ".\n"
        bases = [one for one in schema.get("allOf", ()) if "$ref" in one]
        if bases:
            links = " and ".join(self._type(one, page) for one in bases)
            yield f"All fields of {links}, and:\n"
            schema = next(one for one in schema["allOf"] if "properties" in one)
        properties = schema.get("properties")
        if not properties:
            yield f"Type: {self._type(schema, page)}\n"
            return
        required = schema.get("required", [])
        rows = (
            (
                f"`{key}`" if key in required else f"`{key}` (optional)",
                self._type(inner, page),
                inner.get("description", ""),
            )
            for key, inner in properties.items()
        )
        yield from table(("field", "type", "description"), rows)

    def _resolved(self, value: Schema) -> Schema:
        if "$ref" not in value:
            return value
        found: Schema = self._components["parameters"][value["$ref"].rsplit("/", 1)[1]]
        return found

    def _type(self, schema: Schema, page: str) -> str:
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            there = self._page_of[name]
            if there == page:
                return f"[{name}](#{name.lower()})"
            folder = "../" if page != OVERVIEW and there == OVERVIEW else ""
            target = there.removeprefix("rest/") if page != OVERVIEW else there
            return f"[{name}]({folder}{target}#{name.lower()})"
        if "anyOf" in schema:
            return " or ".join(self._type(one, page) for one in schema["anyOf"])
        if "enum" in schema:
            return " or ".join(f"`{_json(value)}`" for value in schema["enum"])
        kinds = schema.get("type", "any JSON")
        if isinstance(kinds, list):
            return " or ".join(self._type({**schema, "type": kind}, page) for kind in kinds)
        if kinds == "array" and "items" in schema:
            return f"list of {self._type(schema['items'], page)}"
        if kinds == "object" and "properties" in schema:
            fields = schema["properties"].items()
            return "{" + ", ".join(f"{key}: {self._type(inner, page)}" for key, inner in fields) + "}"
        return str(kinds)


def _page(name: str) -> str:
    return f"rest/{name}.md"


def _anchor(method: str, path: str) -> str:
    """Return the anchor that the heading of an operation gets."""
    return f"{method}-{re.sub(r'[^a-z0-9_-]', '', path)}"


def _described(parameter: Schema) -> str:
    text: str = parameter.get("description", "")
    default = parameter["schema"].get("default")
    if default in (None, ""):
        return text
    told = f"Default: `{_json(default)}`."
    return f"{text.rstrip('.')}. {told}" if text else told


def _json(value: object) -> str:
    """Return a value as JSON; a text without its quotes, unless it is empty."""
    return value if isinstance(value, str) and value else json.dumps(value)


if __name__ == "__main__":
    description = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    raise SystemExit(main(Reference(description).pages(), "openapi.yaml"))
