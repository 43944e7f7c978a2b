"""What somebody types into the box of a list, kept out of its address.

An address goes further than its page: a proxy's log keeps it, the browser's history, a bookmark, a message to a
colleague. What is typed there is mostly whom somebody looks for. So the box posts its words; the session keeps them,
encrypted and until an hour after they were last used; and the address bears a random name for them. Words that stand
in an address all the same (typed by hand, or in an old bookmark) are taken out of it before anything is shown.

What could go wrong: a name that means nothing any more is taken for no search at all, and an action or an export takes
every row in place of some. So a search that has ended finds nothing and says so. Or a session that grows with every
search: it keeps the latest few.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, SEARCH_VAR
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.views import ChangeList

from crasme.kit.crypto import decrypt, encrypt
from crasme.kit.errors import CrasmeError
from crasme.kit.text import clean

SOUGHT_VAR: Final = "search"
LASTS: Final = timedelta(hours=1)
RENEWED_AFTER: Final = timedelta(minutes=10)  # not at every look: each writes the session
KEPT: Final = 30
MOST: Final = 400  # characters; an address has 254 at most
_PLACE: Final = "searches"  # in the session: name → [encrypted words, until when in seconds]


class SearchedList(ChangeList):
    """A list whose words come from the session; `search_ended` when they are not there any more."""

    search_ended = False

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(SOUGHT_VAR, None)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        words = sought(request)
        self.query, self.search_ended = words or "", words is None
        rows = super().get_queryset(request, exclude_parameters)
        return rows.none() if self.search_ended else rows

    @property
    def without_search(self) -> str:
        """The same list, filters and order with nothing searched for: where the box posts to, and how it is cleared."""
        return str(self.get_query_string({SOUGHT_VAR: None}))


def taken_out(request: HttpRequest) -> HttpResponse | None:
    """Where to look in place of an address or a form that brings words; None when there are none."""
    words = (request.POST if request.method == "POST" else request.GET).get(SEARCH_VAR)
    if words is None:
        return None
    rest = request.GET.copy()
    for name in (SEARCH_VAR, SOUGHT_VAR, PAGE_VAR, ERROR_FLAG):
        rest.pop(name, None)
    if words := clean(words).strip()[:MOST]:
        rest[SOUGHT_VAR] = keep(request.session, words, now=timezone.now())
    return redirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)


def sought(request: HttpRequest) -> str | None:
    """The words that this page searches for, "" without any; None when the search that it names has ended."""
    if token := request.GET.get(SOUGHT_VAR):
        return words_of(request.session, token, now=timezone.now())
    return clean(request.GET.get(SEARCH_VAR, "")).strip()[:MOST]


def keep(session: SessionBase, words: str, *, now: datetime) -> str:
    """The name under which this session finds `words` again."""
    token = secrets.token_urlsafe(12)
    valid = {name: entry for name, entry in session.get(_PLACE, {}).items() if entry[1] > now.timestamp()}
    latest = sorted(valid.items(), key=lambda item: item[1][1])[1 - KEPT :]
    session[_PLACE] = {**dict(latest), token: [encrypt(words.encode()).decode(), (now + LASTS).timestamp()]}
    return token


def words_of(session: SessionBase, token: str, *, now: datetime) -> str | None:
    """The words of that name, which are kept for another hour; None when they have ended, or are somebody else's."""
    searches = session.get(_PLACE, {})
    sealed, until = searches.get(token, ("", 0))
    if until <= now.timestamp():
        return None
    if until < (now + LASTS - RENEWED_AFTER).timestamp():
        session[_PLACE] = searches | {token: [sealed, (now + LASTS).timestamp()]}
    try:
        return decrypt(sealed.encode()).decode()
    except CrasmeError:  # the key was exchanged, and the former one is gone
        return None
