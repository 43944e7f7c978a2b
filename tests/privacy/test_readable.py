"""What rows hold as JSON and codes, in words: on the pages of steps, letters, copies and plans, and on the overview."""

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.staff.models import User
from privacy import readable, troubles
from privacy.models import Message, Step
from privacy.packages import spoken
from privacy.services import approvals, plans
from tests.builders import NOW, make_account, reviewed_request, run_steps, sign_in, submit_request

pytestmark = pytest.mark.django_db


def page(row: Step | Message) -> str:
    return reverse(f"admin:privacy_{row._meta.model_name}_change", args=[row.pk])


def test_results_and_copies_are_tables_with_names_and_sizes(client: Client, agent: User) -> None:
    sign_in(client, agent)
    make_account(email="ana@customer.example")
    asked = reviewed_request("access", "ana@customer.example")
    plan = plans.current(asked)
    assert plan is not None
    approvals.release(asked, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps()
    collected = client.get(page(asked.steps.get(kind="collect", source="crm"))).content.decode()
    assert "Rows by table" in collected
    assert '<th scope="row">Accounts</th><td>1</td>' in collected
    assert "crm.Account" not in collected
    copy = asked.packages.get()
    html = client.get(reverse("admin:privacy_package_change", args=[copy.pk])).content.decode()
    assert '<th scope="row">Accounts</th><td>1</td>' in html
    assert "crm.Account" not in html
    assert str(copy.size) not in html  # in kilobytes
    html = client.get(reverse("admin:privacy_plan_change", args=[plan.pk])).content.decode()
    assert "Goes into the copy" in html
    assert "crm.Account" not in html


@pytest.mark.parametrize(
    ("label", "column", "value", "words"),
    [
        ("crm.UsageEvent", "kind", "page", "page visited"),
        ("crm.UsageEvent", "detail", {"query": "late invoices"}, "Searched for: late invoices"),
        ("crm.UsageEvent", "detail", {"stage": "won"}, "Stage: won"),
        ("crm.UsageEvent", "name", "dark", "dark"),
        ("crm.Device", "display_settings", {"theme": "dark", "density": "compact"}, "Colours: dark · Density: compact"),
        ("crm.Integration", "scopes", ["gmail.metadata"], "sender, recipients and time of mails, not what they say"),
        ("crm.Integration", "scopes", ["mail.unheard-of"], "mail.unheard-of"),
        ("crm.Dispute", "opened_by", "staff:01a217f8-bc2f-746a-80bc-b8b9fbe0e19b", "a colleague"),
        ("privacy.Request", "facts", {"ground": "accuracy"}, "Reason: The data is wrong"),
        ("privacy.Request", "facts", {"what": ["cookies"]}, "Consent: Cookies"),
        ("privacy.Correction", "label", "crm.account", "Accounts"),
        ("privacy.Correction", "field", "job_title", "Job title"),
        ("consent.Acceptance", "document", "policy", "privacy policy"),
        ("privacy.InboundMail", "suggested_kinds", ["child"], "Child's account"),
        ("privacy.WebhookDelivery", "event", "request.closed", "it was closed"),
        ("consent.ConsentEvent", "choices", {"analytics": False}, "Analytics: No"),
        ("consent.MarketingChoice", "choices", {"features.sms": True}, "feature updates, text message: Yes"),
        ("consent.MarketingChoice", "basis", {"features.sms": "consent"}, "feature updates, text message: consent"),
        ("consent.Suppression", "scope", "marketing", "all marketing"),
        ("consent.Suppression", "scope", "marketing.features", "feature updates"),
        ("consent.Suppression", "scope", "marketing.gone", "marketing.gone"),
    ],
)
def test_a_copy_says_codes_in_words(label: str, column: str, value: object, words: str) -> None:
    assert spoken.speaker(apps.get_model(label)._meta.get_field(column))(value) == words


def test_a_result_that_says_nothing_is_a_dash_and_an_unknown_one_keeps_its_name() -> None:
    assert readable.result({}) == "–"
    shown = readable.result({"plan": "01a215d2-14d1-73a9-ad50-3cf9c957bd23", "half_known": "<b>", "outcome": "partly"})
    assert shown.index("Partly granted") < shown.index("half known")
    assert "&lt;b&gt;" in shown
    assert reverse("admin:privacy_plan_change", args=["01a215d2-14d1-73a9-ad50-3cf9c957bd23"]) in shown


def test_facts_and_their_codes_have_words_and_what_has_none_is_shown_as_it_is() -> None:
    facts = {"addressee": "recipient", "channel": "page", "kind": "child", "by": "link", "code": "error-oserror"}
    facts |= {"due": "2026-12-26", "rules_version": "2026-12", "code_of": "2026-02-30"}
    shown = str(readable.line(facts | {"half_known": "<b>", "verdict": "new"}))
    for words in (
        "Due: 26 Dec 2026", "Version of the rules: 2026-12", "code of: 2026-02-30",
        "Written to: a recipient of data", "Came by: the page of the request", "Child&#x27;s account",
        "the link in a mail", "Another system could not be reached.", "half known: &lt;b&gt;", "Judged: new",
    ):  # fmt: skip
        assert words in shown
    for raw in ("addressee", "channel", "error-oserror"):
        assert raw not in shown
    # A colleague judges a mandate, an officer a parent's claim: the word that both use names neither.
    assert str(readable.line({"verdict": "rejected"})).endswith("Judged: rejected")


def test_letters_are_called_by_their_titles_and_what_came_in_was_written_by_nobody_here(
    client: Client, agent: User
) -> None:
    sign_in(client, agent)
    asked = submit_request()
    letter = asked.messages.get(template="confirm")
    listed = client.get(reverse("admin:privacy_message_changelist")).content.decode()
    assert "Please confirm" in listed
    html = client.get(page(letter)).content.decode()
    assert "What the agent wrote" in html
    assert f"confirm {letter.pk.hex[-8:]}" not in html
    now = timezone.now()
    came = Message.objects.create(
        request=asked, direction="in", body="Any news?", state="done", mail_id="<a@b>", created_at=now,
        next_attempt_at=now, finished_at=now,
    )  # fmt: skip
    Message.objects.filter(pk=letter.pk).update(language="zh-CN")  # as a customer's account may have it
    listed = client.get(reverse("admin:privacy_message_changelist"))
    shown = client.get(reverse("admin:privacy_request_change", args=[asked.pk]))
    for answer in (listed, shown):
        assert answer.status_code == 200
        assert "zh-CN" in answer.content.decode()
    html = client.get(page(came)).content.decode()
    assert "Written to us" in html
    assert "Any news?" in html
    for wrong in ("What the agent wrote", "Attempts", "Last error"):
        assert wrong not in html


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("error-operationalerror", "The database could not be reached, or was too busy."),
        ("error-keyerror", "The program has a fault here; the log says more."),
        ("smtp-550", "The mail server did not take the mail."),
        ("http-503", "The receiver answered with an error."),
        ("residue-found", "Something was still there that must be gone."),
        ("something-new", "something-new"),
    ],
)
def test_a_code_has_words(code: str, words: str) -> None:
    assert troubles.words_of(code) == words
    assert code in troubles.shown(code)


def test_stopped_work_says_why_once(client: Client, agent: User) -> None:
    sign_in(client, agent)
    steps = reviewed_request().steps.order_by("pk")
    for step, code in zip(steps, ("error-operationalerror", "error-interfaceerror"), strict=False):
        Step.objects.filter(pk=step.pk).update(state="parked", finished_at=None, last_error=code)
    html = client.get(reverse("admin:index")).content.decode()
    assert html.count("The database could not be reached, or was too busy.") == 1
    assert "error-operationalerror" not in html


def test_a_plan_of_an_erasure_names_the_fields_that_are_emptied(client: Client, agent: User) -> None:
    sign_in(client, agent)
    make_account(email="ana@customer.example")
    plan = plans.current(reviewed_request("deletion", "ana@customer.example"))
    assert plan is not None
    html = client.get(reverse("admin:privacy_plan_change", args=[plan.pk])).content.decode()
    assert "Business address" in html
    assert "business_address" not in html
