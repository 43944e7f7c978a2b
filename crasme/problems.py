"""Errors of the machine interface as RFC 9457 problem documents: one shape, every faulty field named.

What could go wrong: an answer that a machine cannot act on, or one that repeats the data it complains about. So each
problem has a stable `code`, each faulty field a JSON pointer, and messages are ours, without the values sent.
Source: RFC 9457 (media type application/problem+json), RFC 6901 (pointers).
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError as ModelInvalid
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from crasme.kit.errors import CrasmeError
from crasme.kit.text import clean

MEDIA_TYPE = "application/problem+json"


class Refused(exceptions.APIException):
    """What a service refuses for a reason of its own."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, error: CrasmeError) -> None:
        super().__init__(str(error), code=error.code)


def handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's EXCEPTION_HANDLER. None for bugs, which stay a server error without details."""
    response = exception_handler(_known(exc), context)
    if response is None:
        return None
    response.data = problem(_known(exc), response)
    response.content_type = MEDIA_TYPE
    return response


def problem(exc: Exception, response: Response) -> dict[str, Any]:
    """The document: type, title, status, detail, code and, for faulty input, `errors` with pointers."""
    status = HTTPStatus(response.status_code)
    detail = getattr(exc, "detail", "")
    document: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    if isinstance(exc, exceptions.ValidationError):
        document |= {"detail": "The input is not valid.", "code": "invalid", "errors": list(_faults(detail))}
    else:
        plain = detail or (response.data or {}).get("detail", "")
        document |= {"detail": str(plain), "code": getattr(plain, "code", status.phrase.lower().replace(" ", "-"))}
        if faults := getattr(exc, "faults", None):
            document["errors"] = faults
    return document


def _known(exc: Exception) -> Exception:
    if isinstance(exc, CrasmeError):
        return Refused(exc)
    if isinstance(exc, ModelInvalid):
        return exceptions.ValidationError(as_serializer_error(exc))
    return exc


def _faults(detail: Any, pointer: str = "#") -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == api_settings.NON_FIELD_ERRORS_KEY else f"/{_escaped(str(name))}"
            yield from _faults(inner, pointer + step)
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            # A list of messages belongs to the field above; a list of objects counts its items.
            yield from _faults(inner, f"{pointer}/{position}" if isinstance(inner, dict | list) else pointer)
    else:
        # REST framework quotes some values in its own words, and half a surrogate pair cannot even be sent back.
        yield {"pointer": clean(pointer), "detail": clean(str(detail)), "code": getattr(detail, "code", "invalid")}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
