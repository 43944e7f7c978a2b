"""The copy comes before the erasure: afterwards there is nothing to copy, and what was not fetched is destroyed.

What could go wrong: somebody asks for a copy and for deletion, in one message or in two, and is erased before the copy
is made, or before they have fetched it. So the erasure of a person who has asked for a copy waits: first for us, until
it is made, then for them, until they have fetched all of it or its time is over. Or they have moved to another mailbox,
and are two rows of people: what is still to be made of the same account is waited for as well (what is ready from the
other mailbox is not destroyed). Or the wait makes the deletion late: it ends by itself while there are still days to
carry it out, and either side can end it sooner. Or a stranger delays it by typing somebody's address into the form:
what nobody has confirmed is waited for by nobody.

Source: GDPR Art. 12(3), 15, 17(1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crasme.kit.clock import controller_day
from crasme.kit.statements import Fetch
from privacy.errors import CopyWaits
from privacy.models import Package, Request, Step
from privacy.querysets import RequestQuerySet
from privacy.services import people
from privacy.states import State

KINDS: Final = (Request.Kind.ACCESS, Request.Kind.PORTABILITY)
# Two people look at an erasure, and there may be a weekend between them.
DAYS_FOR_THE_ERASURE: Final = 3
NOT_AWAITED: Final = "without_copies"  # of the particulars: references of the copies that shall not be waited for
_UNDECIDED: Final = (State.CONFIRMED, State.COLLECTING, State.REVIEW)


def _being_made() -> RequestQuerySet:
    return Request.objects.filter(kind__in=KINDS).exclude(state__in=(State.RECEIVED, State.CLOSED)).order_by("pk")


_MAKING = Fetch(_being_made, "person")
_MAKING_OF = Fetch(_being_made, "account")
_TO_FETCH = Fetch(
    lambda: (
        Package.objects.filter(deleted_at=None, fetched_at=None, request__kind__in=KINDS)
        .select_related("request")
        .order_by("expires_at", "pk")
    ),
    "request__person",
)


def _to_be_erased() -> RequestQuerySet:
    execution = Step.objects.unfinished().filter(request=OuterRef("pk"), kind=Step.Kind.EXECUTE)
    found = Request.objects.filter(Q(state__in=_UNDECIDED) | Q(Exists(execution)), kind=Request.Kind.DELETION)
    return found.order_by("effective_due", "pk")


_DELETIONS = Fetch(_to_be_erased, "person")


@dataclass(frozen=True, slots=True)
class Wait:
    """What an erasure waits for. `is_made`: the copy is ready and nobody has fetched it. `until` is the last day."""

    copy: Request
    until: date
    is_made: bool


def awaited(deletion: Request, *, now: datetime) -> Wait | None:
    """What the erasure has to wait for first; None when it may go on."""
    return next(_all_awaited(deletion, now), None)


def _all_awaited(deletion: Request, now: datetime) -> Iterator[Wait]:
    today, without = controller_day(now), not_awaited(deletion)
    found = lost(deletion, now=now)
    return (each for each in found if today <= each.until and each.copy.reference not in without)


def lost(deletion: Request, *, now: datetime) -> Iterator[Wait]:
    """The copies that an erasure would prevent or destroy now, waited for or not: those that are still to be made
    first. A report of a child's account is about somebody else's data than its sender's.
    """
    if deletion.kind != Request.Kind.DELETION:
        return
    last = deletion.effective_due - timedelta(days=DAYS_FOR_THE_ERASURE)
    made = [package for package in _TO_FETCH(deletion.person_id) if package.expires_at > now]
    there = {package.request_id for package in made}
    for copy in _making(deletion):
        if copy.pk not in there:  # being verified, or answered: it is ready
            yield Wait(copy, last, is_made=False)
    for package in made:
        yield Wait(package.request, min(last, controller_day(package.expires_at)), is_made=True)


def _making(deletion: Request) -> Iterator[Request]:
    yield from _MAKING(deletion.person_id)
    if deletion.account_id is not None:
        others = (copy for copy in _MAKING_OF(deletion.account_id) if copy.person_id != deletion.person_id)
        yield from (copy for copy in others if people.still_theirs(copy))


def not_awaited(deletion: Request) -> list[str]:
    """References of the copies of which somebody has said that they shall not be waited for."""
    return list(deletion.facts.get(NOT_AWAITED, ()))


def require_first(deletion: Request, *, now: datetime) -> None:
    """CopyWaits while the erasure has to wait."""
    wait = awaited(deletion, now=now)
    if wait is None:
        return
    facts = {"reference": wait.copy.reference, "day": date_format(wait.until)}
    if wait.is_made:
        raise CopyWaits(
            _("The copy %(reference)s is ready and nobody has fetched it; the erasure waits for that until %(day)s.")
            % facts,
            remedy=_("If the person does not want it any more, say that it shall not be waited for."),
        )
    raise CopyWaits(_("A copy was asked for as well and is not handed out yet: %(reference)s.") % facts)


def shown(deletion: Request, *, now: datetime) -> Wait | None:
    """The same for pages: what waits, as long as nobody has decided about the deletion."""
    return awaited(deletion, now=now) if deletion.state in _UNDECIDED else None


def erased_after(copy: Request, *, now: datetime) -> date | None:
    """Until when a deletion of the same person waits for this copy; None when none does."""
    if copy.kind not in KINDS:
        return None
    found = (wait for deletion in _DELETIONS(copy.person_id) for wait in _all_awaited(deletion, now))
    return next((wait.until for wait in found if wait.copy.pk == copy.pk), None)


def erased_sooner(copy: Request, *, now: datetime) -> bool:
    """Whether a deletion of the same person goes ahead without waiting for this copy, and destroys it."""
    return copy.kind in KINDS and any(
        any(wait.copy.pk == copy.pk for wait in lost(deletion, now=now))
        and all(wait.copy.pk != copy.pk for wait in _all_awaited(deletion, now))
        for deletion in _DELETIONS(copy.person_id)
    )
