"""Approving what shall be done: one person for a copy, two for an erasure.

What could go wrong: somebody approves a plan that they did not see (the hash that was on their screen must be the
plan's), the proposer approves their own erasure (refused here with words, and by the database in any case), the data
has changed in between (the worker computes the plan again and refuses), or a copy that the same person asked for is
still to be made or to be fetched (it comes first, see `copies`).
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit.crypto import subject_ref
from crasme.kit.statements import Fetch, update
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person
from crasme.staff.models import User
from privacy import verbs
from privacy.errors import Incomplete, MoveNotAllowed, NotYours, PlanOutdated
from privacy.mailroom import identity
from privacy.models import Plan, Request, Step
from privacy.particulars import GROUND, chosen, codes
from privacy.services import copies
from privacy.services.desk import add_note, locked, require, require_for
from privacy.services.plans import current
from privacy.services.reading import require_read
from privacy.states import State
from privacy.steps import flow
from privacy.steps.definitions import granted

_AWAITED = Fetch(lambda: Step.objects.filter(kind=Step.Kind.APPROVAL).unfinished().order_by(), "request", "round")


@transaction.atomic
def release(request: Request, *, plan_hash: str, by: User, now: datetime) -> Plan:
    """Approve that the copy is made and handed out."""
    require(by, "release_access")
    request, plan = _reviewed(request, Plan.Kind.ACCESS, plan_hash)
    _approve(request, plan, by=by, now=now)
    return plan


@transaction.atomic
def propose_erasure(request: Request, *, plan_hash: str, by: User, now: datetime) -> Plan:
    """The first of two: having looked at the plan, ask a colleague to approve it."""
    require_for(request, by, "propose_erasure")
    request, plan = _reviewed(request, Plan.Kind.ERASURE, plan_hash)
    copies.require_first(request, now=now)
    plan.requested_by, plan.requested_at = by, now
    update(plan, "requested_by", "requested_at")
    record(verbs.PROPOSED.name, actor=by.ref, subject=request.ref, plan=plan.pk, hash=plan.hash)
    return plan


@transaction.atomic
def approve_erasure(request: Request, *, plan_hash: str, by: User, now: datetime) -> Plan:
    """The second of two: from here on a worker carries it out, and nobody can take it back."""
    require_for(request, by, "approve_erasure")
    request, plan = _reviewed(request, Plan.Kind.ERASURE, plan_hash)
    copies.require_first(request, now=now)
    if plan.requested_by_id is None:
        raise MoveNotAllowed(_("Nobody has proposed this erasure yet."), remedy="")
    if plan.requested_by_id == by.pk:
        raise NotYours(
            _("You proposed this erasure yourself."), remedy=_("Ask a colleague to look at it and approve it.")
        )
    _approve(request, plan, by=by, now=now)
    return plan


@transaction.atomic
def go_on_without(request: Request, *, now: datetime) -> Request:
    """The person does not want the erasure to wait for their copies. MoveNotAllowed when it waits for none."""
    return _go_on_without(locked(request), actor=by_person(subject_ref("person", request.person_id)), now=now)


@transaction.atomic
def go_on_without_by(request: Request, *, words: str, by: User, now: datetime) -> Request:
    """A colleague decides that it does not wait; `words` say why, and become a note on the request."""
    require(by, "propose_erasure")
    request = _go_on_without(locked(request), actor=by.ref, now=now)
    add_note(request, body=words, by=by, now=now)
    return request


def _go_on_without(request: Request, *, actor: str, now: datetime) -> Request:
    if copies.shown(request, now=now) is None:
        raise MoveNotAllowed(_("The erasure waits for no copy."), remedy="")
    while (wait := copies.shown(request, now=now)) is not None:
        request.facts = request.facts | {copies.NOT_AWAITED: [*copies.not_awaited(request), wait.copy.reference]}
        record(verbs.NOT_AWAITED.name, actor=actor, subject=request.ref, copy=wait.copy.ref)
    request.save(update_fields=["facts"])
    return request


@transaction.atomic
def grant(request: Request, *, ground: str = "", by: User, now: datetime) -> Request:
    """Grant what was asked, as it was asked: for kinds that have no plan, and no second person to look at it.

    `ground` is why a restriction is granted, where the person has ticked nothing; without any it is Incomplete.
    """
    require(by, "work_request")
    request = locked(request)
    if request.state != State.REVIEW or not granted(request.kind, request.facts):
        raise MoveNotAllowed(_("There is nothing of this kind to grant now."))
    require_read(request)
    if needs_ground(request):
        _found_ground(request, ground, by=by)
    request.approve()
    update(request, "state")
    record(verbs.GRANTED.name, actor=by.ref, subject=request.ref, kind=request.kind)
    identity.destroy_of(request, actor=by.ref, now=now)
    _carry_on(request, by=by, now=now)
    return request


def needs_ground(request: Request) -> bool:
    """Whether nobody has said why it shall be restricted. Source: GDPR Art. 18(1): only for one of its reasons."""
    return request.kind == Request.Kind.RESTRICTION and not chosen(request.facts, GROUND)


def _found_ground(request: Request, ground: str, *, by: User) -> None:
    kept = codes(request.kind, {GROUND.name: ground})
    if not kept:
        raise Incomplete(_("Say why it is restricted."))
    request.facts = request.facts | kept
    request.save(update_fields=["facts"])
    record(verbs.PARTICULARS.name, actor=by.ref, subject=request.ref, answers=kept)


def _reviewed(request: Request, kind: Plan.Kind, plan_hash: str) -> tuple[Request, Plan]:
    request = locked(request)
    plan = current(request)
    if request.state != State.REVIEW or plan is None or plan.kind != kind:
        raise MoveNotAllowed(_("There is no plan of this kind to decide about now."))
    if plan.hash != plan_hash:
        raise PlanOutdated(_("This is not the plan that you were looking at."))
    require_read(request)
    return request, plan


def _approve(request: Request, plan: Plan, *, by: User, now: datetime) -> None:
    plan.approved_by, plan.approved_at = by, now
    update(plan, "approved_by", "approved_at")
    request.approve()
    update(request, "state")
    record(verbs.APPROVED.name, actor=by.ref, subject=request.ref, plan=plan.pk, kind=plan.kind, hash=plan.hash)
    identity.destroy_of(request, actor=by.ref, now=now)
    _carry_on(request, by=by, now=now, plan=str(plan.pk))


def _carry_on(request: Request, *, by: User, now: datetime, **result: object) -> None:
    if (step := _AWAITED.one(request.pk, request.round)) is None:
        raise Step.DoesNotExist
    flow.close_manual(step, actor=by.ref, now=now, **result)
    flow.advance(request, now=now)
