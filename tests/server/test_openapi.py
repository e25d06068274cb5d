"""The description and the server say the same."""

from __future__ import annotations

import re

from pyruns_jupyter.server.routes import REST, STREAMS, pattern
from pyruns_jupyter.service.operations import OPERATIONS
from tests.server.client import METHODS, OPENAPI

PARAMETERS = OPENAPI["components"]["parameters"]


def described() -> set[tuple[str, str]]:
    return {
        (address, method)
        for address, item in OPENAPI["paths"].items()
        for method in METHODS
        if method in item
    }


def test_the_description_is_valid() -> None:
    from openapi_spec_validator import validate  # takes long, and all workers import this file

    validate(OPENAPI)


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    served = {
        (address, method)
        for address, handler in REST.items()
        for method in METHODS
        if any(
            method in vars(kind) for kind in handler.__mro__ if kind.__module__.startswith("pyruns_jupyter.")
        )
    }
    assert served == described()


def test_operations_are_called_and_reached_as_they_are_described() -> None:
    told = {
        OPENAPI["paths"][path][method]["operationId"]: (path, method.upper()) for path, method in described()
    }
    made = {name: (one.path, one.method) for name, one in OPERATIONS.items()}
    assert made.items() <= told.items()
    assert set(told) - set(made) == {"searchLog"}  # a stream


def test_nothing_is_said_by_mistake() -> None:
    """A comma in a text without quotes makes it two keys, the second without a value."""

    def look(value: object, place: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                assert inner is not None, f"{place}: {key}"
                look(inner, f"{place}/{key}")
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                look(inner, f"{place}/{number}")

    look(OPENAPI, "")


def test_the_sockets_are_told_of() -> None:
    text = OPENAPI["info"]["description"]
    for address in STREAMS:
        assert f"`{address[1:]}" in text, address


def test_parameters_of_the_path_are_those_of_the_route() -> None:
    for address, item in OPENAPI["paths"].items():
        references = [parameter.get("$ref", "") for parameter in item.get("parameters", [])]
        shared = [PARAMETERS[reference.rsplit("/", 1)[1]] for reference in references if reference]
        named = [parameter["name"] for parameter in shared if parameter["in"] == "path"]
        assert named == re.findall(r"\{(\w+)\}", address), address


def test_a_workspace_is_one_segment_or_its_plain_path() -> None:
    route = re.compile(pattern("/workspaces/{ws}/tasks/{task}") + "$")
    for path in ("a%2F_pyruns_%2Ftrain", "a/b/_pyruns_/train", "_pyruns_/train"):
        found = route.match(f"/pyruns/api/workspaces/{path}/tasks/t")
        assert found is not None
        assert found.groups() == (path, "t")
