"""Several at once: two ticks, and holds placed while a purge runs."""

import contextlib
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from crasme.crm.models import Account, Contact, HeldUsageEvent, UsageEvent
from crasme.crm.partitions import TABLE
from crasme.kit.partitions import ensure_months
from retention import holds, services
from retention.engine import checkpoint
from retention.errors import NothingToHold
from retention.models import Rule, Run
from tests.builders import change_rule
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """Run each in a thread and connection of its own, started together; their results, errors raised."""
    barrier = threading.Barrier(len(work))
    results: list[Any] = [None] * len(work)

    def one(position: int) -> None:
        try:
            barrier.wait(10)
            results[position] = work[position]()
        except BaseException as error:  # noqa: BLE001  (raised again below, in the test's own thread)
            results[position] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(position,)) for position in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def test_two_ticks_at_once_do_each_rule_once() -> None:
    home = builders.organisation()
    for number in range(20):
        builders.account(home, closed=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=number))
    Rule.objects.filter(slug="account-closed").update(batch_size=1)
    tick = lambda: services.run_due(NOW)  # noqa: E731
    at_once(tick, tick, tick)
    acting = Rule.objects.in_force(NOW).acting().count()
    assert Run.objects.count() == acting
    assert Run.objects.filter(state=Run.State.DONE).count() == acting
    assert Run.objects.get(rule__slug="account-closed").rows_total == 20


def test_a_stretch_with_a_locked_row_is_left_to_the_rows_and_goes_with_the_next_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoint, "LOCK_TIMEOUT", "100ms")
    owner, day = builders.account(), datetime(2024, 11, 10, tzinfo=UTC)
    locked, free = builders.event(owner, day), builders.event(owner, day)
    rule = builders.rule("usage")
    url, name = os.environ["DATABASE_URL"], connection.settings_dict["NAME"]
    with psycopg.connect(f"{url.rpartition('/')[0]}/{name}") as other:
        other.execute("SELECT 1 FROM crm_usageevent WHERE id = %s FOR UPDATE", [locked.pk])
        first = services.run_rule(rule, now=NOW, actor="system:test")
        assert first is not None
        assert (first.state, first.rows_total) == (Run.State.STOPPED, 1)
        assert list(UsageEvent.objects.all()) == [locked]
        assert free.pk != locked.pk
    again = services.run_rule(rule, now=NOW + timedelta(hours=2), actor="system:test")
    assert again is not None
    assert (again.state, again.rows_total) == (Run.State.DONE, 2)
    assert not UsageEvent.objects.exists()


def test_a_row_that_somebody_has_locked_is_passed_by_and_waited_for_at_the_end() -> None:
    home, closed = builders.organisation(), datetime(2025, 1, 1, tzinfo=UTC)
    locked, *free = (builders.account(home, closed=closed + timedelta(seconds=number)) for number in range(3))
    rule = change_rule("account-closed", batch_size=1)
    url, name = os.environ["DATABASE_URL"], connection.settings_dict["NAME"]
    seen: list[int] = []
    with psycopg.connect(f"{url.rpartition('/')[0]}/{name}") as other:
        other.execute("SELECT 1 FROM crm_account WHERE id = %s FOR UPDATE", [locked.pk])

        def let_go(boundary: str) -> None:
            if boundary == "accounts.committed":
                seen.append(
                    Account.objects.filter(status=Account.Status.ERASED, pk__in=[each.pk for each in free]).count()
                )
                if len(seen) == len(free):
                    threading.Timer(0.3, other.commit).start()  # by then the run waits for it

        done = services.run_rule(rule, now=NOW, actor="system:test", reached=let_go)
    assert done is not None
    assert (done.state, done.rows_total, seen) == (Run.State.DONE, 3, [1, 2, 2])


@pytest.mark.parametrize("people", [50, pytest.param(1_000, marks=pytest.mark.slow)])
def test_no_hold_is_lost_to_a_purge_that_is_running(people: int) -> None:
    home = builders.organisation()
    began = datetime(2025, 1, 1, tzinfo=UTC)
    accounts = [builders.account(home, closed=began + timedelta(seconds=number)) for number in range(people)]
    Contact.objects.bulk_create(Contact(owner=account, created_at=NOW, full_name="x") for account in accounts)
    months = [datetime(2023, month, 5, tzinfo=UTC) for month in range(1, 13)]
    ensure_months(connection, TABLE, months[0], months[-1])
    for month in months:
        UsageEvent.objects.bulk_create(
            UsageEvent(account=account, occurred_at=month, kind="page", name="/") for account in accounts
        )
    for slug in ("account-closed", "usage"):  # in many small batches, and nobody is asked
        change_rule(slug, batch_size=1, max_rows=None, max_share=1)
    builders.officer()
    protected: dict[UUID, int] = {}

    def place(wanted: list[Account]) -> None:
        for account in wanted:
            with contextlib.suppress(NothingToHold):  # the purge was there first, before there was a hold
                builders.hold(holds.account(account.pk), matter=f"M-{account.pk.hex[-12:]}")
                # From here on none of these may go.
                protected[account.pk] = events(account.pk)

    at_once(
        lambda: services.run_rule(builders.rule("account-closed"), now=NOW, actor="system:test"),
        lambda: services.run_rule(builders.rule("usage"), now=NOW, actor="system:test"),
        # From the end, so that they meet in the middle.
        lambda: place(accounts[people // 2 :][::-1]),
        lambda: place(accounts[: people // 2][::-1]),
    )
    assert protected, "no hold was placed in time: the race was none"
    assert {run.state for run in Run.objects.all()} == {Run.State.DONE}
    assert set(Account.objects.filter(status="closed").values_list("pk", flat=True)) == set(protected)
    assert set(Contact.objects.values_list("owner", flat=True)) == set(protected)
    assert {pk: events(pk) for pk in protected} == protected
    assert set(HeldUsageEvent.objects.values_list("account", flat=True)) <= set(protected)


def events(account: UUID) -> int:
    """On the table and on the shelf, by one statement: between two the purge could carry a month over."""
    shelved = HeldUsageEvent.objects.filter(account=account).order_by().values("pk")
    return UsageEvent.objects.filter(account=account).order_by().values("pk").union(shelved, all=True).count()
