"""Passing a wish on to the customers who wrote about the person, and following it up.

What could go wrong: the customer never answers (reminders, then it is closed as unanswered, in sight of the desk), the
mail tells a stranger's address to whoever reads it (it stands on the page behind the link only), a wish is passed on
that was taken back, or to the very person who has it. To whom the mails go is known by `services.customers`.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from crasme.crm.models import Contact
from crasme.kit.claims import cancel
from crasme.kit.clock import controller_day
from crasme.kit.crypto import keyed_hash, subject_ref, token_digest
from crasme.ledger.services import record
from crasme.staff.actors import customer as by_customer, system
from crasme.staff.models import User
from privacy import rows, verbs
from privacy.correspondence.queue import enqueue
from privacy.errors import LinkSpent, MoveNotAllowed
from privacy.models import Message, Referral, Request, Step
from privacy.services import customers, desk
from privacy.states import Outcome, State
from privacy.steps import flow

DAYS = 10
REMIND_AFTER = (5, 10, 20)  # days since it was passed on
GIVE_UP_AFTER = timedelta(days=30)
REFERRED = "referred"  # in the result of the step that it ended
LETTER = "referred"
Answer = Referral.Outcome
FINAL = (Answer.DONE, Answer.NOT_OURS, Answer.UNANSWERED)


def find(request: Request, *, now: datetime) -> int:
    """Note which customers wrote about the proven address; how many entries. In the transaction of the step."""
    address = request.person.email
    found = {}
    if address:
        rows = Contact.objects.filter(email=address).order_by().values_list("owner__organisation")
        found = dict(rows.annotate(number=Count("pk")))
    # What was passed on stays on record, whatever has become of the entries.
    request.referrals.filter(sent_at=None).exclude(organisation__in=found).delete()
    for organisation, contacts in found.items():
        Referral.objects.update_or_create(
            request=request,
            organisation_id=organisation,
            defaults={"contacts": contacts},
            create_defaults={"contacts": contacts, "found_at": now},
        )
    return sum(found.values())


@transaction.atomic
def pass_on(request: Request, *, by: User, now: datetime) -> list[Referral]:
    """Write to every customer who has not been written to yet; those whom it went to.

    When they are all that was found, this is the answer to the request as well. MoveNotAllowed when there is nobody to
    pass anything on to, or nobody whom we may write to.
    """
    desk.require(by, "work_request")
    request = desk.locked(request)
    waiting = list(request.referrals.waiting().select_related("organisation").select_for_update(of=("self",)))
    if request.outcome == Outcome.WITHDRAWN:
        raise MoveNotAllowed(_("The person has taken the request back."), remedy="")
    if request.confirmed_at is None or not request.person.email or not waiting:
        raise MoveNotAllowed(_("There is no customer here to pass anything on to."))
    sent = [referral for referral in waiting if _send(referral, request, by=by, now=now)]
    if sent:
        _tell(request, by=by, now=now)
    return sent


def only_customers(request: Request) -> bool:
    """Whether nothing was found but what customers wrote: no account, and no row outside of this room."""
    if request.account_id is not None or not request.referrals.exists():
        return False
    steps = request.steps.filter(kind=Step.Kind.COLLECT, round=request.round)
    tables = [label for result in steps.values_list("result", flat=True) for label in result.get("tables", {})]
    return all(label.startswith("privacy.") for label in tables)


def was_the_answer(request: Request) -> bool:
    """Whether passing it on was all that could be done."""
    return any(step.manual and step.result.get(REFERRED) is True for step in rows.steps(request))


def token_of(referral: Referral) -> str:
    """The secret of the customer's link: the same in every mail, so that a reminder leaves the first one working."""
    return keyed_hash("privacy.referral", str(referral.pk))


def look(token: str) -> Referral:
    """The referral behind a link. LinkSpent for any other."""
    found = (
        Referral.objects.filter(token_digest=token_digest(token))
        .select_related("organisation", "request__person")
        .first()
    )
    if found is None:
        raise LinkSpent(_("This link does not exist."), remedy=_("Use the whole link from our mail."))
    return found


@transaction.atomic
def acknowledge(referral: Referral, *, answer: str, now: datetime) -> Referral:
    """The customer says what they do. Saying the same again changes nothing; MoveNotAllowed when it is closed."""
    return _answered(referral, answer, actor=by_customer(subject_ref("referral", referral.pk)), by=None, now=now)


