"""What this room does when a restored database erases somebody again (retention.replay).

What could go wrong: a copy that was destroyed with the erasure can be opened again, because its key came back with the
backup; or a letter that was sent long ago goes out a second time, to an address that is empty by now.
"""

from datetime import datetime

from django.db.models import Q

from crasme.kit.claims import cancel
from crasme.kit.datamap import Subject
from privacy.models import Message, Person
from privacy.services import packages


def destroy_copies(subject: Subject, *, now: datetime) -> None:
    """Destroy every copy of whoever was erased; of whoever was forgotten, also stop the letters that wait."""
    accounts, people = (subject.values.get(kind, frozenset()) for kind in ("account", "person"))
    for person in Person.objects.filter(Q(account__in=accounts) | Q(pk__in=people)):
        packages.destroy_of(person, why="erasure", now=now)
    for message in Message.objects.filter(request__person__in=people).unfinished():
        cancel(message, now=now)
