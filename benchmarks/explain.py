"""Why every row is still here: a whole table explained, against one row at a time and against only reading the rows.

Contacts of many people, some of them closed, on hold or restricted, and invoices with holds of their own: what is over
and what keeps is asked as for a purge. The one-at-a-time way is the same function with a key, so it gets a slice, and
its note says how large; the bare reading is the same rows by plain SQL, key and date, with no reason and no words.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from benchmarks import retained
from benchmarks.figures import Figure, seconds
from crasme.crm.models import Account, Contact, Organisation
from crasme.staff.models import User
from retention import holds, services

ROWS = 200_000
PEOPLE, HELD, CLOSED, RESTRICTED = 2_000, 20, 400, 20
SLICE = 300
BARE = """SELECT c.id, a.closed_at, a.on_hold OR a.restricted_at IS NOT NULL
          FROM crm_contact c JOIN crm_account a ON a.id = c.owner_id ORDER BY c.id"""


def run(rows: int) -> Iterator[Figure]:
    """Rows a second of the whole table, against each other way."""
    now = timezone.now()
    _fill(rows, now)
    retained.settle(vacuum=True)
    keys = [str(pk) for pk in Contact.objects.order_by("pk").values_list("pk", flat=True)[:: max(1, rows // SLICE)]]
    single = len(keys) / seconds(lambda: [services.explain("crm.contact", key, now).words() for key in keys])
    bare = rows / seconds(_read)
    counted: dict[str, int] = {}

    def explained() -> None:
        for verdict in services.explain_table("crm.contact", now):
            verdict.words()
            counted["rows"] = counted.get("rows", 0) + 1
            counted["kept"] = counted.get("kept", 0) + verdict.kept

    rate = rows / seconds(explained)
    if counted["rows"] != rows or not counted["kept"]:
        raise RuntimeError("not every row was explained")
    kept = f"{counted['kept']:,} of them kept by something"
    yield Figure("explain", rate, "rows/s", single, rows, f"{kept}; against one row at a time, {len(keys)} of them")
    yield Figure("explain_bare", rate, "rows/s", bare, rows, f"{kept}; against reading key, date and flags by bare SQL")


def _read() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE)
        cursor.fetchall()


def _fill(rows: int, now: datetime) -> None:
    home = Organisation.objects.create(name="Bench", country="AT", created_at=now)
    people = [
        Account(
            organisation=home,
            email=f"explain{number}@bench.example",
            full_name="Ada",
            created_at=now - timedelta(days=500),
            status=Account.Status.CLOSED if number < CLOSED else Account.Status.ACTIVE,
            closed_at=now - timedelta(days=number) if number < CLOSED else None,
            restricted_at=now if number % (PEOPLE // RESTRICTED) == 0 else None,
        )
        for number in range(PEOPLE)
    ]
    Account.objects.bulk_create(people)
    owner = User.objects.create_superuser("explain@bench.example", None)
    items = [holds.account(each.pk) for each in people[:: PEOPLE // HELD]]
    day = (now + timedelta(days=90)).date()
    holds.place(matter="E-1", reason="Bench", owner=owner, review_on=day, items=items, actor="system:bench", now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH people AS (SELECT array_agg(id ORDER BY email) AS ids FROM crm_account WHERE email LIKE 'explain%%')
            INSERT INTO crm_contact (id, owner_id, created_at, full_name, email, phone, company)
            SELECT uuidv7(), ids[1 + number %% %s], %s, 'Contact', '', '', 'Company'
            FROM people, generate_series(1, %s) AS number
            """,
            [PEOPLE, now, rows],
        )