@transaction.atomic
def settle(referral: Referral, *, answer: str, by: User, now: datetime) -> Referral:
    """A colleague notes what the customer said by another way."""
    desk.require(by, "work_request")
    return _answered(referral, answer, actor=by.ref, by=by, now=now)


def remind(now: datetime) -> int:
    """Remind customers whose next reminder is due; the number reminded."""
    count = 0
    for pk, asked in Referral.objects.remindable(now, REMIND_AFTER).values_list("pk", "request")[:500]:
        with transaction.atomic():
            rows.locked(asked)  # first, as everybody does: it may be taken back right now
            referral = Referral.objects.select_for_update(of=("self",)).select_related("request__person").get(pk=pk)
            due = _reminders_due(referral, now)
            if not referral.is_open or due <= referral.reminders:
                continue
            # After an outage one reminder makes up for those that were missed.
            referral.reminders = due
            referral.save(update_fields=["reminders"])
            customers.write(referral, "referral-reminder", occasion=f"-{due}", now=now)
            record(verbs.REFERRAL_REMINDED.name, actor=system("privacy"), subject=referral.request.ref, number=due)
        count += 1
    return count


def give_up(now: datetime) -> int:
    """Close what nobody ever answered; the number. The person was told whom to ask."""
    over = Referral.objects.open().filter(sent_at__lte=now - GIVE_UP_AFTER)
    count = 0
    for referral in over.select_related("request")[:500]:
        with transaction.atomic():
            held = Referral.objects.select_for_update(of=("self",)).select_related("request").get(pk=referral.pk)
            if held.is_open:
                _answered(held, Answer.UNANSWERED, actor=system("privacy"), by=None, now=now)
                count += 1
    return count


def _send(referral: Referral, request: Request, *, by: User, now: datetime) -> bool:
    referral.request = request
    if customers.customer_of(referral) is None:
        referral.unreachable = True
        referral.save(update_fields=["unreachable"])
        return False
    referral.sent_at, referral.due_on = now, due_after(controller_day(now))
    referral.token_digest, referral.unreachable = token_digest(token_of(referral)), False
    referral.save(update_fields=["sent_at", "due_on", "token_digest", "unreachable"])
    customers.write(referral, customers.LETTER, now=now)
    record(
        verbs.REFERRED.name,
        actor=by.ref,
        subject=request.ref,
        customer=subject_ref("organisation", referral.organisation_id),
        contacts=referral.contacts,
        due=referral.due_on,
    )
    return True


def due_after(day: date) -> date:
    return day + timedelta(days=DAYS)


def _tell(request: Request, *, by: User, now: datetime) -> None:
    """Who decides: in a mail of its own, which is the answer where there is nothing else to answer."""
    step = request.steps.filter(manual=True, round=request.round).unfinished().first()
    if request.state == State.REVIEW and step is not None and only_customers(request):
        request.answer(Outcome.PARTLY)
        request.save(update_fields=["state", "outcome"])
        flow.close_manual(step, actor=by.ref, now=now, **{REFERRED: True})
        record(verbs.DECIDED.name, actor=by.ref, subject=request.ref, outcome=str(Outcome.PARTLY))
        enqueue(request, LETTER, period_key=f"round-{request.round}", now=now)
        flow.insert_answer(request, now=now)
        return
    number = request.referrals.exclude(sent_at=None).count()
    enqueue(request, LETTER, period_key=f"customers-{number}", now=now)


def _answered(referral: Referral, answer: str, *, actor: str, by: User | None, now: datetime) -> Referral:
    held = Referral.objects.select_for_update(of=("self",)).select_related("request").get(pk=referral.pk)
    if held.outcome == answer:
        return held
    if held.closed_at is not None or held.sent_at is None:
        raise MoveNotAllowed(_("This is closed already: %(outcome)s.") % {"outcome": held.get_outcome_display()})
    held.outcome, held.settled_by = Answer(answer), by
    held.acknowledged_at = held.acknowledged_at or (None if answer == Answer.UNANSWERED else now)
    held.closed_at = now if answer in FINAL else None
    held.save(update_fields=["outcome", "settled_by", "acknowledged_at", "closed_at"])
    if held.closed_at is not None:
        for message in Message.objects.filter(referral=held).unfinished():
            cancel(message, now=now)  # a reminder of what is over
    record(verbs.REFERRAL_ANSWERED.name, actor=actor, subject=held.request.ref, answer=held.outcome)
    return held


def _reminders_due(referral: Referral, now: datetime) -> int:
    gone = now - (referral.sent_at or now)
    return sum(gone >= timedelta(days=days) for days in REMIND_AFTER)
