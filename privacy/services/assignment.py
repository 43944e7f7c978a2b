"""Who works on a request when nobody says so by hand: rules, load, and who stands in for whom.

What could go wrong: work lands on the desk of somebody who is away (their substitute gets it, and gives it back or
not, as the absence says), two people who stand in for each other are away at once (then nobody has it, and the team
sees that), a hand-over undoes what a colleague decided by hand (only what was handed over goes back).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from crasme.kit.clock import controller_day
from crasme.kit.statements import Fetch
from crasme.ledger.services import record
from crasme.staff.actors import system
from crasme.staff.models import Absence, User
from privacy import verbs
from privacy.kinds import answered_by
from privacy.models import AssignmentRule, Request
from privacy.states import State
from privacy.steps.definitions import needs_people

ACTOR: Final = system("assignment")
AT_ONCE: Final = 500
_RULES = Fetch(lambda: AssignmentRule.objects.filter(active=True).order_by("position", "pk"))


@dataclass(frozen=True, slots=True)
class Standing:
    """Who gets it, and for whom, if that is somebody who is away."""

    user: User | None
    instead_of: User | None = None


# --- rules ------------------------------------------------------------------------------------------------------------
def by_rule(request: Request, *, now: datetime) -> User | None:
    """Give a request that nobody has to whom the first fitting rule names; the caller has locked the row."""
    if request.assignee_id is not None or not needs_people(request.kind, request.facts):
        return None
    today = controller_day(now)
    for rule in _RULES():
        if not rule.fits(request):
            continue
        found = _first(rule, today)
        if found.user is not None and may_answer(found.user, request):
            _give(request, found, actor=ACTOR, rule=str(rule.pk))
            return found.user
    if (its_own := _its_own(request, today)) is not None:
        _give(request, Standing(its_own), actor=ACTOR, rule="")
    return its_own


def _its_own(request: Request, today: date) -> User | None:
    """Of those who may answer what not everybody may, whoever is there and has least to do; else nobody."""
    if (permission := answered_by(request.kind)) == "work_request":
        return None
    away = _away(today)
    roles = Group.objects.filter(permissions__codename=permission, permissions__content_type__app_label="privacy")
    theirs = User.objects.filter(is_active=True, is_staff=True, groups__in=roles)
    for user in by_load(User.objects.filter(pk__in=theirs.values("pk"))):
        if user.pk not in away and may_answer(user, request):
            return user
    return None


def _first(rule: AssignmentRule, today: date) -> Standing:
    """Whoever has least to do and is there, or has somebody who is."""
    away = _away(today)
    for user in by_load(_named(rule)):
        if may_work(user) and (found := _follow(user, away)).user is not None:
            return found
    return Standing(None)


def _named(rule: AssignmentRule) -> QuerySet[User]:
    working = User.objects.filter(is_active=True, is_staff=True)
    named = working.filter(pk__in=rule.colleagues.values("pk"))
    return named if named.exists() or not rule.role else working.filter(groups__name=rule.role)


def by_load(users: QuerySet[User]) -> QuerySet[User]:
    """By how many open requests they have, the fewest first."""
    has = Count("requests", filter=~Q(requests__state=State.CLOSED))
    return users.annotate(load=has).order_by("load", "pk")


def may_work(user: User) -> bool:
    return user.is_active and user.has_perm("privacy.work_request")


def may_answer(user: User, request: Request) -> bool:
    """Whether it makes sense to give it to them."""
    return may_work(user) and user.has_perm(f"privacy.{answered_by(request.kind)}")


# --- absences ---------------------------------------------------------------------------------------------------------
def standing_in(user: User, today: date) -> Standing:
    """The colleague, or whoever stands in for them today."""
    return _follow(user, _away(today))


def _away(today: date) -> Mapping[UUID, Absence]:
    return {absence.user_id: absence for absence in Absence.objects.on(today).select_related("substitute")}


def _follow(user: User, away: Mapping[UUID, Absence]) -> Standing:
    """From one substitute to the next; nobody when the way leads in a circle or to somebody who may not work here."""
    passed: set[UUID] = set()
    there: User | None = user
    while there is not None and there.pk in away:
        if there.pk in passed:
            return Standing(None)
        passed.add(there.pk)
        there = away[there.pk].substitute
    if there is None or (passed and not may_work(there)):
        return Standing(None)
    return Standing(there, user if passed else None)


def hand_over(now: datetime) -> int:
    """Give the open requests of whoever is away to their substitutes, and free those of who has left; how many."""
    away = _away(controller_day(now))
    left = Request.objects.open().filter(assignee__is_active=False)
    count = sum(_moved(pk, owner, Standing(None), now) for pk, owner in left.values_list("pk", "assignee")[:AT_ONCE])
    for absence in away.values():
        found = _follow(absence.user, away)
        if found.user is not None:
            theirs = Request.objects.open().filter(assignee=absence.user_id)
            count += sum(
                _moved(pk, absence.user_id, found, now) for pk in theirs.values_list("pk", flat=True)[:AT_ONCE]
            )
    return count


def hand_back(now: datetime) -> int:
    """What was handed over goes back to whoever is there again, or stays, as their absence says; how many went back."""
    today = controller_day(now)
    waiting = (
        Request.objects.open().exclude(instead_of=None).exclude(instead_of__in=Absence.objects.on(today).values("user"))
    )
    count = 0
    for pk, owner in waiting.values_list("pk", "instead_of")[:AT_ONCE]:
        last = Absence.objects.filter(user=owner, last_day__lt=today).order_by("-last_day").first()
        back = User.objects.get(pk=owner) if last is None or last.gives_back else None
        with transaction.atomic():
            request = Request.objects.select_for_update().get(pk=pk)
            if request.instead_of_id != owner:
                continue
            if back is not None and may_answer(back, request):
                _give(request, Standing(back), actor=ACTOR)
                count += 1
            else:
                request.instead_of = None
                request.save(update_fields=["instead_of"])
    return count


def _moved(pk: UUID, owner: UUID, found: Standing, now: datetime) -> bool:
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=pk)
        if request.assignee_id != owner or not request.is_open:
            return False
        # A substitute who may not answer this kind cannot stand in for it.
        may = found.user is not None and may_answer(found.user, request)
        user = found.user if may else _its_own(request, controller_day(now))
        # Work that was handed on twice goes back to whoever had it first.
        first = request.instead_of if request.instead_of_id is not None else found.instead_of
        _give(request, Standing(user, first), actor=ACTOR)
    return True


def give(request: Request, to: User | None, *, actor: str, today: date, themselves: bool = False) -> Standing:
    """Set who works on it, by hand; the caller has locked the row. Whoever takes it is there, absence or not."""
    found = Standing(to) if to is None or themselves else standing_in(to, today)
    if found.instead_of is not None and found.user is not None and not may_answer(found.user, request):
        found = Standing(None)
    _give(request, found, actor=actor)
    return found


def _give(request: Request, found: Standing, *, actor: str, **facts: Any) -> None:
    changed = request.assignee_id != (found.user.pk if found.user else None)
    request.assignee, request.instead_of = found.user, found.instead_of
    request.save(update_fields=["assignee", "instead_of"])
    if changed:
        record(
            verbs.ASSIGNED.name,
            actor=actor,
            subject=request.ref,
            assignee=found.user.ref if found.user else None,
            instead_of=found.instead_of.ref if found.instead_of else None,
            **facts,
        )
