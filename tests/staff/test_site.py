"""The gate of the admin: who gets in, who is led to set up a second factor, and what the pages say and allow."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.builders import make_user, sign_in

pytestmark = pytest.mark.django_db
DESK = "/admin/"


def demo_user(client: Client) -> None:
    client.force_login(make_user(email="ada@staff.crasme.example", is_superuser=True))


def real_user(client: Client) -> None:
    client.force_login(make_user(email="ada@staff.crasme.com", is_superuser=True))


def test_a_visitor_is_led_to_sign_in_and_back_again(client: Client) -> None:
    answer = client.get("/admin/staff/user/?q=x")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=%2Fadmin%2Fstaff%2Fuser%2F%3Fq%3Dx"


def test_the_admins_own_sign_in_form_is_gone(client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/staff/")["Location"] == "/accounts/login/?next=%2Fadmin%2Fstaff%2F"


@pytest.mark.parametrize("path", ["/admin/", "/admin/staff/user/", "/admin/staff/user/add/", "/admin/search/?s=x"])
def test_staff_without_a_second_factor_are_led_to_it_before_any_page(client: Client, path: str) -> None:
    real_user(client)
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_index"))


def test_with_a_second_factor_the_desk_opens(client: Client) -> None:
    sign_in(client, make_user("Support agent"))
    assert client.get(DESK).status_code == 200


def test_recovery_codes_alone_are_no_second_factor(client: Client) -> None:
    from allauth.mfa.models import Authenticator

    user = make_user("Auditor")
    Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})
    client.force_login(user)
    assert client.get(DESK)["Location"] == reverse("mfa_index")


def test_demo_people_may_skip_it_while_the_setting_is_on_and_every_page_says_so(
    client: Client, settings: Settings
) -> None:
    settings.DEMO_SIGN_INS = True
    demo_user(client)
    for path in (DESK, "/admin/staff/user/", "/admin/staff/apikey/add/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert b"Demo sign-in without a second factor" in answer.content


def test_demo_people_are_like_everybody_else_while_it_is_off(client: Client) -> None:
    demo_user(client)
    assert client.get(DESK)["Location"] == reverse("mfa_index")


def test_the_setting_helps_nobody_with_a_real_address(client: Client, settings: Settings) -> None:
    settings.DEMO_SIGN_INS = True
    real_user(client)
    assert client.get(DESK)["Location"] == reverse("mfa_index")


def test_real_staff_see_no_demo_banner(client: Client) -> None:
    sign_in(client, make_user(is_superuser=True))
    assert b"Demo sign-in" not in client.get(DESK).content


def test_somebody_without_staff_rights_gets_nothing(client: Client) -> None:
    sign_in(client, make_user(is_staff=False))
    assert client.get(DESK).status_code == 403


def test_signing_out_takes_a_post(client: Client) -> None:
    sign_in(client, make_user())
    assert client.get("/admin/logout/").status_code == 405
    assert client.get(DESK).status_code == 200
    assert client.post("/admin/logout/")["Location"] == reverse("account_login")
    assert client.get(DESK).status_code == 302


def test_only_the_admin_may_build_code_from_strings(client: Client) -> None:
    sign_in(client, make_user(is_superuser=True))
    assert "'unsafe-eval'" in client.get(DESK)["Content-Security-Policy"]
    for path in (reverse("mfa_index"), reverse("account_change_password")):
        policy = client.get(path)["Content-Security-Policy"]
        assert "unsafe" not in policy


def test_nothing_is_deleted_in_bulk(client: Client) -> None:
    sign_in(client, make_user(is_superuser=True))
    assert b"delete_selected" not in client.get("/admin/staff/user/").content
