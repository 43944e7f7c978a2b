"""Placing and releasing legal holds.

What could go wrong: a hold placed while a purge runs. `place` waits for the batches in flight, and no batch begins
before the hold is committed; what was deleted before that moment was deleted before the hold existed. Releasing sets
the flags anew from what is still held, so that two holds on one account do not undo each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from crasme.crm.models import Account, Invoice, Organisation
from crasme.kit.datamap import Category
from crasme.ledger.services import record
from crasme.staff.models import User
from retention import coverage, locks
from retention.errors import HoldReleased, NothingToHold, ReplayImpossible, ReviewPast
from retention.models import Hold, HoldItem
from retention.obstacles import any_of
from retention.outside import writing
from retention.verbs import HOLD_PLACED, HOLD_RELEASED

Scope = HoldItem.Scope


@dataclass(frozen=True, slots=True)
class Held:
    """What an item of a hold covers; make one with the functions below."""

    scope: str
    account_id: UUID | None = None
    organisation_id: UUID | None = None
    category: str = ""
    since: date | None = None
    until: date | None = None
    label: str = ""
    record: str = ""


def account(pk: UUID) -> Held:
    return Held(Scope.ACCOUNT, account_id=pk)


def organisation(pk: UUID) -> Held:
    return Held(Scope.ORGANISATION, organisation_id=pk)


def category(which: Category) -> Held:
    return Held(Scope.CATEGORY, category=which.value)


def period(since: date, until: date, which: Category | None = None) -> Held:
    """Rows dated from `since` up to, not including, `until`; of one category, or of all."""
    return Held(Scope.PERIOD, since=since, until=until, category=which.value if which else "")


def one_record(label: str, pk: Any) -> Held:
    return Held(Scope.RECORD, label=label.lower(), record=str(pk))


def place(
    *, matter: str, reason: str, owner: User, review_on: date, items: Iterable[Held], actor: str, now: datetime
) -> Hold:
    """Place a hold; when this returns and commits, nothing it covers can be deleted any more.

    NothingToHold without items, or when an account or a record named is erased or gone already; ReviewPast.
    ValidationError when the matter has a hold already, or an item does not say what its scope asks for.
    """
    require_review(review_on, now)
    wanted = list(items)
    if not wanted:
        raise NothingToHold(_("Name at least one account, organisation, category, period or record."))
    with transaction.atomic():
        locks.exclude_purges()
        wanted = [require(item) for item in wanted]
        hold = Hold(matter=matter, reason=reason, owner=owner, review_on=review_on, placed_at=now, placed_by=actor)
        hold.full_clean()
        hold.save(force_insert=True)
        rows = [HoldItem(hold=hold, **asdict(item)) for item in wanted]
        for row in rows:
            row.full_clean()
        HoldItem.objects.bulk_create(rows)
        _set_flags(hold)
        record(HOLD_PLACED.name, actor=actor, hold=hold.pk, items=_counted(wanted), review_on=review_on)
        # A restored database must not erase again what was held at the time.
        writing.note(
            "hold",
            now=now,
            hold=str(hold.pk),
            owner=str(owner.pk),
            review_on=review_on.isoformat(),
            items=[_plain(item) for item in wanted],
        )
    return hold


def place_again(content: Mapping[str, Any], *, actor: str) -> bool:
    """Place a hold that a restored database does not know, by its entry in the erasure ledger; False when it does.

    File reference and reason are not in the ledger: the hold says that it is to be completed. What it covered and is
    not in this database cannot be held. In the caller's transaction.
    """
    key = UUID(content["hold"])
    if Hold.objects.filter(pk=key).exists():
        return False
    owner = User.objects.filter(pk=content["owner"]).first() or User.objects.filter(is_superuser=True).first()
    if owner is None:
        raise ReplayImpossible(_("Nobody could answer for a hold: add a member of staff by `createsuperuser` first."))
    locks.exclude_purges()
    hold = Hold(
        id=key,
        matter=f"restored-{key.hex[-12:]}",
        reason=_("Placed again after a restore. Look up its matter, and complete or release it."),
        owner=owner,
        review_on=date.fromisoformat(content["review_on"]),
        placed_at=datetime.fromisoformat(content["at"]),
        placed_by=actor,
    )
    hold.save(force_insert=True)
    items = [HoldItem(hold=hold, **_parsed(item)) for item in content["items"]]
    known = [
        item
        for item in items
        if (item.account_id is None or Account._base_manager.filter(pk=item.account_id).exists())
        and (item.organisation_id is None or Organisation._base_manager.filter(pk=item.organisation_id).exists())
    ]
    HoldItem.objects.bulk_create(known)
    _set_flags(hold)
    record(HOLD_PLACED.name, actor=actor, hold=hold.pk, items={"restored": len(known)}, review_on=hold.review_on)
    return True


def release(hold: Hold, *, actor: str, now: datetime) -> Hold:
    """Release a hold: what only it kept is due again with the next run. HoldReleased when it was released before."""
    with transaction.atomic():
        locks.exclude_purges()
        locked = let_go(hold, actor=actor, now=now)
        writing.note("release", now=now, hold=str(locked.pk))
    return locked


def let_go(hold: Hold, *, actor: str, now: datetime) -> Hold:
    """Release a hold without an entry in the erasure ledger, which has one; in the caller's transaction."""
    locked = Hold.objects.select_for_update().get(pk=hold.pk)
    if locked.released_at is not None:
        raise HoldReleased(_("This hold was released already."))
    locked.released_at, locked.released_by = max(now, locked.placed_at), actor
    locked.save(update_fields=["released_at", "released_by"])
    _clear_flags(locked)
    record(HOLD_RELEASED.name, actor=actor, hold=locked.pk, items=locked.items.count())
    return locked


