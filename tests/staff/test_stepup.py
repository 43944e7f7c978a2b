"""Signing in once more before an act that cannot be undone."""

import time

import pytest
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory

from crasme.staff.models import User
from crasme.staff.sessions import SessionStore
from crasme.staff.stepup import confirmed_recently, step_up
from tests.builders import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def request_of(client: Client, user: User):
    request = RequestFactory().get("/")
    request.user, request.session = user, SessionStore(client.session.session_key)
    return request


@pytest.fixture
def user(client: Client) -> User:
    user = make_user(password=PASSWORD)
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return user


def age(client: Client, seconds: float) -> None:
    session = client.session
    for given in session["account_authentication_methods"]:
        given["at"] = time.time() - seconds
    session.save()


def test_whoever_just_signed_in_has_confirmed(client: Client, user: User) -> None:
    assert confirmed_recently(request_of(client, user))


def test_a_quarter_of_an_hour_later_it_is_asked_again(client: Client, user: User) -> None:
    age(client, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    request = request_of(client, user)
    assert not confirmed_recently(request)
    with pytest.raises(ReauthenticationRequired):
        step_up(lambda request: HttpResponse())(request)


def test_somebody_elses_confirmation_counts_for_nothing(client: Client, user: User) -> None:
    assert not confirmed_recently(request_of(client, make_user()))


def test_confirming_opens_it_again(client: Client, user: User) -> None:
    age(client, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    client.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert not confirmed_recently(request_of(client, user))
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert confirmed_recently(request_of(client, user))


def test_it_finds_the_request_in_a_method_too(client: Client, user: User) -> None:
    class Page:
        @step_up
        def approve(self, request, object_id: str) -> HttpResponse:
            return HttpResponse(object_id)

    assert Page().approve(request_of(client, user), "7").content == b"7"
