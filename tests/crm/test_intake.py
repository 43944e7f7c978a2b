"""Usage events in bulk: whatever is accepted is stored exactly, whatever is not changes nothing."""

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings, strategies as st

from crasme.crm import eventlines, intake
from crasme.crm.errors import EventsRefused, TooMuch
from crasme.crm.intake import Outcome
from crasme.crm.models import Account, UsageEvent
from crasme.kit import text
from crasme.kit.ids import uuid7
from tests.builders import NOW, make_account
from tests.crm.events import event, many, ndjson

OLDEST = NOW.replace(year=2024)
CARD = "4111 1111 1111 1111"


def take(*events: dict[str, Any]) -> Outcome:
    return intake.take(ndjson(*events), oldest=OLDEST, now=NOW)


def refusals(*lines: dict[str, Any] | bytes) -> list[tuple[int, str, str]]:
    """(line, pointer, code) of each problem; fails when the lines are taken."""
    body = b"\n".join(line if isinstance(line, bytes) else ndjson(line).strip() for line in lines)
    with pytest.raises(EventsRefused) as refused:
        intake.take(body, oldest=OLDEST, now=NOW)
    assert not UsageEvent.objects.exists()
    return [(each["line"], each["pointer"], each["code"]) for each in refused.value.lines]  # type: ignore[misc]


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


class TestCounting:
    def test_what_came_is_accounted_for_to_the_last_event(self, account: Account) -> None:
        outcome = take(
            event(account),
            event(account),
            event(make_account(restricted_at=NOW)),
            event(make_account(closed_at=NOW)),
            event(make_account(closed_at=NOW, restricted_at=NOW)),
            event(account, account=str(uuid.uuid4())),
        )
        assert outcome == Outcome(received=6, inserted=2, duplicates=0, unknown=1, closed=1, restricted=2)
        assert set(UsageEvent.objects.values_list("account", flat=True)) == {account.pk}

    def test_a_repeated_call_stores_nothing_twice(self, account: Account) -> None:
        events = many([account, make_account()], 500)
        assert take(*events) == Outcome(received=500, inserted=500)
        assert take(*events) == Outcome(received=500, duplicates=500)
        assert take(*events, event(account)) == Outcome(received=501, inserted=1, duplicates=500)
        assert UsageEvent.objects.count() == 501

    def test_the_same_event_twice_in_one_call_is_stored_once(self, account: Account) -> None:
        once = event(account)
        assert take(once, once) == Outcome(received=2, inserted=1, duplicates=1)

    def test_the_same_instant_in_another_zone_is_the_same_event(self, account: Account) -> None:
        once = event(account)
        there = NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))
        assert take(once, once | {"occurred_at": there.isoformat()}) == Outcome(received=2, inserted=1, duplicates=1)

    def test_an_empty_body_is_no_error(self, db: None) -> None:
        assert intake.take(b"", oldest=OLDEST, now=NOW) == Outcome()
        assert intake.take(b"\n \r\n\n", oldest=OLDEST, now=NOW) == Outcome()

    def test_ten_thousand_events_take_few_queries(self, account: Account, django_assert_max_num_queries: Any) -> None:
        accounts = [account, *(make_account() for _ in range(9))]
        body = ndjson(*many(accounts, 10_000))
        with django_assert_max_num_queries(12):
            outcome = intake.take(body, oldest=OLDEST, now=NOW)
        assert outcome.inserted == UsageEvent.objects.count() == 10_000


