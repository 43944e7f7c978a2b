"""Looking for what must never be: the invariants of all requests, as one SQL script.

What could go wrong: a check that runs through the code it is to check. So it asks PostgreSQL and nothing else; the
tests run the same script after everything that they do to a request.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import connection, transaction

SCRIPT: Final = Path(__file__).with_name("invariants.sql")


@dataclass(frozen=True, slots=True)
class Violation:
    """`about` is a request's reference."""

    rule: str
    about: str


def rules() -> list[str]:
    """Names of the rules, in the script's order."""
    return list(dict.fromkeys(re.findall(r"^SELECT '([a-z-]+)'", SCRIPT.read_text(), re.MULTILINE)))


def violations(now: datetime | None = None) -> list[Violation]:
    """Every row that breaks a rule; `now` stands in for the database server's hour."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('crasme.now', %s, true)", [now.isoformat() if now else ""])
        cursor.execute(SCRIPT.read_text())
        return [Violation(*row) for row in cursor.fetchall()]
