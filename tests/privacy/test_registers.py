"""The registers behind the policy, and how staff change and publish them."""

from datetime import UTC, date, timedelta

import pytest
from allauth.account.internal.flows.login import record_authentication
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from crasme.context import site
from crasme.staff.models import User
from privacy.models import Controller, PolicyProposal, PolicyVersion, Recipient, Request, Right
from retention import drafts
from retention.models import Rule
from tests.builders import make_user, sign_in
from tests.retention import builders


def sign_in_just_now(client: Client, *roles: str) -> User:
    """Somebody who gave their second factor a moment ago."""
    user = sign_in(client, make_user(*roles))
    request = RequestFactory().get("/")
    request.session = client.session
    record_authentication(request, user, method="mfa")
    request.session.save()
    return user


pytestmark = pytest.mark.django_db


def test_there_is_one_controller() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Controller.objects.create(pk=2, company="Other", product="Other", contact_email="a@b.example", minimum_age=13)
    assert Controller.objects.current().company == "Concaide"


@pytest.mark.parametrize("country", ["at", "A", "1A"])
def test_a_country_has_two_capital_letters(country: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Recipient.objects.create(slug="x", name="X", kind="hosting", purpose="Hosts.", country=country)


def test_each_right_is_a_kind_of_request_and_the_policys_six_are_there() -> None:
    assert set(Right.objects.values_list("kind", flat=True)) <= set(Request.Kind.values)
    first, beside = (
        Right.objects.values_list("promise", flat=True)[:6],
        Right.objects.values_list("kind", flat=True)[6:],
    )
    assert list(first) == [f"P5.{number}" for number in range(1, 7)]
    assert list(beside) == ["objection", "withdrawal", "complaint"]


def test_a_right_speaks_the_language_that_staff_gave_it() -> None:
    right = Right.objects.get(kind="access")
    right.translations = {"de": {"title": "Ihre Daten ansehen"}}
    assert right.text("title", "de") == "Ihre Daten ansehen"
    assert right.text("title", "en") == "See your data"


# --- the templates' `site` -------------------------------------------------------------------------------------------
def test_the_site_asks_nothing_until_a_template_does(
    rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = rf.get("/")
    with django_assert_num_queries(0):
        found = site(request)["site"]
    with django_assert_num_queries(2):
        assert (found.company, found.product, found.contact) == ("Concaide", "Crasme CRM", "support@crasme.com")
        assert found.policy_version == "2026.02"
        assert site(request)["site"] is found


# --- the desk --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["recipient", "right", "policyversion"])
def test_officers_open_every_register(client: Client, name: str) -> None:
    sign_in(client, make_user("Privacy officer"))
    assert client.get(reverse(f"admin:privacy_{name}_changelist")).status_code == 200


def test_the_controllers_list_is_its_page(client: Client) -> None:
    sign_in(client, make_user("Privacy officer"))
    response = client.get(reverse("admin:privacy_controller_changelist"), follow=True)
    assert response.redirect_chain[-1][0] == reverse("admin:privacy_controller_change", args=[1])
    assert "Concaide" in response.content.decode()
    assert client.get(reverse("admin:privacy_controller_add")).status_code == 403
    assert client.get(reverse("admin:privacy_controller_delete", args=[1])).status_code == 403


FORM = {"version": "2026.12", "last_updated": "2026-12-01", "effective_on": "2026-12-15", "summary": "New wording."}


def test_one_officer_proposes_with_what_differs_in_view_and_another_publishes(client: Client) -> None:
    author = sign_in_just_now(client, "Privacy officer")
    draft = drafts.succeed(Rule.objects.active().get(slug="usage"), actor=author.ref, now=timezone.now())
    url = reverse("admin:privacy_policyversion_publish")
    Right.objects.filter(kind="access").update(title="Look at everything")
    page = client.get(url).content.decode()
    assert "rights.access.title" in page
    assert "Draft of rule usage" in page
    answer = client.post(url, FORM | {"rules": [str(draft.pk)]}, follow=True)
    assert "rights.access.title" in answer.content.decode()
    proposal = PolicyProposal.objects.get()
    approve = reverse("admin:privacy_policyproposal_approve", args=[proposal.pk])
    assert 'name="ends"' not in client.get(approve).content.decode()  # nothing is old enough to end by it
    client.post(approve, follow=True)
    assert not PolicyVersion.objects.filter(version="2026.12").exists()
    officer = sign_in_just_now(client, "Privacy officer")
    client.post(approve, follow=True)
    version = PolicyVersion.objects.get(version="2026.12")
    assert (version.proposed_by, version.published_by) == (author.ref, officer.ref)
    assert (version.effective_on, version.material) == (date(2026, 12, 15), False)


def test_a_shortened_rule_says_what_ends_asks_for_a_tick_and_is_told_afterwards(client: Client) -> None:
    author, now = sign_in_just_now(client, "Privacy officer"), timezone.now()
    old = builders.account()
    at = now - timedelta(days=600)
    for _number in range(2):
        builders.event(old, at)
    draft = drafts.succeed(Rule.objects.active().get(slug="usage"), actor=author.ref, now=now)
    draft.period = "P18M"
    drafts.save(draft, actor=author.ref, now=now)
    today = now.astimezone(UTC).date()
    form = FORM | {"last_updated": today.isoformat(), "effective_on": today.isoformat(), "rules": [str(draft.pk)]}
    client.post(reverse("admin:privacy_policyversion_publish"), form, follow=True)
    proposal = PolicyProposal.objects.get()
    approve = reverse("admin:privacy_policyproposal_approve", args=[proposal.pk])
    sign_in_just_now(client, "Privacy officer")
    page = client.get(approve).content.decode()
    assert "of usage events (crm.usageevent), 2 rows would be deleted with the next run, within a minute" in page
    assert "I know it: of usage events, 2 rows would be deleted." in page
    assert "That run waits" not in page
    client.post(approve, follow=True)
    assert not PolicyVersion.objects.filter(version="2026.12").exists()  # without the tick
    client.post(approve, {"ends": "on"}, follow=True)
    assert Rule.objects.active().get(slug="usage").period == "P18M"
    after = client.get(reverse("admin:privacy_policyproposal_change", args=[proposal.pk])).content.decode()
    for words in ("and published.", "rules.usage.period: P24M → P18M", "Rule usage", "24 months → 18 months</small>"):
        assert words in after


@pytest.mark.parametrize(
    ("change", "words"),
    [({"version": "2026.02"}, "published already"), ({"effective_on": "2026-11-01"}, "Choose today or a later day")],
)
def test_a_publication_that_cannot_be_comes_back_with_the_reason(
    client: Client, change: dict[str, str], words: str
) -> None:
    sign_in_just_now(client, "Privacy officer")
    response = client.post(reverse("admin:privacy_policyversion_publish"), FORM | change)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert PolicyVersion.objects.count() == 1


def test_an_agent_reads_and_does_not_publish(client: Client) -> None:
    sign_in_just_now(client, "Support agent")
    assert client.get(reverse("admin:privacy_policyversion_changelist")).status_code == 200
    assert client.get(reverse("admin:privacy_policyversion_publish")).status_code == 403
    client.post(reverse("admin:privacy_policyversion_publish"), FORM)
    assert PolicyVersion.objects.count() == 1


def test_publishing_asks_for_the_second_factor_again(client: Client) -> None:
    sign_in(client, make_user("Privacy officer"))
    response = client.post(reverse("admin:privacy_policyversion_publish"), FORM)
    assert "reauthenticate" in response["Location"]
    assert PolicyVersion.objects.count() == 1
