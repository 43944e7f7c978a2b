"""Warnings: the right people, once, about the day that counts now; nobody is named in them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, strategies as st

from crasme.kit.clock import controller_day
from crasme.staff.models import User
from privacy.clock.levels import STEPS, Level, reached
from privacy.models import Alert, Message, Request, Step
from privacy.services import alerts, clock, desk
from tests.builders import NOW, make_user, reviewed_request, sign_in, submit_request
from tests.privacy.mails import deliver

DAY = date(2027, 3, 1)


@pytest.mark.parametrize(
    ("length", "levels"),
    [
        (30, {14: None, 15: "half", 22: "half", 23: "three-quarters", 26: "three-quarters", 27: "nine-tenths",
              29: "one-day", 30: "one-day", 31: "overdue", 99: "overdue"}),
        (15, {7: None, 8: "seven-days", 11: "seven-days", 12: "three-days", 14: "one-day", 16: "overdue"}),
        (5, {0: None, 1: None, 2: "three-days", 3: "half", 4: "one-day", 5: "nine-tenths", 6: "overdue"}),
    ],
)  # fmt: skip
def test_levels_follow_from_the_days(length: int, levels: dict[int, str | None]) -> None:
    found = {day: reached(DAY, DAY + timedelta(days=length), DAY + timedelta(days=day)) for day in levels}
    assert found == levels


@given(st.integers(1, 92), st.integers(0, 120))
def test_a_level_is_never_taken_back_by_time_alone(length: int, day: int) -> None:
    due = DAY + timedelta(days=length)
    today, tomorrow = (reached(DAY, due, DAY + timedelta(days=number)) for number in (day, day + 1))
    since = {step.level: step.from_day(DAY, due) for step in STEPS} | {None: date.min}
    assert since[today] <= since[tomorrow] <= DAY + timedelta(days=day + 1)
    assert (tomorrow == Level.OVERDUE) == (day + 1 > length)


def later(days: float) -> datetime:
    return NOW + timedelta(days=days)


@pytest.fixture
def team(db: None) -> tuple[User, User, User]:
    """The assignee, a colleague in the team and a privacy officer."""
    return make_user("Support agent"), make_user("Support agent"), make_user("Privacy officer")


def waiting(to: User | None = None, email: str = "ana@customer.example") -> Request:
    """Thirty days, received at NOW."""
    request = reviewed_request("objection", email)
    if to is not None:
        desk.assign(request, to=to, by=to, now=NOW)
    assert (request.effective_due - request.received_on).days == 30
    return request


def told(request: Request) -> dict[str, set[User]]:
    found: dict[str, set[User]] = {}
    for alert in Alert.objects.filter(request=request).select_related("colleague"):
        found.setdefault(alert.level, set()).add(alert.colleague)
    return found


def digests() -> Iterator[Message]:
    return Message.objects.filter(template="warning-digest").order_by("created_at").iterator()


def test_the_nearer_the_day_the_more_people_are_told(team: tuple[User, User, User]) -> None:
    own, colleague, officer = team
    request = waiting(own)
    assert alerts.warn(later(14)) == 0
    for day, mails in ((15, 1), (15, 0), (20, 0), (23, 1), (27, 2), (28, 0), (29, 3), (30, 0), (31, 3), (40, 0)):
        assert alerts.warn(later(day)) == mails, day
    assert told(request) == {
        "half": {own}, "three-quarters": {own}, "nine-tenths": {own, colleague},
        "one-day": {own, colleague, officer}, "overdue": {own, colleague, officer},
    }  # fmt: skip


def test_a_request_of_nobodys_is_the_teams_and_without_a_team_the_officers(team: tuple[User, User, User]) -> None:
    own, colleague, officer = team
    request = waiting()
    assert alerts.warn(later(15)) == 2
    User.objects.filter(pk__in=[own.pk, colleague.pk]).update(is_active=False, left_at=NOW)
    assert alerts.warn(later(23)) == 1
    assert told(request) == {"half": {own, colleague}, "three-quarters": {officer}}


def test_one_mail_lists_all_of_a_colleagues_requests_and_names_nobody(team: tuple[User, User, User]) -> None:
    own, _colleague, _officer = team
    first, second = waiting(own), waiting(own, "bob@customer.example")
    others = waiting(email="eve@customer.example")
    deliver(later(1))
    assert alerts.warn(later(15)) == 2
    outbox = len(mail.outbox)
    deliver(later(15))
    (sent,) = [each for each in mail.outbox[outbox:] if each.to == [own.email]]
    body = str(sent.body)
    assert f"{first.reference}: half of the time is gone (due 22 Dec 2026)" in body
    assert second.reference in body
    assert (others.reference in body) == (own in told(others)["half"])
    assert "customer.example" not in str(sent.message()).replace(own.email, "")
    (kept,) = [each for each in digests() if each.colleague == own]
    assert kept.body is not None
    # What is kept beside one request names no other: the person may get a copy of it.
    assert [reference in kept.body for reference in sorted([first.reference, second.reference])].count(True) == 1


def test_another_date_arms_the_levels_again_and_a_closed_request_warns_no_more(team: tuple[User, User, User]) -> None:
    own, _colleague, _officer = team
    request = waiting(own)
    assert alerts.warn(later(15)) == 1
    clock.note(request, clock.Kind.REGIME, actor=own.ref, now=later(15), regime="us-ca")
    assert alerts.warn(later(15)) == 0  # still due as promised
    Request.objects.filter(pk=request.pk).update(effective_due=request.received_on + timedelta(days=20))
    assert alerts.warn(later(15)) == 1
    assert [each.reference for each in alerts.lines_for(own, 9)] == [request.reference]
    desk.withdraw(request, actor="person:x", now=later(16))
    assert alerts.warn(later(40)) == 0
    assert alerts.lines_for(own, 9) == []


def test_stopped_work_is_told_and_told_again_when_it_stops_again(team: tuple[User, User, User]) -> None:
    own, colleague, _officer = team
    request = waiting(own)
    step = Step.objects.filter(request=request).first()
    assert step is not None
    for times in (1, 2):
        Step.objects.filter(pk=step.pk).update(state="parked", finished_at=None)
        assert alerts.warn(later(times)) == 2
        assert alerts.warn(later(times)) == 0
        assert told(request) == {"stuck": {own, colleague}}
        Step.objects.filter(pk=step.pk).update(state="done", finished_at=NOW)
        assert alerts.warn(later(times)) == 0
        assert told(request) == {}


def test_a_mail_that_nobody_got_stops_a_request_but_not_a_strangers_wrong_address(
    team: tuple[User, User, User],
) -> None:
    request, unproven = waiting(team[0]), submit_request(email="typo@customer.example")
    today = controller_day(NOW)
    lost = {"state": "parked", "bounced_at": NOW}
    Message.objects.filter(request=unproven).update(**lost)
    Message.objects.filter(request=request, template="started").update(**lost)
    assert list(Request.objects.stuck()) == [request]
    assert list(Request.objects.at_risk(today)) == [request]
    Message.objects.filter(request=unproven).update(bounced_at=None)  # our own mail server was away
    assert set(Request.objects.stuck()) == {request, unproven}
    alerts.warn(NOW)
    Message.objects.exclude(addressee="colleague").update(state="done", bounced_at=None, finished_at=NOW)
    Message.objects.filter(addressee="colleague").update(state="parked")
    assert not Request.objects.stuck().exists()  # a colleague's broken mailbox stops no request


def test_nobody_is_warned_of_what_nobody_has_confirmed(team: tuple[User, User, User]) -> None:
    submit_request()
    assert alerts.warn(later(29)) == 0


def test_warnings_are_on_the_desk_and_on_the_overview(client: Client, team: tuple[User, User, User]) -> None:
    own, _colleague, _officer = team
    request = reviewed_request("objection", now=timezone.now() - timedelta(days=16))
    desk.assign(request, to=own, by=own, now=timezone.now())
    alerts.warn(timezone.now())
    sign_in(client, own)
    (warned,) = client.get("/admin/").context["dashboard"]["warnings"]
    assert (warned.line.reference, warned.tone) == (request.reference, "warn")
    page = reverse("admin:privacy_request_change", args=[request.pk])
    assert warned.link == page
    assert "half of the time is gone" in client.get(page).content.decode()
    deliver(timezone.now())
    mailed = Message.objects.filter(template="warning-digest")
    assert set(mailed.values_list("state", flat=True)) == {"done"}
    card = '<h2 dir="auto">'
    before = client.get(page).content.decode().count(card)  # who was warned is said once, not as a card for each mail
    mailed.update(state="parked", subject=None, finished_at=None)
    assert client.get(page).content.decode().count(card) == before + mailed.count()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_send_one_mail() -> None:
    own = make_user("Support agent")
    waiting(own)
    together = Barrier(2)

    def sweep(_number: int) -> int:
        try:
            together.wait()
            return alerts.warn(later(15))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(sweep, range(2))) == [0, 1]
    assert len(list(digests())) == 1
