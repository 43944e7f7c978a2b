"""`/api/v1/requests/`: enter what somebody asked, follow it, list what was entered.

What could go wrong: a caller that reads what others entered, or finds out whether a reference or an address exists (a
key sees what it entered; the rest is not there), a lost answer (a call may be repeated), a key that is used to fill
somebody's mailbox (the limits of the public form, for each mailbox and each key).
"""

import re
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, Throttled, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request as Http
from rest_framework.response import Response
from rest_framework.views import APIView

from crasme.kit.limits import TooOften
from crasme.staff.models import ApiKey
from privacy import references, throttle
from privacy.api.bodies import SmallJSONParser
from privacy.api.serializers import (
    EnteredSerializer,
    NewRequestSerializer,
    ProblemSerializer,
    RequestSerializer,
)
from privacy.models import Request
from privacy.services import entries
from privacy.states import State
from privacy.told import told

HEADER = "Idempotency-Key"
_NAME = re.compile(r"[\x21-\x7e]{1,200}")
PROBLEM = "application/problem+json"


def visible(key: ApiKey) -> QuerySet[Request]:
    """What a key may know of: what it entered itself, or everything with the wider scope."""
    rows: QuerySet[Request] = Request.objects.select_related("entry", "lead").prefetch_related("linked", "lead__linked")
    return rows if ApiKey.Scope.REQUESTS_READ_ALL in key.scopes else rows.filter(entry__key=key)


def shown(asked: Request, key: ApiKey) -> dict[str, Any]:
    entry = getattr(asked, "entry", None)
    lead = asked.lead or asked
    linked = [each.reference for each in sorted((lead, *lead.linked.all()), key=lambda each: each.pk)]
    facts = {
        "external_id": entry.external_id if entry is not None and entry.key_id == key.pk else None,
        "linked": [reference for reference in linked if reference != asked.reference],
    }
    return told(asked) | facts


class Newest(CursorPagination):
    ordering = ("-received_at", "-id")
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def decode_cursor(self, request: Http) -> Any:
        """Where the page begins; whatever else it holds, its position must be a moment."""
        try:
            cursor = super().decode_cursor(request)
            sound = cursor is None or cursor.position is None or parse_datetime(str(cursor.position)) is not None
        except (NotFound, ValueError):
            sound = False
        if not sound:
            raise ValidationError({self.cursor_query_param: [_("This cursor is none of ours.")]})
        return cursor


class RequestFilter(filters.FilterSet):
    state = filters.ChoiceFilter(choices=State.choices)
    kind = filters.ChoiceFilter(choices=Request.Kind.choices)
    received_since = filters.IsoDateTimeFilter(
        field_name="received_at", lookup_expr="gte", help_text="RFC 3339; that moment included."
    )

    class Meta:
        model = Request
        fields: ClassVar[list[str]] = []


class RequestsView(GenericAPIView[Request]):
    parser_classes = [SmallJSONParser]  # noqa: RUF012
    pagination_class = Newest
    filterset_class = RequestFilter
    required_scopes: ClassVar = {"POST": "requests:write", "GET": "requests:read"}

    def get_queryset(self) -> QuerySet[Request]:
        return visible(cast(ApiKey, self.request.auth))

    @extend_schema(
        operation_id="requests_list",
        summary="List requests, the newest first",
        description="What this key entered; with the scope `requests:read-all`, every request there is.",
        responses={
            200: RequestSerializer(many=True),
            (400, PROBLEM): ProblemSerializer,
            (401, PROBLEM): ProblemSerializer,
            (403, PROBLEM): ProblemSerializer,
        },
    )
    def get(self, request: Http) -> Response:
        key = cast(ApiKey, request.auth)
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([shown(asked, key) for asked in page or []])

    @extend_schema(
        operation_id="requests_create",
        summary="Enter what somebody asked for",
        description=(
            "The person is mailed a link and confirms it as from the public form: this interface proves nobody's "
            "identity, and its answer is the same whether or not the address is known. Only an opt-out takes effect at "
            "once. The clock starts now. Repeat "
            "the call with the same `Idempotency-Key` (or the same `external_id`) when the answer was lost: it is then "
            "200 with the same requests instead of 201."
        ),
        parameters=[
            OpenApiParameter(
                HEADER,
                {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"},
                OpenApiParameter.HEADER,
                description="Chosen by the caller, one for each new request. Without it `external_id` takes its place.",
            ),
        ],
        request=NewRequestSerializer,
        responses={
            201: EnteredSerializer,
            200: EnteredSerializer,
            (400, PROBLEM): ProblemSerializer,
            (401, PROBLEM): ProblemSerializer,
            (403, PROBLEM): ProblemSerializer,
            (413, PROBLEM): ProblemSerializer,
            (415, PROBLEM): ProblemSerializer,
            (422, PROBLEM): ProblemSerializer,
            (429, PROBLEM): ProblemSerializer,
        },
    )
    def post(self, request: Http) -> Response:
        key, now = cast(ApiKey, request.auth), timezone.now()
        given = NewRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        external_id = given.validated_data.get("external_id")
        # As sent: what is filled in by default may change between two versions of this interface.
        call = entries.call_of(key, _call_name(request, external_id), request.data, external_id=external_id)
        found, new = entries.before(call), False
        if found is None:
            _within_limits(key, given.validated_data["email"], now)
            found, new = entries.enter(given.submissions(), call, now=now)
        whole = visible(key).filter(pk__in=[asked.pk for asked in found])
        listed = sorted(whole, key=lambda asked: (asked.lead_id is not None, asked.pk))
        answer = {"requests": [shown(asked, key) for asked in listed]}
        location = request.build_absolute_uri(reverse("api-request", args=[listed[0].reference]))
        return Response(answer, status=201 if new else 200, headers={"Location": location})


class RequestView(APIView):
    required_scopes: ClassVar = {"GET": "requests:read"}

    @extend_schema(
        operation_id="requests_retrieve",
        summary="Follow one request",
        parameters=[
            OpenApiParameter("reference", OpenApiTypes.STR, OpenApiParameter.PATH, description="Such as PR-7K3M-9QXD.")
        ],
        responses={
            200: RequestSerializer,
            (401, PROBLEM): ProblemSerializer,
            (403, PROBLEM): ProblemSerializer,
            (404, PROBLEM): ProblemSerializer,
        },
    )
    def get(self, request: Http, reference: str) -> Response:
        key = cast(ApiKey, request.auth)
        asked = visible(key).filter(reference=references.normalise(reference)).first()
        if asked is None:
            raise Http404  # somebody else's, or nobody's
        return Response(shown(asked, key))


def _call_name(request: Http, external_id: str | None) -> str:
    """What the caller calls this call: the header, or its own number of the request."""
    if (name := request.headers.get(HEADER)) is not None:
        if not _NAME.fullmatch(name):
            raise ValidationError({HEADER: [_("Give 1 to 200 visible ASCII characters.")]})
        return f"header:{name}"
    if external_id is None:
        raise ValidationError({HEADER: [_("Give an Idempotency-Key header, or an external_id.")]})
    return f"external:{external_id}"


def _within_limits(key: ApiKey, email: str, now: Any) -> None:
    try:
        throttle.ASK_KEY.hit(str(key.pk), now=now)
        throttle.ASK_ADDRESS.hit(email, now=now)
    except TooOften as often:
        raise Throttled(often.wait) from often
