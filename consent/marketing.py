"""The ledger of choices about marketing: each act with everything as it stands after it, by topic and channel.

What could go wrong: a permission is believed that nobody can prove, or an opt-out by another way is missing here and
the next reader takes an older "yes" for the newest. So every opt-out that is somebody's choice is appended as well,
and of one person's acts the newest counts as a whole.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models.fields.json import KeyTransform

from consent import topics
from consent.models import MarketingChoice, Suppression
from consent.models.choices import person_ref
from consent.topics import EVERY, Cell
from crasme.kit.ids import uuid7

Action, Surface = MarketingChoice.Action, MarketingChoice.Surface
Reason, Source = Suppression.Reason, Suppression.Source
_SURFACES: Final[dict[str, str]] = {
    Source.LINK: Surface.LINK,
    Source.REQUEST: Surface.REQUEST,
    Source.STAFF: Surface.STAFF,
    Source.PREFERENCES: Surface.PREFERENCES,
}


def latest(subject: str) -> Mapping[str, bool]:
    """Topic and channel → yes or no, as last chosen; empty for somebody who never chose."""
    newest = MarketingChoice.objects.filter(subject=subject).order_by("-decided_at", "-id")
    return newest.values_list("choices", flat=True).first() or {}


def granted(addresses: Sequence[str], cell: Cell) -> set[str]:
    """Those of the normalised addresses whose newest choice says yes to this."""
    by_subject: dict[str, str] = {person_ref(each): each for each in addresses}
    newest = (
        MarketingChoice.objects.filter(subject__among=list(by_subject))
        .order_by("subject", "-decided_at", "-id")
        .distinct("subject")
        .values_list("subject", KeyTransform(cell.name, "choices"))
    )
    return {by_subject[subject] for subject, yes in newest if yes is True}


def note_refusal(subject: str, *, scope: str, channel: str, reason: str, source: str, now: datetime) -> None:
    """Append that everything which an opt-out covers is not wanted any more."""
    row = Suppression(scope=scope, channel=channel)
    action = Action.UNSUBSCRIBE if reason == Reason.UNSUBSCRIBED else Action.OBJECT
    _note(subject, lambda cell, before: before and not topics.covers(row, cell), action, _SURFACES.get(source), now)


def note_return(subject: str, *, scope: str, now: datetime) -> None:
    """Append that the person asked again for what an opt-out had ended; it gives no consent where that is needed."""
    row = Suppression(scope=scope, channel=EVERY)
    surface = Surface.REQUEST
    _note(
        subject,
        lambda cell, before: before or (topics.covers(row, cell) and not cell.needs_consent),
        Action.RESUME,
        surface,
        now,
    )


def _note(subject: str, after: Callable[[Cell, bool], bool], action: str, surface: str | None, now: datetime) -> None:
    before = latest(subject)
    choices = {cell.name: after(cell, before.get(cell.name, not cell.needs_consent)) for cell in topics.cells()}
    event(subject, choices, event_id=uuid7(), action=action, surface=surface or Surface.API, now=now).save()


def event(subject: str, choices: dict[str, bool], *, event_id: UUID, now: datetime, **columns: Any) -> MarketingChoice:
    basis = {cell.name: cell.basis for cell in topics.cells()}
    made = MarketingChoice(id=event_id, subject=subject, choices=choices, basis=basis, decided_at=now, **columns)
    made.digest = made.computed_digest()
    return made


def is_on(cell: Cell, rows: Iterable[Suppression], chosen: Mapping[str, bool]) -> bool:
    return not cell.is_refused_by(rows) and (not cell.needs_consent or chosen.get(cell.name) is True)


def words() -> dict[str, dict[str, str]]:
    """What the page says about each topic, in the language in which it is read."""
    return {topic.slug: {"title": topic.text("title"), "purpose": topic.text("purpose")} for topic in topics.offered()}
