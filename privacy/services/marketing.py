"""Stopping marketing because somebody asked, and starting it again because they asked for that.

What could go wrong: an opt-out that takes effect tomorrow, or in one channel only, or until the next import. The one
gate for such mail is `consent.suppression`; it is shut here, by the hash of the address, in the caller's transaction,
and no import, erasure or colleague opens it again. Only the person can, and only with a mailbox that was proven.
"""

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from consent import suppression
from consent.models import Suppression
from crasme.kit.crypto import subject_ref
from crasme.staff.actors import person as by_person
from privacy.errors import MoveNotAllowed
from privacy.models import Request, Verification
from privacy.particulars import SCOPE, chosen

Scope = Suppression.Scope
SCOPES: Final[dict[str, str]] = {
    "all": Scope.MARKETING,
    "announcements": Scope.ANNOUNCEMENTS,
    "features": Scope.FEATURES,
}


def code_of(request: Request) -> str:
    """Which mail the request ends, by the code of the question; all marketing unless it names a part."""
    named = chosen(request.facts, SCOPE) if request.kind == Request.Kind.OPT_OUT else ()
    return next(iter(named), "all")


def stop(request: Request, *, now: datetime) -> bool:
    """No more marketing to the address of the request, whoever it is. Whether it was new."""
    _row, new = suppression.suppress(
        request.person.email,
        scope=SCOPES[code_of(request)],
        reason=Suppression.Reason.OBJECTED,
        source=Suppression.Source.REQUEST,
        actor=_person(request),
        now=now,
    )
    return new


def is_stopped(request: Request) -> bool:
    """Whether the gate is shut for what the request was about."""
    return bool(request.person.email) and suppression.is_suppressed(request.person.email, SCOPES[code_of(request)])


def resume(request: Request, *, now: datetime) -> int:
    """The person wants the mail again; how many entries went. MoveNotAllowed when no proof of the mailbox is on record.

    It ends every opt-out of this scope, by whatever way it came.
    """
    proofs = Verification.objects.filter(request__person=request.person_id, used_at__isnull=False)
    proof = proofs.order_by("-used_at").first()
    if proof is None or not request.person.email:
        raise MoveNotAllowed(_("Nobody has shown that they read this mailbox."))
    return suppression.lift(
        request.person.email,
        scope=SCOPES[code_of(request)],
        verification=proof.pk,
        actor=_person(request),
        now=now,
    )


def _person(request: Request) -> str:
    return by_person(subject_ref("person", request.person_id))
