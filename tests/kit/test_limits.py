"""Whom a limit counts together, and what happens when nothing can be counted."""

from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from pytest_django import Settings
from redis.exceptions import ConnectionError as Away

from crasme.kit import limits
from crasme.kit.counters import count


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),  # IPv4 on a socket for both protocols
        ("2001:db8:1:2::7", "2001:db8:1::/56"),
        ("unix:", ""),
    ],
)
def test_a_network_is_a_small_range(address: str, network: str) -> None:
    assert limits.network(RequestFactory(REMOTE_ADDR=address).get("/")) == network


def test_behind_a_proxy_only_what_the_proxy_saw_counts(settings: Settings) -> None:
    forged = RequestFactory(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.7").get("/")
    assert limits.network(forged) == "10.0.0.0/24"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert limits.network(forged) == "203.0.113.0/24"


def test_counters_that_are_away_limit_nobody_and_are_left_alone_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now, once = datetime(2026, 11, 22, 13, 0, tzinfo=UTC), limits.Limit("once", times=1, seconds=3600)
    monkeypatch.setattr(limits, "_away_until", 0.0)
    with mock.patch.object(limits, "count", side_effect=Away) as tried:
        for _ in range(3):
            once.hit("a", now=now)
    assert tried.call_count == 1
    monkeypatch.setattr(limits, "_away_until", 0.0)
    once.hit("a", now=now)
    with pytest.raises(limits.TooOften):
        once.hit("a", now=now)


def test_a_bundle_is_told_at_once_and_lets_through_its_own_size_at_the_most() -> None:
    """Three processes, one limit: each tells once in ten tries, and at the limit each one."""
    now, limit = datetime(2026, 11, 22, 13, 0, tzinfo=UTC), limits.Limit("bundled", times=30, seconds=3600, bundle=10)
    processes: list[Any] = [defaultdict(limits._Bundles) for _ in range(3)]
    through = 0
    with mock.patch.object(limits, "count", wraps=count) as told:
        for tried in range(150):
            with mock.patch.object(limits, "_bundles", processes[tried % 3]), suppress(limits.TooOften):
                limit.hit("a", now=now)
                through += 1
        assert 30 <= through <= 30 + 3 * 9
        assert told.call_count <= 6  # and whoever is over the limit is asked about no more
        with mock.patch.object(limits, "_bundles", processes[0]), mock.patch.object(limits._Bundles, "MOST", 2):
            for key in "bcde":
                limit.hit(key, now=now)
            assert len(processes[0]["bundled"]._of) == 2
            limit.hit("a", now=now + timedelta(hours=1))  # a new window


def test_a_count_is_one_round_trip_and_leaves_no_key_without_an_end() -> None:
    counters: Any = cache._cache  # type: ignore[attr-defined]
    assert counters.get_client(write=True) is counters.get_client(write=True)
    assert [count("counted", seconds=60) for _ in range(3)] == [1, 2, 3]
    client = counters.get_client(write=True)
    name = cache.make_key("counted")
    assert 0 < client.ttl(name) <= 60
    client.delete(name)
    assert count("counted", seconds=60) == 1
