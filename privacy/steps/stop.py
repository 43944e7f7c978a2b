"""Steps: what a wish ends is ended. An opt-out and an objection to marketing, and consents that are taken back.

What could go wrong: the letter says that something has ended which has not. Each handler does what the letter says, in
the transaction that ends its step, and leaves its counts in the step's result, from which the letter is written. An
opt-out has taken effect when it was stored (`services.intake`); done here once more, it is as good as once.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from consent import services as consent
from crasme.crm.services import accounts, integrations
from crasme.staff.actors import system
from privacy.errors import PlanOutdated
from privacy.models import Request, Step
from privacy.particulars import CONSENTS, PURPOSE, chosen
from privacy.services import marketing, people
from privacy.states import Outcome
from privacy.steps.flow import OUTCOME
from privacy.steps.handlers import Done, Job, handles

WORKER = system("worker")


@handles(Step.Kind.APPLY, kind=Request.Kind.OPT_OUT)
def stop_marketing(job: Job) -> Done:
    def effect(request: Request) -> None:
        marketing.stop(request, now=job.now)
        if request.without_proof:
            people.forget_soon(request.person, now=job.now)

    return Done({OUTCOME: Outcome.GRANTED}, effect)


@handles(Step.Kind.APPLY, kind=Request.Kind.OBJECTION)
def end_use(job: Job) -> Done:
    """Of marketing: the same as an opt-out. Of analysis, once somebody has granted it: nothing is recorded any more."""
    if "improvement" not in chosen(job.request.facts, PURPOSE):
        return stop_marketing(job)

    def effect(request: Request) -> dict[str, Any]:
        _require_theirs(request)
        if (account := request.account) is not None:
            accounts.stop_analysis(account, actor=WORKER, now=job.now)
        return {OUTCOME: Outcome.GRANTED, "accounts": int(account is not None)}

    return Done({}, effect)


@handles(Step.Kind.APPLY, kind=Request.Kind.WITHDRAWAL)
def end_consents(job: Job) -> Done:
    """Those that were named, and no other."""
    what = chosen(job.request.facts, CONSENTS)

    def effect(request: Request) -> dict[str, Any]:
        _require_theirs(request)
        done: dict[str, Any] = {OUTCOME: Outcome.GRANTED}
        if "marketing" in what:
            done["marketing"] = int(marketing.stop(request, now=job.now))
        if "services" in what:
            done |= _disconnect(request, now=job.now)
        if "cookies" in what:
            done["cookies"] = _withdraw_cookies(request, now=job.now)
        return done

    return Done({}, effect)


def _require_theirs(request: Request) -> None:
    if not people.still_theirs(request):
        raise PlanOutdated(_("The account that was found has another address now."))


def _disconnect(request: Request, *, now: datetime) -> dict[str, int]:
    """Every service of the account; `kept` are those of which a legal hold keeps something."""
    if (account := request.account) is None:
        return {"services": 0, "kept": 0}
    connected = list(account.integrations.filter(disconnected_at=None))
    for integration in connected:
        integrations.disconnect(integration, actor=WORKER, now=now)
    kept = account.integrations.filter(pk__in=[each.pk for each in connected]).count()
    return {"services": len(connected), "kept": kept}


def _withdraw_cookies(request: Request, *, now: datetime) -> int:
    if (account := request.account_id) is None:
        return 0
    return consent.withdraw_of_account(account, language=request.language, now=now)
