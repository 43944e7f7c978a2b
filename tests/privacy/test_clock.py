"""By when a request must be answered: the law's own examples, and what must hold for every request there can be."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, strategies as st

from crasme.kit.clock import controller_day
from crasme.ledger.models import Entry
from privacy.clock.deadlines import deadlines
from privacy.clock.events import Event, Kind, Question
from privacy.clock.regimes import Regime, of_country
from privacy.clock.rules import LAWS_BY_KIND, PROMISES, VERSION, business_days_after, months_after
from privacy.models import Request
from privacy.services import clock
from privacy.states import State
from tests.builders import NOW, confirm_request, make_account, run_steps, submit_request

days = st.dates(date(2020, 1, 1), date(2040, 12, 31))
regimes = st.sampled_from(list(Regime))
offsets = st.integers(0, 400)
kinds = st.sampled_from(["", *Request.Kind.values])
whats = st.sampled_from([Kind.EXTENDED, Kind.PAUSED, Kind.RESUMED, Kind.CLOSED, Kind.REOPENED])
happenings = st.lists(st.tuples(whats, offsets), max_size=8)
abouts = st.sampled_from(Question.values)


@contextmanager
def server_in(zone: str) -> Iterator[None]:
    """This process as if its machine stood elsewhere."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def events_of(received: date, happened: list[tuple[Kind, int]] = ()) -> list[Event]:  # type: ignore[assignment]
    later = [Event(kind, received + timedelta(days=offset)) for kind, offset in happened]
    return [Event(Kind.RECEIVED, received), *sorted(later, key=lambda event: event.on)]


def law(received: str, regime: str, *happened: tuple[Kind, str]) -> str:
    events = [Event(Kind.RECEIVED, date.fromisoformat(received))]
    events += [Event(kind, date.fromisoformat(on)) for kind, on in happened]
    return deadlines(events, regime).law_due.isoformat()


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2025-09-03", "2025-10-03"),  # the regulator's own example
        ("2027-01-29", "2027-02-28"),
        ("2027-01-30", "2027-02-28"),
        ("2027-01-31", "2027-02-28"),
        ("2028-01-31", "2028-02-29"),
        ("2027-02-28", "2027-03-28"),
        ("2028-02-29", "2028-03-29"),
        ("2027-03-31", "2027-04-30"),
        ("2027-08-31", "2027-09-30"),
        ("2027-12-30", "2028-01-30"),
        ("2027-12-31", "2028-01-31"),
        ("2027-11-25", "2027-12-25"),  # a holiday: the law would roll on, the plan does not
    ],
)
@pytest.mark.parametrize("regime", ["eu", "uk"])
def test_a_month_ends_on_the_same_numbered_day_or_the_last_one(received: str, due: str, regime: str) -> None:
    assert law(received, regime) == due


def test_extensions_count_from_the_receipt_and_only_when_announced_in_time() -> None:
    assert law("2027-01-31", "eu", (Kind.EXTENDED, "2027-02-28")) == "2027-04-30"
    assert law("2027-01-31", "eu", (Kind.EXTENDED, "2027-03-01")) == "2027-02-28"
    assert law("2027-01-31", "us-ca", (Kind.EXTENDED, "2027-03-17")) == "2027-05-01"
    assert law("2027-01-31", "ca", (Kind.EXTENDED, "2027-02-01")) == "2027-04-01"
    assert law("2027-01-31", "br", (Kind.EXTENDED, "2027-02-01")) == "2027-02-15"
    assert law("2027-01-31", "eu", (Kind.EXTENDED, "2027-02-01"), (Kind.EXTENDED, "2027-02-02")) == "2027-04-30"


def test_only_the_uk_stops_the_clock_and_counts_both_days() -> None:
    question = ((Kind.PAUSED, "2027-03-05"), (Kind.RESUMED, "2027-03-09"))
    assert law("2027-03-01", "uk", *question) == "2027-04-06"
    assert law("2027-03-01", "eu", *question) == "2027-04-01"
    assert law("2027-03-01", "uk", question[0]) == "2027-04-01"  # not answered yet
    across = ((Kind.PAUSED, "2027-03-31"), (Kind.RESUMED, "2027-04-01"))
    assert law("2027-03-01", "uk", *across) == "2027-04-03"
    overlapping = ((Kind.PAUSED, "2027-03-05"), (Kind.PAUSED, "2027-03-06"), (Kind.RESUMED, "2027-03-09"))
    assert law("2027-03-01", "uk", *overlapping) == "2027-04-06"
    same_day = (*question, (Kind.PAUSED, "2027-03-09"), (Kind.RESUMED, "2027-03-09"))
    assert law("2027-03-01", "uk", *same_day) == "2027-04-06"


