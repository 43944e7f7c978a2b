"""What staff search for, kept in their session under random names: encrypted, and until an hour after the last use.

What could go wrong: a session that grows with every search (it keeps the latest few, and equal words have one name);
two pages of one browser that save the session at once, so that the search of one is lost (a save takes along what the
other has put there: crasme.staff.sessions); or words that stay in a session nobody opens any more (a task takes out
what has ended, every hour).
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from crasme.kit.crypto import decrypt, encrypt
from crasme.kit.errors import CrasmeError
from crasme.kit.text import clean
from crasme.staff.models import Session

LASTS: Final = timedelta(hours=1)
RENEWED_AFTER: Final = timedelta(minutes=10)  # not at every look: each writes the session
KEPT: Final = 30
MOST: Final = 400  # characters; an address has 254 at most
PLACE: Final = "searches"  # in the session: name → [encrypted words, until when in seconds]

Searches = dict[str, list[Any]]


def typed(text: str) -> str:
    """What was typed into a box, as it is searched for."""
    return clean(text).strip()[:MOST]


def keep(session: SessionBase, words: str, *, now: datetime) -> str:
    """The name under which this session finds `words` again."""
    kept = living(session.get(PLACE, {}), now=now)
    name = next((name for name, (sealed, _until) in kept.items() if _opened(sealed) == words), "")
    sealed = kept[name][0] if name else encrypt(words.encode()).decode()
    name = name or secrets.token_urlsafe(12)
    session[PLACE] = living(kept, {name: [sealed, (now + LASTS).timestamp()]}, now=now)
    return name


def words_of(session: SessionBase, name: str, *, now: datetime) -> str | None:
    """The words of that name, which are kept for another hour; None when they have ended, or are somebody else's."""
    kept = living(session.get(PLACE, {}), now=now)
    if name not in kept:
        return None
    sealed, until = kept[name]
    if until < (now + LASTS - RENEWED_AFTER).timestamp():
        session[PLACE] = kept | {name: [sealed, (now + LASTS).timestamp()]}
    return _opened(sealed)


def living(*each: Searches, now: datetime) -> Searches:
    """All of them, by their latest use; without those that have ended, and no more than the latest few."""
    found: Searches = {}
    for name, (sealed, until) in (item for searches in each for item in searches.items()):
        if until > now.timestamp() and until >= found.get(name, ("", 0))[1]:
            found[name] = [sealed, until]
    return dict(sorted(found.items(), key=lambda item: item[1][1])[-KEPT:])


def forget_ended(now: datetime) -> int:
    """Takes out of every session what has ended; of how many sessions. Of those that are over, too."""
    store, forgotten = Session.get_session_store_class()(), 0
    for seen in Session.objects.filter(user__isnull=False).iterator():
        if not _has_ended(seen, now):
            continue
        with transaction.atomic():
            row = Session.objects.select_for_update().filter(pk=seen.pk).first()
            if row is not None and _has_ended(row, now):
                data = row.get_decoded()
                row.session_data = store.encode(data | {PLACE: living(data[PLACE], now=now)})
                row.save(update_fields=["session_data"])
                forgotten += 1
    return forgotten


def _has_ended(row: Session, now: datetime) -> bool:
    kept = row.get_decoded().get(PLACE, {})
    return len(living(kept, now=now)) < len(kept)


def _opened(sealed: str) -> str | None:
    try:
        return decrypt(sealed.encode()).decode()
    except CrasmeError:  # the key was exchanged, and the former one is gone
        return None
