"""Ids are unique, ordered by time, and tell their time."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from crasme.kit.ids import uuid7, uuid7_instant


def test_ids_are_standard_uuids_in_the_order_of_their_making() -> None:
    made = [uuid7() for _ in range(2000)]
    assert all(type(each) is uuid.UUID and each.version == 7 for each in made)
    assert made == sorted(set(made))


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    instant = uuid7_instant(uuid7())
    assert before - timedelta(milliseconds=1) <= instant <= datetime.now(UTC)
    assert uuid7_instant(uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")) == datetime(
        2022, 2, 22, 19, 22, 22, tzinfo=UTC
    )


def test_a_random_uuid_tells_no_time() -> None:
    with pytest.raises(ValueError, match="version 7"):
        uuid7_instant(uuid.uuid4())
