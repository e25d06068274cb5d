"""Write `docs/rest.md` from the description of the REST interface; `--check` fails if it is not current."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tools.generated import ROOT, cell, main

SOURCE = ROOT / "pyruns_jupyter" / "server" / "openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")


def pages(description: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the page."""
    components = description["components"]
    yield "# REST and websockets\n"
    yield f"Generated from `{SOURCE.relative_to(ROOT).as_posix()}` by `make generate`.\n"
    yield description["info"]["description"].strip() + "\n"
    yield "## Endpoints\n"
    for address, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                yield from _operation(method, address, item, item[method], components)
    yield "## Objects\n"
    for name, schema in sorted(components["schemas"].items()):
        yield from _object(name, schema)


def _operation(
    method: str, address: str, item: dict[str, Any], operation: dict[str, Any], components: dict[str, Any]
) -> Iterator[str]:
    yield f"### {method.upper()} `{address[1:]}`\n"
    yield operation["summary"] + ".\n"
    if "description" in operation:
        yield operation["description"].strip() + "\n"
    listed = [*item.get("parameters", []), *operation.get("parameters", [])]
    resolved = [_resolved(one, components) for one in listed]
    asked = [one for one in resolved if one["in"] != "path"]
    if asked:
        yield "| parameter | type | description |\n| --- | --- | --- |"
        for one in asked:
            default = one["schema"].get("default", "")
            told = f" Default: `{_default(default)}`." if default not in ("", None) else ""
            yield f"| `{one['name']}` | {_type(one['schema'])} | {cell(one.get('description', '') + told)} |"
        yield ""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body is not None:
        yield f"Body: {_type(body)}\n"
    for status, answer in operation["responses"].items():
        if status == "default":
            continue
        kinds = answer.get("content", {})
        told = ", ".join(
            _type(kind["schema"]) if name == "application/json" else f"`{name}`"
            for name, kind in kinds.items()
        )
        yield f"- {status}{f' ({told})' if told else ''}: {answer['description']}"
    yield ""


def _object(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if "description" in schema:
        yield schema["description"] + "\n"
    properties = schema.get("properties")
    if not properties:
        yield f"{_type(schema)}\n"
        return
    required = schema.get("required", [])
    yield "| key | type | description |\n| --- | --- | --- |"
    for key, inner in properties.items():
        mark = "" if key in required else "?"
        yield f"| `{key}`{mark} | {_type(inner)} | {cell(inner.get('description', ''))} |"
    yield ""


def _resolved(value: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    found: dict[str, Any] = components["parameters"][value["$ref"].rsplit("/", 1)[1]]
    return found


def _default(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kinds = schema.get("type", "any JSON")
    if isinstance(kinds, list):
        return " or ".join(_type({**schema, "type": kind}) for kind in kinds)
    if kinds == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    if kinds == "object" and "properties" in schema:
        return "{" + ", ".join(f"{key}: {_type(inner)}" for key, inner in schema["properties"].items()) + "}"
    return str(kinds)


if __name__ == "__main__":
    description = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    raise SystemExit(main({"rest.md": pages(description)}, "openapi.yaml says"))
