"""The session engine (SESSION_ENGINE): Django's database sessions with the owner noted beside the data.

What could go wrong: a browser that asks for two pages at once loads one session twice, and what the first to answer
kept in it is lost with the second. So what staff searched for is taken along from the row, under its lock.
"""

from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import transaction
from django.utils import timezone

from crasme.staff import searches
from crasme.staff.models import Session


class SessionStore(DatabaseStore):
    cache_key_prefix = "crasme.staff.sessions"

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        row.user_id = UUID(data[SESSION_KEY]) if SESSION_KEY in data else None
        return row

    def save(self, must_create: bool = False) -> None:
        if must_create or SESSION_KEY not in self:  # a new one, or a visitor's
            super().save(must_create)
            return
        with transaction.atomic():
            if (row := Session.objects.select_for_update().filter(pk=self.session_key).first()) is not None:
                kept = [each.get(searches.PLACE, {}) for each in (row.get_decoded(), self)]
                if any(kept):
                    self[searches.PLACE] = searches.living(*kept, now=timezone.now())
            super().save()
