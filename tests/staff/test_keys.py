"""Keys of machines: what opens the interface, what does not, and what stays of a key."""

from datetime import timedelta
from typing import ClassVar

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from crasme.ledger.models import Entry
from crasme.staff import services
from crasme.staff.errors import KeyExpired, UnknownScope
from crasme.staff.models import ApiKey
from tests.builders import make_api_key, make_user, sign_in

pytestmark = pytest.mark.django_db
WRITE, READ = ApiKey.Scope.EVENTS_WRITE, ApiKey.Scope.REQUESTS_READ


class Door(APIView):
    required_scopes: ClassVar = {"GET": READ, "POST": WRITE}

    def get(self, request) -> Response:
        return Response({"who": request.user.ref, "staff": request.user.is_staff})

    post = get


class Forgetful(APIView):
    def get(self, request) -> Response:
        return Response({})


def knock(header: str, view: type[APIView] = Door, method: str = "get") -> Response:
    make = getattr(APIRequestFactory(), method)
    return view.as_view()(make("/", headers={"Authorization": header} if header else {}))


def test_a_key_opens_what_its_scopes_name_and_nothing_else() -> None:
    key, header = make_api_key(READ)
    answer = knock(header)
    assert (answer.status_code, answer.data) == (200, {"who": f"key:{key.pk}", "staff": False})
    assert knock(header, method="post").status_code == 403


def test_a_view_that_forgot_its_scopes_is_closed() -> None:
    _key, header = make_api_key(*ApiKey.Scope.values)
    assert knock(header, Forgetful).status_code == 403


def test_every_wrong_key_gets_the_same_answer() -> None:
    key, header = make_api_key(READ)
    wrong = ["Bearer ", "Bearer x", f"Bearer {key.prefix}", f"Bearer {key.prefix}.wrong", f"{header}x", "Bearer \0.\0"]
    answers = [knock(value) for value in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({str(answer.data) for answer in answers}) == 1
    assert answers[0]["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Basic dXNlcjpwYXNz", "Token abc"])
def test_without_a_key_the_door_is_shut(header: str) -> None:
    assert knock(header).status_code == 401


def test_a_revoked_key_opens_nothing() -> None:
    key, header = make_api_key(READ)
    assert services.revoke_key(key, actor="staff:x", now=timezone.now())
    assert knock(header).status_code == 401
    assert not services.revoke_key(key, actor="staff:x", now=timezone.now())


def test_a_key_ends_at_its_hour_exactly() -> None:
    key, header = make_api_key(READ)
    with time_machine.travel(key.expires_at - timedelta(microseconds=1), tick=False):
        assert knock(header).status_code == 200
    with time_machine.travel(key.expires_at, tick=False):
        assert knock(header).status_code == 401


def test_use_is_noted_once_a_day(django_assert_num_queries) -> None:
    key, header = make_api_key(READ)
    with django_assert_num_queries(2):
        knock(header)
    with django_assert_num_queries(1):
        knock(header)
    key.refresh_from_db()
    assert key.last_used_on == timezone.now().date()


def test_the_secret_is_nowhere_and_the_ledger_knows_the_key() -> None:
    key, header = make_api_key(READ, WRITE)
    secret = header.partition(".")[2]
    assert secret not in str(ApiKey.objects.values()) + str(Entry.objects.values())
    made = Entry.objects.get(verb="staff.api_key_made")
    assert (made.facts["key"], made.facts["scopes"]) == (str(key.pk), sorted([READ, WRITE]))
    services.revoke_key(key, actor="staff:x", now=timezone.now())
    assert Entry.objects.filter(verb="staff.api_key_revoked", facts__key=str(key.pk)).count() == 1


@pytest.mark.parametrize(
    ("scopes", "days", "error"), [([], 1, UnknownScope), (["no"], 1, UnknownScope), ([READ], 0, KeyExpired)]
)
def test_a_key_that_makes_no_sense_is_refused(scopes: list[str], days: int, error: type[Exception]) -> None:
    now = timezone.now()
    with pytest.raises(error):
        services.issue_key(
            name="x", scopes=scopes, expires_at=now + timedelta(days=days), created_by=make_user(), actor="a", now=now
        )
    assert not ApiKey.objects.exists()


def test_the_admin_shows_a_new_key_once(client: Client) -> None:
    sign_in(client, make_user("Operations"))
    answer = client.post("/admin/staff/apikey/add/", {"name": "Shop", "scopes": [WRITE], "lives": "30"})
    header = answer.context["key"]
    key = ApiKey.objects.get()
    assert "no-store" in answer["Cache-Control"]
    assert header.encode() in answer.content
    assert knock(f"Bearer {header}", method="post").status_code == 200
    assert header.encode() not in client.get(f"/admin/staff/apikey/{key.pk}/change/").content
    assert header not in str(client.cookies)


def test_revoking_in_the_admin_asks_first(client: Client) -> None:
    key, header = make_api_key(READ)
    sign_in(client, make_user("Operations"))
    address = f"/admin/staff/apikey/{key.pk}/revoke/"
    assert client.get(address).status_code == 200
    assert knock(header).status_code == 200  # the page alone changed nothing
    assert client.post(address).status_code == 302
    assert knock(header).status_code == 401


def test_only_operations_revokes(client: Client) -> None:
    key, _header = make_api_key(READ)
    sign_in(client, make_user("Auditor"))
    assert client.post(f"/admin/staff/apikey/{key.pk}/revoke/").status_code == 403
