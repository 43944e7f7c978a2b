"""Nobody waits longer for figures than was said, however many statements they take."""

import pytest
from django.db import connection

from retention import counting

pytestmark = pytest.mark.django_db


def told(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return str(cursor.fetchone()[0])


def test_many_statements_end_together_and_the_limit_is_put_back() -> None:
    before, asked = told("SHOW statement_timeout"), []

    def ask(times: int, seconds: float) -> int:
        for _time in range(times):
            told(f"SELECT pg_sleep({seconds})")
            asked.append(seconds)
        return times

    assert counting.in_time(lambda: ask(3, 0.001)) == 3
    assert counting.in_time(lambda: ask(1, 30), seconds=0.1) is None  # one that is too long
    asked.clear()
    assert counting.in_time(lambda: ask(100, 0.04), seconds=0.2) is None  # each short, all of them too long
    assert len(asked) <= 6
    assert told("SHOW statement_timeout") == before
