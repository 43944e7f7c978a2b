"""The forecast: from how long steps took to the day on which an answer will come."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crasme.kit.clock import controller_day
from crasme.staff.models import User
from privacy.models import Request, Step
from privacy.services import desk, forecast
from privacy.services.forecast import Usual
from tests.builders import NOW, reviewed_request, sign_in, submit_request

pytestmark = pytest.mark.django_db
DAY = 86_400.0


def taken(kind: str, now: datetime, **days: float) -> None:
    """A closed request whose steps took so long, five times over."""
    for number in range(5):
        request = submit_request(kind, f"done{number}@customer.example", now=now - timedelta(days=60))
        Step.objects.bulk_create(
            Step(
                request=request, kind=step, manual=step in ("approval", "work"), state="done",
                created_at=now - timedelta(days=50), next_attempt_at=now,
                finished_at=now - timedelta(days=50) + timedelta(days=length),
            )
            for step, length in days.items()
        )  # fmt: skip
        Request.objects.filter(pk=request.pk).update(state="closed", closed_at=now, outcome="withdrawn")


def test_what_is_left_of_a_step_is_told_from_what_has_gone() -> None:
    usual = Usual(median=10, slow=30)
    assert [usual.left(gone) for gone in (0, 4, 10, 12, 30, 99)] == [10, 6, 20, 18, 10, 10]


def test_steps_that_took_long_make_a_request_miss_its_day() -> None:
    taken("complaint", NOW, work=9.2, answer=0.01)
    request = reviewed_request("complaint", "ana@customer.example")
    (found,) = forecast.of([request], NOW).values()
    assert found.expected == controller_day(NOW + timedelta(days=10))  # a person's step is counted in whole days
    assert (found.will_miss, found.stuck, found.due) == (False, False, request.effective_due)
    late = NOW + timedelta(days=25)
    assert forecast.missing(NOW) == []
    assert forecast.missing(late) == [request.pk]
    assert forecast.missing(NOW + timedelta(days=31)) == []  # late already, and counted as that


def test_what_hardly_anybody_has_seen_gives_no_date() -> None:
    request = reviewed_request("complaint")
    (found,) = forecast.of([request], NOW).values()
    assert (found.expected, found.will_miss) == (None, False)
    taken("objection", NOW, work=1.5, answer=0.01)  # of other kinds, where there is nothing of its own
    (found,) = forecast.of([request], NOW).values()
    assert found.expected == controller_day(NOW + timedelta(days=2.01))
    assert forecast.history(NOW)["objection", "work"].median == pytest.approx(1.5 * DAY)
    assert forecast.history(NOW + timedelta(days=60)) == {}  # too long ago to tell


def test_a_refused_request_only_waits_for_its_letter_and_a_stopped_one_says_so(officer: User) -> None:
    taken("access", NOW, locate=0.1, collect=0.1, plan=0.1, approval=20, package=0.1, verify=0.1, answer=0.1)
    request = reviewed_request("access")
    assert forecast.of([request], NOW)[request.pk].expected == controller_day(NOW + timedelta(days=20.3))
    Step.objects.filter(request=request, kind="locate").update(state="parked", finished_at=None)
    assert forecast.of([request], NOW)[request.pk].stuck
    desk.refuse(request, reason="excessive", words="", by=officer, now=NOW)
    assert forecast.of([request], NOW)[request.pk].expected == controller_day(NOW + timedelta(days=0.1))
    assert forecast.of([submit_request(email="new@customer.example")], NOW) == {}  # it waits for the person


def test_the_desk_shows_forecasts_in_two_queries_however_many_there_are(client: Client, agent: User) -> None:
    now = timezone.now()
    taken("complaint", now, work=40, answer=0.1)
    requests = [reviewed_request("complaint", f"p{number}@customer.example", now=now) for number in range(3)]
    with CaptureQueriesContext(connection) as asked:
        assert len(forecast.of(Request.objects.open(), now)) == 3
    assert len(asked) == 2

    sign_in(client, agent)
    desk = reverse("admin:privacy_request_changelist")
    assert client.get(desk, {"clock": "miss"}).context["cl"].result_count == 3
    assert client.get(desk).content.decode().count("will miss") == 3
    (figure,) = [each for each in client.get("/admin/").context["dashboard"]["figures"] if each.title == "Will miss"]
    assert (figure.value, figure.tone) == (3, "warn")
    page = client.get(reverse("admin:privacy_request_change", args=[requests[0].pk])).content.decode()
    assert "will miss" in page
