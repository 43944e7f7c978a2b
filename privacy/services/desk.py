"""What agents do with a request, apart from approving (`approvals`) and writing to the person (`writing`).

What could go wrong: two people act on one request at once (every verb locks its row first), somebody without the right
acts by another door (the admin and the API both come through here, and here the right is asked for), a decision without
words (a refusal needs its reason, an answer its text).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit import cards
from crasme.kit.claims import WorkState, redrive
from crasme.kit.clock import controller_day
from crasme.kit.text import clean
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import particulars, rows, verbs
from privacy.clock.events import Kind
from privacy.correspondence.queue import enqueue
from privacy.errors import Incomplete, MoveNotAllowed, NotYours
from privacy.kinds import answered_by, refusable
from privacy.mailroom import identity
from privacy.models import Message, Note, Request, Step
from privacy.services import assignment, clock, customers
from privacy.services.closing import closed
from privacy.services.reading import require_read
from privacy.states import Outcome, State
from privacy.steps import flow
from privacy.steps.definitions import answerable, spec_of
from privacy.wake import SEND, STEP, wake


def require(user: User, permission: str) -> None:
    """NotYours when the colleague may not; `permission` is a codename of this room."""
    if not user.has_perm(f"privacy.{permission}"):
        raise NotYours(_("Your role does not include this."))


def may_decide(user: User, request: Request) -> bool:
    """Whether this kind is one that the colleague's role decides about: a child's account is for officers."""
    return request.kind != Request.Kind.CHILD or user.has_perm("privacy.decide_child")


def require_for(request: Request, user: User, permission: str) -> None:
    """`require`, and that the colleague may decide about this kind."""
    require(user, permission)
    if not may_decide(user, request):
        raise NotYours(
            _("A child's account is decided about by a privacy officer."), remedy=_("Hand the request to one.")
        )


def words_allowed(request: Request, words: str) -> str:
    """A colleague's words for the letter, cleaned. Incomplete for a letter that must tell nothing."""
    written = clean(words).strip()
    if written and not request.discloses:
        raise Incomplete(
            _("Whoever reported an account gets the same letter in every case, so it has no words of yours."),
            remedy=_("Leave the words out; write a note if colleagues should know."),
        )
    return written


def locked(request: Request) -> Request:
    """The row as it is now, ours until the transaction ends."""
    return rows.locked(request.pk)


@transaction.atomic
def assign(request: Request, *, to: User | None, by: User, now: datetime) -> Request:
    """Give the request to a colleague, oneself, or nobody. Of a colleague who is away the substitute gets it."""
    require(by, "work_request")
    request = locked(request)
    if not request.is_open:
        raise MoveNotAllowed(_("This request is closed."))
    if to is not None and not may_decide(to, request):
        raise NotYours(_("A child's account is decided about by a privacy officer."))
    if to is not None and not assignment.may_answer(to, request):
        raise NotYours(_("This colleague's role does not include working on requests."))
    if request.assignee_id != (to.pk if to else None):
        assignment.give(request, to, actor=by.ref, today=controller_day(now), themselves=to == by)
    return request


@transaction.atomic
def give_back(request: Request, *, by: User, now: datetime) -> Request:
    """Nobody has it any more. Only one's own; a colleague's is handed over."""
    require(by, "work_request")
    request = locked(request)
    if request.assignee_id != by.pk or not request.is_open:
        raise MoveNotAllowed(_("This request is not yours."))
    assignment.give(request, None, actor=by.ref, today=controller_day(now))
    return request


@transaction.atomic
def add_note(request: Request, *, body: str, by: User, now: datetime) -> Note:
    """Write a note for colleagues. ValidationError when it holds a payment card number."""
    require(by, "work_request")
    body = clean(body).strip()
    if not body:
        raise Incomplete(_("The note is empty."))
    note = Note.objects.create(request=request, author=by, at=now, body=body)
    record(verbs.NOTED.name, actor=by.ref, subject=request.ref, note=note.pk)
    return note


@transaction.atomic
def refuse(request: Request, *, reason: str, words: str, by: User, now: datetime) -> Request:
    """Refuse, with the legal reason and, if wanted, words of one's own for the letter."""
    require_for(request, by, "refuse_request")
    if reason not in refusable(request.kind):
        raise Incomplete(_("Choose a reason for which this kind may be refused; the person has a right to it."))
    cards.refuse(words=words)
    request = locked(request)
    require_read(request)
    written = words_allowed(request, words)
    request.refuse(reason)
    request.save(update_fields=["state", "outcome", "refusal_reason"])
    record(verbs.REFUSED.name, actor=by.ref, subject=request.ref, reason=reason)
    identity.destroy_of(request, actor=by.ref, now=now)
    if request.discloses:
        _letter(request, "refused", written, by=by, now=now)
    flow.insert_answer(request, now=now)
    return request


