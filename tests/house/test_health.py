"""Probes tell the truth in time, and figures come even when one of them fails."""

import socket
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from crasme import health, metrics
from crasme.kit import gauges
from retention import gate

TOKEN = "a-token-for-figures"


@pytest.fixture
def figures(client: Client, settings: Settings) -> dict[tuple[str, str], float]:
    settings.METRICS_TOKEN = TOKEN
    return _read(client)


def _read(client: Client) -> dict[tuple[str, str], float]:
    """(name, label values joined) → value."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, "/".join(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts a connection and then says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_live_needs_nobody(client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr("retention.gate.look", lambda *_args: pytest.fail("it asked the database"))
    gate.forget()
    answer = client.get("/health/live/")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_ready_when_all_is_there(client: Client) -> None:
    answer = client.get("/health/ready/")
    assert answer.status_code == 200, answer.json()
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == {
        "database": True,
        "migrations": True,
        "restore": True,
        "broker": True,
    }


@pytest.mark.django_db
def test_the_probe_connects_as_the_product_does(monkeypatch: pytest.MonkeyPatch) -> None:
    options = connection.settings_dict["OPTIONS"] | {"application_name": "as-in-the-url", "pool": True}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    with health._database() as link:
        shown = [link.execute(f"SHOW {name}").fetchone() for name in ("application_name", "timezone")]
        assert link.execute("SHOW statement_timeout").fetchone() == ("2s",)
    assert shown == [("as-in-the-url",), ("UTC",)]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health/live/", "/metrics"])
def test_what_watches_the_container_is_not_sent_to_https(client: Client, settings: Settings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT, settings.METRICS_TOKEN = True, TOKEN
    assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/cookies/").status_code == 301


@pytest.mark.django_db
def test_a_silent_broker_is_not_waited_for(client: Client, settings: Settings, silent_port: int) -> None:
    settings.BROKER_URL = f"redis://:secret@127.0.0.1:{silent_port}/0"
    begun = time.monotonic()
    answer = client.get("/health/ready/")
    assert time.monotonic() - begun < 4
    assert answer.status_code == 503
    assert answer.json()["checks"]["broker"]["ok"] is False
    assert answer.json()["checks"]["database"]["ok"] is True
    assert "secret" not in answer.content.decode()


@pytest.mark.django_db
def test_a_ledger_that_is_away_for_a_moment_sends_no_visitors_away(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retention.gate._known", gate._Known())
    assert gate.is_open()
    settings.ERASURE_LEDGER_URL = "file:///proc/version/ledger.jsonl"
    assert client.get("/health/ready/").status_code == 200
    monkeypatch.setattr("retention.gate._known", gate._Known())  # a process that never saw the database whole
    answer = client.get("/health/ready/")
    assert (answer.status_code, answer.json()["checks"]["restore"]["error"]) == (503, "erasures-unreachable")


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_is_missing_holds_visitors_off(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'contenttypes' RETURNING name")
        names = cursor.fetchall()
    try:
        answer = client.get("/health/ready/")
        assert answer.status_code == 503
        assert answer.json()["checks"]["migrations"]["error"] == "unapplied-migrations"
    finally:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('contenttypes', %s, now())", names
            )


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", TOKEN[:-1]])
def test_figures_need_the_token_outside_development(client: Client, settings: Settings, given: str) -> None:
    for token in ("", TOKEN):
        settings.METRICS_TOKEN = token
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 403


@pytest.mark.django_db
def test_figures_describe_database_broker_and_work(figures: dict[tuple[str, str], float]) -> None:
    assert figures["crasme_database_bytes", ""] > 1_000_000
    assert {labels for name, labels in figures if name == "crasme_broker_messages"} == set(metrics.QUEUES)
    assert {value for (name, _), value in figures.items() if name == "crasme_gauge_failed"} == {0}


@pytest.mark.django_db
def test_a_failing_figure_spoils_no_other(client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(gauges, "_known", dict(gauges._known))

    @gauges.gauge("crasme_aaa_broken", "Fails in the database")
    def broken() -> float:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM no_such_table")
        return 1.0

    @gauges.gauge("crasme_aab_labelled", "By colour", labels=("colour",))
    def labelled() -> list[tuple[tuple[str, ...], float]]:
        return [(("green",), 2.0)]

    figures = _read(client)
    assert figures["crasme_gauge_failed", "crasme_aaa_broken"] == 1
    assert ("crasme_aaa_broken", "") not in figures
    assert figures["crasme_aab_labelled", "green"] == 2
    assert figures["crasme_database_bytes", ""] > 0


def test_a_gauge_has_one_name_and_a_proper_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "_known", dict(gauges._known))
    gauges.gauge("crasme_once", "Once")(lambda: 1.0)
    with pytest.raises(ValueError, match="exists already"):

        @gauges.gauge("crasme_once", "Twice")
        def twice() -> float:
            return 2.0

    with pytest.raises(ValueError, match="no name for a gauge"):
        gauges.gauge("Requests overdue", "Bad name")
