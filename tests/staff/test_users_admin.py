"""Staff users in the admin: nobody helps themselves to rights, and no password is typed for another."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client

from crasme.ledger.models import Entry
from crasme.staff.models import User
from tests.builders import make_user, sign_in

pytestmark = pytest.mark.django_db


def form(user: User, **changes: object) -> dict[str, object]:
    fields = {
        "email": user.email, "first_name": user.first_name, "last_name": user.last_name, "language": "en",
        "is_active": "on", "groups": [group.pk for group in user.groups.all()],
    }  # fmt: skip
    return {name: value for name, value in (fields | changes).items() if value is not None}


def address(user: User, act: str = "change") -> str:
    return f"/admin/staff/user/{user.pk}/{act}/"


def group(name: str) -> int:
    return Group.objects.get(name=name).pk


@pytest.fixture
def operator(client: Client) -> User:
    return sign_in(client, make_user("Operations"))


def test_a_colleague_is_added_without_a_password(client: Client, operator: User) -> None:
    answer = client.post(
        "/admin/staff/user/add/",
        {"email": "New@Crasme.com", "first_name": "Noor", "language": "en", "groups": [group("Auditor")]},
    )
    assert answer.status_code == 302, answer.context["errors"]
    user = User.objects.get(email="new@crasme.com")
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (True, False, False)
    assert Entry.objects.get(verb="staff.roles_changed").facts == {"user": str(user.pk), "roles": ["auditor", "staff"]}


def test_changed_roles_are_in_the_ledger_and_others_are_not(client: Client, operator: User) -> None:
    user = make_user("Auditor")
    client.post(address(user), form(user, groups=[group("Support agent")]))
    client.post(address(user), form(user, first_name="Renamed"))
    entry = Entry.objects.get(verb="staff.roles_changed")
    assert (entry.actor, entry.facts["roles"]) == (operator.ref, ["support-agent", "staff"])


def test_nobody_changes_their_own_roles(client: Client, operator: User) -> None:
    client.post(
        address(operator), form(operator, first_name="Kit", groups=[group("Privacy officer")], is_superuser="on")
    )
    operator.refresh_from_db()
    assert operator.first_name == "Kit"
    assert [found.name for found in operator.groups.all()] == ["Operations"]
    assert not operator.is_superuser


def test_only_a_superuser_makes_superusers(client: Client, operator: User) -> None:
    user = make_user("Auditor")
    client.post(address(user), form(user, is_superuser="on"))
    user.refresh_from_db()
    assert not user.is_superuser


@pytest.mark.parametrize("act", ["change", "mail_password_link", "reset_second_factor"])
def test_only_a_superuser_touches_superusers(client: Client, operator: User, act: str) -> None:
    chief = make_user(is_superuser=True, first_name="Chief")
    Authenticator.objects.create(user=chief, type="totp", data={})
    answer = client.post(address(chief, act), form(chief, first_name="Fooled"))
    chief.refresh_from_db()
    assert answer.status_code == 403
    assert chief.first_name == "Chief"
    assert chief.authenticator_set.exists()
    assert mail.outbox == []


def test_who_is_switched_off_has_left_and_who_returns_has_not(client: Client, operator: User) -> None:
    user = make_user("Auditor")
    client.post(address(user), form(user, is_active=None))
    user.refresh_from_db()
    assert user.left_at is not None
    assert not user.is_active
    client.post(address(user), form(user))
    user.refresh_from_db()
    assert user.left_at is None


def test_a_session_ends_with_the_account(client: Client, operator: User) -> None:
    user, other = make_user("Auditor"), Client()
    sign_in(other, user)
    assert other.get("/admin/").status_code == 200
    client.post(address(user), form(user, is_active=None))
    assert other.get("/admin/").status_code == 302


def test_two_users_with_one_address_are_refused_in_words(client: Client, operator: User) -> None:
    make_user(email="kim@crasme.com")
    answer = client.post("/admin/staff/user/add/", {"email": "KIM@crasme.com", "language": "en"})
    assert "exists" in str(answer.context["errors"])


def test_a_password_link_is_mailed_after_asking(client: Client, operator: User) -> None:
    user = make_user("Auditor")
    client.get(address(user, "mail_password_link"))
    assert mail.outbox == []
    client.post(address(user, "mail_password_link"))
    assert [letter.to for letter in mail.outbox] == [[user.email]]


def test_a_lost_second_factor_is_taken_away_and_recorded(client: Client, operator: User) -> None:
    user = make_user("Auditor")
    Authenticator.objects.create(user=user, type="totp", data={})
    client.get(address(user, "reset_second_factor"))
    assert user.authenticator_set.exists()
    client.post(address(user, "reset_second_factor"))
    assert not user.authenticator_set.exists()
    assert Entry.objects.get(verb="staff.second_factor_reset").facts == {"user": str(user.pk)}


def test_an_id_that_is_none_leads_back(client: Client, operator: User) -> None:
    assert client.get("/admin/staff/user/abc/change/").status_code == 302


def test_nobody_is_deleted(client: Client) -> None:
    sign_in(client, make_user(is_superuser=True))
    assert client.post(address(make_user(), "delete"), {"post": "yes"}).status_code == 403


def test_roles_cannot_be_edited(client: Client) -> None:
    sign_in(client, make_user(is_superuser=True))
    page = client.get(f"/admin/auth/group/{group('Auditor')}/change/")
    assert b"ledger.view_entry" in page.content
    assert client.post(f"/admin/auth/group/{group('Auditor')}/change/", {"name": "x"}).status_code == 403
