"""One account, several browsers: joining them at sign-in, and which of all their choices counts.

For each category the newest explicit act that answered its question counts, wherever it was made; of two in the same
instant the refusal. A browser in which nobody chose says nothing at all: it neither grants nor takes away.

What could go wrong: the order in which choices arrive decides. It does not: the outcome is the same for every order,
for repeated and for missing middle pieces (tests/consent/test_accounts.py tries them all).
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.http import HttpResponse

from consent import choice, notices, registry
from consent.choice import Choice
from consent.inserts import insert_once
from consent.models import ConsentEvent, VisitorAccount
from consent.models.events import Decision


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts for one category, and the decision that said so."""

    granted: bool
    by: Decision


def merged(decisions: Iterable[Decision]) -> dict[str, Answer]:
    """Slug → what counts, for every category that somebody was ever asked about."""
    found: dict[str, Answer] = {}
    for decision in decisions:
        for slug, granted in decision.choices.items():
            if not decision.asks(slug):
                continue
            other = found.get(slug)
            if other is None or _rank(decision, slug) > _rank(other.by, slug):
                found[slug] = Answer(granted, decision)
    return found


def _rank(decision: Decision, slug: str) -> tuple[datetime, bool, uuid.UUID]:
    return decision.decided_at, not decision.choices[slug], decision.id


def join(visitor: uuid.UUID, account: uuid.UUID, *, now: datetime) -> bool:
    """Note that somebody signed in to the account with this browser; whether that was new. Idempotent, also at once."""
    return insert_once(VisitorAccount(visitor=visitor, account=account, joined_at=now))


def visitors_of(account: uuid.UUID, *, alone: bool = False) -> list[uuid.UUID]:
    """The browsers joined to the account; `alone` leaves out those that were joined to another one as well."""
    joined = VisitorAccount.objects.filter(account=account).order_by("joined_at", "id")
    if alone:
        others = VisitorAccount.objects.exclude(account=account)
        joined = joined.exclude(visitor__in=others.values("visitor"))
    return list(joined.values_list("visitor", flat=True))


def decisions_of(account: uuid.UUID) -> list[ConsentEvent]:
    """All decisions that count for the account, the newest first."""
    theirs = Q(account=account) | Q(visitor__in=visitors_of(account))
    return list(ConsentEvent.objects.filter(theirs).order_by("-decided_at", "-id"))


def current(account: uuid.UUID) -> dict[str, Answer]:
    """Slug → what counts for the account now; empty when nobody ever chose."""
    return merged(decisions_of(account))


def carry(response: HttpResponse, visitor: uuid.UUID, account: uuid.UUID, *, now: datetime) -> None:
    """Join this browser to the account and let it keep what counts there; nothing is set where nobody ever chose."""
    join(visitor, account, now=now)
    answers = current(account)
    if not answers:
        return
    known = registry.snapshot()
    kept, newest = cookie_of(answers, visitor, known), max(each.by.decided_at for each in answers.values())
    choice.keep(response, kept, decided_at=newest, now=now)


def cookie_of(answers: Mapping[str, Answer], visitor: uuid.UUID, known: registry.Snapshot) -> Choice:
    """The answers as one cookie. Where some question is open the cookie is dated before it, and it is asked."""
    mask, open_since = known.essential, []
    for slug, bit in known.bits.items():
        if bit & known.essential:
            continue
        since, answer = known.asked_since.get(bit, 0), answers.get(slug)
        if answer is None or (notices.version_of(answer.by.notice) or 0) < since:
            open_since.append(since)
        elif answer.granted:
            mask |= bit
    version = min(open_since) - 1 if open_since else max(known.asked_since.values(), default=0)
    gpc = any(answer.granted and answer.by.gpc for answer in answers.values())
    return Choice(mask, max(0, version), gpc, visitor)
