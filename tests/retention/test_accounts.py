"""What ends with an account, what does not, and what comes back for what a hold had kept."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crasme.crm.models import Account, Contact, Credential, Deal, Integration, Invoice, Note, SyncedMessage, UsageEvent
from crasme.crm.services import disputes
from crasme.kit import datamap
from retention import holds, services
from retention.engine import accounts
from retention.models import Run
from retention.obstacles import Scopes
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

EXPIRED = datetime(2026, 8, 1, tzinfo=UTC)


def run(now: datetime = NOW) -> Run:
    done = services.run_rule(builders.rule("account-closed"), now=now, actor="system:test")
    assert done is not None
    assert (done.state, done.last_error) == (Run.State.DONE, "")
    return done


def test_identifiers_and_dependants_go_usage_and_invoices_follow_their_own_rules() -> None:
    gone = builders.furnish(builders.account(closed=EXPIRED, phone="+43 1 5550", job_title="Chief"))
    billed = builders.invoice(gone, date(2024, 1, 1))
    run()
    gone.refresh_from_db()
    assert (gone.status, gone.email, gone.phone, gone.job_title, gone.closed_at) == ("erased", "", "", "", EXPIRED)
    assert gone.erased_at == NOW
    assert not Contact.objects.exists()
    assert not Credential.objects.exists()
    assert UsageEvent.objects.filter(account=gone).count() == 2
    billed.refresh_from_db()
    assert (billed.billed_name, billed.account_id) == ("Somebody", gone.pk)


def test_rows_of_others_lose_their_link_by_the_statement_that_deletes_and_stay() -> None:
    gone = builders.furnish(builders.account(closed=EXPIRED))
    colleague = builders.furnish(builders.account(gone.organisation))
    contact, own = Contact.objects.get(owner=gone), Contact.objects.get(owner=colleague)
    note = Note.objects.create(owner=colleague, contact=own, body="Stays as it is.", created_at=NOW)
    linked = [
        Deal.objects.filter(owner=colleague),
        Note.objects.filter(owner=colleague).exclude(pk=note.pk),
        SyncedMessage.objects.filter(integration__account=colleague),
    ]
    before = [rows.update(contact=contact) for rows in linked]
    with CaptureQueriesContext(connection) as asked:
        run()
    assert [rows.filter(contact=None).count() for rows in linked] == before == [1, 1, 1]
    note.refresh_from_db()
    assert note.contact == own
    assert list(Contact.objects.all()) == [own]
    statements = [each["sql"] for each in asked if 'SET "contact_id" = NULL' in each["sql"]]
    assert len(statements) == 1
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing points at what is gone


def test_accounts_that_are_open_or_just_closed_stay_whole() -> None:
    home = builders.organisation()
    builders.furnish(builders.account(closed=EXPIRED))
    active, fresh = builders.furnish(builders.account(home)), builders.furnish(builders.account(home, closed=NOW))
    run()
    for account in (active, fresh):
        before = account.email
        account.refresh_from_db()
        assert account.email == before
        assert Contact.objects.filter(owner=account).count() == 1
        assert Credential.objects.filter(account=account).count() == 1


def test_reactivation_in_time_keeps_everything() -> None:
    account = builders.furnish(builders.account(closed=EXPIRED))
    Account.objects.filter(pk=account.pk).update(status="active", closed_at=None)
    assert run().rows_total == 0
    assert Note.objects.count() == 1


@pytest.mark.parametrize("fields", [{"on_hold": True}, {"restricted_at": NOW}])
def test_an_account_on_hold_or_restricted_is_kept(fields: dict[str, object]) -> None:
    account = builders.furnish(builders.account(closed=EXPIRED, **fields))
    assert run().rows_total == 0
    account.refresh_from_db()
    assert (account.status, bool(account.email)) == ("closed", True)
    Account.objects.filter(pk=account.pk).update(on_hold=False, restricted_at=None)
    assert run(NOW + timedelta(days=1)).rows_total == 1


def test_what_a_hold_kept_of_an_erased_account_goes_after_its_release() -> None:
    account = builders.furnish(builders.account(closed=EXPIRED))
    hold = builders.hold(holds.one_record("crm.Note", Note.objects.get().pk))
    run()
    account.refresh_from_db()
    assert (account.status, Note.objects.count(), Contact.objects.count()) == ("erased", 1, 0)
    assert run(NOW + timedelta(days=1)).counts == {}
    assert Note.objects.count() == 1
    holds.release(hold, actor="staff:test", now=NOW)
    # What keeps an account whose period is over keeps what is left of it as well, as its explanation says.
    Account.objects.filter(pk=account.pk).update(restricted_at=NOW)
    assert services.explain("crm.note", Note.objects.get().pk, NOW).kept
    assert run(NOW + timedelta(days=2)).counts == {}
    Account.objects.filter(pk=account.pk).update(restricted_at=None)
    swept = run(NOW + timedelta(days=3))
    assert swept.counts == {"crm.note": 1}
    assert not Note.objects.exists()
    # The tombstone itself is not written again.
    account.refresh_from_db()
    assert account.erased_at == NOW


def test_a_hold_on_the_organisation_covers_accounts_made_afterwards() -> None:
    home = builders.organisation()
    builders.hold(holds.organisation(home.pk))
    account = builders.account(home, closed=EXPIRED)
    assert account.on_hold is False
    assert run().rows_total == 0


def test_invoices_go_by_their_date_and_not_with_somebody_elses() -> None:
    old, young = builders.invoice(None, date(2019, 11, 1)), builders.invoice(None, date(2019, 12, 1))
    held = builders.invoice(None, date(2019, 11, 1))
    builders.hold(holds.one_record("crm.Invoice", held.pk))
    done = services.run_rule(builders.rule("billing"), now=NOW, actor="system:test")
    assert done is not None
    assert done.rows_total == 1
    assert set(Invoice.objects.values_list("pk", flat=True)) == {young.pk, held.pk}
    assert old.pk not in Invoice.objects.values_list("pk", flat=True)


def test_what_something_open_keeps_outlives_the_account_with_what_it_depends_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What must NOT be deleted when an account's time is over: a row that is open by itself, and its parents."""
    keeper = datamap.Keeper(label="crm.SyncedMessage", is_open={"thread_id": "open"}, why="open message")
    monkeypatch.setattr(datamap, "keepers", lambda: (keeper,))
    gone = builders.furnish(builders.account(closed=EXPIRED))
    contested = builders.invoice(gone, date(2024, 1, 1))
    disputes.open_dispute(contested, reason="amount", actor="staff:test", now=NOW)
    SyncedMessage.objects.update(thread_id="open")
    ended = run()
    gone.refresh_from_db()
    assert (gone.status, gone.email) == ("erased", "")  # one kept row is no reason to keep the person's account
    assert not Note.objects.exists()
    assert Integration.objects.count() == SyncedMessage.objects.count() == 1  # the message and what it hangs on
    assert "crm.integration" not in ended.counts
    message, service = SyncedMessage.objects.get(), Integration.objects.get()
    assert services.explain("crm.syncedmessage", message.pk, NOW).words().endswith("open message")
    assert services.explain("crm.integration", service.pk, NOW).words().endswith("that are kept depend on it")
    # The contested invoice stands for itself: by its own copy, linked to the bare id that stays for it.
    contested.refresh_from_db()
    assert (contested.billed_name, contested.account_id) == ("Somebody", gone.pk)
    # A restored database does not end by replay what was kept then.
    counts = accounts.erase([gone.pk], accounts.tables_of("account-closed"), Scopes.now(), NOW)
    assert SyncedMessage.objects.exists(), counts
    assert run(NOW + timedelta(days=1)).rows_total == 0
    # Settled, it goes with the next run.
    SyncedMessage.objects.update(thread_id="settled")
    assert run(NOW + timedelta(days=2)).counts == {"crm.syncedmessage": 1, "crm.integration": 1}
    assert not Integration.objects.exists()
