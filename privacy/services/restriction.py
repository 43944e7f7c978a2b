"""Restrictions of processing that people ask for: from the grant to the letter that ends them (GDPR Art. 18).

What could go wrong: a restriction that binds one door and not the next (all doors ask the account's own flag, and
`services.doors` tries them), one that ends before the person knows (it ends in the sweep, and only when the letter has
gone out and not come back), or one that ends although another request still asks for it.

The person's own copy is no use that a restriction forbids: whoever asks for it agrees to it (Art. 18(2)). A copy of the
data of somebody else's account is.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.crm.services import accounts
from crasme.kit import cards
from crasme.kit.claims import WorkState
from crasme.kit.text import clean
from crasme.ledger.services import record
from crasme.staff.actors import system
from crasme.staff.models import User
from privacy import rows, verbs
from privacy.correspondence.queue import enqueue
from privacy.errors import MoveNotAllowed, Restricted
from privacy.models import Message, Request, Restriction
from privacy.services import recipients
from privacy.services.desk import locked, require

LETTER = "restriction-lifted"


def apply(request: Request, *, now: datetime) -> Restriction | None:
    """Restrict the person's account, in the caller's transaction; None when there is none."""
    account = request.account
    if account is None:
        return None
    accounts.restrict(account, actor=system("worker"), now=now, by_request=True)
    restriction, _new = Restriction.objects.update_or_create(
        request=request, defaults={"account": account, "since": now, "letter": None, "lifted_at": None}
    )
    return restriction


def of(request: Request) -> Restriction | None:
    """The restriction that this request led to, in force or lifted."""
    return Restriction.objects.filter(request=request).select_related("account").first()


def can_be_lifted(request: Request) -> bool:
    """In force, and nobody has begun to lift it."""
    return Restriction.objects.in_force().filter(request=request, letter=None).exists()


@transaction.atomic
def ask_lift(request: Request, *, words: str = "", by: User, now: datetime) -> Message:
    """Tell the person that the restriction ends. It ends when that has gone out, and not before."""
    require(by, "work_request")
    cards.refuse(words=words)
    request = locked(request)
    found = Restriction.objects.select_for_update().filter(request=request).in_force().first()
    if found is None:
        raise MoveNotAllowed(_("There is no restriction in force that could be lifted."))
    if found.letter_id is not None:
        raise MoveNotAllowed(_("The person is being told already; it ends when the mail has gone out."), remedy="")
    if not request.person.email:
        raise MoveNotAllowed(_("Nobody is left who could be told: the person has been forgotten."), remedy="")
    number = request.messages.filter(template=LETTER).count() + 1
    found.letter = enqueue(
        request, LETTER, period_key=str(number), now=now, written=clean(words).strip(), written_by=by
    )
    found.save(update_fields=["letter"])
    record(verbs.LIFTING.name, actor=by.ref, subject=request.ref, message=found.letter_id)
    return found.letter  # type: ignore[return-value]  # a letter of this number was not there


def lift_told(now: datetime) -> int:
    """End the restrictions whose people have been told by now; how many. A duty of the sweep."""
    told = Restriction.objects.ending().filter(letter__state=WorkState.DONE, letter__bounced_at=None)
    return sum(_lift(pk, request, now) for pk, request in told.values_list("pk", "request"))


@transaction.atomic
def _lift(pk: UUID, request_id: UUID, now: datetime) -> bool:
    request = Request.objects.select_for_update().get(pk=request_id)
    restriction = Restriction.objects.select_for_update(of=("self",)).select_related("account").get(pk=pk)
    if restriction.lifted_at is not None:
        return False
    account = restriction.account
    others = Restriction.objects.in_force().filter(account=account).exclude(pk=pk).count() if account else 0
    restriction.lifted_at = now
    restriction.save(update_fields=["lifted_at"])
    if account is not None and account.status != account.Status.ERASED and not others:
        accounts.unrestrict(account, actor=system("privacy"), now=now, by_request=True)
        recipients.tell_lifted(request, now=now)
    record(
        verbs.LIFTED.name, actor=system("privacy"), subject=request.ref, message=restriction.letter_id, others=others
    )
    return True


def refuse_others(request: Request) -> None:
    """Restricted, when a copy of a restricted account would go to somebody else than its person."""
    account = rows.account(request) if request.about else None
    if account is not None and account.restricted_at is not None:
        raise Restricted(_("The use of this account's data is restricted, and somebody else asks for the copy."))
