"""What runs when, in words that people read."""

import pytest
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from tests.builders import make_user, sign_in

pytestmark = pytest.mark.django_db


def test_schedules_are_said_in_words(client: Client) -> None:
    kinds = {
        "every minute": 60,
        "every 5 minutes": 300,
        "every 6 hours": 21_600,
        "every day": 86_400,
        "every second": 1,
    }
    for words, seconds in kinds.items():
        every = IntervalSchedule.objects.create(every=seconds, period="seconds")  # as beat stores them all
        PeriodicTask.objects.create(name=f"house: {words}", task="x", interval=every)
    nightly, weekly = (CrontabSchedule.objects.create(hour="2", minute="20", day_of_week=day) for day in ("*", "1"))
    PeriodicTask.objects.create(name="celery.backend_cleanup", task="celery.backend_cleanup", crontab=nightly)
    instant = IntervalSchedule.objects.create(every=100, period="microseconds")
    PeriodicTask.objects.create(name="often", task="x", interval=instant)
    odd = PeriodicTask.objects.create(name="weekly", task="x", crontab=weekly)
    sign_in(client, make_user("Operations"))
    html = client.get(reverse("admin:django_celery_beat_periodictask_changelist")).content.decode()
    for words in (
        *kinds,
        "every day at 02:20 (UTC)",
        "20 2 * * 1",
        "every 100 microseconds",
        "Schedules",
        "forget old results",
        "never",
    ):
        assert html.count(words) >= (2 if words in kinds else 1), words
    page = client.get(reverse("admin:django_celery_beat_periodictask_change", args=[odd.pk])).content.decode()
    for librarys in ("Last Run Datetime", "Last run datetime", "Total Run Count", "Queue Override", "periodic task"):
        assert librarys not in html + page, librarys
