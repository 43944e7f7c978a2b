"""Acts that must outlive a restored backup, for rooms below the one that writes them down outside of the database.

What could go wrong: a room calls upwards and the layers fall together. So the setting WRITES_OUTSIDE names who writes;
without it nothing is written, as in an installation that uses the lower rooms alone.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def note(act: str, *, now: datetime, **content: Any) -> None:
    """In the transaction of the act. `content` names people by keys that are never used again, or by keyed hashes."""
    if settings.WRITES_OUTSIDE:
        import_string(settings.WRITES_OUTSIDE)(act, now=now, **content)
