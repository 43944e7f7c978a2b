"""The files that the person sent us, in their own copy as they came.

What could go wrong: a name of theirs leads out of the folder in which the copy is unpacked (the names are ours), or all
files are in memory at once (one at a time).
"""

import zipfile

from django.db.models import Q

from crasme.kit.datamap import Subject
from privacy.models import Attachment, Message

FOLDER = "files"


def write(archive: zipfile.ZipFile, subject: Subject) -> int:
    """Add what is still there; the number of files. What others sent about the person is not theirs."""
    people = subject.values.get("person", frozenset())
    theirs = Q(mail__person__in=people) | Q(
        message__request__person__in=people, message__addressee=Message.Addressee.PERSON
    )
    found = Attachment.objects.filter(theirs, content__isnull=False).order_by("stored_at", "id")
    count = 0
    for count, file in enumerate(found.iterator(chunk_size=1), start=1):  # noqa: B007  (counted)
        name = f"{FOLDER}/{file.stored_at:%Y-%m-%d}-{file.pk.hex[-8:]}-{file.file_name}"
        archive.writestr(name, bytes(file.content or b""))
    return count
