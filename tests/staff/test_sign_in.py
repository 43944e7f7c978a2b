"""Signing in: with a second factor, without giving away who works here, and not by trying for ever."""

import json
from urllib.parse import parse_qs, urlparse

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from crasme.staff.models import Session, User
from tests.builders import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LOGIN = "/accounts/login/"


def someone(**fields: object) -> User:
    return make_user("Support agent", password=PASSWORD, **fields)


def try_in(client: Client, email: str, password: str = PASSWORD, **extra: str):
    return client.post(LOGIN, {"login": email, "password": password}, **extra)


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def set_up_app(client: Client) -> str:
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    answer = client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert answer.status_code == 302, answer.context["form"].errors
    return secret


def test_the_whole_way_in(client: Client, settings: Settings) -> None:
    """Password, then setting up an app, then the desk; the next time both are asked."""
    user = someone()
    assert try_in(client, user.email)["Location"] == "/admin/"
    assert client.get("/admin/")["Location"] == reverse("mfa_index")
    secret = set_up_app(client)
    assert client.get("/admin/").status_code == 200

    other = Client()
    assert try_in(other, user.email)["Location"] == reverse("mfa_authenticate")
    assert other.get("/admin/").status_code == 302  # half-way is not in
    Authenticator.objects.filter(user=user).update(last_used_at=None)
    from django.core.cache import cache

    cache.clear()  # a code works once; the next one would be 30 seconds away
    assert other.post(reverse("mfa_authenticate"), {"code": code(secret)})["Location"] == "/admin/"
    assert other.get("/admin/").status_code == 200


def test_the_apps_secret_is_stored_encrypted(client: Client) -> None:
    user = someone()
    try_in(client, user.email)
    secret = set_up_app(client)
    assert secret not in json.dumps(list(Authenticator.objects.values_list("data", flat=True)))


def test_every_failure_looks_the_same(client: Client) -> None:
    someone(email="known@crasme.com")
    someone(email="left@crasme.com", is_active=False, left_at="2026-01-01T00:00Z")
    make_user(email="outsider@crasme.com", is_staff=False, password=PASSWORD)
    answers = [
        try_in(client, email, password, REMOTE_ADDR=f"192.0.2.{number}")
        for number, (email, password) in enumerate(
            [
                ("known@crasme.com", "wrong"),
                ("nobody@crasme.com", PASSWORD),
                ("left@crasme.com", PASSWORD),
                ("outsider@crasme.com", PASSWORD),
            ]
        )
    ]
    errors = {str(answer.context["form"].errors.as_json()) for answer in answers}
    assert {answer.status_code for answer in answers} == {200}
    assert len(errors) == 1
    assert client.get("/admin/").status_code == 302


def test_five_wrong_passwords_lock_the_pair_of_name_and_address(client: Client) -> None:
    user = someone()
    last = [try_in(client, user.email, "wrong") for _try in range(5)][-1]
    assert last.status_code == 429
    assert b"too many tries" in last.content
    blocked = try_in(client, user.email)
    assert "_auth_user_id" not in client.session
    assert blocked.status_code in (200, 429)
    assert try_in(Client(), user.email, REMOTE_ADDR="198.51.100.7")["Location"] == "/admin/"


def test_other_spellings_of_an_address_count_together(client: Client) -> None:
    user = someone(email="kim@crasme.com")
    spellings = ["kim@crasme.com", "KIM@crasme.com", "Kim@crasme.com", "kIm@crasme.com", "kiM@crasme.com"]
    answers = [try_in(client, spelling, "wrong") for spelling in spellings]
    assert answers[-1].status_code == 429
    assert not Session.objects.filter(user=user).exists()


def test_a_lock_leaves_no_name_in_the_database(client: Client) -> None:
    from axes.models import AccessAttempt, AccessFailureLog, AccessLog

    for _try in range(6):
        try_in(client, "somebody@crasme.com", "wrong")
    assert [model.objects.count() for model in (AccessAttempt, AccessFailureLog, AccessLog)] == [0, 0, 0]


def test_there_is_no_sign_up(client: Client) -> None:
    form = {"email": "new@crasme.com", "password1": PASSWORD, "password2": PASSWORD}
    assert b"There is no sign-up" in client.post("/accounts/signup/", form).content
    assert not User.objects.filter(email="new@crasme.com").exists()


def test_nobody_changes_their_own_address(client: Client) -> None:
    user = someone()
    client.force_login(user)
    answer = client.post("/accounts/email/", {"action_add": "", "email": "mine@crasme.com"})
    assert answer["Location"] == reverse("mfa_index")


def test_the_login_page_lists_demo_people_only_in_a_demo(client: Client, settings: Settings) -> None:
    someone(email="ada@staff.crasme.example")
    someone(email="real@crasme.com")
    assert b"ada@staff.crasme.example" not in client.get(LOGIN).content
    settings.DEMO_SIGN_INS = True
    page = client.get(LOGIN).content
    assert b"ada@staff.crasme.example" in page
    assert b"real@crasme.com" not in page


def test_where_one_wanted_to_go_must_be_here(client: Client) -> None:
    user = someone()
    answer = client.post(f"{LOGIN}?next=https://evil.test/", {"login": user.email, "password": PASSWORD})
    assert parse_qs(urlparse(answer["Location"]).query) == {}
    assert answer["Location"] == "/admin/"


def test_a_session_knows_its_owner(client: Client) -> None:
    user = someone()
    client.get("/")
    try_in(client, user.email)
    assert list(Session.objects.values_list("user", flat=True)) == [user.pk]


@pytest.mark.parametrize(
    "name",
    [
        "account_change_password", "account_logout", "account_reauthenticate", "mfa_index", "mfa_activate_totp",
        "mfa_list_webauthn", "mfa_add_webauthn", "mfa_generate_recovery_codes", "mfa_view_recovery_codes",
        "mfa_reauthenticate", "mfa_deactivate_totp",
    ],
)  # fmt: skip
def test_every_page_of_ones_own_account_opens(client: Client, name: str) -> None:
    user = someone()
    try_in(client, user.email)
    if name not in ("mfa_index", "mfa_activate_totp"):
        set_up_app(client)
    assert client.get(reverse(name)).status_code == 200
