"""The one gate for "does this person want this mail?", and the acts that open and shut it.

What could go wrong: an import revives somebody who opted out (imports ask here as well), an opt-out from news blocks a
password reset (mail about the service has no scope and always passes), staff lift an opt-out by mistake (only the
person can), an address is compared in another spelling (everything is normalised and hashed, see `AddressHashField`).
Whose data may only be stored gets no such mail either, for as long as the restriction lasts; nothing is written for it
here, so nothing is left behind when it ends.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models.query import QuerySet

from consent import verbs
from consent.errors import LiftRefused, UnknownScope
from consent.inserts import insert_once
from consent.models import Suppression
from consent.models.suppression import address_hash
from crasme.crm.models import Account
from crasme.kit import outside
from crasme.kit.crypto import subject_ref
from crasme.kit.text import normalise_email
from crasme.ledger.services import record
from crasme.staff.actors import PERSON

Scope, Reason, Source = Suppression.Scope, Suppression.Reason, Suppression.Source
# Policy P2.3: notices about the service, answers, billing. An opt-out from marketing never reaches them.
ALWAYS_SENT = frozenset({"service", "answer", "billing"})


def suppress(
    email: str, *, scope: str = Scope.MARKETING, reason: str, source: str, actor: str, now: datetime
) -> tuple[Suppression, bool]:
    """Put an address on the list and say whether it was new there. UnknownScope for a scope that cannot be refused.

    Whoever is on it already stays as they are: the first reason and its time are what counts.
    """
    return suppress_hash(
        address_hash(email), subject=person_ref(email), scope=scope, reason=reason, source=source, actor=actor, now=now
    )


def suppress_hash(
    hashed: str, *, subject: str, scope: str, reason: str, source: str, actor: str, now: datetime
) -> tuple[Suppression, bool]:
    """As `suppress`, for callers that know the hash only; `subject` is the ledger's reference to the person."""
    if scope not in Scope.values:
        raise UnknownScope(f"There is no mail called “{scope}” that can be refused.")
    row = Suppression(address=hashed, scope=scope, reason=Reason(reason), source=Source(source), created_at=now)
    with transaction.atomic():
        if not insert_once(row):
            return Suppression.objects.get(address=hashed, scope=scope, key_version=row.key_version), False
        record(verbs.SUPPRESSED.name, actor=actor, subject=subject, scope=scope, reason=reason, source=source)
        outside.note(
            "suppress", now=now, address=row.address, key=row.key_version, scope=scope, reason=reason, source=source
        )
    return row, True


def is_suppressed(email: str, scope: str = Scope.MARKETING) -> bool:
    """Whether mail of this scope must not go to this address: because nobody there wants it, or because their data may
    only be stored. Always False for mail about the service itself.
    """
    return bool(check_many([email], scope))


def check_many(emails: Iterable[str], scope: str = Scope.MARKETING) -> set[str]:
    """Those of the addresses, as they were given, that must not get mail of this scope. One query for all of them."""
    if scope in ALWAYS_SENT:
        return set()
    by_hash: dict[str, list[str]] = {}
    by_address: dict[str, list[str]] = {}
    for email in emails:
        by_hash.setdefault(address_hash(email), []).append(email)
        by_address.setdefault(normalise_email(email), []).append(email)
    unwanted = _covering(scope).filter(address__in=by_hash).values_list("address")
    restricted = Account.objects.restricted().filter(email__in=by_address).exclude(email="")
    asked = by_hash | by_address
    return {email for (found,) in unwanted.union(restricted.values_list("email")) for email in asked[found]}


def lift(email: str, *, scope: str = Scope.MARKETING, verification: UUID, actor: str, now: datetime) -> int:
    """End an opt-out because the person asked, verified by `verification`; how many rows went.

    Only the person may: LiftRefused for any other actor. Lifting all marketing lifts its parts too.
    """
    if not actor.startswith(f"{PERSON}:"):
        raise LiftRefused(
            "Only the person can ask for mail again.", remedy="Ask them to confirm it by the link in a mail to them."
        )
    if scope not in Scope.values:
        raise UnknownScope(f"There is no mail called “{scope}” that can be refused.")
    with transaction.atomic():
        rows = Suppression.objects.filter(address=email, scope__startswith=scope)
        count, _per_model = rows.delete()
        if count:
            record(
                verbs.SUPPRESSION_LIFTED.name,
                actor=actor,
                subject=person_ref(email),
                scope=scope,
                verification=verification,
            )
            outside.note("unsuppress", now=now, address=address_hash(email), scope=scope)
    return count


def person_ref(email: str) -> str:
    """How the ledger names the owner of an address."""
    return subject_ref("email", normalise_email(email))


def _covering(scope: str) -> QuerySet[Suppression]:
    """The rows that forbid mail of a scope: its own and those of the wider ones ("marketing" for all its parts)."""
    if scope not in Scope.values:
        raise UnknownScope(f"There is no mail called “{scope}” here.")
    parts = scope.split(".")
    return Suppression.objects.filter(scope__in=[".".join(parts[:count]) for count in range(1, len(parts) + 1)])
