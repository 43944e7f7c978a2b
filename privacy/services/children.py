"""Reports that an account is a child's (P9.2, P9.3): looked at without any proof, decided by privacy officers.

What could go wrong: anybody can report anybody. So a report alone changes nothing: an officer names the account,
restricts it, and two people approve its erasure; whoever reported learns nothing of it. A parent who wants more must
show the mailbox, and an officer must believe it and say why.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.crm.services import accounts
from crasme.kit import cards
from crasme.kit.clock import controller_day
from crasme.kit.crypto import subject_ref
from crasme.kit.text import clean
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person, system
from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER
from privacy import verbs
from privacy.correspondence.queue import enqueue
from privacy.errors import Incomplete, MoveNotAllowed
from privacy.models import ChildReport, Message, Request, Step
from privacy.services import assignment, desk
from privacy.services.beginning import NOT_NEEDED
from privacy.services.reading import require_read
from privacy.states import Outcome, State
from privacy.steps import flow
from privacy.webhooks import Event as Told, emit

Parent = ChildReport.Parent
# What the form stores of who reports: a code in `facts`.
RELATION, COPY = "relation", "copy"
PARENT = "parent"


def begin(request: Request, *, now: datetime) -> None:
    """Take up a report that was just stored, without waiting for anybody to prove anything; an officer is told."""
    claims = request.facts.get(RELATION) == PARENT and bool(request.person.email)
    ChildReport.objects.create(request=request, parent=Parent.CLAIMED if claims else Parent.NONE)
    request.confirm(now=now, without_proof=True)
    request.assignee = _officer(now)
    request.save(update_fields=["state", "confirmed_at", "without_proof", "assignee"])
    actor = by_person(subject_ref("person", request.person_id))
    record(verbs.CONFIRMED.name, actor=actor, subject=request.ref, by=NOT_NEEDED)
    if request.assignee is not None:
        record(verbs.ASSIGNED.name, actor=system("privacy"), subject=request.ref, assignee=request.assignee.ref)
        enqueue(
            request,
            "child-reported",
            period_key="1",
            now=now,
            addressee=Message.Addressee.COLLEAGUE,
            colleague=request.assignee,
        )
    emit(Told.CONFIRMED, request, now=now)
    if request.lead_id is None:
        enqueue(request, "child-received", period_key="1", now=now)
    flow.begin(request, now=now)


@transaction.atomic
def name_account(request: Request, *, address: str, by: User, now: datetime) -> Request:
    """Say which account it is, having understood the report better than the software did; then look at that one."""
    desk.require(by, "decide_child")
    request, report = _undecided(request)
    account = Account.objects.present().by_email(address).first()
    if account is None:
        raise Incomplete(_("No account has this address."), remedy=_("Look for the account under “Accounts”."))
    report.account, report.address = account, account.email
    report.save(update_fields=["account", "address"])
    record(verbs.CHILD_NAMED.name, actor=by.ref, subject=request.ref)
    flow.again(request, why="account-named", actor=by.ref, now=now)
    return request


@transaction.atomic
def restrict_at_once(request: Request, *, by: User, now: datetime) -> Account:
    """Nothing more is done with the account, from now on; whatever is decided about it later."""
    desk.require(by, "decide_child")
    request = desk.locked(request)
    report = _report(request)
    if not request.is_open or report.account is None:
        raise MoveNotAllowed(_("There is no account here to restrict."))
    account = accounts.restrict(report.account, actor=by.ref, now=now)
    record(verbs.CHILD_RESTRICTED.name, actor=by.ref, subject=request.ref)
    return account


@transaction.atomic
def judge_parent(request: Request, *, believed: bool, words: str, by: User, now: datetime) -> ChildReport:
    """Whether whoever reported is the child's parent: an officer's judgement, with how it was come to."""
    desk.require(by, "decide_child")
    cards.refuse(words=words)
    request, report = _undecided(request)
    if report.parent == Parent.NONE:
        raise MoveNotAllowed(_("Nobody says here that they are the child's parent."), remedy="")
    if believed and request.without_proof:
        raise Incomplete(
            _("Nobody has proven the mailbox yet, so nothing can be released to it."),
            remedy=_("They prove it with the link in our first mail; a fresh one can be had on the request's page."),
        )
    if not clean(words).strip():
        raise Incomplete(_("Say how you came to your judgement; it is noted on the request."))
    report.parent = Parent.ACCEPTED if believed else Parent.REJECTED
    report.judged_by, report.judged_at = by, now
    report.save(update_fields=["parent", "judged_by", "judged_at"])
    record(verbs.PARENT_JUDGED.name, actor=by.ref, subject=request.ref, verdict=report.parent)
    desk.add_note(request, body=f"{report.get_parent_display()}: {clean(words).strip()}", by=by, now=now)
    return report


@transaction.atomic
def settle(request: Request, *, words: str, by: User, now: datetime) -> Request:
    """End a report without an erasure: no such account, or no child. `words` go to an accepted parent only."""
    desk.require(by, "decide_child")
    cards.refuse(words=words)
    request, _found = _undecided(request)
    require_read(request)
    written = desk.words_allowed(request, words)
    step = request.steps.filter(kind=Step.Kind.APPROVAL, round=request.round).unfinished().get()
    request.answer(Outcome.GRANTED)
    request.save(update_fields=["state", "outcome"])
    flow.close_manual(step, actor=by.ref, now=now, settled=True)
    record(verbs.DECIDED.name, actor=by.ref, subject=request.ref, outcome=str(Outcome.GRANTED))
    if request.discloses:
        enqueue(request, "child-told", period_key=f"round-{request.round}", now=now, written=written, written_by=by)
    flow.insert_answer(request, now=now)
    return request


def _undecided(request: Request) -> tuple[Request, ChildReport]:
    request = desk.locked(request)
    report = _report(request)
    if request.state != State.REVIEW:
        raise MoveNotAllowed(_("There is no report of a child's account to decide about now."))
    return request, report


def _report(request: Request) -> ChildReport:
    report = ChildReport.objects.select_related("account").filter(request=request).first()
    if report is None:
        raise MoveNotAllowed(_("This is no report of a child's account."), remedy="")
    return report


def _officer(now: datetime) -> User | None:
    """The officer who has least to do and is there, or an officer who stands in."""
    officers = User.objects.filter(is_active=True, is_staff=True, groups__name=PRIVACY_OFFICER)
    for officer in assignment.by_load(officers):
        found = assignment.standing_in(officer, controller_day(now)).user
        if found is not None and found.has_perm("privacy.decide_child"):
            return found
    return None
