"""Every task is known to a test, carries ids only, and every schedule names a task and a queue that exist."""

import inspect
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Final
from unittest import mock

import pytest
import time_machine
from celery.schedules import crontab
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat import schedulers
from django_celery_beat.models import PeriodicTask, PeriodicTasks
from kombu import Connection
from kombu.exceptions import OperationalError

from crasme import schedule
from crasme.celery import app
from crasme.embedded.processes import free_port
from tests.conftest import QUEUES

ROOT = Path(__file__).parents[2]
# Where each task, or the one service that it calls, is tested. A new task fails here until somebody says so.
TESTED: Final = {
    "consent.tasks.seal_day": "tests/consent/test_receipts.py",
    "consent.tasks.count_answers": "tests/consent/test_rates.py",
    "consent.tasks.make_partitions": "tests/consent/test_events_view.py",
    "consent.tasks.measure_notice": "tests/consent/test_fairness.py",
    "consent.tasks.scan_cookies": "tests/consent/test_scan.py",
    "crasme.crm.tasks.finish_disconnecting": "tests/crm/test_integrations.py",
    "crasme.crm.tasks.make_partitions": "tests/crm/test_partitions.py",
    "crasme.crm.tasks.renew_name_index": "tests/crm/test_names.py",
    "crasme.ledger.tasks.seal": "tests/ledger/test_seals.py",
    "crasme.staff.tasks.forget_searches": "tests/staff/test_searching.py",
    "crasme.staff.tasks.forget_uploads": "tests/crm/test_import.py",
    "crasme.staff.tasks.mail_password_link": "tests/staff/test_forgotten.py",
    "privacy.tasks.deliver": "tests/privacy/test_webhooks.py",
    "privacy.tasks.link": "tests/privacy/test_evenly.py",
    "privacy.tasks.preference_link": "tests/privacy/test_preferences.py",
    "privacy.tasks.read_mailbox": "tests/privacy/test_mailbox.py",
    "privacy.tasks.scan_cards": "tests/privacy/test_promises.py",
    "privacy.tasks.send": "tests/privacy/test_flow_access.py",
    "privacy.tasks.sort_mail": "tests/privacy/test_mailroom.py",
    "privacy.tasks.step": "tests/privacy/test_flow_access.py",
    "privacy.tasks.sweep": "tests/privacy/test_flow_access.py",
    "retention.tasks.draw_plans": "tests/retention/test_admin.py",
    "retention.tasks.measure": "tests/retention/test_standing.py",
    "retention.tasks.tick": "tests/retention/test_runs.py",
}


@pytest.fixture
def ours(db: None) -> list[str]:
    app.loader.import_default_modules()
    return sorted(name for name in app.tasks if not name.startswith("celery."))


def test_every_task_is_known_to_a_test(ours: list[str]) -> None:
    assert ours == sorted(TESTED)
    assert [place for place in TESTED.values() if not (ROOT / place).is_file()] == []


def test_tasks_take_ids_only(ours: list[str]) -> None:
    """A message waits in the broker and in Flower: no address, no text."""
    for name in ours:
        module, _dot, function = name.rpartition(".")
        taken = inspect.signature(getattr(import_module(module), function).run).parameters.values()
        assert all(each.name.endswith("_id") and each.annotation is str for each in taken), name


def test_schedules_name_tasks_and_queues_that_exist(ours: list[str]) -> None:
    assert settings.CELERY_BEAT_SCHEDULE
    for title, entry in settings.CELERY_BEAT_SCHEDULE.items():
        assert entry["task"] in ours, title
        assert entry["options"]["queue"] in QUEUES.split(","), title
        assert entry["options"]["expires"] > 0, f"{title}: messages pile up while no worker runs"


def test_every_schedule_lets_a_worker_keep_up() -> None:
    for title, entry in settings.CELERY_BEAT_SCHEDULE.items():
        every = timedelta(days=1) if isinstance(entry["schedule"], crontab) else entry["schedule"]
        assert timedelta(seconds=entry["options"]["expires"]) <= every, title


def test_a_start_of_the_scheduler_puts_off_no_task_of_the_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "close_old_connections", lambda: None)  # it would end the test's transaction
    every = [entry["schedule"] for entry in (schedule.SCHEDULE | schedule.COOKIE_SCAN).values()]
    assert max(each for each in every if isinstance(each, timedelta)) < timedelta(days=1)
    scan = "privacy: search for payment card numbers"
    with time_machine.travel(datetime(2026, 11, 26, 2, 19, tzinfo=UTC), tick=False) as clock:
        schedulers.DatabaseScheduler(app=app)
        assert not schedulers.DatabaseScheduler(app=app).schedule[scan].is_due().is_due
        clock.shift(timedelta(minutes=1))
        entry = schedulers.ModelEntry(PeriodicTask.objects.get(name=scan), app=app)
        assert entry.is_due().is_due


def test_when_a_task_last_ran_is_written_down_at_once(ours: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """For one small write, and without reading the schedule again: else the page is true every three minutes alone."""
    monkeypatch.setattr(schedulers, "close_old_connections", lambda: None)  # it would end the test's transaction
    schedulers.DatabaseScheduler(app=app)  # the first start writes the schedule down
    long_ago = timezone.now() - timedelta(days=2)
    PeriodicTask.objects.update(last_run_at=long_ago)
    beat = schedulers.DatabaseScheduler(app=app)
    noted = PeriodicTask.objects.filter(last_run_at__gt=long_ago)
    with mock.patch.object(app.Task, "apply_async") as sent:
        beat.tick()  # reads the schedule
        for ran in (2, 3):
            changed = PeriodicTasks.last_change()
            with CaptureQueriesContext(connection) as asked:
                beat.tick()
            assert (sent.call_count, noted.count()) == (ran, ran)
            told = [each["sql"] for each in asked if 'periodictask"' in each["sql"]]
            assert [sql.split()[0] for sql in told] == ["SELECT", "SELECT", "UPDATE"]  # the row, its name, the row
            assert PeriodicTasks.last_change() == changed


def test_a_publish_waits_for_no_second_try_when_the_broker_is_away() -> None:
    """A visitor is waiting for the page, and the sweep finds the work anyway."""
    away = Connection(f"redis://127.0.0.1:{free_port()}/0", transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    with mock.patch("kombu.utils.functional.sleep") as waited, away, pytest.raises(OperationalError):
        app.send_task("privacy.tasks.step", args=("id",), connection=away, retry=False)
    waited.assert_not_called()