class TestWindow:
    def test_months_that_are_missing_are_made(self, account: Account) -> None:
        moments = [OLDEST, datetime(2025, 2, 28, 23, 59, 59, 999999, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC), NOW]
        assert take(*(event(account, occurred_at=moment.isoformat()) for moment in moments)).inserted == 4
        assert sorted(UsageEvent.objects.values_list("occurred_at", flat=True)) == moments

    def test_the_oldest_instant_is_taken_and_the_one_before_is_not(self, account: Account) -> None:
        before = OLDEST - timedelta(microseconds=1)
        assert refusals(event(account, occurred_at=before.isoformat())) == [(1, "#/occurred_at", "too-old")]
        assert take(event(account, occurred_at=OLDEST.isoformat())).inserted == 1

    def test_five_minutes_of_clock_skew_are_forgiven(self, account: Account) -> None:
        edge = NOW + timedelta(minutes=5)
        beyond = edge + timedelta(microseconds=1)
        assert refusals(event(account, occurred_at=beyond.isoformat())) == [(1, "#/occurred_at", "future")]
        assert take(event(account, occurred_at=edge.isoformat())).inserted == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "pointer", "code"),
        [
            ({"id": str(uuid.uuid4())}, "#/id", "not-uuid7"),
            ({"id": 7}, "#/id", "not-uuid7"),
            ({"id": uuid7().hex}, "#/id", "not-uuid7"),
            ({"account": "somebody"}, "#/account", "not-uuid"),
            ({"account": None}, "#/account", "not-uuid"),
            ({"occurred_at": "2026-11-22T12:00:00"}, "#/occurred_at", "not-an-instant"),
            ({"occurred_at": "2026-11-22"}, "#/occurred_at", "not-an-instant"),
            ({"occurred_at": "2026-02-30T12:00:00Z"}, "#/occurred_at", "not-an-instant"),
            ({"occurred_at": "2026-11-22T12:00:00Z\n"}, "#/occurred_at", "not-an-instant"),
            ({"occurred_at": 1763812800}, "#/occurred_at", "not-an-instant"),
            ({"kind": "thought"}, "#/kind", "not-a-kind"),
            ({"kind": ["page"]}, "#/kind", "not-a-kind"),
            ({"name": ""}, "#/name", "length"),
            ({"name": "n" * 121}, "#/name", "length"),
            ({"name": 7}, "#/name", "not-text"),
            ({"name": "a\0b"}, "#/name", "unreadable"),
            ({"name": f"paid with {CARD}"}, "#/name", "card-number"),
            ({"duration_ms": -1}, "#/duration_ms", "not-a-duration"),
            ({"duration_ms": 1.5}, "#/duration_ms", "not-a-duration"),
            ({"duration_ms": True}, "#/duration_ms", "not-a-duration"),
            ({"duration_ms": 2**31}, "#/duration_ms", "not-a-duration"),
            ({"detail": "text"}, "#/detail", "not-an-object"),
            ({"detail": [1]}, "#/detail", "not-an-object"),
            ({"detail": 0}, "#/detail", "not-an-object"),
            ({"detail": {"query": "x" * 4_000}}, "#/detail", "length"),
            ({"detail": {"query": "a\0b"}}, "#/detail", "unreadable"),
            ({"detail": {"a\0b": 1}}, "#/detail", "unreadable"),
            ({"detail": {"query": CARD}}, "#/detail", "card-number"),
            ({"detail": {"deep": [{"n": 4111111111111111}]}}, "#/detail", "card-number"),
            ({"detail": {"٤١١١١١١١١١١١١١١١": 1}}, "#/detail", "card-number"),
            ({"email": "a@b.example"}, "#/email", "unknown"),
            ({CARD: 1}, "#/?", "unknown"),
        ],
    )
    def test_each_names_its_field(self, account: Account, fields: dict[str, Any], pointer: str, code: str) -> None:
        assert refusals(event(account, **fields)) == [(1, pointer, code)]

    @pytest.mark.parametrize("missing", sorted(eventlines.REQUIRED))
    def test_a_missing_field_is_named(self, account: Account, missing: str) -> None:
        line = event(account)
        del line[missing]
        assert refusals(line) == [(1, f"#/{missing}", "missing")]

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"{", "not-an-object"),
            (b"[]", "not-an-object"),
            (b"{} {}", "not-an-object"),
            (b"null", "not-an-object"),
            (b"[" * 100_000, "not-an-object"),
            (b'{"id": 1' + b"0" * 5000 + b"}", "not-an-object"),
            (b"\xff\xfe", "not-utf8"),
            (b'"\xed\xa0\x80"', "not-utf8"),
        ],
    )
    def test_a_line_that_is_no_object(self, db: None, raw: bytes, code: str) -> None:
        assert refusals(raw) == [(1, "#", code)]

    @pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
    def test_numbers_that_json_does_not_have(self, account: Account, number: bytes) -> None:
        line = ndjson(event(account, detail={"n": 0})).strip().replace(b'"n": 0', b'"n": ' + number)
        assert refusals(line) == [(1, "#/detail", "not-json")]

    def test_half_a_surrogate_pair(self, account: Account) -> None:
        line = ndjson(event(account, detail={"q": "X"})).strip()
        assert refusals(line.replace(b'"X"', b'"\\ud83d"')) == [(1, "#/detail", "unreadable")]

    def test_line_numbers_count_blank_lines_and_good_ones(self, account: Account) -> None:
        good, bad = event(account), event(account, kind="?")
        assert refusals(good, b"", bad, b"   ", good, bad) == [(3, "#/kind", "not-a-kind"), (6, "#/kind", "not-a-kind")]

    def test_the_first_hundred_are_listed(self, account: Account) -> None:
        assert len(refusals(*[event(account, kind="?")] * 150)) == 100

    def test_no_value_is_repeated(self, account: Account) -> None:
        with pytest.raises(EventsRefused) as refused:
            take(event(account, name=f"canary {CARD}"), event(account, kind="canary"), event(account, id="canary"))
        assert "canary" not in str((refused.value.args, refused.value.lines))

    def test_one_line_too_many(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(eventlines, "MOST_LINES", 3)
        events = many([account], 3)
        assert take(*events).inserted == 3
        with pytest.raises(TooMuch):
            take(*events, event(account))


# --- properties ------------------------------------------------------------------------------------------------------
_texts = st.text(min_size=1, max_size=120).filter(lambda s: not text.problem(s))
_details = st.dictionaries(
    _texts,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | _texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
).filter(lambda detail: len(json.dumps(detail)) < 3_000)
_events = st.fixed_dictionaries(
    {
        "occurred_at": st.datetimes(
            min_value=datetime(2024, 12, 1),  # noqa: DTZ001
            max_value=datetime(2026, 11, 1),  # noqa: DTZ001
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=11, minutes=30))]),
        ),
        "kind": st.sampled_from(UsageEvent.Kind.values),
        "name": _texts,
        "duration_ms": st.none() | st.integers(0, 2**31 - 1),
        "detail": _details,
    }
)
_careful = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@contextmanager
def _undone() -> Iterator[None]:
    """Each example starts from the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@_careful
@given(st.lists(_events, min_size=1, max_size=4))
def test_whatever_is_taken_is_stored_exactly(account: Account, generated: list[dict[str, Any]]) -> None:
    events = {uuid7(): fields for fields in generated}
    lines = [
        event(account, **fields | {"id": str(key), "occurred_at": fields["occurred_at"].isoformat()})
        for key, fields in events.items()
    ]
    with _undone():
        try:
            outcome = take(*lines)
        except EventsRefused as refused:
            problems = {each["code"] for each in refused.lines}
            assert problems == {"card-number"}, "only a random number that passes for a card's"
        else:
            assert outcome.inserted == len(events)
            for row in UsageEvent.objects.all():
                assert {name: getattr(row, name) for name in events[row.pk]} == events[row.pk]


_junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.lists(st.integers(), max_size=2)
)


@_careful
@given(
    st.dictionaries(st.sampled_from([*sorted(eventlines.KNOWN), "more"]), _junk, max_size=3),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=2),
)
def test_no_line_breaks_the_insert(account: Account, junk: dict[str, Any], cuts: list[tuple[int, bytes]]) -> None:
    line = json.dumps(event(account) | junk).encode()
    for position, noise in cuts:
        line = line[:position] + noise + line[position + 1 :]
    with _undone():
        try:
            outcome = intake.take(line, oldest=OLDEST, now=NOW)
        except EventsRefused:
            assert not UsageEvent.objects.exists()
        else:
            assert sum(astuple(outcome)[1:]) == outcome.received


# --- at once ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_same_call_four_times_at_once_is_stored_once() -> None:
    accounts = [make_account() for _ in range(5)]
    body = ndjson(*many(accounts, 400))

    def send(_number: int) -> Outcome:
        try:
            return intake.take(body, oldest=OLDEST, now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(send, range(4)))
    assert sum(each.inserted for each in outcomes) == UsageEvent.objects.count() == 400
    assert sum(each.duplicates for each in outcomes) == 1200


@pytest.mark.django_db(transaction=True)
def test_no_event_slips_in_behind_an_erasure() -> None:
    """Whoever erases takes the account by `locked` first; events that arrive meanwhile wait, and are then unknown."""
    account = make_account()
    outcomes: list[Outcome] = []

    def send() -> None:
        try:
            outcomes.append(take(event(account)))
        finally:
            connections.close_all()

    with transaction.atomic():
        locked = Account.objects.locked(account.pk)
        UsageEvent.objects.filter(account=account).delete()
        sender = threading.Thread(target=send)
        sender.start()
        _wait_for_a_blocked_session()
        locked.status, locked.erased_at = Account.Status.ERASED, NOW
        locked.email = locked.full_name = locked.phone = locked.business_address = locked.job_title = ""
        locked.save()
    sender.join(timeout=20)
    assert outcomes == [Outcome(received=1, unknown=1)]
    assert not UsageEvent.objects.exists()


def _wait_for_a_blocked_session() -> None:
    for _ in range(400):
        with connection.cursor() as cursor:
            # Not pg_stat_activity, which shows one and the same moment for the whole of a transaction.
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.02)")
    pytest.fail("the intake did not wait for the account")
