"""`/api/v1/suppression/check/`: the gate, asked by another system before it writes, rings up or sends anything.

What could go wrong: a sender takes silence for a yes (every answer says how many were asked and names the refused ones
by position), an address lands in a log (they come in the body, and no answer or error repeats one), one broken row
lets a campaign out half checked (a call is answered whole or not at all, and says which rows to mend), or a huge body
takes the memory (bounded before and after it is unpacked).
"""

import json
from typing import Any, ClassVar, cast

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ParseError, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consent import suppression, throttle
from consent.models import Channel
from crasme.crm.ndjson import BodyTooLarge, NdjsonParser
from crasme.kit.limits import TooOften
from crasme.staff.models import ApiKey
from crasme.staff.problem import ProblemDocument

MOST_ADDRESSES = 100_000
LONGEST = 320
MOST_NAMED = 100
PROBLEM = "application/problem+json"


class BulkJsonParser(NdjsonParser):
    """`request.data` is the unpacked body, bytes: gzip and the bounds are those of the bulk intake of usage events."""

    media_type = "application/json"


class RowsRefused(APIException):
    """`faults` becomes the member `errors` of the problem document (crasme.problems)."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "addresses-refused"

    def __init__(self, faults: list[dict[str, Any]]) -> None:
        super().__init__(_("Some rows are no addresses; nothing was answered. Mend or leave out the rows named."))
        self.faults = faults[:MOST_NAMED]


class QuestionSerializer(serializers.Serializer[Any]):
    scope = serializers.CharField(
        default="marketing",
        help_text="`marketing.<topic>`; `marketing` for all of it. `service`, `answer` and `billing` always pass.",
    )
    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.EMAIL)
    addresses = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST),
        min_length=1,
        max_length=MOST_ADDRESSES,
        help_text="E-mail addresses, or telephone numbers with their country code.",
    )


class AnswerSerializer(serializers.Serializer[Any]):
    checked = serializers.IntegerField(help_text="How many addresses were asked about.")
    allowed = serializers.IntegerField(help_text="How many of them may be used.")
    refused = serializers.ListField(
        child=serializers.IntegerField(), help_text="Positions in `addresses`, from 0, that must not be used."
    )


class RowErrorSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    detail = serializers.CharField()
    code = serializers.CharField()


class RowsProblemSerializer(ProblemDocument):
    """RFC 9457, with the bad rows."""

    errors = RowErrorSerializer(many=True, required=False, help_text="At most 100 rows.")  # type: ignore[assignment]


class SuppressionCheckView(APIView):
    parser_classes = [BulkJsonParser]  # noqa: RUF012
    required_scopes: ClassVar = {"POST": "suppression:read"}

    @extend_schema(
        operation_id="suppression_check",
        summary="Ask who must not be written to",
        description=(
            "One to 100,000 addresses a call (`Content-Encoding: gzip` is understood). The answer names the refused "
            "ones by position: opted out, bounced, reported as spam, without the consent that the topic needs, or "
            "restricted. Ask again right before sending: an answer is true for the moment. A call is answered whole or "
            "not at all, stores nothing of what was asked, and may be repeated."
        ),
        request=QuestionSerializer,
        responses={200: AnswerSerializer}
        | {(code, PROBLEM): RowsProblemSerializer for code in (400, 401, 403, 413, 415, 422, 429)},
        examples=[
            OpenApiExample(
                "Two addresses",
                value={
                    "scope": "marketing.features",
                    "channel": "email",
                    "addresses": ["ana@example.com", "ben@example.com"],
                },
                request_only=True,
            ),
            OpenApiExample(
                "The second is refused", value={"checked": 2, "allowed": 1, "refused": [1]}, response_only=True
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        try:
            throttle.CHECK_KEY.hit(str(cast(ApiKey, request.auth).pk), now=timezone.now())
        except TooOften as error:
            raise Throttled(wait=error.wait) from None
        scope, channel, addresses = _question(cast(bytes, request.data))
        positions = suppression.refused(addresses, scope, channel)
        count = len(addresses)
        return Response({"checked": count, "allowed": count - len(positions), "refused": positions})


def _question(body: bytes) -> tuple[str, str, list[str]]:
    """Scope, channel and addresses. Checked by hand: a serializer takes seconds for 100,000 rows."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise ParseError(_("The body is no JSON.")) from None
    addresses = sent.get("addresses") if isinstance(sent, dict) else None
    if not isinstance(addresses, list) or not addresses:
        raise RowsRefused([_fault("#/addresses", _("Give a list of one to 100,000 addresses."))])
    if len(addresses) > MOST_ADDRESSES:
        raise BodyTooLarge(
            _("A call takes at most %(most)d addresses, and this one has %(count)d: split it.")
            % {"most": MOST_ADDRESSES, "count": len(addresses)}
        )
    scope, channel = sent.get("scope", "marketing"), sent.get("channel", Channel.EMAIL.value)
    faults = [
        _fault(f"#/{name}", _("This is text."))
        for name, value in (("scope", scope), ("channel", channel))
        if not isinstance(value, str)
    ]
    for row, address in enumerate(addresses):
        if not isinstance(address, str) or len(address) > LONGEST or not suppression.is_address(address):
            faults.append(
                _fault(f"#/addresses/{row}", _("Write an e-mail address, or a telephone number with +country code."))
            )
            if len(faults) == MOST_NAMED:
                break
    if faults:
        raise RowsRefused(faults)
    return scope, channel, addresses


def _fault(pointer: str, detail: str) -> dict[str, Any]:
    return {"pointer": pointer, "detail": detail, "code": "invalid"}