@transaction.atomic
def answer(request: Request, *, outcome: str, words: str, by: User, now: datetime) -> Request:
    """Answer in the agent's words: what is worked on by hand, or a correction for which no value was proposed."""
    require(by, "work_request")
    if outcome not in (Outcome.GRANTED, Outcome.PARTLY):
        raise Incomplete(_("Choose whether the request was granted, or granted in part."))
    if not clean(words).strip():
        raise Incomplete(_("Write the answer: the person reads nothing else."))
    cards.refuse(words=words)
    request = locked(request)
    require(by, answered_by(request.kind))
    if not answerable(request.kind, request.facts):
        raise MoveNotAllowed(_("A request of this kind is answered by its own steps."), remedy="")
    if request.corrections.open().exists():
        raise MoveNotAllowed(_("Values have been proposed."), remedy=_("Decide about them first."))
    require_read(request)
    step = request.steps.filter(manual=True, round=request.round).unfinished().first()
    request.answer(Outcome(outcome))
    request.save(update_fields=["state", "outcome"])
    if step is not None:
        flow.close_manual(step, actor=by.ref, now=now)
    record(verbs.DECIDED.name, actor=by.ref, subject=request.ref, outcome=outcome)
    identity.destroy_of(request, actor=by.ref, now=now)
    _letter(request, "answered", words, by=by, now=now)
    flow.insert_answer(request, now=now)
    return request


@transaction.atomic
def reopen(request: Request, *, by: User, now: datetime) -> Request:
    """Look again: collect anew, in a new round, under the same clock."""
    require(by, "work_request")
    request = locked(request)
    if request.kind == Request.Kind.CHILD:
        raise MoveNotAllowed(
            _("What was reported has been emptied, so that the evidence is free of the child."),
            remedy=_("It can be reported anew."),
        )
    if not request.person.email:
        raise MoveNotAllowed(
            _("The person has been forgotten, as they wished."), remedy=_("They can make a new request.")
        )
    request.reopen()
    request.save(update_fields=["state", "outcome", "refusal_reason", "closed_at"])
    customers.wanted_again(request)
    clock.note(request, Kind.REOPENED, actor=by.ref, now=now)
    flow.again(request, why="reopened", actor=by.ref, now=now)
    record(verbs.REOPENED.name, actor=by.ref, subject=request.ref, round=request.round)
    return request


@transaction.atomic
def note_particulars(request: Request, *, facts: Mapping[str, Any], by: User, now: datetime) -> Request:
    """What exactly is meant, as the person wrote or said it and nobody ticked. The request goes the way of that."""
    require(by, "work_request")
    request = locked(request)
    kept = particulars.codes(request.kind, facts)
    if not kept:
        raise Incomplete(_("Choose what is meant."))
    request.facts = request.facts | kept
    request.save(update_fields=["facts"])
    record(verbs.PARTICULARS.name, actor=by.ref, subject=request.ref, answers=kept)
    flow.again(request, why="particulars", actor=by.ref, now=now)
    return request


@transaction.atomic
def look_again(request: Request, *, by: User, now: datetime) -> Request:
    """Collect and plan anew, because the agent thinks that something has changed."""
    require(by, "work_request")
    request = locked(request)
    flow.again(request, why="asked", actor=by.ref, now=now)
    return request


@transaction.atomic
def redrive_work(work: Step | Message, *, by: User, now: datetime) -> None:
    """Put a parked step or mail, or a mail that came back, into the queue again, with all its attempts. NotParked for
    any other. The address stays the one on file: no mail goes astray by a correction that nobody proved.
    """
    require(by, "redrive_step")
    request = locked(work.request)
    if isinstance(work, Message):
        came_back = Message.objects.filter(pk=work.pk).undelivered()
        came_back.filter(state=WorkState.DONE).update(state=WorkState.PARKED, finished_at=None)
        came_back.update(bounced_at=None)
        work.bounced_at = None
    redrive(work, now=now)
    if isinstance(work, Step):
        record(verbs.STEP_REDRIVEN.name, actor=by.ref, subject=request.ref, step=work.pk, kind=work.kind)
        wake(STEP, spec_of(request.kind, work.kind).queue, work.pk)
    else:
        record(verbs.MAIL_REDRIVEN.name, actor=by.ref, subject=request.ref, message=work.pk)
        wake(*SEND, work.pk)


@transaction.atomic
def withdraw(request: Request, *, actor: str, now: datetime) -> Request:
    """The person takes the request back; not once it is being executed. Doing it again changes nothing."""
    request = locked(request)
    if request.outcome == Outcome.WITHDRAWN:
        return request
    if request.kind == Request.Kind.CHILD:
        # Once we know of a child's data, it does not matter who still wants us to.
        raise MoveNotAllowed(_("A report cannot be taken back: we have to look at it."), remedy="")
    proven = request.state != State.RECEIVED
    request.withdraw(now=now)
    closed(request, actor=actor, now=now)
    customers.taken_back(request, now=now)
    record(verbs.WITHDRAWN.name, actor=actor, subject=request.ref)
    if proven:
        enqueue(request, "withdrawn", period_key="1", now=now)
    return request


def _letter(request: Request, template: str, words: str, *, by: User, now: datetime) -> None:
    # The occasion is that of the answer step, which then finds its letter queued already.
    enqueue(
        request,
        template,
        period_key=f"round-{request.round}",
        now=now,
        written=clean(words).strip(),
        written_by=by,
    )
