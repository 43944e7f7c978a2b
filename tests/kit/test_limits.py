"""Whom a limit counts together."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from crasme.kit import limits


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
