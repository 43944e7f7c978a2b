"""One entry a day in the ledger that stands for all choices of the day: the root of a Merkle tree over their digests.

Whoever holds a record's digest and the path to the root can show that the record was there when the day was sealed, and
that none was slipped in or exchanged since; the ledger itself learns nothing of anybody.

What could go wrong: a day is sealed while its last choices are still being stored (it waits a quarter of an hour), or a
record ends by retention and the path of others can no longer be made (proofs handed out before stay good).
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db import transaction

from consent import verbs
from consent.models import ConsentEvent
from consent.models.events import Decision
from crasme.kit import locks, merkle
from crasme.ledger.models import Entry
from crasme.ledger.services import record

WAIT: Final = timedelta(minutes=15)
CATCHES_UP: Final = 14  # days that a worker may have been away
ACTOR: Final = "system:consent"


def seal_day(now: datetime) -> Entry | None:
    """Seal yesterday (UTC) and the days before it that nobody sealed.

    Yesterday's entry; None when it was sealed already, is too young, or nobody chose.
    """
    yesterday = (now.astimezone(UTC) - WAIT).date() - timedelta(days=1)
    days = [yesterday - timedelta(days=back) for back in range(CATCHES_UP, -1, -1)]
    known = Entry.objects.filter(verb=verbs.DAY_SEALED.name, facts__day__in=[day.isoformat() for day in days])
    done = set(known.values_list("facts__day", flat=True))
    made = {day: _seal(day) for day in days if day.isoformat() not in done}
    return made.get(yesterday)


def _seal(day: date) -> Entry | None:
    with transaction.atomic():
        locks.exclusive("consent seal")
        if sealed(day) is not None or not (leaves := _leaves(day)):
            return None
        found = _root(leaves)
        return record(verbs.DAY_SEALED.name, actor=ACTOR, day=day, root=found, records=len(leaves))


def sealed(day: date) -> Entry | None:
    return Entry.objects.filter(verb=verbs.DAY_SEALED.name, facts__day=day.isoformat()).order_by("id").first()


def proof(decision: Decision) -> dict[str, Any]:
    """{"entry", "digest", "root", "leaf", "path": [["left" or "right", hash], …]}; {} while the day is not sealed."""
    day = decision.received_at.astimezone(UTC).date()
    entry = sealed(day)
    if entry is None:
        return {}
    leaves = _leaves(day)
    position = leaves.index(decision.digest) if decision.digest in leaves else -1
    if position < 0 or _root(leaves) != entry.facts["root"]:
        return {"entry": str(entry.pk), "digest": entry.digest, "root": entry.facts["root"]}
    return {
        "entry": str(entry.pk),
        "digest": entry.digest,
        "root": entry.facts["root"],
        "leaf": decision.digest,
        "path": merkle.path([merkle.leaf(each) for each in leaves], position),
    }


def holds(given: dict[str, Any]) -> bool:
    """Whether leaf and path lead to the root."""
    return bool(merkle.climbed(merkle.leaf(given["leaf"]), given["path"]) == given["root"])


def _leaves(day: date) -> list[str]:
    """The digests of the day's records, in the order of their ids."""
    begins = datetime.combine(day, time(), UTC)
    received = ConsentEvent.objects.filter(received_at__gte=begins, received_at__lt=begins + timedelta(days=1))
    return list(received.order_by("id").values_list("digest", flat=True))


def _root(leaves: list[str]) -> str:
    return merkle.whole(map(merkle.leaf, leaves))
