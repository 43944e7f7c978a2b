"""A person's own preferences about marketing: how each topic stands by each channel, and changing all of it at once.

A "no" is a row of the suppression list, a "yes" where consent is needed is what the newest choice on record says; the
list has the last word.

What could go wrong: turning one topic on turns another on that was refused together with it (a wide "no" that is
opened is written down again for every other part), a bounced or reported address is opened by anything but the act of
its owner, who has just read mail there, or a page that was sent twice counts twice (its id is the key).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import get_language

from consent import marketing, suppression, topics, verbs
from consent.errors import BadChoice
from consent.inserts import insert_once
from consent.marketing import Action, Reason, Source, Surface
from consent.models import Channel, Suppression
from consent.models.choices import person_ref
from consent.models.suppression import ALL_MARKETING
from consent.topics import Cell
from crasme.kit import locks, outside
from crasme.ledger.services import record


@dataclass(frozen=True, slots=True)
class Standing:
    cell: Cell
    on: bool


def standing(email: str) -> list[Standing]:
    """Every topic by every channel that it is sent by, and whether it would go out to this address."""
    rows, chosen = list(Suppression.objects.filter(address=email)), marketing.latest(person_ref(email))
    return [Standing(cell, marketing.is_on(cell, rows, chosen)) for cell in topics.cells()]


@transaction.atomic
def choose(
    email: str,
    *,
    wanted: Collection[str],
    event_id: UUID,
    verification: UUID,
    actor: str,
    now: datetime,
    account: UUID | None = None,
    language: str = "",
) -> bool:
    """The person, proven to read this mailbox by `verification`, wants exactly the cells named in `wanted`
    ("features.sms") and nothing else; none of them stops everything. Whether the act was new: a repeated
    `event_id` does nothing.

    BadChoice for a cell that is not offered, LiftRefused when the actor is not the person.
    """
    suppression.refuse_others(actor)
    every = list(topics.cells())
    if unknown := sorted(set(wanted) - {cell.name for cell in every}):
        raise BadChoice(f"“{unknown[0][:48]}” is not on offer.", remedy="Load the page again.")
    subject = person_ref(email)
    locks.exclusive(f"consent.marketing:{subject}")
    made = marketing.event(
        subject,
        {cell.name: cell.name in wanted for cell in every},
        event_id=event_id,
        action=Action.SAVE if wanted else Action.STOP,
        surface=Surface.PREFERENCES,
        shown=marketing.words(),
        account=account,
        language=language or get_language() or "",
        now=now,
    )
    if not insert_once(made):
        return False
    _open_and_shut(email, every, wanted, verification=verification, actor=actor, now=now)
    facts = {"action": made.action, "surface": made.surface, "wanted": len(wanted), "refused": len(every) - len(wanted)}
    record(verbs.MARKETING_CHOSEN.name, actor=actor, subject=subject, choice=made.pk, **facts)
    return True


def _open_and_shut(
    email: str, every: list[Cell], wanted: Collection[str], *, verification: UUID, actor: str, now: datetime
) -> None:
    shut: dict[str, Any] = {"source": Source.PREFERENCES, "actor": actor, "now": now, "noted": True}
    if not wanted:
        suppression.suppress(email, scope=Suppression.Scope.MARKETING, reason=Reason.UNSUBSCRIBED, **shut)
        return
    rows = list(Suppression.objects.filter(address=email))
    opened = [cell for cell in every if cell.name in wanted]
    in_the_way = [row for row in rows if any(topics.covers(row, cell) for cell in opened)]
    staying = [row for row in rows if row not in in_the_way]
    Suppression.objects.filter(pk__in=[row.pk for row in in_the_way]).delete()
    for row in in_the_way:
        outside.note("unsuppress", now=now, address=row.address, scope=row.scope, channel=row.channel)
    for scope in sorted({row.scope for row in in_the_way}):
        facts = {"scope": scope, "verification": verification}
        record(verbs.SUPPRESSION_LIFTED.name, actor=actor, subject=person_ref(email), **facts)
    for scope, channel in _refusals(every, wanted):
        part = Suppression(scope=scope, channel=channel)
        if not any(_includes(row, part) for row in staying):
            before = next((row for row in in_the_way if _includes(row, part)), None)
            reason = before.reason if before is not None else Reason.UNSUBSCRIBED
            suppression.suppress(email, scope=scope, channel=channel, reason=reason, **shut)


def _refusals(every: list[Cell], wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Scope and channel of each "no": a channel by which nothing is wanted is refused as a whole, later topics too."""
    used = {cell.channel for cell in every if cell.name in wanted}
    for channel in Channel.values:
        if channel not in used:
            yield ALL_MARKETING, channel
    for cell in every:
        if cell.name not in wanted and cell.channel in used:
            yield cell.scope, cell.channel


def _includes(row: Suppression, part: Suppression) -> bool:
    return row.scope in (ALL_MARKETING, part.scope) and row.channel in (topics.EVERY, part.channel)
