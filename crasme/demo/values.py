"""What the people of the demo want corrected, and which recipients of the data have answered."""

import random
from datetime import datetime

from crasme.crm.models import Account
from crasme.kit.crypto import subject_ref
from crasme.staff.actors import person as by_person
from crasme.staff.models import User
from privacy.models import Correction, RecipientNotice, Request
from privacy.services import corrections, decisions, holdings, mailboxes, recipients
from privacy.services.decisions import Verdict

TITLES = ("Head of logistics", "Dispatcher", "Fleet manager", "Accountant")


def propose(request: Request, rng: random.Random, *, now: datetime) -> None:
    """One to three values; every other new address has been proven by now."""
    account = _account(request)
    wanted = {
        "phone": f"+43 1 {rng.randrange(1_000_000, 9_999_999)}",
        "job_title": rng.choice(TITLES),
        "email": f"new.{account.email}",
        "role": "administrator",
    }
    named = {holdings.Held(account, name).key: wanted[name] for name in rng.sample(list(wanted), rng.randint(1, 3))}
    actor = by_person(subject_ref("person", request.person_id))
    for correction in corrections.propose(request, named, actor=actor, now=now):
        if correction.proof_digest and rng.random() < 0.5:
            mailboxes.prove(mailboxes.token(correction), now=now)


def decide(request: Request, rng: random.Random, *, by: User, now: datetime) -> None:
    """What can be accepted is; at least the telephone number, so that something is written."""
    account = _account(request)
    phone = holdings.Held(account, "phone").key
    corrections.propose(request, {phone: f"+43 1 {rng.randrange(1_000_000, 9_999_999)}"}, actor=by.ref, now=now, by=by)
    verdicts = {}
    for line in corrections.lines(request):
        accept = not decisions.problem(line)
        reason = Correction.Reason.UNPROVEN if line.needs_proof() else Correction.Reason.OTHERS
        verdicts[line.correction.pk] = Verdict(accept, line.fingerprint, "" if accept else reason)
    decisions.decide(request, verdicts, by=by, now=now)


def answer_some(request: Request, rng: random.Random, *, now: datetime) -> None:
    """Half of the recipients that were told have said that it is done."""
    for notice in RecipientNotice.objects.waiting().filter(request=request).order_by("recipient__slug"):
        if rng.random() < 0.5:
            recipients.acknowledge(recipients.token(notice.pk), now=now)


def _account(request: Request) -> Account:
    """Whose values they are; everybody in the demo who asks has one."""
    account: Account = Account.objects.by_email(request.person.email).get()
    return account
