"""The machine interface of the CRM: usage events in bulk, and disputes about invoices.

What could go wrong: a sender that cannot tell what to do after a failure. So a call is taken whole or not at all and
may be repeated at will, and each refusal says whether to mend the lines (400), send less (413) or try later (503).
"""

from typing import Any, ClassVar, cast

from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crasme.crm import intake
from crasme.crm.errors import DisputeRefused, EventsRefused, TooMuch
from crasme.crm.models import Dispute, UsageEvent
from crasme.crm.ndjson import BodyTooLarge, NdjsonParser
from crasme.crm.periods import oldest_event
from crasme.crm.services import disputes
from crasme.kit.errors import CrasmeError
from crasme.staff.problem import ProblemDocument

LINE = (
    '{"id": "019a8f2e-1c3b-7d4e-9f60-0a1b2c3d4e5f", "account": "019a0000-0000-7000-8000-000000000001",'
    ' "occurred_at": "2026-11-22T13:05:00.250Z", "kind": "search", "name": "deals", "duration_ms": 120,'
    ' "detail": {"query": "late invoices"}}\n'
)


class LinesRefused(APIException):
    """`faults` becomes the member `errors` of the problem document (crasme.problems)."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = EventsRefused.code

    def __init__(self, refused: EventsRefused) -> None:
        super().__init__(str(refused), code=refused.code)
        self.faults = refused.lines


class NotReady(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "not-ready"


class SkippedSerializer(serializers.Serializer[Any]):
    unknown = serializers.IntegerField(help_text="Accounts that do not exist.")
    closed = serializers.IntegerField(help_text="Closed accounts.")
    restricted = serializers.IntegerField(help_text="Accounts whose data may be stored but not used.")
    objected = serializers.IntegerField(help_text="Accounts whose people object to the analysis of their usage.")


class OutcomeSerializer(serializers.Serializer[Any]):
    """received = inserted + duplicates + everything skipped."""

    received = serializers.IntegerField(help_text="Lines read, blank ones not counted.")
    inserted = serializers.IntegerField(help_text="Events that were new.")
    duplicates = serializers.IntegerField(help_text="Events that had been stored before, by id and instant.")
    skipped = SkippedSerializer(help_text="Events that were dropped, by reason.")


class EventSerializer(serializers.Serializer[Any]):
    """One line of the body."""

    id = serializers.UUIDField(
        help_text="UUID of version 7, made by the sender; with occurred_at it is the event's key."
    )
    account = serializers.UUIDField()
    occurred_at = serializers.DateTimeField(help_text="RFC 3339, with offset; kept to the microsecond.")
    kind = serializers.ChoiceField(choices=UsageEvent.Kind.choices)
    name = serializers.CharField(max_length=120, help_text="The page, feature, action, section or metric.")
    duration_ms = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**31 - 1)
    detail = serializers.DictField(required=False, allow_null=True, help_text="At most 4,000 characters of JSON.")


class LineErrorSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Counted from 1.")
    pointer = serializers.CharField(help_text="The field within the line; # alone when the whole line is bad.")
    detail = serializers.CharField()
    code = serializers.CharField()


class LinesProblemSerializer(ProblemDocument):
    """RFC 9457, with the bad lines."""

    errors = LineErrorSerializer(  # type: ignore[assignment]  # a member of the document
        many=True, help_text="The first problem of each bad line; at most 100 lines."
    )


class EventsView(APIView):
    parser_classes = [NdjsonParser]  # noqa: RUF012
    required_scopes: ClassVar = {"POST": "events:write"}

    @extend_schema(
        operation_id="events_create",
        summary="Hand over usage events",
        description=(
            "The body is NDJSON in UTF-8: one JSON object a line, up to 50,000 lines and 25 MB (unpacked; "
            "`Content-Encoding: gzip` is understood). A call is taken whole or not at all, and may be repeated: an "
            "event that is stored already counts as a duplicate. Events of accounts that are unknown, closed or "
            "restricted, and of people who object to analysis, are counted and dropped. An event may lie at most five "
            "minutes in the future, and no further in the past than usage data is kept."
        ),
        parameters=[
            OpenApiParameter("Content-Encoding", OpenApiTypes.STR, OpenApiParameter.HEADER, enum=["gzip", "identity"])
        ],
        request={("application/x-ndjson"): EventSerializer},
        responses={
            200: OutcomeSerializer,
            (400, "application/problem+json"): LinesProblemSerializer,
            (413, "application/problem+json"): OpenApiTypes.OBJECT,
            (415, "application/problem+json"): OpenApiTypes.OBJECT,
            (503, "application/problem+json"): OpenApiTypes.OBJECT,
        },
        examples=[OpenApiExample("One event", value=LINE, request_only=True, media_type="application/x-ndjson")],
    )
    def post(self, request: Request) -> Response:
        now = timezone.now()
        try:
            outcome = intake.take(cast(bytes, request.data), oldest=oldest_event(now), now=now)
        except EventsRefused as refused:
            raise LinesRefused(refused) from None
        except TooMuch as much:
            raise BodyTooLarge(str(much)) from None
        except CrasmeError as trouble:
            raise NotReady(str(trouble), code=trouble.code) from trouble
        return Response(_answer(outcome))


class DisputeSerializer(serializers.Serializer[Any]):
    """A dispute as the CRM knows it. Who contests, and in which words, is not sent."""

    invoice = serializers.CharField(max_length=30, help_text="The invoice's number.")
    reason = serializers.ChoiceField(choices=Dispute.Reason.choices)
    opened_at = serializers.DateTimeField(help_text="RFC 3339, with offset.")
    closed_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Null, or left out, while it is open."
    )


class DisputeView(APIView):
    required_scopes: ClassVar = {"PUT": "disputes:write"}

    @extend_schema(
        operation_id="dispute_put",
        summary="Say that an invoice is in dispute, or that this is settled",
        description=(
            "While a dispute is open its invoice is kept, however old it is. The call may be repeated: the reference "
            "in the address is the CRM's own number of the dispute (letters, digits, dashes; never a name). The reason "
            "stays the one that was said first. What is contested again after it was settled is a new dispute."
        ),
        request=DisputeSerializer,
        responses={
            200: DisputeSerializer,
            (400, "application/problem+json"): OpenApiTypes.OBJECT,
        },
    )
    def put(self, request: Request, reference: str) -> Response:
        said = DisputeSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        given = said.validated_data
        try:
            dispute = disputes.take(
                reference,
                number=given["invoice"],
                reason=given["reason"],
                opened_at=given["opened_at"],
                closed_at=given["closed_at"],
                actor=request.user.ref,  # type: ignore[union-attr]
                now=timezone.now(),
            )
        except DisputeRefused as refused:
            raise serializers.ValidationError({refused.field or "non_field_errors": [str(refused)]}) from None
        except ValidationError as refused:  # a number of a payment card as reference
            raise serializers.ValidationError({"non_field_errors": refused.messages}) from None
        return Response(given | {"reason": dispute.reason, "closed_at": dispute.closed_at})


def _answer(outcome: intake.Outcome) -> dict[str, Any]:
    return {
        "received": outcome.received,
        "inserted": outcome.inserted,
        "duplicates": outcome.duplicates,
        "skipped": {
            "unknown": outcome.unknown,
            "closed": outcome.closed,
            "restricted": outcome.restricted,
            "objected": outcome.objected,
        },
    }
