"""The public policy says what the rows say, is frozen when published, and tells staff where the two part."""

import gzip
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils.translation import override
from hypothesis import given, settings as hypothesis_settings, strategies as st
from pytest_django import DjangoAssertNumQueries

from consent import notices
from consent.models import Cookie
from crasme.kit import calendar
from crasme.kit.calendar import Period
from crasme.ledger.models import Entry
from privacy.clock import rules as clock_rules
from privacy.errors import NotYours
from privacy.models import Controller, PolicyVersion, Recipient, Right
from privacy.policy import drift, facts, proposals, publication, seed
from retention import changing, drafts
from retention.errors import RuleWaits
from retention.models import Rule
from tests.builders import NOW, TODAY, change_rule, make_user, sign_in

pytestmark = pytest.mark.django_db
TEMPLATES = Path(settings.BASE_DIR) / "templates" / "portal"


def text_of(client: Client, path: str = "/policy/", **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    html = re.sub(r"<head>.*?</head>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def publish(**fields: Any) -> PolicyVersion:
    defaults: dict[str, Any] = {
        "version": "2026.11",
        "last_updated": date(2026, 11, 22),
        "effective_on": date(2026, 11, 22),
        "summary": "Shorter periods.",
        "material": True,
        "proposed_by": "staff:author",
        "actor": "staff:somebody",
        "now": datetime.now(UTC),  # later than the publication of the seed
    }
    return publication.publish(**defaults | fields)


def drafted(slug: str, period: str) -> Rule:
    draft = drafts.succeed(Rule.objects.active().get(slug=slug), actor="staff:author", now=NOW)
    draft.period = period
    return drafts.save(draft, actor="staff:author", now=NOW)


# --- live rows -------------------------------------------------------------------------------------------------------
def test_the_policy_promises_what_the_rules_obey(client: Client) -> None:
    text = text_of(client)
    for words in ("90 days", "24 months", "7 years", "30 days", "younger than 13 years", "February 2026"):
        assert words in text
    assert "Concaide" in text
    assert "support@crasme.com" in text


@pytest.mark.parametrize(
    ("slug", "period", "before", "after"),
    [
        ("account-closed", "P45D", "Account data 90 days after", "Account data 45 days after"),
        ("usage", "P25M", "24 months", "25 months"),
        ("billing", "P10Y", "Billing records 7 years at most", "Billing records 10 years at most"),
        ("backups", "P2W", "Backups 30 days at most", "Backups 14 days at most"),
        ("consent", "P6Y", "Cookie choices 5 years", "Cookie choices 6 years"),
    ],
)
def test_a_changed_period_changes_the_page(client: Client, slug: str, period: str, before: str, after: str) -> None:
    assert before in text_of(client)
    assert after not in text_of(client)
    change_rule(slug, period=period)
    assert after in text_of(client)
    assert before not in text_of(client)


@hypothesis_settings(max_examples=8, deadline=None)
@given(
    period=st.builds(lambda months, days: Period(months=months, days=days), st.integers(0, 400), st.integers(1, 900))
)
def test_any_period_stands_on_the_page_in_words(period: Period) -> None:
    with transaction.atomic():
        change_rule("usage", period=period.isoformat())
        assert period.words() in text_of(Client())
        transaction.set_rollback(True)


def test_a_rule_that_is_not_in_force_promises_nothing(client: Client) -> None:
    change_rule("usage", state=Rule.State.RETIRED)
    assert "24 months" not in text_of(client)
    assert "24 months" not in text_of(client, "/")


def test_cookies_stand_with_their_lifetimes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consent.fairness.gate.require", lambda made: None)  # its own tests measure in a browser
    Cookie.objects.filter(name="crasme_csrf").update(lifetime="P9M", purpose="Guards forms.")
    assert "crasme_csrf Guards forms. 9 months" not in text_of(client)  # a draft promises nothing
    notices.publish(actor="system:test", now=datetime.now(UTC))
    assert "crasme_csrf Guards forms. 9 months" in text_of(client)


@pytest.mark.parametrize("path", ["/", "/policy/", "/evidence/verify/", "/requests/new/"])
def test_addresses_and_names_come_from_the_controller(client: Client, path: str) -> None:
    Controller.objects.update(contact_email="privacy@elsewhere.example", product="Other CRM", company="Other Ltd")
    html = client.get(path).content.decode()
    assert "privacy@elsewhere.example" in html
    assert "Other CRM" in html
    assert "support@crasme.com" not in html
    assert "Crasme CRM" not in html


def test_the_minimum_age_and_the_postal_address_are_rows(client: Client) -> None:
    Controller.objects.update(minimum_age=16, postal_address="Ring 1\n1010 Wien")
    text = text_of(client)
    assert "younger than 16 years" in text
    assert "Ring 1 1010 Wien" in text


def test_rights_are_rows_on_both_pages(client: Client) -> None:
    Right.objects.filter(kind="access").update(title="Look at everything")
    Right.objects.filter(kind="restriction").update(open=False)
    for path in ("/", "/policy/"):
        text = text_of(client, path)
        assert "Look at everything" in text
        assert "See your data" not in text
        assert "Restrict the use" not in text
    assert 'href="/requests/new/?kind=access"' in client.get("/").content.decode()


def test_recipients_are_rows(client: Client) -> None:
    Recipient.objects.filter(kind="hosting").update(name="Datacentre & Sons", country="IS")
    Recipient.objects.filter(kind="analytics").update(active=False)
    text = text_of(client)
    assert "Datacentre &amp; Sons (IS)" in text
    assert "Our analytics service" not in text
    assert "Analytics nobody at present" in text


def test_the_time_to_answer_is_the_clocks_own(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "PROMISE_DAYS", 21)
    assert "We answer within 21 days" in text_of(client)
    assert "21 days" in text_of(client, "/")
    assert clock_rules.PROMISE_DAYS == 30


def test_every_field_that_tells_something_is_listed(client: Client) -> None:
    text = text_of(client)
    for meaning in (
        "Full name",
        "Password, as a strong hash",
        "IP address",
        "Screen resolution",
        "Search query",
        "Tax number",
    ):
        assert meaning in text
    assert "Which worker has it" not in text


def test_the_templates_hold_no_number_address_or_name_of_their_own() -> None:
    """What the reader sees of a template when every tag and variable is taken out holds no fact."""
    files = [
        *TEMPLATES.glob("policy/*.html"),
        TEMPLATES / "policy.html",
        TEMPLATES / "home.html",
        TEMPLATES / "base.html",
    ]
    assert len(files) > 12
    for file in files:
        source = re.sub(r"\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}", "", file.read_text(), flags=re.DOTALL)
        shown = re.sub(r"<[^>]*>|\{\{.*?\}\}", "", re.sub(r"=\"[^\"]*\"", "", source), flags=re.DOTALL)
        shown = re.sub(r"\{%\s*(?!translate)[^%]*%\}", "", shown)
        found = re.findall(
            r"\d+|@|\b(?:thirty|ninety|seven|thirteen|twenty|Concaide|Crasme|support)\b", shown, flags=re.IGNORECASE
        )
        assert not found, f"{file.name}: {found}"


# --- sections and languages ------------------------------------------------------------------------------------------
def test_eleven_sections_with_anchors_and_a_table_of_contents(client: Client) -> None:
    html = client.get("/policy/").content.decode()
    headings = re.findall(r'<h2 id="([a-z]+)-title">(\d+)\.', html)
    assert [int(number) for _slug, number in headings] == list(range(1, 12))
    for slug, _number in headings:
        assert f'<section id="{slug}"' in html
        assert f'href="#{slug}"' in html


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_the_pages_open_in_every_language(client: Client, language: str) -> None:
    for path in ("/", "/policy/", "/policy/2026.02/", "/evidence/verify/"):
        response = client.get(path, headers={"accept-language": language})
        assert response.status_code == 200
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in response.content.decode()


def test_public_pages_set_no_cookie_and_ask_few_questions(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for path in ("/", "/policy/", "/policy/2026.02/", "/evidence/verify/"):
        client.get(path)  # fills what a process remembers
        with django_assert_max_num_queries(14):
            response = client.get(path)
        assert not response.cookies


# --- frozen ----------------------------------------------------------------------------------------------------------
def test_a_published_text_stays_as_it_was(client: Client) -> None:
    before = text_of(client, "/policy/2026.02/")
    change_rule("usage", period="P11M")
    Right.objects.filter(kind="access").update(title="Look at everything")
    assert text_of(client, "/policy/2026.02/") == before
    assert "11 months" in text_of(client)


def test_the_seed_publishes_once_and_never_overwrites() -> None:
    Controller.objects.update(company="Other Ltd")
    Right.objects.filter(kind="access").update(title="Look at everything")
    seed.after_migrate(using="default")
    assert Controller.objects.current().company == "Other Ltd"
    assert Right.objects.get(kind="access").title == "Look at everything"
    assert list(PolicyVersion.objects.values_list("version", flat=True)) == ["2026.02"]


@pytest.mark.parametrize("statement", ["UPDATE {t} SET summary = 'x'", "DELETE FROM {t}", "TRUNCATE {t}"])
def test_the_database_refuses_to_change_what_was_published(statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(t="privacy_policyversion"))


def test_a_text_that_was_tampered_with_says_so(client: Client) -> None:
    assert "does not match its fingerprint" not in text_of(client, "/policy/2026.02/")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE privacy_policyversion SET snapshot = jsonb_set(snapshot, '{html,en}', '\"Trust us.\"')")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert "does not match its fingerprint" in text_of(client, "/policy/2026.02/")


def test_an_unknown_version_is_not_found(client: Client) -> None:
    assert client.get("/policy/1999.01/").status_code == 404


# --- publishing ------------------------------------------------------------------------------------------------------
def test_publishing_freezes_the_page_and_puts_drafts_in_force(client: Client) -> None:
    active, draft, left = Rule.objects.active().get(slug="usage"), drafted("usage", "P12M"), drafted("billing", "P6Y")
    assert "12 months" not in text_of(client)

    version = publish(rules=[draft.pk])

    left.refresh_from_db()
    assert (left.state, Rule.objects.active().get(slug="billing").period) == (Rule.State.DRAFT, "P7Y")

    assert Rule.objects.active().get(slug="usage").period == "P12M"
    assert Rule.objects.get(pk=active.pk).state == Rule.State.RETIRED
    assert "12 months" in text_of(client)
    assert "12 months" in text_of(client, "/policy/2026.11/")
    assert "24 months" in text_of(client, "/policy/2026.02/")
    assert version.intact
    assert "last updated in November 2026" in text_of(client)
    entry = Entry.objects.get(verb="privacy.policy_published", actor="staff:somebody")
    assert entry.facts["sha256"] == version.sha256
    assert Entry.objects.filter(verb="retention.rule_changed", facts__rule="usage", facts__period="P12M").exists()


def test_a_version_of_a_later_day_changes_nothing_before_it(client: Client) -> None:
    """Page, schedule, promise and number stay until the day begins; then the tick moves them all at once."""
    old, draft = Rule.objects.active().get(slug="usage"), drafted("usage", "P12M")
    now = datetime.now(UTC)
    begins = (now + timedelta(days=30)).date()
    day = calendar.start_of(begins)
    publish(rules=[draft.pk], effective_on=begins, now=now)
    draft.refresh_from_db()
    assert (draft.state, draft.effective_from, draft.published_in) == (Rule.State.AHEAD, day, "2026.11")
    assert Rule.objects.active().get(slug="usage") == old
    page = text_of(client)
    assert ("24 months" in page, "12 months" in page, "Version 2026.02" in page) == (True, False, True)
    ahead = text_of(client, "/policy/2026.11/")
    assert ("12 months" in ahead, "has not taken effect yet" in ahead) == (True, True)
    assert drift.differences(now) == []
    with pytest.raises(RuleWaits):
        publish(version="2026.11.1", rules=[drafted("usage", "P6M").pk], effective_on=begins, now=now)
    # What took effect before it would be undone by its text, which is frozen; what comes after it tells of it too.
    billing = drafted("billing", "P6Y")
    with pytest.raises(publication.VersionWaits, match="takes effect on"):
        publish(version="2026.11.1", rules=[billing.pk], now=now)
    after = publish(version="2026.11.1", rules=[billing.pk], effective_on=begins + timedelta(days=1), now=now)
    told = after.snapshot["facts"]["rules"]
    assert (told["usage"]["period"], told["billing"]["period"]) == ("P12M", "P6Y")
    assert Rule.objects.active().get(slug="usage") == old

    assert changing.take_effect(day - timedelta(microseconds=1)) == []
    # The day has begun, the tick has not come: the old version applies as a whole, never half of each.
    assert PolicyVersion.objects.current_number(day) == "2026.02"
    assert [rule.period for rule in changing.take_effect(day)] == ["P12M"]
    assert changing.take_effect(day) == []
    old.refresh_from_db()
    assert (old.state, Rule.objects.active().get(slug="usage").period) == (Rule.State.RETIRED, "P12M")
    assert PolicyVersion.objects.current_number(day) == "2026.11"
    assert drift.differences(day) == []


def test_two_people_publish_and_only_what_was_proposed(django_assert_max_num_queries: Any) -> None:
    draft, now = drafted("usage", "P12M"), datetime.now(UTC)
    fields: dict[str, Any] = {
        "version": "2026.11",
        "last_updated": TODAY,
        "effective_on": now.date(),
        "summary": "Less.",
    }
    with django_assert_max_num_queries(115):  # it was 265 while each draft was looked at constraint by constraint
        proposal = proposals.propose(**fields, material=True, rules=[draft.pk], actor="staff:author", now=now)
    assert (PolicyVersion.objects.count(), Rule.objects.active().get(slug="usage").period) == (1, "P24M")
    assert [each.path for each in proposals.differences(proposal, now)] == ["rules.usage.period"]
    with pytest.raises(NotYours):
        proposals.approve(proposal, actor="staff:author", now=now)
    assert drift.Difference("tables.x", None, {"title": "Links", "fields": {"a": {}}}).after == "Links"
    [(_draft, changes, preview)] = proposals.rules_changed(proposal, now)
    assert (changes, preview.shorter) == ([("period", "P24M", "P12M")], True)
    draft.max_rows = 7  # not on the page, and yet part of what is approved
    drafts.save(draft, actor="staff:author", now=now)
    with pytest.raises(proposals.ProposalOutdated):
        proposals.approve(proposal, actor="staff:approver", now=now)
    proposals.withdraw(proposal, actor="staff:author", now=now)
    with pytest.raises(proposals.ProposalClosed):
        proposals.approve(proposal, actor="staff:approver", now=now)
    again = proposals.propose(**fields, material=True, rules=[draft.pk], actor="staff:author", now=now)
    assert ("max_rows", 50_000_000, 7) in proposals.rules_changed(again, now)[0][1]
    with pytest.raises(proposals.DayOver):  # it would claim to have applied before anybody could read it
        proposals.approve(again, actor="staff:approver", now=now + timedelta(days=1))
    version = proposals.approve(again, actor="staff:approver", now=now)
    assert (version.proposed_by, version.published_by) == ("staff:author", "staff:approver")
    assert Rule.objects.active().get(slug="usage").period == "P12M"
    for row in (again, version):
        column = "decided_by" if row is again else "published_by"
        with pytest.raises(IntegrityError, match=r"four_eyes|append-only"), transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk).update(**{column: "staff:author"})


def test_every_language_is_frozen() -> None:
    assert set(publish().snapshot["html"]) == {code for code, _name in settings.LANGUAGES}


def test_a_number_is_published_once() -> None:
    with pytest.raises(publication.NumberTaken):
        publish(version="2026.02")


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "next"},
        {"version": "2026.13"},
        {"effective_on": date(2026, 1, 1)},
        {"proposed_by": ""},
        {"proposed_by": "staff:somebody"},
    ],
)
def test_a_publication_that_cannot_be_changes_nothing(wrong: dict[str, Any]) -> None:
    draft = drafted("usage", "P12M")
    with pytest.raises(ValidationError):
        publish(rules=[draft.pk], **wrong)
    assert Rule.objects.active().get(slug="usage").period == "P24M"
    assert PolicyVersion.objects.count() == 1