def test_a_question_counts_when_it_was_asked_before_the_last_day_was_over() -> None:
    on_it = ((Kind.PAUSED, "2027-04-01"), (Kind.RESUMED, "2027-04-05"))
    assert law("2027-03-01", "uk", *on_it) == "2027-04-06"
    after = ((Kind.PAUSED, "2027-04-02"), (Kind.RESUMED, "2027-04-05"))
    assert law("2027-03-01", "uk", *after) == "2027-04-01"
    # While the answer is out, the period is not over, and more time can still be announced.
    meanwhile = (on_it[0], (Kind.EXTENDED, "2027-04-03"), on_it[1])
    assert law("2027-03-01", "uk", *meanwhile) == "2027-06-06"
    assert law("2027-03-01", "uk", *after, (Kind.EXTENDED, "2027-04-03")) == "2027-04-01"


@pytest.mark.parametrize("about", ["who", "fee"])
def test_in_the_uk_the_period_starts_with_the_identity_or_the_fee_that_was_asked_for(about: str) -> None:
    asked = Event(Kind.PAUSED, date(2027, 3, 5), {"about": about})
    shown = Event(Kind.RESUMED, date(2027, 3, 9))
    events = [Event(Kind.RECEIVED, date(2027, 3, 1)), asked, shown]
    assert deadlines(events, "uk").law_due == date(2027, 4, 9)
    assert deadlines(events[:2], "uk").law_due == date(2027, 4, 1)
    assert deadlines(events, "eu").law_due == date(2027, 4, 1)
    assert deadlines(events, "uk").effective_due == date(2027, 3, 31)  # as promised


@pytest.mark.parametrize(
    ("regime", "kind", "due", "rule"),
    [
        ("us-ca", "opt_out", "2027-02-19", "ccpa-opt-out-15-business-days"),  # received on a Sunday
        ("us-ca", "deletion", "2027-03-17", "ccpa-45-days"),
        ("br", "access", "2027-02-15", "lgpd-15-days"),
        ("br", "deletion", "2027-03-02", "lgpd-without-delay"),
        ("uk", "complaint", "2027-03-02", "uk-complaint-30-days"),
        ("eu", "complaint", "2027-02-28", "gdpr-one-month"),
        ("other", "access", "2027-02-15", "lgpd-15-days"),
        ("other", "opt_out", "2027-02-19", "ccpa-opt-out-15-business-days"),
        ("other", "deletion", "2027-02-28", "gdpr-one-month"),
    ],
)
def test_a_law_that_treats_a_kind_in_its_own_way(regime: str, kind: str, due: str, rule: str) -> None:
    found = deadlines(events_of(date(2027, 1, 31)), regime, kind=kind)
    (used,) = [used for used in found.rules if not used.promised]
    assert (used.due.isoformat(), used.rule) == (due, rule)


def test_the_tables_name_kinds_that_exist() -> None:
    assert {kind for _regime, kind in LAWS_BY_KIND} | set(PROMISES) <= set(Request.Kind.values)


def test_some_laws_want_the_receipt_confirmed_first() -> None:
    def confirmed_by(regime: str, kind: str = "access") -> str | None:
        duty = deadlines(events_of(date(2027, 1, 29)), regime, kind=kind).acknowledge
        return duty.due.isoformat() if duty else None

    assert confirmed_by("us-ca") == "2027-02-12"  # ten business days from a Friday
    assert confirmed_by("us-ca", "opt_out") is None
    assert confirmed_by("uk", "complaint") == "2027-02-28"
    assert confirmed_by("eu") is None
    assert confirmed_by("other") == "2027-02-12"


def test_each_regime_names_its_rule_and_source() -> None:
    received = date(2027, 1, 31)
    expected = {
        "eu": ("2027-02-28", "gdpr-one-month"),
        "uk": ("2027-02-28", "uk-gdpr-one-month"),
        "us-ca": ("2027-03-17", "ccpa-45-days"),
        "br": ("2027-02-15", "lgpd-15-days"),
        "ca": ("2027-03-02", "pipeda-30-days"),
        "other": ("2027-02-15", "lgpd-15-days"),
    }
    for regime, (due, rule) in expected.items():
        found = deadlines(events_of(received), regime)
        used = next(used for used in found.rules if used.due == found.law_due and used.rule != "promise-30-days")
        assert (found.law_due.isoformat(), used.rule) == (due, rule)
        assert used.source
    assert deadlines(events_of(received), "us-ca").rules[0].rule == "promise-30-days"


