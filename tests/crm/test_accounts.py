"""The life of an account, and what the database itself refuses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, connections, transaction

from crasme.crm.errors import GraceOver, PeriodUnknown, WrongState
from crasme.crm.models import Account, Credential
from crasme.crm.periods import oldest_event, period_of, reactivable_until
from crasme.crm.services import accounts, corrections
from crasme.kit import locks
from crasme.kit.crypto import subject_ref
from crasme.kit.ids import uuid7
from crasme.ledger.models import Entry
from tests.builders import NOW, make_account, make_billing_profile, make_organisation

pytestmark = pytest.mark.django_db
WHO = "staff:019a0000-0000-7000-8000-000000000001"


def _verbs(account: Account) -> list[str]:
    return list(
        Entry.objects.filter(subject=subject_ref("account", account.pk)).order_by("id").values_list("verb", flat=True)
    )


class TestLife:
    def test_closing_and_opening_again_leave_evidence_and_no_trace_on_the_row(self) -> None:
        account = make_account()
        accounts.close(account, actor=WHO, now=NOW)
        assert (account.status, account.closed_at) == ("closed", NOW)
        accounts.reactivate(account, until=NOW + timedelta(days=90), actor=WHO, now=NOW + timedelta(days=90))
        account.refresh_from_db()
        assert (account.status, account.closed_at) == ("active", None)
        assert _verbs(account) == ["crm.account_closed", "crm.account_reactivated"]

    def test_the_last_instant_is_inside_and_the_next_is_not(self) -> None:
        account = make_account(closed_at=NOW)
        until = reactivable_until(account)
        assert until == NOW + timedelta(days=90)
        with pytest.raises(GraceOver, match="over"):
            accounts.reactivate(account, until=until, actor=WHO, now=until + timedelta(microseconds=1))
        assert accounts.reactivate(account, until=until, actor=WHO, now=until).status == "active"

    def test_an_erased_account_never_comes_back(self) -> None:
        account = _erased()
        with pytest.raises(WrongState, match="erased"):
            accounts.reactivate(account, until=NOW + timedelta(days=1), actor=WHO, now=NOW)
        with pytest.raises(WrongState, match="erased"):
            accounts.restrict(account, actor=WHO, now=NOW)

    def test_what_is_stored_counts_and_not_what_a_page_showed(self) -> None:
        account = make_account()
        stale = Account.objects.get(pk=account.pk)
        accounts.close(account, actor=WHO, now=NOW)
        assert stale.status == "active"
        with pytest.raises(WrongState, match="Only an active account"):
            accounts.close(stale, actor=WHO, now=NOW)
        assert _verbs(account) == ["crm.account_closed"]

    def test_restricting_twice_keeps_the_first_date(self) -> None:
        account = make_account()
        accounts.restrict(account, actor=WHO, now=NOW)
        accounts.restrict(account, actor=WHO, now=NOW + timedelta(days=1))
        assert account.restricted_at == NOW
        accounts.unrestrict(account, actor=WHO, now=NOW)
        accounts.unrestrict(account, actor=WHO, now=NOW)
        assert account.restricted_at is None
        assert _verbs(account) == ["crm.account_restricted", "crm.account_unrestricted"]

    def test_nobody_s_name_gets_into_the_evidence(self) -> None:
        account = make_account(full_name="Zacharias Quellmalz", email="quellmalz@customer.example")
        accounts.close(account, actor=WHO, now=NOW)
        corrections.correct(account, actor=WHO, now=NOW, full_name="Zoë Quellmalz")
        for entry in Entry.objects.all():
            assert "quellmalz" not in str((entry.facts, entry.actor, entry.subject)).lower()


@pytest.mark.django_db(transaction=True)
def test_of_four_who_close_at_once_one_does() -> None:
    account = make_account()

    def close(_number: int) -> str:
        try:
            return accounts.close(Account.objects.get(pk=account.pk), actor=WHO, now=NOW).status
        except WrongState:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(close, range(4))) == ["closed", "refused", "refused", "refused"]
    assert _verbs(account) == ["crm.account_closed"]


@pytest.mark.django_db(transaction=True)
def test_a_restriction_waits_for_the_purge_that_has_looked_already() -> None:
    account = make_account()

    def restrict() -> str:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '300ms'")
            accounts.restrict(account, actor=WHO, now=NOW)
        except OperationalError:
            return "waited"
        else:
            return "did not wait"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        locks.share(locks.UNTOUCHABLE)
        assert pool.submit(restrict).result() == "waited"
    assert accounts.restrict(account, actor=WHO, now=NOW).restricted_at == NOW


class TestCorrections:
    def test_only_what_differs_is_written_and_named(self) -> None:
        account = make_account(full_name="Ana", phone="1")
        corrections.correct(account, actor=WHO, now=NOW, full_name="Ana María", phone="1", email="ANA@Example.COM ")
        account.refresh_from_db()
        assert (account.full_name, account.email) == ("Ana María", "ana@example.com")
        assert Entry.objects.get(verb="crm.corrected").facts == {
            "table": "crm.account",
            "fields": ["email", "full_name"],
        }

    def test_nothing_different_leaves_no_evidence(self) -> None:
        account = make_account(full_name="Ana")
        corrections.correct(account, actor=WHO, now=NOW, full_name="Ana")
        assert not Entry.objects.filter(verb="crm.corrected").exists()

    def test_status_and_flags_are_not_corrected(self) -> None:
        with pytest.raises(TypeError, match="on_hold, status"):
            corrections.correct(make_account(), actor=WHO, now=NOW, status="erased", on_hold=True)

    def test_a_value_that_does_not_fit_changes_nothing(self) -> None:
        taken, account = make_account(), make_account()
        with pytest.raises(ValidationError, match="exists already"):
            corrections.correct(account, actor=WHO, now=NOW, email=taken.email.upper(), full_name="New")
        account.refresh_from_db()
        assert account.full_name != "New"

    def test_an_erased_person_is_not_written_back(self) -> None:
        account = _erased()
        with pytest.raises(WrongState):
            corrections.correct(account, actor=WHO, now=NOW, full_name="Back")
        profile = make_billing_profile(account, billing_name="x")
        with pytest.raises(WrongState):
            corrections.correct(profile, actor=WHO, now=NOW, billing_name="Back")

    def test_a_billing_profile_keeps_the_time_of_its_correction(self) -> None:
        profile = make_billing_profile(make_account())
        corrections.correct(profile, actor=WHO, now=NOW + timedelta(days=2), billing_name="Neue GmbH")
        profile.refresh_from_db()
        assert (profile.billing_name, profile.updated_at) == ("Neue GmbH", NOW + timedelta(days=2))


class TestTable:
    """Each constraint, by raw queryset calls that no form guards."""

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"status": "closed"}, "status_dates"),
            ({"closed_at": NOW}, "status_dates"),
            ({"status": "erased", "erased_at": NOW}, "erased_is_empty"),
            ({"email": ""}, "has_email"),
            ({"status": "closed", "closed_at": NOW - timedelta(days=9999)}, "closed_after_created"),
        ],
    )
    def test_impossible_rows_are_refused(self, changes: dict[str, Any], constraint: str) -> None:
        account = make_account()
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Account.objects.filter(pk=account.pk).update(**changes)

    def test_an_erased_account_cannot_be_on_hold(self) -> None:
        with pytest.raises(IntegrityError, match="erased_is_empty"), transaction.atomic():
            Account.objects.filter(pk=_erased().pk).update(on_hold=True)

    def test_addresses_are_one_however_they_are_written(self) -> None:
        make_account(email="Åsa@BÜCHER.example")
        with pytest.raises(IntegrityError, match="email_once"), transaction.atomic():
            Account.objects.bulk_create([_unsaved(email="åsa@xn--bcher-kva.example")])
        for written in ("ÅSA@bücher.example", " åsa@Bücher.EXAMPLE ", "åsa@xn--bcher-kva.example."):
            assert Account.objects.by_email(written).count() == 1

    def test_bulk_writes_store_the_normalised_address(self) -> None:
        account = _unsaved(email="  Mixed.Case@Example.COM")
        Account.objects.bulk_create([account])
        Account.objects.filter(pk=account.pk).update(email="Other@EXAMPLE.com")
        assert Account.objects.values_list("email", flat=True).get(pk=account.pk) == "other@example.com"

    def test_many_erased_accounts_have_no_address(self) -> None:
        assert _erased().email == _erased().email == ""
        assert not Account.objects.by_email("").exists()

    def test_only_strong_hashes_are_stored(self) -> None:
        for weak in ("hunter2", "5f4dcc3b5aa765d61d8327deb882cf99", "md5$salt$abcdefabcdefabcdefabcdef"):
            with pytest.raises(IntegrityError, match="strong_hash"), transaction.atomic():
                Credential.objects.create(account=make_account(), password_hash=weak, changed_at=NOW)


class TestVocabulary:
    def test_usable_leaves_out_everybody_who_must_be_left_alone(self) -> None:
        fine = make_account()
        make_account(restricted_at=NOW)
        make_account(closed_at=NOW)
        _erased()
        assert list(Account.objects.usable()) == [fine]

    def test_closed_before_keeps_the_cut_off_instant(self) -> None:
        early = make_account(closed_at=NOW - timedelta(microseconds=1))
        make_account(closed_at=NOW)
        assert list(Account.objects.closed_before(NOW)) == [early]

    def test_standing_says_no_more_than_it_must(self) -> None:
        expected = {
            make_account(): "usable",
            make_account(closed_at=NOW, restricted_at=NOW): "restricted",
            make_account(closed_at=NOW): "closed",
            make_account(analytics_objected_at=NOW): "objected",
            _erased(): "unknown",
        }
        found = Account.objects.with_standing()
        assert {account: account.standing for account in found} == expected  # type: ignore[attr-defined]

    def test_periods_come_from_the_rule_that_the_data_map_names(self) -> None:
        assert period_of("crm.Account").isoformat() == "P90D"
        assert oldest_event(NOW) == NOW.replace(year=2024)
        with pytest.raises(PeriodUnknown, match="billing"):
            period_of("crm.Invoice")

    def test_nobody_shows_in_a_name(self) -> None:
        account = make_account(full_name="Zacharias", email="z@customer.example")
        assert "z@" not in str(account)
        assert "Zach" not in str(account)


def _unsaved(**fields: Any) -> Account:
    return Account(**{"organisation": make_organisation(), "created_at": NOW - timedelta(days=5)} | fields)


def _erased() -> Account:
    account = _unsaved(status=Account.Status.ERASED, erased_at=NOW, closed_at=NOW)
    account.pk = UUID(str(uuid7()))
    account.save(force_insert=True)
    return account
