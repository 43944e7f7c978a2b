"""Accounts past their 90 days, with all that hangs off them: the retention run against bare set-based SQL and Django.

Every way ends as many people with as many rows each, in the tables that the rule ends. The bare SQL takes five hundred
people a transaction as the run does, and asks about no hold, writes no digest and no evidence. Django's way loads each
person, deletes what hangs off them by `QuerySet.delete()` and saves the emptied account; it is slow, so it gets a
slice, and its note says how large. People a second are compared.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import batched
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from benchmarks import bare, people, retained
from benchmarks.figures import Figure, seconds
from crasme.crm.models import Account
from crasme.kit import datamap
from retention.models import Rule

ROWS = 280  # of a person
PEOPLE = 1_000
AT_ONCE = 500
SLICE = 0.05
SLUG = "account-closed"


def run(rows: int) -> Iterator[Figure]:
    """People a second of the run, against each other way."""
    now = timezone.now()
    bare_on, slice_of, ours = (
        [each.account for each in people.make(count, rows, mark=mark, now=now)]
        for mark, count in (("bare", PEOPLE), ("slow", max(1, int(PEOPLE * SLICE))), ("ours", PEOPLE))
    )
    labels = {table.model._meta.db_table for table in datamap.tables() if table.ends == SLUG}
    statements = [sql for sql in bare.ERASURES if sql.split()[1 if sql.startswith("UPDATE") else 2] in labels]
    statements = [sql.replace("= %s", "= ANY(%s)") for sql in statements]
    retained.settle(vacuum=True)
    raw = len(bare_on) / seconds(lambda: _bare(bare_on, statements))
    slow = len(slice_of) / seconds(lambda: _django(slice_of))
    Account.objects.filter(pk__in=ours).update(status=Account.Status.CLOSED, closed_at=now - timedelta(days=91))
    retained.settle(vacuum=True)
    rate = len(ours) / seconds(lambda: _carried_out(ours, now))
    note = f"people of {rows} rows, holds asked and evidence written, against"
    yield Figure("purge_rows", rate, "people/s", raw, len(ours), f"{note} bare SQL of the same tables")
    yield Figure("purge_rows_django", rate, "people/s", slow, len(ours), f"{note} Django for {len(slice_of)} of them")


def _carried_out(accounts: Sequence[UUID], now: datetime) -> None:
    if retained.carried_out(Rule.objects.active().get(slug=SLUG), now) != len(accounts):
        raise RuntimeError("the run did not erase everybody who was due")


def _bare(accounts: Sequence[UUID], statements: Sequence[str]) -> None:
    for some in batched(accounts, AT_ONCE, strict=False):
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
