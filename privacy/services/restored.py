"""What this room does when a restored database erases somebody again (retention.replay).

What could go wrong: a copy that was destroyed with the erasure can be opened again, because its key came back with the
backup; or a letter that was sent long ago goes out a second time, to an address that is empty by now.
"""

from contextlib import suppress
from datetime import datetime

from django.db.models import Q

from crasme.crm.models import Account
from crasme.kit.claims import cancel
from crasme.kit.datamap import Subject
from privacy.errors import MailWaits
from privacy.mailroom import forgetting
from privacy.models import Message, Person
from privacy.services import packages


def destroy_copies(subject: Subject, *, now: datetime) -> None:
    """Before the rows go: destroy every copy of whoever is erased, and their mail that was set aside; of whoever is
    forgotten, also stop the letters that wait."""
    for address in Account.objects.filter(pk__in=subject.values.get("account", ())).values_list("email", flat=True):
        with suppress(MailWaits):  # somebody looks at it anyway
            forgetting.empty_of_address(address)
    accounts, people = (subject.values.get(kind, frozenset()) for kind in ("account", "person"))
    for person in Person.objects.filter(Q(account__in=accounts) | Q(pk__in=people)):
        packages.destroy_of(person, why="erasure", now=now)
    for message in Message.objects.filter(request__person__in=people).unfinished():
        cancel(message, now=now)
