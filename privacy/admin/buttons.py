"""Which buttons fit a request as it stands. The services decide; this only spares people a click that must fail."""

from datetime import date

from django.utils import timezone

from crasme.kit.clock import controller_day
from crasme.staff.models import User
from privacy.kinds import answered_by
from privacy.models import MandateDocument, Message, Plan, Request
from privacy.particulars import questions_of
from privacy.services import clock, copies, joining, plans, representatives, restriction, timing
from privacy.services.desk import may_decide
from privacy.states import MOVES, Outcome, State
from privacy.steps.definitions import by_hand, granted, proposed


def fitting(asked: Request, user: User) -> set[str]:
    """Names of the acts of `RequestAdmin`; permissions are asked for elsewhere."""
    reachable = asked.confirmed_at is not None and asked.person.email
    # Nothing goes to a mailbox that nobody has proven, and no words of ours to whoever reported a child's account.
    write = {"write"} if reachable and not asked.without_proof and asked.discloses else set[str]()
    if Message.objects.of_conversation(asked).unread().exists():
        write.add("mark_read")
    if not asked.is_open:
        names = {"note", *write}
        if reachable and asked.kind != Request.Kind.CHILD:
            names.add("reopen")
        if asked.kind == Request.Kind.RESTRICTION and restriction.can_be_lifted(asked):
            names.add("lift")
        return names | _at_customers(asked)
    names = {
        "note",
        "hand_over",
        *write,
        *_at_customers(asked),
        *_of_a_representative(asked),
        *_clock(asked, controller_day(timezone.now())),
    }
    names.add("give_back" if asked.assignee_id == user.pk else "take")
    if joining.others(asked).exists():
        names.add("join")
    if may_be_refused(asked):
        names.add("refuse")
    if asked.state == State.REVIEW:
        names |= {"look_again", *_decisions(asked, user)}
        if questions_of(asked.kind):
            names.add("particulars")
    if asked.kind == Request.Kind.CHILD:
        return names | _of_a_report(asked) if may_decide(user, asked) else names & {"note", "look_again"}
    return names


def may_be_refused(asked: Request) -> bool:
    """Approved work begins within seconds, and the page says so; a refusal beside it would contradict it."""
    return asked.state in MOVES["refuse"].sources and asked.state != State.APPROVED


def _of_a_representative(asked: Request) -> set[str]:
    found = representatives.of(asked)
    if found is None:
        return set()
    names = {"judge_mandate"} if found.state == found.State.CLAIMED and asked.is_open else set()
    if MandateDocument.objects.filter(representative=found, destroyed_at=None).exists():
        names.add("open_mandate")
    return names


def _at_customers(asked: Request) -> set[str]:
    can = asked.confirmed_at is not None and asked.person.email and asked.referrals.waiting().exists()
    return {"pass_on"} if can and asked.outcome != Outcome.WITHDRAWN else set()


def _of_a_report(asked: Request) -> set[str]:
    report = getattr(asked, "child_report", None)
    if report is None:
        return set()
    names = {"settle", "name_account"} if asked.state == State.REVIEW else set()
    if report.account is not None and report.account.restricted_at is None:
        names.add("restrict_account")
    if asked.state == State.REVIEW and report.parent != report.Parent.NONE:
        names.add("judge_parent")
    return names


def _clock(asked: Request, today: date) -> set[str]:
    names = {"set_law"}
    if not asked.discloses:
        return names
    names.add("ask")
    if clock.open_question(asked) is not None:
        names.add("replied")
    if timing.extendable(asked, today):
        names.add("extend")
    return names


def _decisions(asked: Request, user: User) -> set[str]:
    if by_hand(asked.kind, asked.facts):
        return {"answer"} if user.has_perm(f"privacy.{answered_by(asked.kind)}") else set()
    if proposed(asked.kind):
        return _about_values(asked)
    if granted(asked.kind, asked.facts):
        return {"grant"}
    plan = plans.current(asked)
    if plan is None:
        return set()
    if plan.kind == Plan.Kind.ACCESS:
        return {"release"}
    if copies.awaited(asked, now=timezone.now()) is not None:
        return {"go_on_without"}
    if plan.requested_by_id is None:
        # Without an account there is nothing that a report could be carried out on.
        return {"propose"} if asked.kind != Request.Kind.CHILD or asked.child_report.account_id else set()
    return {"approve"} if plan.requested_by_id != user.pk else set()


def _about_values(asked: Request) -> set[str]:
    """Decide about what is proposed; as long as nothing is, ask for it, or answer in one's own words."""
    if asked.corrections.open().exists():
        return {"decide", "enter"}
    return {"answer", "enter", "ask_values"} if asked.account_id else {"answer"}
