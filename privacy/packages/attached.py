"""The files that the person sent us, in their own copy as they came.

What could go wrong: a name of theirs leads out of the folder in which the copy is unpacked (the names are ours), or all
files are in memory at once (one at a time).
"""

import zipfile
from typing import Any

from django.db.models import Q, QuerySet

from crasme.kit.datamap import Subject
from crasme.kit.recipes import Unfit, recipe
from privacy.models import Attachment, Message

FOLDER = "files"


def write(archive: zipfile.ZipFile, subject: Subject) -> int:
    """Add what is still there; the number of files. What others sent about the person is not theirs."""
    count = 0
    for pk in _found(subject):
        file = Attachment.objects.filter(pk=pk, content__isnull=False).first()
        if file is None:
            continue  # ended in between
        name = f"{FOLDER}/{file.stored_at:%Y-%m-%d}-{file.pk.hex[-8:]}-{file.file_name}"
        archive.writestr(name, bytes(file.content or b""))
        count += 1
    return count


def _found(subject: Subject) -> list[Any]:
    """Their keys, the oldest first. Nearly everybody has none, so that asking must cost little."""

    def theirs(who: Subject) -> QuerySet[Any, Any]:
        people = who.values.get("person", frozenset())
        sent = Q(mail__person__in=people) | Q(
            message__request__person__in=people, message__addressee=Message.Addressee.PERSON
        )
        found = Attachment.objects.filter(sent, content__isnull=False)
        return found.order_by("stored_at", "id").values_list("pk", "stored_at")

    try:
        rows = recipe("attached", subject, lambda maker: maker.reading(theirs(maker.subject))).rows(subject)
    except Unfit:
        rows = theirs(subject)
    return [pk for pk, _stored_at in rows]
