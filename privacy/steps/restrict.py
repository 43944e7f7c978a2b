"""Step: the restriction that was granted begins, in the transaction that ends the step."""

from typing import Any

from django.utils.translation import gettext as _

from privacy.errors import PlanOutdated
from privacy.models import Request, Step
from privacy.services import people, restriction
from privacy.states import Outcome
from privacy.steps.flow import OUTCOME
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.APPLY, kind=Request.Kind.RESTRICTION)
def restrict(job: Job) -> Done:
    def effect(request: Request) -> dict[str, Any]:
        if not people.still_theirs(request):
            raise PlanOutdated(_("The account that was found has another address now."))
        found = restriction.apply(request, now=job.now)
        return {OUTCOME: Outcome.GRANTED, "accounts": int(found is not None)}

    return Done({}, effect)
