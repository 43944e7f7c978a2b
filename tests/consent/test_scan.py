"""The registry is proved by a real browser on this site's own pages, and whatever nobody declared is found."""

import json
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from consent import tasks
from consent.errors import NoBrowser, ScanFailed
from consent.models import Cookie, RegistryCheck
from consent.scanning import run
from consent.scanning.compare import Declared, Difference, differences, lifetime_problem
from consent.scanning.crawl import Seen, State, states

ROUTES = settings.COOKIE_SCAN_ROUTES


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_this_site_is_as_declared_in_every_state_of_consent(
    browser: Browser, live_server: LiveServer, client: Client, now: datetime
) -> None:
    result = run.scan(now=now, base_url=live_server.url, routes=ROUTES, browser=browser, settle=0)
    assert [each.plain() for each in result.differences] == []
    assert result.check.report["states"] == [
        "no choice", "refused", "only functional", "only analytics", "only performance", "all", "withdrawn", "gpc",
    ]  # fmt: skip
    assert result.check.report["routes"] == ROUTES
    assert result.check.report["seen"] == ["cookie crasme_consent", "cookie crasme_csrf"]
    # Nothing at all before a choice, the form's own protection excepted.
    before = {each.name for each in result.seen if each.state in {"no choice", "gpc"}}
    assert before == {"crasme_csrf"}
    assert b"checked on" in client.get("/cookies/").content


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_what_nobody_declared_is_found_and_stamps_nothing(
    browser: Browser, live_server: LiveServer, client: Client, now: datetime
) -> None:
    planted = """document.cookie = '_planted=1; path=/; max-age=99999';
        try { localStorage.setItem('_left', '1'); indexedDB.open('_base') } catch {}"""
    result = run.scan(
        now=now, base_url=live_server.url, browser=browser, settle=30, routes=["/policy/", "/nowhere/"],
        only=["refused"], prepare=lambda context: context.add_init_script(planted),
    )  # fmt: skip
    found = {(each.what, each.kind, each.name) for each in result.differences}
    assert found >= {
        ("undeclared", "cookie", "_planted"), ("undeclared", "local", "_left"), ("undeclared", "indexeddb", "_base"),
        ("broken", "broken", "404"),
    }  # fmt: skip
    (cookie,) = (each for each in result.differences if each.name == "_planted")
    assert (cookie.states, cookie.routes) == (["refused"], ["/policy/", "/nowhere/"])
    assert (result.check.sha256, result.check.differences) == ("", len(result.differences))
    assert b"checked on" not in client.get("/cookies/").content
    with pytest.raises(ScanFailed, match="could not be reached"):
        run.scan(now=now, base_url=live_server.url, routes=["/cookies/"], only=["refused"], browser=browser)


def declared(name: str = "_stats", category: str = "analytics", *, unseen: str = "", **fields: Any) -> Declared:
    row = Cookie(name=name, **{"lifetime": "P30D", "path": "/"} | fields)
    return Declared(row, category, category == "essential", unseen)


def seen(name: str = "_stats", state: str = "all", **more: Any) -> Seen:
    return Seen(
        **{"kind": "cookie", "route": "/", "domain": "site.example", "path": "/", "days": 30.0} | more,
        name=name,
        state=state,
    )


@pytest.mark.parametrize(
    ("row", "each", "what"),
    [
        (declared(), seen(), ""),
        (declared("_st*"), seen(), ""),
        (declared(), seen("_other"), "undeclared unseen"),
        (declared(), seen(state="only functional"), "unconsented"),
        (declared(category="essential"), seen(state="no choice"), ""),
        (declared(on_request=True, lifetime="session"), seen(state="refused", days=None), ""),
        (declared(), seen(kind="local"), "undeclared unseen"),
        (declared(), seen(days=400.0), "lifetime"),
        (declared(), seen(days=1.0), "lifetime"),
        (declared(), seen(days=None), "lifetime"),
        (declared(lifetime="P13M"), seen(days=396.0), ""),
        (declared(lifetime="session"), seen(days=None), ""),
        (declared(lifetime="session"), seen(days=0.5), "lifetime"),
        (declared(lifetime="PT2H"), seen(days=2 / 24), ""),
        (declared(lifetime="persistent"), seen(days=12.0), ""),
        (declared(), seen(path="/shop"), "path"),
        (declared(), seen(domain=".site.example"), "domain"),
        (declared(domain="site.example"), seen(domain=".site.example"), ""),
        (declared(domain="other.example"), seen(), "domain"),
        (declared(), seen(http_only=True), "hidden"),
        (declared(unseen="Only on Sundays."), seen("_other"), "undeclared"),
        (declared(unseen="Only on Sundays."), seen(), ""),
        (declared(), seen("https://stats.example", kind="request"), "unseen"),
        (declared(), seen("https://spy.example", kind="request"), "third-party unseen"),
        (declared(), seen("https://stats.example", "refused", kind="request"), "third-party unseen"),
    ],
)
def test_both_are_compared(row: Declared, each: Seen, what: str) -> None:
    every = states(["functional", "analytics"])
    allowed = {"analytics": {"https://stats.example"}}
    found = differences([each], [row], every, host="site.example", allowed_origins=allowed)
    assert " ".join(sorted(difference.what for difference in found)) == " ".join(sorted(what.split()))


def test_the_longest_declaration_decides() -> None:
    rows = [declared("_st*", "functional"), declared("_stats*", "analytics"), declared("_stats_1", "performance")]
    every = [State("all", frozenset({"functional"}))]
    found = differences([seen("_stats_1"), seen("_stats_2")], rows, every, host="site.example", allowed_origins={})
    assert [(each.name, each.detail) for each in found if each.what == "unconsented"] == [
        ("_stats_1", "It needs “performance”."),
        ("_stats_2", "It needs “analytics”."),
    ]
    assert lifetime_problem("P1Y", 364.0) == ""


def test_the_command_prints_what_was_found(
    db: None, now: datetime, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Difference("undeclared", "cookie", "_ga", "It is not in the registry.", ["refused"], ["/"])]
    report = {"site": "https://x.example", "routes": ["/"], "states": ["refused"], "seen": ["cookie _ga"]}
    check = RegistryCheck(sha256="0" * 64, checked_at=now, differences=1, report=report | {"differences": []})
    monkeypatch.setattr("consent.management.commands.cookies.scan", lambda **_: run.Result(found, [], check))
    for arguments in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            call_command("cookies", "scan", *arguments)
        assert ended.value.code == 1
        text = capsys.readouterr().out
        assert "_ga" in text
    assert json.loads(text)["registry"] == "0" * 64


def test_a_machine_without_a_browser_says_what_to_install(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "playwright.sync_api", None)
    with pytest.raises(CommandError, match="package playwright and Chromium"):
        call_command("cookies", "scan")
    tasks.scan_cookies()
    assert "was not compared" in caplog.text
    with pytest.raises(ScanFailed, match="withdrawn"):
        run.scan(now=datetime.now(), only=["nonsense"])  # noqa: DTZ005
    assert not RegistryCheck.objects.exists()
    assert NoBrowser.code == "no-browser"
