"""What this room does when a restored database erases somebody again (retention.replay).

What could go wrong: a copy that was destroyed with the erasure can be opened again, because its key came back with the
backup; a letter that was sent long ago goes out a second time, to an address that is empty by now; or what only the
address led to is found by nothing any more (so copies and mails are acts of their own in the ledger, by their keys).
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db.models import Q

from crasme.crm.models import Account
from crasme.kit.claims import cancel
from crasme.kit.datamap import Subject
from privacy.errors import MailWaits
from privacy.mailroom import forgetting
from privacy.models import Message, Package, Person, Restriction
from privacy.services import packages


def destroy_copies(subject: Subject, rows: Mapping[str, Any], *, now: datetime) -> None:
    """Before the rows go: destroy every copy of whoever is erased, and their mail that was set aside; of whoever is
    forgotten, also stop the letters that wait."""
    for address in Account.objects.filter(pk__in=subject.values.get("account", ())).values_list("email", flat=True):
        with suppress(MailWaits):  # somebody looks at it; what had been looked at by then is an act of its own
            forgetting.empty_of_address(address, now=now)
    accounts, people = (subject.values.get(kind, frozenset()) for kind in ("account", "person"))
    for person in Person.objects.filter(Q(account__in=accounts) | Q(pk__in=people)):
        packages.destroy_of(person, why="erasure", now=now)
    for message in Message.objects.filter(request__person__in=people).unfinished():
        cancel(message, now=now)


def destroy_package(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    """A copy that was destroyed before its time."""
    found = Package.objects.filter(pk=content["package"], deleted_at=None).select_related("request").first()
    return found is not None and packages.destroy(found, why="erasure", now=now)


def empty_mails(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    """Mails of an address that was erased. Each had been looked at and set aside by then."""
    return bool(forgetting.empty_again(content["mails"], now=now))


def let_go(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    """Mails that still waited when whoever they name was forgotten: nobody knew whether they came from them."""
    return bool(forgetting.let_go_again(content["mails"]))


def end_restrictions(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    """Of an account that is not restricted any more; its people had been told."""
    theirs = Restriction.objects.in_force().filter(account=content["account"], since__lte=now)
    return bool(theirs.update(lifted_at=now))
