"""The one gate for "may this go out to this address?", and the acts that open and shut it.

What could go wrong: an import revives somebody who opted out (none touches the list, and each mail asks here), an
opt-out from news blocks a password reset (mail about the service has no scope and always passes), staff lift an opt-out
by mistake (only the person can), an address is compared in another spelling (everything is normalised and hashed, see
`AddressHashField`), or something is sent that nobody asked for (a topic that needs consent passes only with one on
record).
Whose data may only be stored gets no such mail either, for as long as the restriction lasts; nothing is written for it
here, so nothing is left behind when it ends.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Value

from consent import marketing, peppers, topics, verbs
from consent.errors import LiftRefused
from consent.inserts import insert_once
from consent.models import Channel, Suppression
from consent.models.addresses import address_hash, current_version, hashes_of, is_address, normalise, versions
from consent.models.choices import person_ref
from consent.models.suppression import parts_of
from crasme.crm.models import Account
from crasme.kit import locks, outside
from crasme.kit.text import problem
from crasme.ledger.services import record
from crasme.staff.actors import PERSON

Scope, Reason, Source = Suppression.Scope, Suppression.Reason, Suppression.Source
# Policy P2.3: notices about the service, answers, billing. An opt-out from marketing never reaches them.
ALWAYS_SENT = frozenset({"service", "answer", "billing"})
# What is a choice of the person, and so stands in the ledger of choices too.
CHOSEN = frozenset({Reason.UNSUBSCRIBED, Reason.OBJECTED, Reason.COMPLAINED})


def suppress(
    email: str,
    *,
    scope: str = Scope.MARKETING,
    channel: str = topics.EVERY,
    reason: str,
    source: str,
    actor: str,
    now: datetime,
    noted: bool = False,
) -> tuple[Suppression, bool]:
    """Put an address on the list and say whether it was new there. UnknownScope for a scope that cannot be refused.

    Whoever is on it already stays as they are: the first reason and its time are what counts. `channel` "" is all.
    `noted`: the ledger of choices has the act already.
    """
    return suppress_hash(
        address_hash(email),
        subject=person_ref(email),
        scope=scope,
        channel=channel,
        reason=reason,
        source=source,
        actor=actor,
        now=now,
        noted=noted,
    )


def suppress_hash(
    hashed: str,
    *,
    subject: str,
    scope: str,
    reason: str,
    source: str,
    actor: str,
    now: datetime,
    channel: str = topics.EVERY,
    version: int | None = None,
    noted: bool = False,
) -> tuple[Suppression, bool]:
    """As `suppress`, for callers that know the hash only (and which pepper made it); `subject` is the ledger's
    reference to the person.
    """
    topics.check(scope)
    row = Suppression(
        address=hashed,
        key_version=version or current_version(),
        scope=scope,
        channel=channel and Channel(channel),
        reason=Reason(reason),
        source=Source(source),
        created_at=now,
    )
    with transaction.atomic():
        if reason in CHOSEN and scope != Scope.MARKETING:
            # Of two that refuse the last two topics of a channel at once, the second must see the first.
            locks.exclusive(f"consent.marketing:{subject}")
        if not insert_once(row):
            there = Suppression.objects.filter(address=hashed, scope=scope, channel=channel)
            return there.get(key_version=row.key_version), False
        facts = {"scope": scope, "reason": reason, "source": source} | ({"channel": channel} if channel else {})
        record(verbs.SUPPRESSED.name, actor=actor, subject=subject, **facts)
        outside.note("suppress", now=now, address=hashed, key=row.key_version, **({"channel": ""} | facts))
        if reason in CHOSEN and not noted:
            marketing.note_refusal(subject, scope=scope, channel=channel, reason=reason, source=source, now=now)
        if reason in CHOSEN and scope != Scope.MARKETING:
            _shut_whole_channels(row, subject=subject, actor=actor, now=now)
    return row, True


def _shut_whole_channels(row: Suppression, *, subject: str, actor: str, now: datetime) -> None:
    """Whoever has refused every topic of a channel, one by one, has refused the channel: a topic that is added later
    must not be the one that reaches them. Where there is only one topic, saying no to it says nothing of others, unless
    it was said about this channel, or of everything that is sent.
    """
    theirs = list(Suppression.objects.filter(address=row.address, key_version=row.key_version))
    theirs = [each for each in theirs if each.reason != Reason.BOUNCED]
    everything = all(cell.is_refused_by(theirs) for cell in topics.cells())
    for channel in [row.channel] if row.channel else Channel.values:
        sent = [cell for cell in topics.cells() if cell.channel == channel]
        meant = len(sent) > 1 or (sent and (row.channel or everything))
        wide = any(each.scope == Scope.MARKETING and each.channel in (topics.EVERY, channel) for each in theirs)
        if meant and not wide and all(cell.is_refused_by(theirs) for cell in sent):
            suppress_hash(
                row.address,
                subject=subject,
                scope=Scope.MARKETING,
                channel=channel,
                reason=row.reason,
                source=row.source,
                actor=actor,
                now=now,
                version=row.key_version,
                noted=True,
            )


def allowed(address: str, scope: str = Scope.MARKETING, channel: str = Channel.EMAIL) -> bool:
    """Whether this may be sent to this address by this channel now."""
    return not refused([address], scope, channel)


def is_suppressed(email: str, scope: str = Scope.MARKETING, channel: str = Channel.EMAIL) -> bool:
    """Whether it must not: because nobody there wants it, nobody asked for what needs consent, or their data may only
    be stored. Always False for mail about the service itself.
    """
    return bool(refused([email], scope, channel))


def check_many(emails: Iterable[str], scope: str = Scope.MARKETING, channel: str = Channel.EMAIL) -> set[str]:
    """Those of the addresses, as they were given, that must not get it."""
    asked = list(emails)
    return {asked[position] for position in refused(asked, scope, channel)}


def refused(addresses: Sequence[str], scope: str = Scope.MARKETING, channel: str = Channel.EMAIL) -> list[int]:
    """The positions of those addresses that must not be written to, in order. One query for all of them, and a second
    where consent is needed. UnknownScope for what is not sent at all.
    """
    if scope in ALWAYS_SENT:
        return []
    cell = topics.cell(scope, channel)
    if cell is not None and not topics.is_offered(scope):
        return list(range(len(addresses)))  # nobody can refuse on the page what was given up: nothing goes out
    known = [normalise(address) for address in addresses]
    shut = _shut(known, scope, channel)
    if (
        cell.needs_consent
        if cell is not None
        else not any(each.channel == channel and not each.needs_consent for each in topics.cells())
    ):
        open_to = marketing.granted(known, cell) if cell is not None else set()
        return [position for position, each in enumerate(known) if each in shut or each not in open_to]
    return [position for position, each in enumerate(known) if each in shut] if shut else []


def unwanted_at(emails: Iterable[str]) -> set[str]:
    """Those of the addresses, as they were given, that get no marketing mail of any topic, whoever may have asked for
    one: for imports, which know no topic. One query; what settings.UNWANTED_AT names.
    """
    asked = {email: normalise(email) for email in emails}
    shut = _shut(list(asked.values()), Scope.MARKETING, Channel.EMAIL)
    return {email for email, known in asked.items() if known in shut}


def _shut(known: Sequence[str], scope: str, channel: str) -> set[str]:
    """Which of the normalised addresses are on the list for this, or belong to somebody restricted."""
    by_hash: dict[str, str] = {}
    current: set[str] = set()
    for version in versions():
        hashed = hashes_of(known, version)
        by_hash.update(zip(hashed, known, strict=True))
        current = current or set(hashed)
    rows = Suppression.objects.filter(
        address__among=list(by_hash), scope__in={Scope.MARKETING, scope}, channel__in=(topics.EVERY, channel)
    )
    # "h" and "a" tell a hash from an address; a column of the same name cannot.
    found = rows.annotate(what=Value("h")).values_list("what", "address").order_by()
    restricted = Account.objects.restricted().filter(
        email__among=[each for each in known if each and not problem(each)]
    )
    both = found.union(restricted.annotate(what=Value("a")).values_list("what", "email").order_by())
    shut, old = set(), []
    for what, text in both:
        shut.add(by_hash[text] if what == "h" else text)
        if what == "h" and text not in current:
            old.append(by_hash[text])
    if old:
        peppers.rehash(old)
    return shut


def lift(email: str, *, scope: str = Scope.MARKETING, verification: UUID, actor: str, now: datetime) -> int:
    """End an opt-out because the person asked, verified by `verification`; how many rows went.

    Only the person may: LiftRefused for any other actor. Lifting all marketing lifts its parts too, by every channel.
    """
    refuse_others(actor)
    topics.check(scope)
    with transaction.atomic():
        rows = Suppression.objects.filter(parts_of(scope), address=email)
        hashes = set(rows.values_list("address", flat=True))
        count, _per_model = rows.delete()
        for hashed in hashes:
            outside.note("unsuppress", now=now, address=hashed, scope=scope)
        count += _open_channels(email, scope, now=now)
        if count:
            record(
                verbs.SUPPRESSION_LIFTED.name,
                actor=actor,
                subject=person_ref(email),
                scope=scope,
                verification=verification,
            )
            marketing.note_return(person_ref(email), scope=scope, now=now)
    return count


def _open_channels(email: str, scope: str, *, now: datetime) -> int:
    """The other way round of `_shut_whole_channels`: a channel's own "no" goes when it stands in the way of this topic
    and every other topic there is refused by itself; so nothing but this is opened. How many rows.
    """
    theirs = list(Suppression.objects.filter(address=email))
    single = [row for row in theirs if row.scope != Scope.MARKETING]
    opened = 0
    for row in theirs if scope != Scope.MARKETING else ():
        # It may be the only topic there; and a "no" to every channel is none of this topic's.
        there = [cell for cell in topics.cells() if cell.channel == row.channel]
        others = [cell for cell in there if cell.scope != scope]
        alone = len(others) < len(there) and all(cell.is_refused_by(single) for cell in others)
        if row.scope == Scope.MARKETING and alone:
            row.delete()
            outside.note("unsuppress", now=now, address=row.address, scope=row.scope, channel=row.channel)
            opened += 1
    return opened


def follow(former: str, fresh: str, *, actor: str, now: datetime) -> None:
    """Somebody's address was corrected: what they refused stays refused. What came back was the former mailbox, and a
    permission was given for it: neither goes along.
    """
    if normalise(former) == normalise(fresh):
        return
    for row in Suppression.objects.filter(address=former).exclude(reason=Reason.BOUNCED).order_by("created_at"):
        kept: dict[str, str] = {"scope": row.scope, "channel": row.channel, "reason": row.reason, "source": row.source}
        suppress(fresh, actor=actor, now=now, **kept)  # type: ignore[arg-type]


def refuse_others(actor: str) -> None:
    """LiftRefused unless the actor is the person."""
    if not actor.startswith(f"{PERSON}:"):
        raise LiftRefused(
            "Only the person can ask for mail again.", remedy="Ask them to confirm it by the link in a mail to them."
        )


__all__ = [
    "ALWAYS_SENT",
    "allowed",
    "check_many",
    "is_address",
    "is_suppressed",
    "lift",
    "person_ref",
    "refused",
    "suppress",
    "suppress_hash",
]
