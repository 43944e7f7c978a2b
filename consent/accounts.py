"""One account, several browsers: joining them at sign-in, and which of all their choices counts.

For each category the newest explicit act that answered its question counts, wherever it was made; of two in the same
instant the refusal. A browser in which nobody chose says nothing at all: it neither grants nor takes away.

What could go wrong: the order in which choices arrive decides. It does not: the outcome is the same for every order,
for repeated and for missing middle pieces (tests/consent/test_accounts.py tries them all). Or an answer about one
category breathes new life into the others: each is kept for six months from its own day, and what was allowed without a
GPC signal in sight does not stand against one because something else was.
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
from crasme.kit.statements import Fetch

# As `ConsentEvent.objects.of_visitor` has it; asked with each choice, so it is planned once a connection.
_of_visitor = Fetch(lambda: ConsentEvent.objects.order_by("-decided_at", "-id"), "visitor")
_JOINED = Fetch(lambda: VisitorAccount.objects.order_by("joined_at", "id"), "account")


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
    joined = [each.visitor for each in _JOINED(account)]
    if joined and alone:
        others = VisitorAccount.objects.exclude(account=account).filter(visitor__in=joined)
        shared = set(others.values_list("visitor", flat=True))
        joined = [visitor for visitor in joined if visitor not in shared]
    return joined


def decisions_of(account: uuid.UUID) -> list[ConsentEvent]:
    """All decisions that count for the account, the newest first."""
    theirs = Q(account=account) | Q(visitor__in=visitors_of(account))
    return list(ConsentEvent.objects.filter(theirs).order_by("-decided_at", "-id"))


def current(account: uuid.UUID) -> dict[str, Answer]:
    """Slug → what counts for the account now; empty when nobody ever chose."""
    return merged(decisions_of(account))


def in_order(decisions: Iterable[ConsentEvent]) -> list[ConsentEvent]:
    """The newest first, as the table is read."""
    return sorted(decisions, key=lambda each: (each.decided_at, each.id), reverse=True)


def decisions_in(visitor: uuid.UUID) -> list[ConsentEvent]:
    """All decisions made in one browser, the newest first."""
    return list(_of_visitor(visitor))


def of_visitor(visitor: uuid.UUID) -> dict[str, Answer]:
    """Slug → what counts in one browser; empty when nobody ever chose there."""
    return merged(decisions_in(visitor))


def carry(response: HttpResponse, visitor: uuid.UUID, account: uuid.UUID, *, gpc: bool, now: datetime) -> None:
    """Join this browser to the account and let it keep what counts there; nothing is set where nobody ever chose.

    `gpc`: the browser sends the signal.
    """
    join(visitor, account, now=now)
    keep(response, current(account), visitor, gpc=gpc, now=now)


def keep(
    response: HttpResponse, answers: Mapping[str, Answer], visitor: uuid.UUID, *, gpc: bool, now: datetime
) -> Choice | None:
    """Set the cookie that says the answers, until six months after the oldest of them; None, and none, without any."""
    fresh = fresh_of(answers, now)
    if not fresh:
        return None
    kept = cookie_of(fresh, visitor, registry.snapshot(), gpc=gpc)
    choice.keep(response, kept, decided_at=min(each.by.decided_at for each in fresh.values()), now=now)
    return kept


def fresh_of(answers: Mapping[str, Answer], now: datetime) -> dict[str, Answer]:
    """Those that visitors gave (about essential cookies nobody is asked) and that are not over."""
    essential = registry.snapshot().choices(0)
    return {
        slug: each for slug, each in answers.items() if not essential.get(slug, False) and now < each.by.valid_until
    }


def cookie_of(
    answers: Mapping[str, Answer], visitor: uuid.UUID, known: registry.Snapshot, *, gpc: bool = False
) -> Choice:
    """The answers as one cookie. Where some question is open the cookie is dated before it, and it is asked; where that
    would open an answered one as well, the cookie names those that are open.

    A cookie stands against the signal as a whole. So where only some permissions were given in sight of it, a browser
    that sends it keeps those alone, and any other keeps all and stands against nothing.
    """
    granted, in_sight, unseen, left, answered = known.essential, 0, 0, {}, {0: 0}  # bit → since, since → version
    for slug, bit in known.bits.items():
        if bit & known.essential:
            continue
        since, answer = known.asked_since.get(bit, 0), answers.get(slug)
        version = notices.version_of(answer.by.notice) or 0 if answer is not None else 0
        if answer is None or version < since:
            left[bit] = since
            continue
        answered[since] = max(version, answered.get(since, 0))
        granted |= bit if answer.granted else 0
        if answer.by.gpc:
            in_sight |= bit
        elif answer.granted:
            unseen |= bit & known.off_under_gpc
    stands = bool(in_sight & known.off_under_gpc) and (gpc or not unseen)
    version = max(0, min(left.values()) - 1) if left else max(answered.values())
    unsaid = 0
    if left and (max(answered) > version or min(left.values()) <= version):
        version, unsaid = max(answered.values()), sum(left)
    return Choice(granted & ~unseen if stands else granted, version, stands, visitor, unsaid)
