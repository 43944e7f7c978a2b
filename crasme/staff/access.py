"""The access log: every look at people's rows leaves one, in the transaction that showed them.

What could go wrong: the log becomes a second store of personal data. So it takes a count and a keyed hash, never a
search text, a name or an address, and a look that cannot be logged shows nothing.
"""

from datetime import datetime
from typing import Any

from django.db.models import Model

from crasme.kit import datamap
from crasme.kit.crypto import subject_ref
from crasme.kit.text import normalise_email
from crasme.staff.models import AccessEntry, User

# Which of a row's identifiers names its person best: the narrowest first.
KINDS = ("person", "account", "staff", "visitor", "email")


def record(
    user: User, action: AccessEntry.Action, table: str, *, now: datetime, subject_ref: str = "", rows: int = 1
) -> AccessEntry:
    """One entry: `table` is a model's label, `rows` how many rows were shown or handed out."""
    return AccessEntry.objects.create(at=now, user=user, action=action, table=table, subject_ref=subject_ref, rows=rows)


def subject_ref_of(row: Model) -> str:
    """The keyed hash of the person whom a row is about, as the data map finds them; "" when it says nothing."""
    declared = datamap.covers(row._meta.label)
    if not isinstance(declared, datamap.Table):
        return ""
    paths = {**declared.mentions, **declared.subject}  # without an owner, whoever the row names was looked at
    for kind in KINDS:
        if (path := paths.get(kind)) and (value := _follow(row, path)) not in (None, ""):
            return subject_ref(kind, normalise_email(value) if kind == "email" else value)
    return ""


def _follow(row: Model, path: str) -> Any:
    """The value at the end of an ORM path; a model instance there stands for its primary key."""
    value: Any = row
    for part in path.split("__"):
        if value is None:
            return None
        value = getattr(value, part)
    return value.pk if isinstance(value, Model) else value
