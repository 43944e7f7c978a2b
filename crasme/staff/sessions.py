"""The session engine (SESSION_ENGINE): Django's database sessions with the owner noted beside the data."""

from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

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
