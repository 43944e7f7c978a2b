"""Rules change through drafts and a publication, and in no other way: not in the admin, not in code, not in SQL."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.staff.roles import AUDITOR, OPERATIONS, PRIVACY_OFFICER, SUPPORT_AGENT
from retention import changing, counting, drafts, predicate, ruletext
from retention.engine import partitions
from retention.errors import NotADraft
from retention.models import Rule
from tests.builders import make_user, sign_in
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db


def drafted(slug: str = "billing", **fields: Any) -> Rule:
    draft = drafts.succeed(builders.rule(slug), actor="staff:author", now=NOW)
    for name, value in fields.items():
        setattr(draft, name, value)
    return drafts.save(draft, actor="staff:author", now=NOW)


Change = Callable[[Any], Any]
CHANGES: list[tuple[Change, bool]] = [  # and whether that is what a publication does
    (lambda rules: rules.update(period="P1D"), False),
    (lambda rules: rules.update(legal_reason="Because."), False),
    (lambda rules: rules.update(state="draft"), False),
    (lambda rules: rules.update(max_rows=F("max_rows") + 1), False),
    (lambda rules: rules.update(max_rows=None), False),
    (lambda rules: rules.update(max_share=1), False),
    (lambda rules: rules.delete(), False),
    (lambda rules: rules.update(state="retired"), True),
    (lambda rules: Rule.objects.bulk_create([Rule(**_copy(rules.get()))]), True),
]


@pytest.mark.parametrize(("change", "publishes"), CHANGES)
def test_the_database_refuses_to_change_a_rule_in_force(change: Change, publishes: bool) -> None:
    billing = Rule.objects.active().filter(slug="billing")
    before = billing.values().get()
    for scene in (transaction.atomic, *(() if publishes else (changing.publication,))):
        with pytest.raises(IntegrityError, match="by a publication only"), scene():
            change(billing)
        assert billing.values().get() == before


def _copy(rule: Rule) -> dict[str, Any]:
    return drafts.substance(rule) | {"slug": "new", "state": "active", "effective_from": NOW}


def test_limits_may_be_lowered_at_once_and_a_retired_rule_never_comes_back() -> None:
    assert Rule.objects.active().filter(slug="billing").update(max_rows=1, max_share="0.1", batch_size=9) == 1
    old = builders.rule("billing")
    changing.put_in_force([drafted(period="P6Y")], now=NOW, actor="staff:approver", version="2026.12")
    with pytest.raises(IntegrityError, match="by a publication only"), changing.publication():
        Rule.objects.filter(pk=old.pk).update(state=Rule.State.ACTIVE)


def test_a_draft_is_one_a_rule_is_changed_discarded_and_never_used() -> None:
    draft = drafted(period="P6Y")
    assert drafts.succeed(builders.rule("billing"), actor="staff:other", now=NOW) == draft
    assert builders.rule("billing").period == "P7Y"
    for wrong in ({"anchor": "number"}, {"period": ""}, {"target": "crm.nothing"}):
        with pytest.raises(ValidationError):
            drafted(**wrong)
    drafts.discard(draft, actor="staff:author")
    for act in (lambda: drafts.discard(draft, actor="staff:author"), lambda: changing.chosen([draft.pk])):
        with pytest.raises(NotADraft):
            act()
    active = builders.rule("billing")
    for act in (
        lambda: drafts.discard(active, actor="staff:author"),
        lambda: drafts.save(active, actor="staff:author", now=NOW),
    ):
        with pytest.raises(NotADraft):
            act()


def test_a_preview_counts_with_the_engines_condition_and_warns_of_shorter_periods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = builders.organisation()
    for days in (20, 50, 100):
        builders.account(home, closed=NOW - timedelta(days=days))
    builders.account(home, closed=NOW - timedelta(days=60), on_hold=True)
    shorter = drafts.preview(drafted("account-closed", period="P45D"), NOW)
    assert shorter.before == drafts.Side("P90D", "erase-account", 1, 0)
    assert (shorter.after, shorter.shorter, shorter.more) == (drafts.Side("P45D", "erase-account", 2, 1), True, "1")
    longer = drafts.preview(drafted("account-closed", period="P120D"), NOW)
    assert (longer.after.rows, longer.shorter, longer.more) == (0, False, "0")
    later = drafts.preview(drafted("account-closed", period="P90D"), NOW + timedelta(days=45))
    assert (later.before, later.after.rows) == (later.after, 2)
    monkeypatch.setattr(counting, "PATIENCE", 0)  # for all four figures together: they are not asked for after it
    late = drafts.preview(drafted("account-closed", period="P45D"), NOW)
    assert late.before is not None
    assert {late.before.due, late.before.kept, late.after.due, late.after.kept} == {"more than 100,000"}


def test_the_rows_of_few_accounts_are_those_that_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, gone = builders.rule("usage"), NOW - timedelta(days=800)
    owners = [builders.account(on_hold=on_hold) for on_hold in (False, True)]
    for owner in owners:
        builders.event(owner, gone)
        builders.event(owner, NOW)
        builders.shelved(owner, gone)
    for few in (predicate.FEW_ACCOUNTS, 0):
        monkeypatch.setattr(predicate, "FEW_ACCOUNTS", few)
        for model in (rule.model, partitions.shelf(rule)):
            rows = predicate.deferred_by_few(rule, rule.cutoff(NOW), model=model)
            assert [row.account_id for row in rows] == [owners[1].pk]


@pytest.mark.parametrize(
    ("name", "said", "words"),
    [
        ("period", "P24M", "24 months"),
        ("action", "drop-partitions", "remove whole months"),
        ("target", "crm.invoice", "invoices (crm.invoice)"),
        ("target", "crm.gone", "crm.gone"),
        ("anchor", "issued_on", "issued on"),
        (
            "fields",
            ["billed_email", "issued_on:month"],
            "billed e-mail address (billed_email), issued on (issued_on:month)",
        ),
        ("unreferenced_by", ["crm.dispute.invoice"], "crm.dispute.invoice"),
        ("max_share", "0.025", "2.5 %"),
        ("max_share", "1.000", "100 %"),
        ("max_rows", None, "no limit"),
        ("max_rows", 1000, "1,000"),
        ("batch_size", 20000, "20,000"),
        ("carry_to", "", "–"),
        ("anonymity", None, "–"),
    ],
)
def test_what_a_rule_says_is_read_as_words(name: str, said: object, words: str) -> None:
    assert ruletext.value("crm.invoice", name, said) == words


def test_an_officer_drafts_edits_compares_and_discards(client: Client) -> None:
    officer = sign_in(client, make_user(PRIVACY_OFFICER))
    rule = builders.rule("billing")
    form = client.get(reverse("admin:retention_rule_succeed", args=[rule.pk]), follow=True)
    page = form.content.decode()
    for words in ("Draft a change of a rule", "P24M is 24 months", "retention/rule"):
        assert words in page
    assert "Add retention rule" not in page.partition("<title>")[2].partition("</title>")[0]
    filled = form.context["adminform"].form.initial
    assert (filled["slug"], filled["period"], Rule.objects.filter(state="draft").count()) == ("billing", "P7Y", 0)
    said = {name: value for name, value in drafts.substance(rule).items() if value is not None}
    said["unreferenced_by"] = ""
    client.post(reverse("admin:retention_rule_add"), said | {"period": "P6Y"})
    draft = Rule.objects.get(slug="billing", state=Rule.State.DRAFT)
    assert (draft.period, draft.drafted_by) == ("P6Y", officer.ref)
    client.post(reverse("admin:retention_rule_change", args=[draft.pk]), said | {"period": "P5Y"})
    draft.refresh_from_db()
    assert draft.period == "P5Y"
    compared = client.get(reverse("admin:retention_rule_what_changes", args=[draft.pk]), {"at": "2030-01-01"})
    assert compared.context["changes"] == [("Period", "7 years", "5 years")]
    compared_words = compared.content.decode()
    assert "Shorter" in compared_words
    assert "Under this draft: 0 rows are over by then: 0 rows would be deleted, 0 rows stay" in compared_words
    # What is in force can be neither changed nor discarded, even by hand-made requests.
    assert (
        client.post(reverse("admin:retention_rule_change", args=[rule.pk]), said | {"period": "P1D"}).status_code == 403
    )
    assert client.post(reverse("admin:retention_rule_delete", args=[rule.pk]), {"post": "yes"}).status_code == 403
    client.post(reverse("admin:retention_rule_delete", args=[draft.pk]), {"post": "yes"})
    assert list(Rule.objects.filter(slug="billing")) == [rule]
    rule.refresh_from_db()
    assert rule.period == "P7Y"


@pytest.mark.parametrize("role", [AUDITOR, OPERATIONS, SUPPORT_AGENT])
def test_nobody_else_drafts(client: Client, role: str) -> None:
    draft = drafted(period="P6Y")
    sign_in(client, make_user(role))
    assert client.get(reverse("admin:retention_rule_changelist")).status_code == 200
    for path in (
        reverse("admin:retention_rule_add"),
        reverse("admin:retention_rule_delete", args=[draft.pk]),
        reverse("admin:retention_rule_succeed", args=[builders.rule("billing").pk]),
    ):
        assert client.get(path).status_code == 403
    added = client.get(reverse("admin:retention_rule_add")).content.decode()
    for words in ("Can draft retention rules", "Privacy officer", "A rule comes about in two steps"):
        assert words in added
    assert (reverse("admin:retention_rule_changelist") in added, "Nobody does this by hand" in added) == (True, False)
    client.post(reverse("admin:retention_rule_change", args=[draft.pk]), {"period": "P1D"})
    draft.refresh_from_db()
    assert (draft.period, timezone.is_aware(draft.effective_from)) == ("P6Y", True)
