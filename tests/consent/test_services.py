import uuid
from datetime import UTC, datetime, timedelta

import pytest

from consent import services
from consent.errors import BadChoice, UnknownCategory, UnknownNotice
from consent.models import ConsentEvent
from crasme.kit.calendar import Period, add
from crasme.kit.ids import uuid7
from tests.consent.conftest import Choose

ALL = {"essential", "functional", "analytics", "performance"}


def test_every_category_is_itemised_whatever_was_sent(choose: Choose) -> None:
    event, created = choose(choices={"analytics": True})
    assert created
    assert event.choices == {"essential": True, "functional": False, "analytics": True, "performance": False}


@pytest.mark.parametrize("action", ["refuse-all", "close", "withdraw"])
def test_refusing_is_refusing_whatever_the_boxes_said(choose: Choose, action: str) -> None:
    event, _created = choose(action=action, choices=dict.fromkeys(ALL, True))
    assert [slug for slug, yes in event.choices.items() if yes] == ["essential"]


def test_accepting_all_means_all(choose: Choose) -> None:
    event, _created = choose(action="accept-all", choices={"analytics": False})
    assert event.choices == dict.fromkeys(ALL, True)


def test_essential_cannot_be_refused(choose: Choose) -> None:
    event, _created = choose(choices={"essential": False})
    assert event.choices["essential"] is True


def test_a_repeated_id_changes_nothing_and_answers_with_the_first(choose: Choose, now: datetime) -> None:
    event_id = uuid7()
    first, created = choose(event_id=event_id, action="refuse-all")
    again, created_again = choose(event_id=event_id, action="accept-all", now=now + timedelta(days=3))
    assert (created, created_again) == (True, False)
    assert again.action == "refuse-all"
    assert again.digest == first.digest == again.computed_digest()
    assert ConsentEvent.objects.count() == 1


def test_a_replay_weeks_later_meets_the_row_it_repeats(choose: Choose, now: datetime) -> None:
    event_id = uuid7()
    choose(event_id=event_id)
    _event, created = choose(event_id=event_id, now=now + timedelta(days=33))
    assert not created


def test_a_browser_with_a_wrong_clock_is_heard_too(choose: Choose, now: datetime) -> None:
    long_ago = uuid.UUID(int=(int(datetime(2001, 1, 1, tzinfo=UTC).timestamp() * 1000) << 80) | 0x7123 << 64 | 2 << 62)
    ahead = uuid.UUID(int=(int(datetime(2090, 1, 1, tzinfo=UTC).timestamp() * 1000) << 80) | 0x7123 << 64 | 2 << 62)
    for event_id in (long_ago, ahead):
        event, created = choose(event_id=event_id)
        assert created
        assert (event.filed_at.year, event.filed_at.month, event.filed_at.day) == (now.year, now.month, 1)
        assert choose(event_id=event_id)[1] is False
        # The same id a month later, when it would be filed elsewhere: a retry all the same.
        assert choose(event_id=event_id, now=add(event.filed_at, Period(months=1)))[1] is False


def test_a_choice_cannot_be_made_later_than_it_arrived(choose: Choose, now: datetime) -> None:
    event, _created = choose(decided_at=now + timedelta(days=400))
    assert event.decided_at == now


def test_withdrawing_is_a_new_row_and_counts(choose: Choose, now: datetime) -> None:
    visitor = uuid.uuid4()
    choose(visitor=visitor, action="accept-all", decided_at=now - timedelta(hours=1))
    choose(visitor=visitor, action="withdraw")
    current = services.current(visitor)
    assert current is not None
    assert current.action == "withdraw"
    assert ConsentEvent.objects.filter(visitor=visitor).count() == 2


def test_an_old_choice_that_arrives_late_does_not_win(choose: Choose, now: datetime) -> None:
    visitor = uuid.uuid4()
    choose(visitor=visitor, action="refuse-all", decided_at=now - timedelta(minutes=1))
    choose(visitor=visitor, action="accept-all", decided_at=now - timedelta(days=2))
    current = services.current(visitor)
    assert current is not None
    assert current.action == "refuse-all"


def test_nobody_has_chosen_before_they_did(db: None) -> None:
    assert services.current(uuid.uuid4()) is None


def test_an_unknown_category_is_named(choose: Choose) -> None:
    with pytest.raises(UnknownCategory, match=r"marketing.*essential, functional, analytics, performance"):
        choose(choices={"marketing": True, "analytics": True})
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"event_id": uuid.uuid4()}, BadChoice),
        ({"action": "agree"}, BadChoice),
        ({"surface": "telepathy"}, BadChoice),
        ({"notice_sha": "0" * 64}, UnknownNotice),
    ],
)
def test_what_proves_nothing_is_refused(choose: Choose, given: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        choose(**given)
    assert not ConsentEvent.objects.exists()
