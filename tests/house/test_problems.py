"""Errors of the machine interface: one shape, every field named, nothing repeated."""

import json

import pytest
from django.core.exceptions import PermissionDenied, ValidationError as ModelInvalid
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from crasme.kit.errors import CrasmeError


class Line(serializers.Serializer):
    amount = serializers.IntegerField(min_value=1)


class Letter(serializers.Serializer):
    email = serializers.EmailField()
    lines = Line(many=True)

    def validate(self, data):
        raise serializers.ValidationError("Nothing fits together.", code="unfit")


class Locked(CrasmeError):
    code = "locked"
    remedy = "Come back tomorrow."


class Desk(APIView):
    authentication_classes = permission_classes = ()
    error: Exception | None = None

    def post(self, request: Request) -> Response:
        Letter(data=request.data).is_valid(raise_exception=True)
        raise AssertionError

    def get(self, request: Request) -> Response:
        assert self.error is not None
        raise self.error


def answer(error: Exception | None = None, data: object = None) -> tuple[Response, dict]:
    make = APIRequestFactory()
    request = make.get("/") if error else make.post("/", data, format="json")
    response = Desk.as_view(error=error)(request)
    response.render()
    return response, json.loads(response.content)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotAuthenticated(), 403, "not_authenticated"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.Throttled(wait=30), 429, "throttled"),
        (exceptions.ParseError(), 400, "parse_error"),
        (Locked("The request is closed."), 422, "locked"),
    ],
)
def test_every_error_has_the_same_shape(error: Exception, status: int, code: str) -> None:
    response, problem = answer(error)
    assert response["Content-Type"] == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]


def test_a_refusal_says_what_to_do() -> None:
    assert answer(Locked("The request is closed."))[1]["detail"] == "The request is closed. Come back tomorrow."


def test_when_to_come_back_is_told() -> None:
    assert answer(exceptions.Throttled(wait=30))[0]["Retry-After"] == "30"


def test_every_faulty_field_is_pointed_at() -> None:
    _response, problem = answer(data={"email": "no", "lines": [{"amount": 1}, {"amount": 0}, {}]})
    assert problem["code"] == "invalid"
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [
        ("#/email", "invalid"),
        ("#/lines/1/amount", "min_value"),
        ("#/lines/2/amount", "required"),
    ]


def test_a_fault_of_the_whole_points_at_the_whole() -> None:
    _response, problem = answer(data={"email": "a@b.example", "lines": []})
    assert problem["errors"] == [{"pointer": "#", "detail": "Nothing fits together.", "code": "unfit"}]


def test_names_with_slashes_are_escaped() -> None:
    _response, problem = answer(exceptions.ValidationError({"a/b~c": ["No."]}))
    assert problem["errors"][0]["pointer"] == "#/a~1b~0c"


def test_a_models_own_refusal_is_a_problem_too() -> None:
    response, problem = answer(ModelInvalid({"email": "Taken."}))
    assert response.status_code == 400
    assert problem["errors"][0]["pointer"] == "#/email"


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError())