# --- drift -----------------------------------------------------------------------------------------------------------
def test_a_fresh_installation_says_what_it_published() -> None:
    assert drift.differences(NOW) == []


def test_a_difference_names_the_fact_and_both_values() -> None:
    change_rule("usage", period="P25M")
    Controller.objects.update(contact_email="new@crasme.example")
    assert drift.differences(NOW) == [
        drift.Difference("controller.contact_email", "support@crasme.com", "new@crasme.example"),
        drift.Difference("rules.usage.period", "P24M", "P25M"),
    ]
    publish()
    assert drift.differences(NOW) == []


def test_the_language_of_the_asker_is_no_difference() -> None:
    with override("ar"):
        assert drift.differences(NOW) == []


def test_only_staff_see_the_difference(client: Client) -> None:
    change_rule("usage", period="P25M")
    assert "rules.usage.period" not in text_of(client)
    sign_in(client, make_user("Privacy officer"))
    assert "rules.usage.period" in text_of(client)


# --- language and evidence -------------------------------------------------------------------------------------------
def test_a_chosen_language_is_remembered_although_functional_cookies_are_off(client: Client) -> None:
    response = client.post(
        "/language/", {"language": "ar", "next": "/policy/"}, headers={"sec-fetch-site": "same-origin"}
    )
    assert response.status_code == 302
    assert response["Location"] == "/policy/"
    assert response.cookies["crasme_language"].value == "ar"
    assert 'dir="rtl"' in client.get("/policy/").content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_language_form_leads_nowhere_else(client: Client, target: str) -> None:
    assert client.post("/language/", {"language": "de", "next": target})["Location"] == "/"


