"""Steps of a correction: a new round asks for new decisions, and what was accepted is written.

What could go wrong: the held value changes between the decision and the writing (its hash is compared under lock, and
a person looks again), half of it is written (one transaction, with the end of the step), or the old value stays
readable (its keyed hash alone is kept, and the new one no longer stands here either).
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crasme.crm.services.corrections import correct
from crasme.staff.actors import system
from privacy.errors import PlanOutdated
from privacy.models import Correction, Request, Step
from privacy.services.holdings import Held, by_place, held
from privacy.services.people import lock
from privacy.services.places import place_of
from privacy.states import Outcome
from privacy.steps import flow
from privacy.steps.collect import collect as count
from privacy.steps.handlers import Done, Job, handles

Decision = Correction.Decision
UNDECIDED: dict[str, Any] = {
    "decision": Decision.OPEN,
    "round": None,
    "reason": "",
    "words": None,
    "settled": None,
    "decided_by": None,
    "decided_at": None,
    "old_digest": "",
}


@handles(Step.Kind.COLLECT, kind=Request.Kind.CORRECTION)
def collect(job: Job) -> Done:
    """As ever; and what was decided before, and could not be written, is to be decided again."""
    counted = count(job)

    def effect(request: Request) -> None:
        if counted.effect is not None:
            counted.effect(request)
        request.corrections.live().exclude(round=None).exclude(round=request.round).update(**UNDECIDED)

    return Done(counted.result, effect)


@handles(Step.Kind.APPLY, kind=Request.Kind.CORRECTION)
def write(job: Job) -> Done:
    """All of it or nothing, together with the end of the step. Only counts leave it."""

    def effect(request: Request) -> dict[str, Any]:
        lock(request.person)
        there = by_place(held(request, lock=True))
        found = [
            (each, _unchanged(each, there.get(place_of(each))))
            for each in request.corrections.to_write(request).select_for_update().order_by("pk")
        ]
        changes: dict[Any, dict[str, Any]] = {}
        for each, place in found:
            changes.setdefault(place.row, {})[place.name] = _value(each, place)
        for row, values in changes.items():
            try:
                correct(row, actor=system("worker"), now=job.now, **values)
            except ValidationError:
                raise PlanOutdated(_("What is held changed, and the new value no longer fits.")) from None
        for each, place in found:
            each.applied_at, each.new_digest = job.now, place.digest(place.stored)
            each.proposed = each.settled = each.proof_digest = each.proof_until = None
            each.save()
        rejected = request.corrections.filter(round=request.round, decision=Decision.REJECTED).count()
        outcome = Outcome.PARTLY if rejected else Outcome.GRANTED
        return {flow.OUTCOME: outcome, "applied": len(found), "rejected": rejected}

    return Done({}, effect)


def _unchanged(correction: Correction, found: Held | None) -> Held:
    """What is held, if it is still what was decided about."""
    if found is None or found.digest(found.stored) != correction.old_digest:
        raise PlanOutdated(_("What is held changed after the decision."))
    return found


def _value(correction: Correction, found: Held) -> Any:
    """As the field holds it: for a link, the record that it leads to."""
    text = (correction.settled if found.in_words else correction.proposed) or ""
    if found.field.is_relation:
        linked = found.field.related_model._base_manager.filter(pk=text).first()
        if linked is None:
            raise PlanOutdated(_("The record that was chosen is gone."))
        return linked
    return found.field.to_python(text)
