"""Counting: exact where that is cheap or a filter is on, the planner's estimate for a big table."""

import pytest
from django.db import connection

from crasme.staff.admin import paging
from crasme.staff.admin.paging import EstimatePaginator, estimate
from crasme.staff.models import AccessEntry, User
from tests.builders import NOW, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> User:
    """Thirty entries, the planner told of twenty, and twenty declared to be many."""
    user = make_user()
    fields = {"user": user, "at": NOW, "action": "view", "table": "crm.account"}
    AccessEntry.objects.bulk_create(AccessEntry(**fields) for _number in range(20))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE staff_accessentry")
    AccessEntry.objects.bulk_create(AccessEntry(**fields) for _number in range(10))
    monkeypatch.setattr(paging, "EXACT_UP_TO", 15)
    return user


def test_a_big_table_is_estimated(log: User) -> None:
    pages = EstimatePaginator(AccessEntry.objects.order_by("pk"), 5)
    assert (pages.count, pages.estimated) == (20, True)


def test_a_filtered_one_is_counted(log: User) -> None:
    pages = EstimatePaginator(AccessEntry.objects.filter(user=log).order_by("pk"), 5)
    assert (pages.count, pages.estimated) == (30, False)


def test_a_small_one_is_counted(log: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "EXACT_UP_TO", 1000)
    assert EstimatePaginator(AccessEntry.objects.order_by("pk"), 5).count == 30


def test_a_list_is_counted() -> None:
    assert EstimatePaginator([1, 2, 3], 2).count == 3


def test_partitions_count_together() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE parted (n int) PARTITION BY RANGE (n)")
        cursor.execute("CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (10)")
        cursor.execute("CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (10) TO (20)")
        cursor.execute("INSERT INTO parted SELECT generate_series(0, 19)")
        assert estimate("parted") == 0
        cursor.execute("ANALYZE parted")
    assert estimate("parted") == 20
    assert estimate("no_such_table") == 0
