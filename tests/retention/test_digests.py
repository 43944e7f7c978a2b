"""A batch's digest is that of the keys which went, whichever way they are brought together."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from hypothesis import given, strategies as st

from crasme.crm.models import UsageEvent
from crasme.staff.models import Session
from retention.engine import digests

# Of few different bytes: some keys begin within others, and some come twice.
uuids = st.lists(st.sampled_from([0, 1, 255]), min_size=16, max_size=16).map(lambda each: UUID(bytes=bytes(each)))
numbers = st.integers(min_value=0, max_value=1200)
texts = st.text(alphabet="ab\r\x0b\u2028", max_size=3)  # what ends a line elsewhere is a key's own here


@given(st.data())
def test_what_stays_is_left_out(data: st.DataObject) -> None:
    for model, key in ((UsageEvent, uuids), (Group, numbers), (Session, texts)):
        gone, stay = data.draw(st.lists(key, max_size=20)), data.draw(st.lists(key, max_size=20))
        found = digests.of_batch(model, joined(gone + stay), joined(stay))
        assert found == (len(gone), digests.of_keys(gone))


def test_a_key_that_is_not_there_changes_nothing() -> None:
    keys = [UUID(int=number << 4) for number in range(5)]
    absent = [UUID(int=8), UUID(int=(1 << 127) - 1)]
    assert digests.of_batch(UsageEvent, joined(keys), joined(absent)) == (5, digests.of_keys(keys))


def joined(keys: list[Any]) -> bytes:
    return b"".join(key.bytes if isinstance(key, UUID) else f"{key}\n".encode() for key in sorted(keys))
