"""`/api/v1/accounts/<id>/policy/` and `/api/v1/accounts/<id>/browsers/`: what the product asks and records at sign-in.

What could go wrong: an act about an account that is not there (404, as for any other number), a repeated call (the
caller's own UUIDv7 makes it one act), a browser that is joined in somebody's name (only a machine with the scope may).
"""

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request as Http
from rest_framework.response import Response
from rest_framework.views import APIView

from consent import accounts, registry
from consent.acceptances import Act
from consent.errors import BadChoice
from crasme.crm.models import Account
from privacy.api.bodies import SmallJSONParser
from privacy.api.serializers import ProblemSerializer, StrictSerializer, TextField
from privacy.services import acceptance
from privacy.services.acceptance import NoSuchVersion, Surface

PROBLEM = "application/problem+json"
PROBLEMS = {(status, PROBLEM): ProblemSerializer for status in (400, 401, 403, 404, 415)}


class PolicyStandingSerializer(serializers.Serializer[Any]):
    ask = serializers.CharField(
        allow_null=True, help_text="The version to be accepted now; null when nothing is asked."
    )
    accepted = serializers.CharField(allow_null=True, help_text="The version that is accepted.")
    told = serializers.ListField(child=serializers.CharField(), help_text="Versions that the account was told of.")
    url = serializers.URLField(allow_null=True, help_text="Where the text to be accepted stands.")


class PolicyActSerializer(StrictSerializer):
    id = serializers.UUIDField(help_text="UUID of version 7, made by the caller for each act.")
    version = TextField(max_length=12)
    act = serializers.ChoiceField(choices=Act.choices)
    language = TextField(max_length=8)
    decided_at = serializers.DateTimeField(required=False, help_text="RFC 3339; now when it is left out.")


class BrowserSerializer(StrictSerializer):
    visitor = serializers.UUIDField(help_text="The random number in the browser's consent cookie.")


class ChoiceSerializer(serializers.Serializer[Any]):
    choices = serializers.DictField(child=serializers.BooleanField(), help_text="Category → what counts now.")
    cookie = serializers.CharField(allow_null=True, help_text="What this browser's consent cookie should hold.")


class PolicyView(APIView):
    parser_classes = [SmallJSONParser]  # noqa: RUF012
    required_scopes: ClassVar = {"GET": "policy:read", "POST": "policy:write"}

    @extend_schema(
        operation_id="account_policy_retrieve",
        summary="Ask whether an account must accept the policy",
        responses={200: PolicyStandingSerializer, **PROBLEMS},
    )
    def get(self, request: Http, account: UUID) -> Response:
        return Response(_position(request, _present(account)))

    @extend_schema(
        operation_id="account_policy_create",
        summary="Record that an account was told of a version, accepted or declined it",
        description="201 when it was new, 200 when this id was recorded before.",
        request=PolicyActSerializer,
        responses={201: PolicyStandingSerializer, 200: PolicyStandingSerializer, **PROBLEMS},
    )
    def post(self, request: Http, account: UUID) -> Response:
        present = _present(account)
        given = PolicyActSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        try:
            new = acceptance.note(
                present,
                asked["version"],
                Act(asked["act"]),
                surface=Surface.PRODUCT,
                language=asked["language"],
                decided_at=asked.get("decided_at"),
                act_id=asked["id"],
                now=timezone.now(),
            )
        except NoSuchVersion as error:
            raise ValidationError({"version": [str(error)]}, code=error.code) from None
        except BadChoice as error:
            raise ValidationError({"id": [str(error)]}, code=error.code) from None
        return Response(_position(request, present), status=201 if new else 200)


class BrowsersView(APIView):
    parser_classes = [SmallJSONParser]  # noqa: RUF012
    required_scopes: ClassVar = {"POST": "consent:write"}

    @extend_schema(
        operation_id="account_browsers_create",
        summary="Join a browser to the account that signed in with it, and learn which cookie choice counts",
        description="For each category the newest explicit act in any of the account's browsers counts.",
        request=BrowserSerializer,
        responses={200: ChoiceSerializer, **PROBLEMS},
    )
    def post(self, request: Http, account: UUID) -> Response:
        present = _present(account)
        given = BrowserSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        visitor = given.validated_data["visitor"]
        now = timezone.now()
        accounts.join(visitor, present, now=now)
        answers = accounts.current(present)
        fresh = accounts.fresh_of(answers, now)
        cookie = accounts.cookie_of(fresh, visitor, registry.snapshot()).value() if fresh else None
        return Response({"choices": {slug: each.granted for slug, each in answers.items()}, "cookie": cookie})


def _present(account: UUID) -> UUID:
    if not Account.objects.present().filter(pk=account).exists():
        raise Http404
    return account


def _position(request: Http, account: UUID) -> dict[str, Any]:
    found = acceptance.position(account)
    ask = found.ask.version if found.ask else None
    return {
        "ask": ask,
        "accepted": found.standing.accepted or None,
        "told": sorted(found.standing.told),
        "url": request.build_absolute_uri(reverse("policy-version", args=[ask])) if ask else None,
    }
