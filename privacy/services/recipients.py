"""Telling those who received the data what has become of it (GDPR Art. 19), and seeing that they answer.

What could go wrong: a recipient learns of somebody about whom nothing was held (the steps tell of what was really
done), hears nothing because there is no address (it has its row all the same, and the person is told so), never
answers (reminded twice, then overdue until a person settles it), or somebody else answers for it (the link is secret,
derived from the row, so that each mail carries the same one, and stored as a digest).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from crasme.kit.claims import WorkState
from crasme.kit.clock import controller_day
from crasme.kit.crypto import keyed_hash, token_digest
from crasme.kit.ids import uuid7
from crasme.kit.statements import Fetch, insert
from crasme.ledger.services import record
from crasme.staff.actors import system
from crasme.staff.models import User
from privacy import verbs
from privacy.correspondence.queue import enqueue
from privacy.errors import Incomplete, LinkSpent, MoveNotAllowed
from privacy.models import Message, Recipient, RecipientNotice, Request
from privacy.services import desk
from privacy.words import NOT_TOLD

Act, WhyNot = RecipientNotice.Act, RecipientNotice.WhyNot
ACTS: dict[str, RecipientNotice.Act] = {
    Request.Kind.CORRECTION: Act.RECTIFY,
    Request.Kind.DELETION: Act.ERASE,
    Request.Kind.CHILD: Act.ERASE,
    Request.Kind.RESTRICTION: Act.RESTRICT,
}
WITHIN = timedelta(days=21)
AT_ONCE = 200
BY_LINK = "link:recipient"
_ACTIVE = Fetch(lambda: Recipient.objects.active().order_by("kind", "name"))
_OF_ROUND = Fetch(RecipientNotice.objects.all, "request", "round")
_TOLD = Fetch(lambda: RecipientNotice.objects.exclude(act=Act.LIFT).in_order(), "request", "round")


def tell(request: Request, *, now: datetime) -> dict[str, int]:
    """One row and, where there is an address, one mail for each active recipient; in the caller's transaction, which
    has locked the request. Doing it again changes nothing. The result counts them.
    """
    act, notices = ACTS[request.kind], _OF_ROUND(request.pk, request.round)
    known = {each.recipient_id for each in notices if each.act == act}
    to_tell = [recipient for recipient in _ACTIVE() if recipient.pk not in known]
    notices += [_tell(request, recipient, act, now=now) for recipient in to_tell]
    told = sum(not each.why_not for each in notices)
    return {"told": told, "not_told": len(notices) - told}


def tell_lifted(request: Request, *, now: datetime) -> None:
    """The restriction is over: whoever was told of it may use the data again; in the caller's transaction."""
    of_round = RecipientNotice.objects.of_round(request)
    known = set(of_round.filter(act=Act.LIFT).values_list("recipient", flat=True))
    rows = of_round.filter(act=Act.RESTRICT)
    for notice in list(rows.filter(why_not="").exclude(recipient__in=known)):
        _tell(request, notice.recipient, Act.LIFT, now=now)
    rows.filter(why_not="", acknowledged_at=None).order_by().update(why_not=WhyNot.OVER)


def _tell(request: Request, recipient: Recipient, act: RecipientNotice.Act, *, now: datetime) -> RecipientNotice:
    notice = RecipientNotice(
        id=uuid7(), request=request, recipient=recipient, act=act, round=request.round, created_at=now,
        due_on=controller_day(now + WITHIN), why_not="" if recipient.contact_email else WhyNot.NO_ADDRESS,
    )  # fmt: skip
    notice.token_digest = token_digest(token(notice.pk))
    if not notice.why_not:
        notice.message = _mail(notice, "recipient-notice", now=now)
    insert(notice)
    facts = {"notice": notice.pk, "recipient": recipient.slug}
    if notice.why_not:
        verb, facts = verbs.RECIPIENT_NOT_TOLD, facts | {"why": notice.why_not}
    else:
        verb, facts = verbs.RECIPIENT_TOLD, facts | {"act": notice.act}
    record(verb.name, actor=system("worker"), subject=request.ref, **facts)
    return notice


def _mail(notice: RecipientNotice, template: str, *, now: datetime) -> Message | None:
    return enqueue(
        notice.request,
        template,
        period_key=f"{notice.pk.hex}-{notice.reminders}",
        now=now,
        addressee=Message.Addressee.RECIPIENT,
        recipient=notice.recipient,
    )


def token(notice: UUID) -> str:
    """The secret of the link by which this notice is acknowledged."""
    return keyed_hash("privacy.recipient-notice", str(notice))