def test_thirty_days_flat_are_sometimes_later_than_the_law() -> None:
    year = [date(2027, 1, 1) + timedelta(days=number) for number in range(365)]
    earlier = [day for day in year if deadlines(events_of(day), "eu").law_due < day + timedelta(days=30)]
    assert len(earlier) == 30
    assert (min(earlier), max(earlier)) == (date(2027, 1, 30), date(2027, 2, 28))


@given(days, regimes, happenings)
def test_never_later_than_the_promise_whatever_happens(received: date, regime: str, happened: list) -> None:
    found = deadlines(events_of(received, happened), regime)
    assert found.promise_due == received + timedelta(days=30)
    assert found.effective_due == min(found.promise_due, found.law_due) == found.rules[0].due
    assert found.effective_due > received


@given(days, regimes, kinds, st.lists(st.tuples(whats, st.integers(0, 40), abouts), max_size=8))
def test_nothing_that_happens_makes_an_answer_due_earlier(
    received: date, regime: str, kind: str, happened: list
) -> None:
    """Each event comes on the day of the one before or later, as life writes them; the promise stays where it is."""
    events, day = [Event(Kind.RECEIVED, received)], received
    before = deadlines(events, regime, kind=kind)
    for what, pause, about in happened:
        day += timedelta(days=pause)
        events.append(Event(what, day, {"about": about}))
        after = deadlines(events, regime, kind=kind)
        assert after.promise_due == before.promise_due
        assert after.law_due >= before.law_due
        assert before.effective_due <= after.effective_due <= after.promise_due
        before = after


@given(days, st.integers(0, 40))
def test_business_days_are_counted_from_monday_to_friday(day: date, count: int) -> None:
    after = business_days_after(day, count)
    between = [day + timedelta(days=number) for number in range(1, (after - day).days + 1)]
    assert sum(each.weekday() < 5 for each in between) == count
    assert count == 0 or after.weekday() < 5


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
@given(moment=st.datetimes(datetime(2027, 3, 26), datetime(2027, 3, 30)), other=st.timezones())  # noqa: DTZ001
def test_neither_the_servers_zone_nor_the_clients_has_a_say(zone: str, moment: datetime, other: ZoneInfo) -> None:
    """The night of the change to summer time lies in these days."""
    instant = moment.replace(tzinfo=UTC)
    expected = controller_day(instant, "Europe/Vienna")
    with server_in(zone):
        assert controller_day(instant.astimezone(other), "Europe/Vienna") == expected


@given(days, regimes)
def test_who_asks_later_is_never_due_earlier(received: date, regime: str) -> None:
    today, tomorrow = (deadlines(events_of(day), regime) for day in (received, received + timedelta(days=1)))
    assert today.law_due <= tomorrow.law_due
    assert today.effective_due <= tomorrow.effective_due


@given(days, regimes, happenings, offsets)
def test_an_extension_never_shortens(received: date, regime: str, happened: list, offset: int) -> None:
    without = deadlines(events_of(received, happened), regime)
    extended = deadlines(events_of(received, [*happened, (Kind.EXTENDED, offset)]), regime)
    assert extended.law_due >= without.law_due
    assert extended.effective_due >= without.effective_due


@given(days, regimes, happenings, offsets)
def test_what_has_not_happened_yet_does_not_count(received: date, regime: str, happened: list, offset: int) -> None:
    as_of = received + timedelta(days=offset)
    known = [(kind, day) for kind, day in happened if day <= offset]
    assert deadlines(events_of(received, happened), regime, as_of) == deadlines(events_of(received, known), regime)


@given(days, st.integers(1, 36))
def test_months_never_leave_their_month(day: date, months: int) -> None:
    after = months_after(day, months)
    assert (after.year * 12 + after.month) - (day.year * 12 + day.month) == months
    assert after.day == day.day or (after + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2027-03-27T22:59:59", date(2027, 3, 27)),
        ("2027-03-27T23:00:00", date(2027, 3, 28)),  # the night the clocks go forward
        ("2027-03-28T21:59:59", date(2027, 3, 28)),
        ("2027-03-28T22:00:00", date(2027, 3, 29)),
        ("2027-10-30T21:59:59", date(2027, 10, 30)),
        ("2027-10-30T22:00:00", date(2027, 10, 31)),  # the night they go back
        ("2027-10-31T22:59:59", date(2027, 10, 31)),
        ("2027-10-31T23:00:00", date(2027, 11, 1)),
    ],
)
def test_the_day_of_receipt_is_the_controllers(instant: str, day: date) -> None:
    moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert controller_day(moment, "Europe/Vienna") == day
    assert controller_day(moment.astimezone(ZoneInfo("Pacific/Auckland")), "Europe/Vienna") == day


