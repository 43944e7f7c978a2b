"""Step: find the account that was reported as a child's, by what the reporter said and never by who the reporter is.

What could go wrong: a report with two addresses in it picks one of two people. So only an account that is the one
possible reading is taken; anything else is for an officer, who names it on the desk.
"""

import re
from collections.abc import Iterator
from typing import Any

from crasme.crm.models import Account
from crasme.kit.text import normalise_email
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.models import Request, Step
from privacy.steps.handlers import Done, Job, handles

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")


@handles(Step.Kind.LOCATE, kind=Request.Kind.CHILD)
def locate_reported(job: Job) -> Done:
    report = job.request.child_report
    # What an officer has named stays, however often the request is looked at.
    account = report.account if report.account_id else _only_reading(job.request)

    def effect(request: Request) -> dict[str, Any]:
        report.account, report.address = account, account.email if account else None
        report.save(update_fields=["account", "address"])
        result = {"account": int(account is not None), "contacts": 0}
        record(verbs.LOCATED.name, actor=system("worker"), subject=request.ref, **result, regime=request.regime)
        return result

    return Done({}, effect)


def addresses_in(text: str) -> Iterator[str]:
    """Everything that looks like an e-mail address, in its normalised form."""
    for found in _ADDRESS.findall(text):
        yield normalise_email(found.rstrip(".!?"))


def _only_reading(request: Request) -> Account | None:
    named = set(addresses_in(request.about or ""))
    # "My own address is …, the child's is …": the reporter's counts only when it is the only one.
    candidates = named - {request.person.email} or named
    found = list(Account.objects.present().filter(email__in=candidates).exclude(email="")[:2])
    return found[0] if len(found) == 1 else None
