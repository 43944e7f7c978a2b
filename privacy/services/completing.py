"""A colleague has done a step outside this system, and says so.

What could go wrong: the person is told that something is gone, found or restricted which only this system could have
done or checked. So it can be said of what really happens elsewhere, and of nothing else: that recipients were told, and
of steps in other systems. Never of an erasure or of its verification, wherever they are done.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit.claims import WorkState
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import verbs
from privacy.errors import Incomplete, MoveNotAllowed
from privacy.models import Step
from privacy.services.desk import add_note, locked, require
from privacy.states import Outcome
from privacy.steps import flow
from privacy.steps.definitions import LOCAL, StepKind

HERE = ("", LOCAL)
NEVER = frozenset({StepKind.EXECUTE, StepKind.VERIFY})
WAITING = (WorkState.DUE, WorkState.PARKED)


def can_be(step: Step) -> bool:
    """Whether a person can honestly say that they did this step."""
    elsewhere = step.source not in HERE and step.kind not in NEVER
    return step.kind == StepKind.NOTIFY or elsewhere


def waits(step: Step) -> bool:
    """Whether it is one of those, and nobody is at it."""
    return can_be(step) and not step.manual and step.state in WAITING


@transaction.atomic
def complete(step: Step, *, note: str, outcome: str = Outcome.GRANTED, by: User, now: datetime) -> Step:
    """End a waiting or parked step as done; the request goes on. `outcome` counts of a step that applies something.

    ValidationError when the note holds a payment card number.
    """
    require(by, "complete_step")
    request = locked(step.request)
    step.refresh_from_db()
    if not can_be(step):
        raise MoveNotAllowed(
            _("Only this system can do that step, and know that it is done."),
            remedy=_("Deal with the cause, and put it back into the queue."),
        )
    if not waits(step) or step.round != request.round or not request.is_open:
        raise MoveNotAllowed(_("This step does not wait for anybody."))
    if outcome not in (Outcome.GRANTED, Outcome.PARTLY):
        raise Incomplete(_("Choose what came of it."))
    written = add_note(request, body=note, by=by, now=now)
    flow.start(request)
    result = {flow.OUTCOME: str(outcome)} if step.kind == StepKind.APPLY else {}
    flow.close_manual(step, actor=by.ref, now=now, by_hand=True, note=str(written.pk), **result)
    record(
        verbs.STEP_BY_HAND.name,
        actor=by.ref,
        subject=request.ref,
        step=step.pk,
        kind=step.kind,
        source=step.source,
        note=written.pk,
    )
    flow.advance(request, now=now)
    return step