@given(days, regimes, happenings)
def test_a_childs_data_is_due_in_five_days_whatever_the_law_allows(received: date, regime: str, happened: list) -> None:
    found = deadlines(events_of(received, happened), regime, kind="child")
    assert found.promise_due == found.effective_due == received + timedelta(days=5)
    assert found.rules[0].rule == "child-promptly"
    assert found.law_due == deadlines(events_of(received, happened), regime).law_due


def test_a_clock_needs_a_receipt() -> None:
    with pytest.raises(ValueError, match="receipt"):
        deadlines([Event(Kind.EXTENDED, date(2027, 1, 1))], "eu")
    with pytest.raises(ValueError, match="receipt"):
        deadlines(events_of(date(2027, 1, 2)), "eu", as_of=date(2027, 1, 1))


@pytest.mark.parametrize(
    ("country", "regime"), [("at", "eu"), ("NO", "eu"), ("GB", "uk"), ("BR", "br"), ("CA", "ca"), ("US", "other")]
)
def test_countries(country: str, regime: str) -> None:
    assert of_country(country) == regime


def printed(*args: str) -> str:
    out = StringIO()
    call_command("requests", "clock", *args, stdout=out)
    return out.getvalue()


def test_the_command_prints_every_date_with_its_rule() -> None:
    found = json.loads(printed("--received-on", "2027-01-31", "--regime", "eu", "--json"))
    assert found["promise_due"] == "2027-03-02"
    assert found["law_due"] == found["effective_due"] == "2027-02-28"
    assert found["rule"] == "gdpr-one-month"
    assert "12(3)" in found["rules"][0]["source"]
    text = printed("--received-on", "2027-01-31", "--regime", "eu", "--extended-on", "2027-02-20")
    assert "law_due         2027-04-30" in text
    assert "effective_due   2027-03-02" in text
    child = json.loads(printed("--received-on", "2027-01-31", "--regime", "eu", "--kind", "child", "--json"))
    assert (child["effective_due"], child["rule"]) == ("2027-02-05", "child-promptly")
    assert "section 9" in child["rules"][0]["source"]
    california = json.loads(printed("--received-on", "2027-01-29", "--regime", "us-ca", "--json"))
    assert california["acknowledge_due"] == "2027-02-12"
    assert [used["for"] for used in california["rules"]] == ["promise", "law", "acknowledge"]
    for wrong in (
        ("--received-on", "2027-01-31", "--regime", "eu", "--extended-on", "2027-01-01"),
        ("--received-on", "2027-01-31"),
        ("--received-on", "2027-01-31", "--regime", "eu", "--as-of", "2027-02-01"),
    ):
        with pytest.raises(CommandError):
            printed(*wrong)


@pytest.mark.django_db
def test_the_dates_of_all_open_requests_are_derived_anew_when_the_rules_have_changed() -> None:
    make_account(email="ana@customer.example")
    moved = confirm_request(submit_request())
    run_steps()  # whose law applies is known now
    fresh, closed = submit_request(email="bob@customer.example"), submit_request(email="cy@customer.example")
    Request.objects.filter(pk=closed.pk).update(state=State.CLOSED, closed_at=NOW, outcome="withdrawn")
    before = {pk: dates for pk, *dates in Request.objects.values_list("pk", *clock.DATES)}
    wrong = {"promise_due": NOW, "law_due": NOW, "effective_due": NOW, "rules_version": "1999-01"}
    Request.objects.exclude(pk=fresh.pk).update(**wrong)
    out = StringIO()
    call_command("requests", "recompute", stdout=out)
    assert out.getvalue().startswith("1 open request has other dates")
    after = {pk: dates for pk, *dates in Request.objects.values_list("pk", *clock.DATES)}
    assert after[moved.pk] == before[moved.pk]
    assert after[fresh.pk] == before[fresh.pk]
    assert after[closed.pk] != before[closed.pk]  # it keeps the dates by which it was answered
    entry = Entry.objects.get(verb="request.clocks_recomputed")
    assert entry.facts == {"requests": 1, "rules_version": VERSION}
