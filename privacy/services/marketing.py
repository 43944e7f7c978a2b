"""Stopping marketing because somebody asked, and starting it again because they asked for that.

What could go wrong: an opt-out that takes effect tomorrow, or in one channel only, or until the next import. The one
gate for such mail is `consent.suppression`; it is shut here, by the hash of the address, in the caller's transaction,
and no import, erasure or colleague opens it again. Only the person can, and only with a mailbox that was proven.
"""

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from consent import suppression, unsubscribe
from consent.models import Channel, Suppression
from crasme.kit.crypto import subject_ref
from crasme.staff.actors import person as by_person, system
from privacy.errors import MoveNotAllowed
from privacy.mailroom.parsing import Report
from privacy.models import Message, Request, Verification
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


def came_back(message: Message, code: str, *, now: datetime) -> bool:
    """A letter of ours came back: if its mailbox is not there (5.1.x), nothing is advertised to it either. Whether the
    gate was shut for that now.
    """
    if message.addressee != Message.Addressee.PERSON or not code.startswith("5.1.") or not message.request.person.email:
        return False
    _row, new = suppression.suppress(
        message.request.person.email,
        channel=Channel.EMAIL,
        reason=Suppression.Reason.BOUNCED,
        source=Suppression.Source.MAIL_SERVER,
        actor=system("mailroom"),
        now=now,
    )
    return new


def reported(report: Report, *, now: datetime) -> int:
    """A marketing mail of ours came back for good, or was reported as spam; how many addresses that shut the gate for.

    Only the mail itself says whose it was: by its own unsubscribe link, which nobody else can make up. So a forged
    report shuts nothing, and none needs an address to be read.
    """
    if not (report.spam or (report.failed and report.code.startswith("5."))):
        return 0
    targets = {target for token in report.ways_out if (target := unsubscribe.read_token(token)) is not None}
    done = [
        suppression.suppress_hash(
            target.hashed,
            version=target.version,
            subject=target.subject,
            scope=Scope.MARKETING,
            channel=Channel.EMAIL,
            reason=Suppression.Reason.COMPLAINED if report.spam else Suppression.Reason.BOUNCED,
            source=Suppression.Source.MAIL_SERVER,
            actor=system("mailroom"),
            now=now,
        )
        for target in sorted(targets, key=lambda each: each.hashed)
    ]
    return sum(new for _row, new in done)


def _person(request: Request) -> str:
    return by_person(subject_ref("person", request.person_id))