def require_review(review_on: date, now: datetime) -> None:
    """ReviewPast for a day that is over: nobody would be reminded of it in time."""
    if review_on < now.astimezone(UTC).date():
        raise ReviewPast(_("The review date lies in the past."))


def require(item: Held) -> Held:
    """The item, a record's key in the one spelling that is looked for; a person copies it in any, capitals or not.

    NothingToHold unless what it names is still there: a hold must not promise what nobody can keep.
    """
    if item.account_id is not None:
        if not Account.objects.present().filter(pk=item.account_id).exists():
            raise NothingToHold(_("This account is erased already, or does not exist."))
    elif item.label:
        try:
            model = apps.get_model(item.label)
        except (LookupError, ValueError):
            raise NothingToHold(
                _("There is no table of this name; write one such as crm.invoice."), field="label"
            ) from None
        try:
            key = model._meta.pk.to_python(item.record)
            there = model._base_manager.filter(pk=key).exists()
        except (ValueError, ValidationError):
            there = False
        if not there:
            words = _("There is no such record in %(table)s (any more); its id stands on its page.")
            raise NothingToHold(words % {"table": model._meta.verbose_name_plural}, field="record")
        return replace(item, label=model._meta.label_lower, record=str(key))
    return item


def _plain(item: Held) -> dict[str, str]:
    """What an item covers, for the erasure ledger; without what it leaves empty."""
    return {name: str(value) for name, value in asdict(item).items() if value not in (None, "")}


def _parsed(plain: Mapping[str, str]) -> dict[str, Any]:
    read = {"account_id": UUID, "organisation_id": UUID, "since": date.fromisoformat, "until": date.fromisoformat}
    return {name: read.get(name, str)(value) for name, value in plain.items()}  # type: ignore[operator]


def _set_flags(hold: Hold) -> None:
    """Show the hold on accounts and invoices. A category or a period would flag whole tables, and is not shown."""
    for rows, by in _flagged(hold.items.all()):
        rows.filter(by, on_hold=False).update(on_hold=True)


def _clear_flags(hold: Hold) -> None:
    """Only rows that this hold covered and no other does; a flag of another origin is not ours to clear."""
    others = HoldItem.objects.active()
    for (rows, by), (_rows, by_others) in zip(_flagged(hold.items.all()), _flagged(others), strict=True):
        rows.filter(by, on_hold=True).exclude(by_others).update(on_hold=False)


def _flagged(items: QuerySet[HoldItem]) -> list[tuple[QuerySet[Any], Q]]:
    """Accounts and invoices, and the condition that one of the items covers the row. An account's flag holds all that
    is the account's, so a record hold on its row alone does not set it."""
    return [
        (rows, any_of(*coverage.held_by(rows.model, items, scopes)) or Q(pk__in=[]))
        for rows, scopes in (
            (Account._base_manager.exclude(status=Account.Status.ERASED), (Scope.ACCOUNT, Scope.ORGANISATION)),
            (Invoice._base_manager.all(), (Scope.ACCOUNT, Scope.ORGANISATION, Scope.RECORD)),
        )
    ]


def _counted(items: Iterable[Held]) -> Mapping[str, int]:
    counted: dict[str, int] = {}
    for item in items:
        counted[item.scope] = counted.get(item.scope, 0) + 1
    return counted
