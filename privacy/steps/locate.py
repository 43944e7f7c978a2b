"""Step: find who the proven mailbox belongs to.

What could go wrong: what is found for one request is taken away from, or given to, another one of the same person, who
has proven the mailbox at another time. So each request keeps its own; what the person's row shows is the last finding,
and nothing rests on it.
"""

from typing import Any

from crasme.kit.statements import Fetch, update
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.clock.events import Kind
from privacy.clock.regimes import Regime
from privacy.models import InboundMail, Request, Step
from privacy.services import assignment, clock, people, referrals
from privacy.steps.handlers import Done, Job, handles

_FROM_NOBODY = Fetch(lambda: InboundMail.objects.filter(person=None).only("pk").order_by(), "sender_hash", most=1)


@handles(Step.Kind.LOCATE)
def locate(job: Job) -> Done:
    found = people.locate(job.request)
    result = {"account": int(found.account is not None), "contacts": found.contacts}

    def effect(request: Request) -> dict[str, Any]:
        person = request.person
        request.account = found.account
        update(request, "account")
        if found.account is not None or not person.requests.open().exclude(account=None).exists():
            person.account = found.account
            update(person, "account")
        if _FROM_NOBODY(person.email_hash):
            InboundMail.objects.adopt(person)
        # What the person said about where they live goes before what the customer's address says.
        if request.regime == Regime.OTHER and found.regime != Regime.OTHER:
            clock.note(request, Kind.REGIME, actor=system("worker"), now=job.now, regime=str(found.regime))
            assignment.by_rule(request, now=job.now)  # one that asks for the law may fit only now
        if found.contacts or request.round > 1:
            referrals.find(request, now=job.now)
        record(verbs.LOCATED.name, actor=system("worker"), subject=request.ref, **result, regime=request.regime)
        return {"regime": request.regime}

    return Done(result, effect)
