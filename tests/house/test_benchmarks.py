"""The benchmarks run, and say what they say in the agreed form. Their figures are not judged here."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psutil
import pytest
from django.db import connection
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

import benchmarks
from benchmarks import (
    __main__ as harness,
    banner_cost,
    banner_size,
    card_scan,
    changelist,
    clock,
    cold_start,
    cookie_filter,
    explain,
    ingest,
    intake,
    purge_partitions,
    purge_rows,
    purge_under_load,
    request_throughput,
)
from benchmarks.figures import Figure
from benchmarks.sink import Sink
from consent import registry
from tests.mailbox import Mailbox

KEYS = ["name", "value", "unit", "baseline", "ratio", "rows", "note"]
NO_BENCHMARKS = {
    "__init__",
    "__main__",
    "bare",
    "bare_django",
    "figures",
    "peer_cookie_consent",
    "clients",
    "people",
    "retained",
    "sink",
    "web",
}


def read(figure: Figure) -> dict[str, object]:
    line = figure.line()
    assert "\n" not in line
    said = json.loads(line)
    assert list(said) == KEYS
    assert said["baseline"] > 0
    assert said["ratio"] == pytest.approx(said["value"] / said["baseline"], rel=0.2, abs=0.001)
    return said


def test_every_file_is_a_benchmark_that_the_harness_knows() -> None:
    files = {file.stem for file in Path(benchmarks.__file__).parent.glob("*.py")}
    assert files - NO_BENCHMARKS == set(harness.NAMES)
    modules = (
        banner_cost,
        banner_size,
        card_scan,
        changelist,
        clock,
        cold_start,
        cookie_filter,
        explain,
        ingest,
        intake,
        purge_partitions,
        purge_rows,
        purge_under_load,
        request_throughput,
    )
    assert all(module.ROWS > 0 for module in modules)


def test_an_unknown_name_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "sleep"])
    with pytest.raises(SystemExit) as ended:
        harness.main()
    assert ended.value.code == 2
    assert f"There are: {', '.join(harness.NAMES)}." in capsys.readouterr().err


def test_without_a_baseline_there_is_no_ratio() -> None:
    assert json.loads(Figure("x", 1.0, "s", 0.0, 1, "none").line())["ratio"] is None


def test_card_scan() -> None:
    (said,) = [read(figure) for figure in card_scan.run(500)]
    assert (said["name"], said["unit"], said["rows"]) == ("card_scan", "lines/s", 500)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_ingest(monkeypatch: pytest.MonkeyPatch) -> None:
    server, name = os.environ["DATABASE_URL"].rpartition("/")[0], connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", f"{server}/{name}")  # for the web server that it starts
    monkeypatch.setattr(ingest, "CALL", 40)
    (said,) = [read(figure) for figure in ingest.run(100)]
    assert (said["name"], said["unit"], said["rows"]) == ("ingest", "events/s", 100)


@pytest.mark.slow
@pytest.mark.django_db
def test_changelist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelist, "TURNS", 1)
    monkeypatch.setattr(changelist, "TIMES", 1)
    said = {figure["name"]: figure for figure in map(read, changelist.run(120))}
    assert list(said) == [f"changelist_{name}" for name in ("page", "queries", "all", "search", "filter")]
    assert said["changelist_queries"]["value"] < said["changelist_queries"]["baseline"]


@pytest.mark.slow
@pytest.mark.django_db
def test_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "SAMPLE", 2)
    said = [read(figure) for figure in clock.run(40)]
    assert [(figure["name"], figure["unit"]) for figure in said] == [
        ("clock", "requests/s"),
        ("clock_database", "requests/s"),
    ]


@pytest.mark.slow
@pytest.mark.django_db
def test_cookie_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cookie_filter, "TIMES", 200)
    monkeypatch.setattr(cookie_filter, "NAIVE_TIMES", 2)
    said = [read(figure) for figure in cookie_filter.run(400)]
    assert [figure["name"] for figure in said] == ["cookie_filter", "cookie_filter_view"]
    registry.forget()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db
def test_banner_cost(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner_cost, "chromium", lambda: nullcontext(browser))
    said = [read(figure) for figure in banner_cost.run(2)]
    assert [(figure["name"], figure["unit"]) for figure in said] == [("banner_cost", "ms")]
    assert "layout shift 0" in str(said[0]["note"])


@pytest.mark.slow
@pytest.mark.django_db
def test_banner_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner_size, "_peers", lambda: iter([("theirs-1.0", [b"x" * 9_000, b"y"])]))
    said = [read(figure) for figure in banner_size.run(1)]
    assert [(figure["name"], figure["unit"]) for figure in said] == [
        ("banner_size_gzip", "bytes"),
        ("banner_size_brotli", "bytes"),
    ]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_purge_partitions() -> None:
    said = [read(figure) for figure in purge_partitions.run(4_000)]
    assert [figure["name"] for figure in said] == [
        f"purge_partitions{what}" for what in ("", "_batched", "_signals", "_wal", "_memory")
    ]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_explain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "SLICE", 1)
    said = [read(figure) for figure in explain.run(explain.PEOPLE // 10)]
    assert [(figure["name"], figure["unit"]) for figure in said] == [("explain", "rows/s"), ("explain_bare", "rows/s")]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_purge_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge_rows, "PEOPLE", 3)
    said = [read(figure) for figure in purge_rows.run(20)]
    assert [(figure["name"], figure["unit"]) for figure in said] == [
        ("purge_rows", "people/s"),
        ("purge_rows_django", "people/s"),
    ]


@pytest.mark.slow
def test_intake(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests stands in for both of the benchmark's own."""

    @contextmanager
    def server(**_environment: str) -> Iterator[LiveServer]:
        live_server.port = urlsplit(live_server.url).port  # type: ignore[attr-defined]
        yield live_server

    monkeypatch.setattr(intake, "Server", server)
    monkeypatch.setattr(intake, "WARM", 1)
    said = [read(figure) for figure in intake.run(3)]
    assert [(figure["name"], figure["unit"]) for figure in said] == [
        ("intake", "submissions/s"),
        ("intake_p95", "ms"),
    ]


@pytest.mark.slow
def test_request_throughput(
    celery_worker_process: subprocess.Popen[bytes],
    mail_sink: Mailbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker and the mailbox of the tests stand in for those of the benchmark."""
    server, name = os.environ["DATABASE_URL"].rpartition("/")[0], connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", f"{server}/{name}")
    settings.PACKAGE_DIR = Path(os.environ["DATA_DIR"]) / "packages"
    monkeypatch.setattr(request_throughput, "Sink", lambda: _Sink(mail_sink))
    monkeypatch.setattr(request_throughput, "worker", lambda port: _running(celery_worker_process.pid))
    said = {str(figure["name"]): figure for figure in map(read, request_throughput.run(request_throughput.FEW, 1))}
    assert list(said) == ["access_20_throughput", "access_20_cpu", "erasure_20_throughput", "erasure_20_cpu"]
    assert "strongest open peer" in str(said["access_20_cpu"]["note"])


class _Sink(Sink):
    def __init__(self, box: Mailbox) -> None:
        super().__init__()
        self._box, self._read = box, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The mailbox belongs to the tests."""

    def tokens(self) -> Iterator[str]:
        for message in self._box.messages[self._read :]:
            self.keep(message.as_bytes())
            self._read += 1
        return super().tokens()


@contextmanager
def _running(pid: int) -> Iterator[psutil.Process]:
    yield psutil.Process(pid)
