"""Statements that are made once do what the ORM's would."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, NotSupportedError, ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError

from crasme.kit.claims import WorkState
from crasme.kit.statements import Fetch, insert, twice_is_once, update
from tests.kit.models import Job, Remark, Secret

pytestmark = [pytest.mark.usefixtures("kit_tables"), pytest.mark.django_db]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_rows_are_fetched_as_by_the_orm() -> None:
    first = Secret.objects.create(token="tök", other="o", file=b"\x00", period="P1M")
    Secret.objects.create(token=None)
    find = Fetch(lambda: Secret.objects.order_by("pk"), "pk", "period")
    for _ in range(2):
        (found,) = find(first.pk, "P1M")
        assert (found.token, found.other, bytes(found.file), found.period) == ("tök", "o", b"\x00", "P1M")
        assert not found._state.adding
    assert find(first.pk, "P2M") == []
    assert find.one(first.pk + 100, "P1M") is None
    others = [Secret.objects.create(period="P1M") for _ in range(2)]
    assert Fetch(lambda: Secret.objects.order_by("-pk"), "period", most=2)("P1M") == others[::-1]


def test_what_is_asked_again_is_planned_once() -> None:
    find = Fetch(lambda: Secret.objects.order_by("pk"), "pk")
    for _ in range(7):
        find(0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%kit_secret%"])
        assert [plans for (plans,) in cursor.fetchall()] == [2]  # PostgreSQL plans the first five anew, to compare


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_since_the_last_task_is_made_anew() -> None:
    find = Fetch(lambda: Secret.objects.order_by("pk"), "pk")
    assert find(0) == []
    lost, other = connection.connection.info.backend_pid, connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
    other.close()
    connection.close_if_unusable_or_obsolete()  # as before every request and task
    assert find(0) == []
    assert connection.connection.info.backend_pid != lost


@pytest.mark.django_db(transaction=True)
def test_what_may_run_twice_asks_a_connection_nothing_and_survives_its_death() -> None:
    sql = "INSERT INTO kit_secret (id, other, period) VALUES (%s, '', 'P1M') ON CONFLICT DO NOTHING RETURNING id"
    connection.ensure_connection()
    connection.health_check_enabled, connection.health_check_done = True, False
    with patch.object(connection, "is_usable", wraps=connection.is_usable) as asked:
        assert twice_is_once(sql, [71]) == (1, [(71,)])
        assert twice_is_once(sql, [71]) == (0, [])
        assert not asked.called
        lost, other = connection.connection.info.backend_pid, connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
        other.close()
        assert twice_is_once(sql, [72]) == (1, [(72,)])
        assert connection.connection.info.backend_pid != lost
        with pytest.raises(ProgrammingError):  # what is wrong with the statement is no matter of the connection
            twice_is_once("INSERT INTO kit_nothing VALUES (1)", [])
    with pytest.raises(IntegrityError), transaction.atomic():
        twice_is_once("INSERT INTO kit_secret (id, other, period) VALUES (%s, NULL, 'P1M')", [73])


@pytest.mark.django_db(transaction=True)
def test_a_column_that_changes_its_type_meanwhile_fails_nothing_but_the_transaction_it_is_in() -> None:
    find = Fetch(lambda: Secret.objects.order_by("pk"), "pk")
    other = connection.copy()

    def migrated(kind: str) -> None:  # by another process
        with other.cursor() as cursor:
            cursor.execute(f"ALTER TABLE kit_secret ALTER COLUMN period TYPE {kind}")

    try:
        assert find(0) == []
        migrated("text")
        assert find(0) == []
        migrated("varchar(100)")
        with pytest.raises(NotSupportedError), transaction.atomic():
            find(0)
        with transaction.atomic():  # as a task that comes again
            assert find(0) == []
    finally:
        migrated("varchar(64)")
        other.close()


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_a_transaction_is_refused() -> None:
    waiting = Job.objects.create(next_attempt_at=NOW)
    locked = Fetch(Job.objects.select_for_update, "pk")
    with transaction.atomic():
        assert locked.one(waiting.pk) == waiting
    with pytest.raises(TransactionManagementError):
        locked.one(waiting.pk)


def test_rows_are_stored_and_changed_as_by_the_orm() -> None:
    job = Job(next_attempt_at=NOW, note="100% 'x'")
    assert insert(job)
    assert not job._state.adding
    assert not insert(job, unless_there=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(job)
    job.note, job.attempts = "other", 3
    update(job, "note")
    job.refresh_from_db()
    assert (job.note, job.attempts, job.state) == ("other", 0, WorkState.DUE)
    remark = Remark(title="4111 1111 1111 1111", data={"a": [1]})
    with pytest.raises(ValidationError):
        insert(remark)
    remark.title = "fine"
    remark.save()
    remark.body = "4111 1111 1111 1111"
    with pytest.raises(ValidationError):
        update(remark, "body")
    assert connection.in_atomic_block