def notice_of(message: Message) -> RecipientNotice | None:
    """The row that a mail to a recipient belongs to; each of its mails names it in its occasion."""
    try:
        pk = UUID(hex=message.period_key.partition("-")[0])
    except ValueError:
        return None
    found: RecipientNotice | None = RecipientNotice.objects.filter(pk=pk, request=message.request_id).first()
    return found


# --- answers ---------------------------------------------------------------------------------------------------------
def look(found: str) -> RecipientNotice:
    """The notice behind a link, unchanged. LinkSpent when there is none."""
    notice = RecipientNotice.objects.filter(token_digest=token_digest(found)).select_related("request", "recipient")
    if (one := notice.first()) is None:
        raise LinkSpent(_("This link does not exist."), remedy="")
    return one


@transaction.atomic
def acknowledge(found: str, *, now: datetime) -> RecipientNotice:
    """The recipient says that it is done. Doing it again changes nothing. LinkSpent as for `look`."""
    notice = look(found)
    _acknowledge(notice, BY_LINK, now=now)
    return notice


@transaction.atomic
def acknowledge_by_hand(notice: RecipientNotice, *, by: User, now: datetime) -> None:
    """A colleague notes that the recipient has answered, by whatever means. MoveNotAllowed when it had before."""
    desk.require(by, "work_request")
    if not _acknowledge(notice, by.ref, now=now):
        raise MoveNotAllowed(_("This recipient has answered already."))


def _acknowledge(notice: RecipientNotice, by: str, *, now: datetime) -> bool:
    waiting = RecipientNotice.objects.filter(pk=notice.pk, acknowledged_at=None)
    if not waiting.update(acknowledged_at=now, acknowledged_by=by):
        return False
    record(
        verbs.RECIPIENT_ACKNOWLEDGED.name,
        actor=by,
        subject=notice.request.ref,
        notice=notice.pk,
        by="link" if by == BY_LINK else "colleague",
    )
    return True


@transaction.atomic
def give_up(notice: RecipientNotice, *, why: str, words: str, by: User, now: datetime) -> None:
    """It is impossible, or out of proportion, to tell this recipient; the reason is kept as a note on the request."""
    desk.require(by, "work_request")
    if why not in (WhyNot.IMPOSSIBLE, WhyNot.EFFORT):
        raise Incomplete(_("Say why this recipient cannot be told."))
    if not RecipientNotice.objects.filter(pk=notice.pk, acknowledged_at=None).update(why_not=why):
        raise MoveNotAllowed(_("This recipient has answered already."))
    desk.add_note(notice.request, body=f"{notice.recipient.name}: {words}", by=by, now=now)
    record(
        verbs.RECIPIENT_NOT_TOLD.name,
        actor=by.ref,
        subject=notice.request.ref,
        notice=notice.pk,
        recipient=notice.recipient.slug,
        why=why,
    )


def remind(now: datetime) -> int:
    """Queue a second and a third mail to whoever has not answered the one before; the number queued."""
    waiting = RecipientNotice.objects.to_remind(now).values_list("pk", flat=True)[:AT_ONCE]
    return sum(_remind(pk, now=now) for pk in waiting)


@transaction.atomic
def _remind(pk: UUID, *, now: datetime) -> bool:
    notice = RecipientNotice.objects.select_for_update(of=("self",)).select_related("request", "recipient").get(pk=pk)
    if not RecipientNotice.objects.to_remind(now).filter(pk=pk).exists():
        return False
    notice.reminders, notice.reminded_at = notice.reminders + 1, now
    notice.save(update_fields=["reminders", "reminded_at"])
    _mail(notice, "recipient-reminder", now=now)
    record(
        verbs.RECIPIENT_REMINDED.name,
        actor=system("privacy"),
        subject=notice.request.ref,
        notice=notice.pk,
        reminder=notice.reminders,
    )
    return True


# --- what the person is told -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Told:
    """One recipient by name; `why_not` is empty when it was told."""

    name: str
    why_not: Promise | str = ""


def told(request: Request) -> list[Told]:
    """The recipients of the round that counts, in the active language."""
    return [
        Told(notice.recipient.text("name"), NOT_TOLD[why] if (why := _why_not(notice)) else "")
        for notice in _TOLD(request.pk, request.round)
    ]


def _why_not(notice: RecipientNotice) -> str:
    """Also when its address was taken away before the mail went out."""
    lost = notice.message is not None and notice.message.state == WorkState.CANCELLED
    if lost and not notice.acknowledged_at:
        return WhyNot.NO_ADDRESS
    return "" if notice.why_not == WhyNot.OVER else notice.why_not
