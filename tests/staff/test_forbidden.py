"""Staff who may not do something learn which right is missing and who has it; an empty list says what to do next."""

import pytest
from django.test import Client
from django.urls import reverse

from crasme.staff.roles import AUDITOR, OPERATIONS, PRIVACY_OFFICER, SUPPORT_AGENT
from tests.builders import make_user, reviewed_request, sign_in

pytestmark = pytest.mark.django_db


def refused(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 403
    assert "'unsafe-eval'" in answer["Content-Security-Policy"]  # the theme runs as on every page of the admin
    return str(answer.content.decode())


def test_the_page_names_the_right_the_roles_and_colleagues(client: Client) -> None:
    officer = make_user(PRIVACY_OFFICER)
    sign_in(client, make_user(SUPPORT_AGENT))
    asked = reviewed_request("deletion")
    html = refused(client, reverse("admin:privacy_request_approve", args=[asked.pk]))
    assert "Can approve" in html
    assert f"{PRIVACY_OFFICER}." in html
    assert str(officer) in html
    assert reverse("admin:index") in html
    assert "consent-box" not in html  # no cookie banner in the back office


def test_the_admins_own_pages_ask_for_their_own_rights(client: Client) -> None:
    sign_in(client, make_user(OPERATIONS))
    assert "Can view request" in refused(client, reverse("admin:privacy_request_changelist"))
    sign_in(client, make_user(AUDITOR))
    assert "Can add webhook" in refused(client, reverse("admin:privacy_webhookendpoint_add"))
    # Nobody may add these, whatever their role: then no right is named as missing, and nobody is sent for one.
    for user in (make_user(PRIVACY_OFFICER), make_user(OPERATIONS), make_user(is_superuser=True)):
        sign_in(client, user)
        for model in ("privacy_step", "privacy_policyproposal", "privacy_controller"):
            html = refused(client, reverse(f"admin:{model}_add"))
            assert "no role includes it" in html
            may_look = user.has_perm(f"privacy.view_{model.removeprefix('privacy_')}")
            assert (reverse(f"admin:{model}_changelist") in html) is may_look
            for wrong in ("You would need", "Roles are given", "consent-box"):
                assert wrong not in html


def test_outsiders_get_the_public_page(client: Client) -> None:
    sign_in(client, make_user(is_staff=False))
    html = client.get(reverse("admin:index")).content.decode()
    assert "You may not open this page" in html
    assert "right" not in html.partition("<main")[2].partition("</main>")[0]


def test_an_address_that_leads_nowhere_is_a_page_of_the_back_office_for_staff_alone(client: Client) -> None:
    here, nowhere = reverse("admin:crm_account_changelist"), "/admin/nothing/here/"
    sign_in(client, make_user(OPERATIONS))
    answer = client.get(nowhere)
    assert answer.status_code == 404
    assert "'unsafe-eval'" in answer["Content-Security-Policy"]
    html = answer.content.decode()
    assert "There is nothing here" in html
    assert 'id="nav-sidebar' in html or "search-input-command" in html
    assert "consent-box" not in html
    assert "search-input-command" not in client.get("/nothing/here/").content.decode()
    # Nobody else learns which addresses there are.
    for user in (None, make_user(is_staff=False)):
        outsider = Client()
        if user is not None:
            sign_in(outsider, user)
        there, not_there = outsider.get(here), outsider.get(nowhere)
        assert there.status_code == not_there.status_code == (302 if user is None else 403)
        assert "search-input-command" not in not_there.content.decode()


def test_an_empty_list_says_what_it_is_for_and_a_search_what_is_searched(client: Client) -> None:
    sign_in(client, make_user(PRIVACY_OFFICER))
    address = reverse("admin:privacy_webhookendpoint_changelist")
    html = client.get(address).content.decode()
    assert "No system is told of requests yet." in html
    assert reverse("admin:privacy_webhookendpoint_add") in html
    assert "Without search and filters" not in html
    html = client.get(reverse("admin:privacy_step_changelist"), {"q": "PR-2345-6789"}, follow=True).content.decode()
    assert "The reference of the request." in html
    assert "Without search and filters" in html
    assert "yielded" not in html
