"""Usage events in bulk: COPY into a table of the transaction's own, then one INSERT of what may be kept.

What could go wrong: a call is repeated (the client's ids make it harmless), an event arrives for somebody who objects,
is restricted, closed, erased or unknown (it is counted and dropped, and the answer tells no more), or an erasure runs
between the look at the account and the insert, and the person's events come back. So the accounts are locked as a
foreign key would lock them, once each: whoever takes an account by `Account.objects.locked` waits for the intake, and
the intake for them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from crasme.crm import partitions
from crasme.crm.eventlines import COLUMNS, Batch, read
from crasme.crm.models import Account

MOST_BYTES: Final = 25 * 2**20
CLOCK_SKEW: Final = timedelta(minutes=5)
_ARRIVALS: Final = "crm_arrivals"


@dataclass(frozen=True, slots=True)
class Outcome:
    """received = inserted + duplicates + unknown + closed + restricted + objected. Erased accounts count as unknown."""

    received: int = 0
    inserted: int = 0
    duplicates: int = 0
    unknown: int = 0
    closed: int = 0
    restricted: int = 0
    objected: int = 0


def take(body: bytes, *, oldest: datetime, now: datetime) -> Outcome:
    """Store a body of NDJSON (see `eventlines.read` for what a line is); all of it or, with any bad line, nothing.

    An event is known by its id together with its instant: the same pair is never stored twice. Instants lie between
    `oldest` and five minutes after `now` (aware, UTC). Raises EventsRefused, TooMuch, PartitionError.
    """
    batch = read(body, oldest=oldest, newest=now + CLOCK_SKEW)
    if batch is None:
        return Outcome()
    partitions.make_span(batch.first, batch.last)
    return _store(batch)


@transaction.atomic
def _store(batch: Batch) -> Outcome:
    columns = ", ".join(COLUMNS)
    accounts, parameters = _accounts()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {_ARRIVALS} (LIKE crm_usageevent) ON COMMIT DROP")
        with cursor.copy(f"COPY {_ARRIVALS} ({columns}) FROM STDIN") as copy:
            copy.write("".join(batch.rows))
        cursor.execute(
            f"""
            WITH known AS MATERIALIZED ({accounts} FOR KEY SHARE),
            stored AS (
                INSERT INTO crm_usageevent ({columns})
                SELECT {", ".join(f"arrived.{column}" for column in COLUMNS)}
                FROM {_ARRIVALS} arrived JOIN known ON known.id = arrived.account_id AND known.standing = %s
                ON CONFLICT DO NOTHING
                RETURNING 1
            )
            SELECT coalesce(known.standing, %s), count(*), (SELECT count(*) FROM stored)
            FROM {_ARRIVALS} arrived LEFT JOIN known ON known.id = arrived.account_id
            GROUP BY 1
            """,  # noqa: S608  (built from names in this file)
            [*parameters, Account.Standing.USABLE, Account.Standing.UNKNOWN],
        )
        rows = cursor.fetchall()
        # The commit would drop it too; a caller with a transaction of their own may have several batches.
        cursor.execute(f"DROP TABLE {_ARRIVALS}")
    counts = {standing: count for standing, count, _stored in rows}
    inserted = rows[0][2]
    return Outcome(
        received=len(batch.rows),
        inserted=inserted,
        duplicates=counts.pop(Account.Standing.USABLE, 0) - inserted,
        **counts,
    )


def _accounts() -> tuple[str, tuple[Any, ...]]:
    """SELECT of id and standing of the accounts whose events arrived, in the order in which all lock them."""
    arrived = RawSQL(f"SELECT account_id FROM {_ARRIVALS}", [])  # noqa: S608, S611  (no part comes from outside)
    found = Account.objects.with_standing().filter(pk__in=arrived).order_by("pk").values("id", "standing")
    sql, parameters = found.query.sql_with_params()
    return sql, parameters
