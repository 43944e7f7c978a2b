"""Invoices in dispute: said by staff or by the CRM, kept until it is settled, and ended by the next run after."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from crasme.crm.models import Dispute, Invoice
from crasme.crm.services import disputes
from crasme.ledger.models import Entry
from crasme.staff.roles import AUDITOR, SUPPORT_AGENT
from retention import services
from retention.models import Rule
from tests.builders import make_api_key, make_user, sign_in
from tests.retention import builders

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEPT = r"^period over on 2026-01-02, kept: .*; in dispute since {day}$"


def why(invoice: Invoice) -> str:
    return services.explain("crm.invoice", invoice.pk, NOW).words()


def purge(at: datetime) -> int:
    Rule.objects.active().filter(slug="billing").update(max_rows=100)
    run = services.run_rule(builders.rule("billing"), now=at, actor="system:test")
    assert run is not None
    return run.rows_total


def test_staff_say_that_an_invoice_is_in_dispute_and_it_stays_until_that_is_closed(client: Client) -> None:
    old, other = (builders.invoice(builders.account(), date(2019, 1, 2)) for _each in range(2))
    sign_in(client, make_user(AUDITOR))
    page = reverse("admin:crm_invoice_change", args=[old.pk])
    start, end = (reverse(f"admin:crm_invoice_{act}_dispute", args=[old.pk]) for act in ("open", "close"))
    assert start not in client.get(page).content.decode()
    assert client.post(start, {"reason": "amount"}).status_code == 403
    sign_in(client, make_user(SUPPORT_AGENT))
    shown = client.get(page).content.decode()
    assert (start in shown, end in shown) == (True, False)
    assert "What is contested" in client.get(start).content.decode()
    assert not Dispute.objects.exists()
    client.post(start, {"reason": "amount"})
    dispute = Dispute.objects.get()
    shown = client.get(page).content.decode()
    assert (start in shown, end in shown) == (False, True)
    assert re.match(KEPT.format(day=f"{dispute.opened_at:%Y-%m-%d}"), why(old))
    assert why(other).startswith("due since 2026-01-02")
    assert "This invoice is in dispute since" in client.post(start, {"reason": "other"}, follow=True).content.decode()
    # The dispute itself follows its invoice, and says so.
    assert "in dispute since" in services.explain("crm.dispute", dispute.pk, NOW).words()
    assert purge(NOW) == 1
    assert list(Invoice.objects.all()) == [old]
    client.post(end)
    assert "closed already" in client.post(end, follow=True).content.decode()
    dispute.refresh_from_db()
    assert dispute.closed_by.startswith("staff:")
    assert why(old).startswith("due since 2026-01-02")
    assert purge(NOW + timedelta(days=1)) == 1
    assert not Dispute.objects.exists()
    recorded = Entry.objects.filter(verb__startswith="crm.dispute_")
    assert [each.facts["dispute"] for each in recorded] == 2 * [str(dispute.pk)]


def test_the_crm_says_it_as_often_as_it_likes() -> None:
    invoice = builders.invoice(None, date(2019, 1, 2))
    _key, token = make_api_key("disputes:write")

    def put(reference: str, **changed: Any) -> tuple[int, Any]:
        said = {"invoice": invoice.number, "reason": "payment", "opened_at": "2026-11-01T08:00:00+01:00"} | changed
        client = Client(headers={"Authorization": token})
        answer = client.put(reverse("api-dispute", args=[reference]), said, content_type="application/json")
        return answer.status_code, answer.json()

    for reason in ("payment", "amount"):  # what was said first stands
        status, answer = put("D-1", reason=reason)
        assert (status, answer["reason"]) == (200, "payment")
    dispute = Dispute.objects.get()
    assert (dispute.opened_at, dispute.closed_at) == (datetime(2026, 11, 1, 7, tzinfo=UTC), None)
    assert re.match(KEPT.format(day="2026-11-01"), why(invoice))
    refusals: list[tuple[str, dict[str, Any], str]] = [
        ("D-2", {}, "in dispute since 2026-11-01"),
        ("D-1", {"opened_at": "2026-11-02T08:00:00Z"}, "another beginning"),
        ("D-1", {"invoice": "none"}, "another invoice"),
        ("D-3", {"invoice": "none"}, "no invoice of this number"),
        ("D-1", {"closed_at": "2026-10-01T00:00:00Z"}, "ends after it began"),
        ("D-1", {"reason": "weather"}, "not a valid choice"),
        ("D" * 41, {}, "too long"),
    ]
    for reference, changed, words in refusals:
        status, answer = put(reference, **changed)
        assert (status, words in str(answer["errors"])) == (400, True), answer
    for _time in range(2):
        assert put("D-1", closed_at="2026-11-03T00:00:00Z")[0] == 200
    assert why(invoice).startswith("due since")
    assert "Open it again under a new reference" in str(put("D-1")[1])
    assert "payment card" in str(put("4111111111111111")[1])
    assert put("D-2")[0] == 200
    assert Dispute.objects.count() == 2
    client = Client(headers={"Authorization": make_api_key("events:write")[1]})
    assert client.put(reverse("api-dispute", args=["D-9"]), {}, content_type="application/json").status_code == 403


def test_the_database_refuses_a_second_open_dispute_and_a_purge_is_waited_for() -> None:
    invoice = builders.invoice(None, date(2019, 1, 2))
    disputes.open_dispute(invoice, reason="other", actor="staff:test", now=NOW)
    with pytest.raises(IntegrityError, match="crm_dispute_one_open"), transaction.atomic():
        Dispute.objects.create(invoice=invoice, reason="other", opened_at=NOW, opened_by="staff:test")
    with connection.cursor() as cursor:  # the lock that every purge shares from its look to its commit
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
            " AND pid = pg_backend_pid() AND granted"
        )
        assert cursor.fetchone()[0] == 1
