"""What agents do to a request's clock: announce an extension, ask the person, say whose law applies.

What could go wrong: time is bought that the law does not give (refused here in words, and without effect in the clock
in any case), or a person is told one date and reckoned by another (the letter is written from the dates that follow).
Or whoever reported a child's account is asked and waited for as if they were the person: they get no words of ours,
and the child's clock stands still for nobody (privacy.services.clock).
"""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit import cards
from crasme.kit.claims import WorkState
from crasme.kit.clock import controller_day
from crasme.kit.text import clean
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import verbs
from privacy.clock.events import Kind, Question
from privacy.clock.regimes import Regime
from privacy.clock.rules import law_of
from privacy.correspondence.queue import enqueue
from privacy.errors import Incomplete, MoveNotAllowed
from privacy.models import Message, Request
from privacy.services import clock
from privacy.services.desk import locked, require, words_allowed
from privacy.services.writing import require_proven
from privacy.words import EXTENSIONS


@transaction.atomic
def extend(request: Request, *, reason: str, words: str, by: User, now: datetime) -> Message:
    """Queue the letter that announces an extension, with its reasons. The clock follows when it has gone out."""
    require(by, "work_request")
    if reason not in EXTENSIONS:
        raise Incomplete(_("Choose the reason for which more time is needed."))
    words = _said(words, _("Say why in your own words: an extension without its reasons is none."))
    request = _open(request)
    require_proven(request)
    words_allowed(request, words)
    law = law_of(request.regime, request.kind)
    if law is None or law.extended is None:
        raise MoveNotAllowed(
            _("The law that applies here knows no extension."),
            remedy=_("Set the law first, if it is known by now whose it is; otherwise answer in time."),
        )
    if _extended(request):
        raise MoveNotAllowed(_("It is extended already; the law allows that once."), remedy="")
    if clock.extended(request, controller_day(now)) is None:
        raise MoveNotAllowed(
            _("It is too late: an extension must be announced before the first deadline."),
            remedy=_("Answer as soon as you can."),
        )
    message = _letter(request, clock.EXTENSION, words, by=by, now=now, facts={"reason": reason})
    record(verbs.EXTENDING.name, actor=by.ref, subject=request.ref, message=message.pk, reason=reason)
    return message


def extendable(request: Request, today: date) -> bool:
    """Whether a notice that went out today would change anything, and none has."""
    law = law_of(request.regime, request.kind)
    if law is None or law.extended is None:
        return False
    return not _extended(request) and clock.extended(request, today) is not None


@transaction.atomic
def ask(request: Request, *, about: str, words: str, by: User, now: datetime) -> Message:
    """Queue a question to the person. Where the law lets the clock stand still for it, that begins when it is sent."""
    require(by, "work_request")
    if about not in Question:
        raise Incomplete(_("Choose what the question is about."))
    words = _said(words, _("Write the question: the person reads nothing else."))
    request = _open(request)
    require_proven(request)
    words_allowed(request, words)
    message = _letter(request, clock.QUESTION, words, by=by, now=now, facts={"about": about})
    record(verbs.ASKED.name, actor=by.ref, subject=request.ref, message=message.pk, about=about)
    return message


@transaction.atomic
def replied(request: Request, *, on: date, by: User, now: datetime) -> Request:
    """The person has answered by telephone or post, on that day."""
    require(by, "work_request")
    request = _open(request)
    asked = clock.open_question(request)
    if asked is None:
        raise MoveNotAllowed(_("No question is open that the clock waits for."), remedy="")
    if not asked.on <= on <= controller_day(now):
        raise Incomplete(_("The answer came after the question, and not in the future."))
    clock.reply_arrived(request, now, actor=by.ref, on=on)
    request.refresh_from_db()
    return request


@transaction.atomic
def set_law(request: Request, *, regime: str, by: User, now: datetime) -> Request:
    """Say whose law applies; the dates follow."""
    require(by, "work_request")
    request = _open(request)
    if regime not in Regime:
        raise Incomplete(_("Choose whose law applies."))
    if regime == request.regime:
        raise MoveNotAllowed(_("That is the law already."), remedy="")
    clock.note(request, Kind.REGIME, actor=by.ref, now=now, regime=str(regime), was=request.regime)
    return request


def _open(request: Request) -> Request:
    request = locked(request)
    if not request.is_open:
        raise MoveNotAllowed(_("This request is closed."))
    return request


def _said(words: str, otherwise: str) -> str:
    words = clean(words).strip()
    if not words:
        raise Incomplete(otherwise)
    cards.refuse(words=words)
    return words


def _extended(request: Request) -> bool:
    """Whether the notice has gone out, or is about to."""
    letters = request.messages.filter(template=clock.EXTENSION).exclude(state=WorkState.CANCELLED)
    return letters.exists() or request.clock_events.filter(kind=Kind.EXTENDED).exists()


def _letter(request: Request, template: str, words: str, *, by: User, now: datetime, facts: dict[str, str]) -> Message:
    number = request.messages.filter(template=template).count() + 1  # the request's row is locked
    message = enqueue(request, template, period_key=str(number), now=now, written=words, written_by=by, facts=facts)
    assert message is not None  # noqa: S101  (nobody else has written a letter of this number)
    return message