def test_another_site_cannot_switch_the_language(client: Client) -> None:
    response = client.post("/language/", {"language": "de"}, headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 403
    assert not response.cookies
    assert not client.post("/language/", {"language": "xx"}).cookies


def test_an_entry_can_be_checked_by_anybody(client: Client) -> None:
    entry = Entry.objects.get(verb="privacy.policy_published")
    text = text_of(client, f"/evidence/verify/?entry={entry.pk}&digest={entry.digest}")
    assert "The entry is there, unchanged." in text
    assert "The policy was published." in text
    assert "system" not in text.lower().replace("systems", "")
    wrong = text_of(client, f"/evidence/verify/?entry={entry.pk}&digest={'0' * 64}")
    assert "This does not match." in wrong
    unknown = text_of(client, "/evidence/verify/?entry=01890000-0000-7000-8000-000000000000")
    assert "no entry of this number" in unknown
    assert client.get("/evidence/verify/?entry=nonsense").status_code == 200


def test_a_changed_entry_is_found_out(client: Client) -> None:
    entry = Entry.objects.get(verb="privacy.policy_published")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE ledger_entry SET actor = 'staff:other' WHERE id = %s", [entry.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert "not the one that was written" in text_of(client, f"/evidence/verify/?entry={entry.pk}")


def test_the_stylesheet_stays_light() -> None:
    """Compressed, as it is served."""
    sheet = (Path(settings.BASE_DIR) / "privacy/static/portal/portal.css").read_bytes()
    assert len(gzip.compress(sheet, 9)) <= 6 * 1024
