"""Accounts past their 90 days, with all that hangs off them: the retention run against bare set-based SQL and Django.

Every way ends as many people with as many rows each, in the tables that the rule ends. The bare SQL takes as many
people a transaction as the run does, and asks about no hold, writes no digest and no evidence. Django's way loads each
person, deletes what hangs off them by `QuerySet.delete()` and saves the emptied account; it is slow, so it gets a
slice, and its note says how large. People a second are compared.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from benchmarks import bare, people, retained
from benchmarks.figures import Figure, middle, seconds
from crasme.crm.models import Account, Invoice
from crasme.kit import datamap
from retention import operations
from retention.models import Rule

ROWS = 280  # of a person
PEOPLE = 1_000
SLICE = 0.05
ROUNDS = 7  # of the run and of the bare SQL, in turn: whatever else the machine does falls on both
SLUG = "account-closed"


def run(rows: int) -> Iterator[Figure]:
    """People a second of the run, against each other way."""
    now = timezone.now()
    labels = {table.model._meta.db_table for table in datamap.tables() if table.ends == SLUG}
    statements = [sql for sql in bare.ERASURES if sql.split()[1 if sql.startswith("UPDATE") else 2] in labels]
    statements = [sql.replace("= %s", "= ANY(%s)") for sql in statements]
    at_once = Rule.objects.active().get(slug=SLUG).batch_size
    rounds = []
    for turn in range(ROUNDS):
        _emptied()
        bare_on, ours = (_made(PEOPLE, rows, f"{way}{turn}", now) for way in ("bare", "ours"))
        closed = {"status": Account.Status.CLOSED, "closed_at": now - timedelta(days=91)}
        Account.objects.filter(pk__in=ours).update(**closed)
        retained.settle(vacuum=True)
        today = now + timedelta(days=turn)  # a rule has one run a day
        ways = [partial(_carried_out, ours, today), partial(_bare, bare_on, statements, at_once)]
        rates: dict[Any, float] = {}
        for way in ways if turn % 2 else reversed(ways):  # whoever comes second finds more in its way
            rates[way] = PEOPLE / seconds(way)
            _emptied()
            retained.settle(vacuum=True)
        rounds.append((rates[ways[0]], rates[ways[1]]))
    slice_of = _made(max(1, int(PEOPLE * SLICE)), rows, "slow", now)
    retained.settle(vacuum=True)
    slow = len(slice_of) / seconds(lambda: _django(slice_of))
    (rate, raw), which = middle(rounds, lambda each: each[0] / each[1])
    note = f"people of {rows} rows, holds asked and evidence written, against"
    yield Figure("purge_rows", rate, "people/s", raw, PEOPLE, f"{note} bare SQL of the same tables, {which}")
    yield Figure("purge_rows_django", rate, "people/s", slow, PEOPLE, f"{note} Django for {len(slice_of)} of them")


def _emptied() -> None:
    """Takes away the accounts that were erased already: a run looks through all of them, by whomever, once each. That
    is no part of ending others; it takes some twenty microseconds for each."""
    erased = Account._base_manager.filter(status=Account.Status.ERASED)
    with transaction.atomic():
        operations.delete(Invoice._base_manager.filter(account__in=erased))
        operations.delete(erased)


def _made(count: int, rows: int, mark: str, now: datetime) -> list[UUID]:
    return [each.account for each in people.make(count, rows, mark=mark, now=now)]


def _carried_out(accounts: Sequence[UUID], now: datetime) -> None:
    if retained.carried_out(Rule.objects.active().get(slug=SLUG), now) != len(accounts):
        raise RuntimeError("the run did not erase everybody who was due")


def _bare(accounts: Sequence[UUID], statements: Sequence[str], at_once: int) -> None:
    for some in batched(accounts, at_once, strict=False):
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, [list(some)])


def _django(accounts: Sequence[UUID]) -> None:
    tables = [table for table in datamap.tables() if table.ends == SLUG and table.row_is_deleted]
    for key in accounts:
        with transaction.atomic():
            account = Account.objects.get(pk=key)
            for table in tables:
                table.model._base_manager.filter(**{table.subject["account"]: key}).delete()
            account.email = account.full_name = account.phone = account.job_title = account.business_address = ""
            account.status, account.erased_at = Account.Status.ERASED, timezone.now()
            account.save()
