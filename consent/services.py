"""Recording choices.

What could go wrong: a retry counts twice, an old choice arriving late overrides a newer one, a grant is recorded for
something that was not on screen. So the browser's id is the key, "current" goes by when people decided and not by when
it arrived, and every category named must exist and every existing one is itemised.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict, Unpack

from consent import accounts, filing, notices, registry
from consent.errors import BadChoice, UnknownCategory, UnknownNotice
from consent.inserts import insert_among, insert_once
from consent.models import ConsentEvent, VisitorAccount
from crasme.kit.calendar import month_floor
from crasme.kit.ids import uuid7, uuid7_instant

Action = ConsentEvent.Action
ACTIONS, SURFACES = frozenset(Action.values), frozenset(ConsentEvent.Surface.values)


class Given(TypedDict):
    """What `decision` takes."""

    event_id: uuid.UUID
    visitor: uuid.UUID
    choices: Mapping[str, bool]
    action: str
    surface: str
    notice_sha: str
    language: str
    gpc: bool
    decided_at: datetime
    now: datetime
    account: NotRequired[uuid.UUID | None]
    asked: NotRequired[Collection[str] | None]
    shown_at: NotRequired[datetime | None]


def record_choice(**given: Unpack[Given]) -> tuple[ConsentEvent, bool]:
    """Store one decision and say whether it was new; a repeated `event_id` answers with the row it made at first.

    `choices` maps slugs to yes or no; what is missing counts as no, essential always as yes, and the action has the
    last word: accepting and refusing all mean all. `asked` names the categories that were on screen when it was not all
    of them: only these are answered, the others stay as the visitor's last record has them. `shown_at` is when the
    notice came on screen. `decided_at` (aware) later than `now` counts as `now`. Raises
    UnknownCategory naming it, UnknownNotice, or BadChoice for an id that is no UUIDv7 or an unknown action or surface.
    """
    event = decision(**given)
    if (twice := _filed_before(event)) is not None:
        return twice, False
    if insert_once(event):
        return event, True
    return ConsentEvent.objects.get(id=event.id, filed_at=event.filed_at), False


def record_in_browser(event: ConsentEvent) -> list[ConsentEvent]:
    """Store a `decision` unless it is there, as `record_choice`; all that were made in its browser, the newest first.

    One way to the database where the decision is new. Of two that one browser sends in the same instant neither may be
    told of the other, as the answer to the first would not be in any case.
    """
    if _filed_before(event) is None:
        new, before = insert_among(event, "visitor")
        if new:
            return accounts.in_order([event, *before])
    return accounts.decisions_in(event.visitor)


def decision(
    *,
    event_id: uuid.UUID,
    visitor: uuid.UUID,
    choices: Mapping[str, bool],
    action: str,
    surface: str,
    notice_sha: str,
    language: str,
    gpc: bool,
    decided_at: datetime,
    now: datetime,
    account: uuid.UUID | None = None,
    asked: Collection[str] | None = None,
    shown_at: datetime | None = None,
) -> ConsentEvent:
    """What `record_choice` would store, checked and itemised; it raises the same."""
    known = registry.snapshot()
    if unknown := sorted({*choices, *(asked or ())} - known.bits.keys()):
        raise UnknownCategory(
            f"There is no category called {', '.join(slug[:32] for slug in unknown)}.",
            remedy=f"The categories are {', '.join(known.bits)}.",
        )
    if action not in ACTIONS or surface not in SURFACES:
        raise BadChoice("This is not a way in which a choice can be made here.")
    if notices.version_of(notice_sha) is None:
        raise UnknownNotice("The choice names a notice that was never published.", remedy="Load the page again.")
    try:
        filed_at = filing.filed_at(event_id, now)
    except ValueError:
        raise BadChoice("The choice has no usable id.", remedy="Send a UUID of version 7.") from None
    decided_at = min(decided_at, now)
    about = sorted(set(asked)) if asked is not None else None
    event = ConsentEvent(
        id=event_id,
        filed_at=filed_at,
        visitor=visitor,
        account=account,
        notice=notice_sha,
        choices=_itemised(choices, action, known, about, visitor),
        asked=about,
        action=action,
        surface=surface,
        gpc=gpc,
        language=language[:8],
        shown_at=min(shown_at, decided_at) if shown_at is not None else None,
        decided_at=decided_at,
        received_at=now,
    )
    event.digest = event.computed_digest()
    return event


def _filed_before(event: ConsentEvent) -> ConsentEvent | None:
    """The row of a retry that came in another month, when the browser's clock is too far off to file by."""
    if event.filed_at == uuid7_instant(event.id):
        return None
    before = event.filed_at - timedelta(days=1)
    return ConsentEvent.objects.filter(id=event.id, filed_at=month_floor(before)).first()


def current(visitor: uuid.UUID) -> ConsentEvent | None:
    """The choice that counts for a visitor: the one decided last, whenever it arrived."""
    return next(iter(accounts.decisions_in(visitor)), None)


def withdraw_of_account(account: uuid.UUID, *, language: str, now: datetime) -> int:
    """Record a withdrawal for every browser in which somebody chose while signed in to the account; how many.

    The choice itself lies in the browser's cookie, where only its owner can change it: tell them so.
    """
    signed_in = {
        *ConsentEvent.objects.filter(account=account).order_by().values_list("visitor", flat=True).distinct(),
        *VisitorAccount.objects.filter(account=account).values_list("visitor", flat=True),
    }
    granting = [visitor for visitor in sorted(signed_in) if _grants_something(visitor)]
    for visitor in granting:
        record_choice(
            event_id=uuid7(),
            visitor=visitor,
            choices={},
            action=Action.WITHDRAW,
            surface=ConsentEvent.Surface.REQUEST,
            notice_sha=notices.current(language)["sha256"],
            language=language,
            gpc=False,
            decided_at=now,
            now=now,
            account=account,
        )
    return len(granting)


def _grants_something(visitor: uuid.UUID) -> bool:
    return any(each.granted for slug, each in accounts.of_visitor(visitor).items() if slug != "essential")


def later_than(earlier: uuid.UUID, visitor: uuid.UUID, decided_at: datetime) -> datetime:
    """`decided_at`, or just after the visitor's choice `earlier` when that is dated later than it can have been."""
    before = ConsentEvent.objects.filter(id=earlier, visitor=visitor).values_list("decided_at", flat=True).first()
    return decided_at if before is None else max(decided_at, before + timedelta(microseconds=1))


def _itemised(
    choices: Mapping[str, bool], action: str, known: registry.Snapshot, asked: list[str] | None, visitor: uuid.UUID
) -> dict[str, bool]:
    if action == Action.ACCEPT_ALL:
        answered = known.choices(known.everything)
    elif action == Action.SAVE:
        answered = known.choices(known.mask(dict(choices)))
    else:
        answered = known.choices(known.essential)
    if asked is None:
        return answered
    # Not what the sender says of the others: only a record can say that they were agreed to.
    before = accounts.of_visitor(visitor)
    return answered | {
        slug: slug in before and before[slug].granted
        for slug, bit in known.bits.items()
        if slug not in asked and not bit & known.essential
    }
