"""Answers held against the API's own description: the status is listed, the type is right, the body fits."""

from functools import cache
from typing import Any

import jsonschema
from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator


@cache
def description() -> dict[str, Any]:
    return _plain(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call, no-any-return]


def check(response: HttpResponse, method: str, path: str) -> HttpResponse:
    """The answer, when it is one that the description announces for this operation; fails the test otherwise."""
    listed = description()["paths"][path][method.lower()]["responses"]
    assert str(response.status_code) in listed, (
        f"{method} {path} answers {response.status_code}, which is not described"
    )
    kinds = listed[str(response.status_code)]["content"]
    kind = response["Content-Type"].partition(";")[0]
    assert kind in kinds, f"{method} {path} answers {kind}, described is {sorted(kinds)}"
    root = description() | {"$ref": "#/__schema", "__schema": kinds[kind]["schema"]}
    jsonschema.validate(response.json(), root, format_checker=jsonschema.FormatChecker())  # type: ignore[attr-defined]
    return response


def _plain(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what may be null says so in the schema's own way, and objects hold no more."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: _plain(inner) for name, inner in node.items()}
    if made.pop("nullable", False) is True and "type" in made:
        made["type"] = [made["type"], "null"]
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made
