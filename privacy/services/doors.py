"""Every door through which a restricted record could be used, and whether it is shut (GDPR Art. 18(2)).

What could go wrong: a door that nobody thought of, or one that was shut and is open since the last change. So a made-up
account goes through each of them twice, once free and once restricted, in a transaction that is rolled back: the free
one must come through, or the try proves nothing, and the restricted one must not. A new way to use accounts gets a
door here.

Not here, because a restriction leaves it open: the person's own copy, correction and erasure (they agree by asking),
answers to the person, and the desk's own look at what it is to decide about, which is logged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import tablib

from consent import suppression
from crasme.crm import intake
from crasme.crm.models import Account, Integration, UsageEvent
from crasme.crm.services import corrections
from crasme.crm.sheets import AccountExport, AccountImport
from crasme.kit import datamap
from crasme.kit.canonical import canonical
from crasme.kit.datamap import Subject, Table
from crasme.kit.ids import uuid7
from crasme.staff.actors import system
from privacy.errors import Restricted
from privacy.models import Person, Request
from privacy.services import restriction
from retention import predicate
from retention.models import Rule

AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Specimen:
    """A made-up person's accounts: `used` is active, `left` was closed. Both have rows wherever accounts have any."""

    used: Account
    left: Account
    now: datetime


@dataclass(frozen=True, slots=True)
class Door:
    """`comes_through` does or asks what the door leads to, and says whether the specimen's data came through."""

    title: str
    comes_through: Callable[[Specimen], bool]


def doors(now: datetime) -> list[Door]:
    """All of them; the purges by the rules in force, among them those of a company's own tables."""
    return [*_FIXED, *_purges(now)]


def _purges(now: datetime) -> Iterator[Door]:
    for rule in Rule.objects.in_force(now).acting():
        declared = datamap.covers(rule.target)
        # What is left of an erased account is nobody's data, so nobody can have it restricted.
        if isinstance(declared, Table) and "account" in declared.subject and rule.anchor != "erased_at":
            yield Door(f"the purge by the rule “{rule.slug}”", _purge(rule, declared))


def _purge(rule: Rule, table: Table) -> Callable[[Specimen], bool]:
    def ends(specimen: Specimen) -> bool:
        subject = Subject.of(account=[specimen.used.pk, specimen.left.pk])
        due = predicate.releasable(rule, specimen.now + AHEAD)
        return due.filter(pk__in=table.rows(subject).values("pk")).exists()

    return ends


def _in(rows: Any, account: Account, path: str = "pk") -> bool:
    return bool(rows.filter(**{path: account.pk}).exists())


def _takes_usage(specimen: Specimen) -> bool:
    event = {
        "id": str(uuid7()),
        "account": str(specimen.used.pk),
        "occurred_at": specimen.now.isoformat(),
        "kind": UsageEvent.Kind.PAGE,
        "name": "doors",
    }
    day = timedelta(days=1)
    return intake.take(canonical(event).encode(), oldest=specimen.now - day, now=specimen.now).inserted == 1


def _exports(specimen: Specimen) -> bool:
    return len(AccountExport().export(queryset=Account.objects.filter(pk=specimen.used.pk))) == 1


def _imports(specimen: Specimen) -> bool:
    sheet = tablib.Dataset(headers=["email", "job_title"])
    sheet.append([specimen.used.email, "Changed by an import"])
    result = AccountImport(actor=system("doors"), now=specimen.now).import_data(sheet, dry_run=False)
    return not result.has_validation_errors() and not result.has_errors()


def _copies_for_others(specimen: Specimen) -> bool:
    """A copy that somebody asked for who says that the account is another's."""
    person = Person(email=specimen.used.email)
    try:
        restriction.refuse_others(
            Request(kind=Request.Kind.ACCESS, person=person, account=specimen.used, about="somebody else")
        )
    except Restricted:
        return False
    return True


_FIXED = (
    Door("product code", lambda specimen: _in(Account.objects.usable(), specimen.used)),
    Door("analysis of accounts", lambda specimen: _in(Account.objects.analysable(), specimen.used)),
    Door("analysis of usage", lambda specimen: _in(UsageEvent.objects.analysable(), specimen.used, "account")),
    Door("new usage events", _takes_usage),
    Door("the export of accounts", _exports),
    Door("the import of accounts", _imports),
    Door("changes in the back office", lambda specimen: corrections.open_to_staff(specimen.used)),
    Door("a copy for somebody else", _copies_for_others),
    Door("a marketing mail", lambda specimen: not suppression.is_suppressed(specimen.used.email)),
    Door(
        "a mailing to many",
        lambda specimen: not suppression.check_many([specimen.used.email, "other@doors.invalid"], "marketing.features"),
    ),
    Door("connected services", lambda specimen: _in(Integration.objects.connected(), specimen.used, "account")),
    Door("clearing up after services", lambda specimen: _in(Integration.objects.removable(), specimen.used, "account")),
    Door("the end of closed accounts", lambda specimen: _in(Account.objects.releasable(), specimen.left)),
)
