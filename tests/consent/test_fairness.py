"""The gate before a notice: what ships is fair in every language, what is unfair is named and not published."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Browser

from consent import notices, tasks
from consent.errors import NoBrowser, Unfair
from consent.fairness import gate, rules, subjects
from consent.fairness.measure import Measured, measure
from consent.models import Category, Cookie, Notice, NoticeMeasurement, NoticePicture
from tests.builders import make_user, sign_in

PNG = "iVBORw0KGgo="


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db
def test_what_ships_is_fair_and_its_pictures_go_with_the_publication(browser: Browser, now: datetime) -> None:
    rows = gate.look_at(notices.draft(), now=now, browser=browser)
    assert {row.language: row.findings for row in rows} == {language: [] for language in ("en", "de", "fr", "es", "ar")}
    views = ["1280-light", "1280-dark", "390-light", "390-dark"]
    for row in rows:
        assert list(row.figures) == [*views, "acts"]
        assert list(row.pictures) == views
        assert row.figures["390-dark"]["direction"] == ("rtl" if row.language == "ar" else "ltr")
    assert rows[0].figures["acts"]["refuse-all"] == {
        "clicks": 1, "decided": True, "open": False, "granted": ["essential"], "always": 1,
    }  # fmt: skip
    assert len(rows[0].figures["acts"]["accept-all"]["granted"]) == 4


# Each of these would be a trick of its own; together they must be told apart.
UNFAIR = (
    (
        """[value=refuse-all] { width: 60px; min-width: 0; min-height: 0; height: 30px; background: none;
            border-color: #ddd; color: #999 }
            .consent-close { width: 16px; height: 16px } .consent p { color: #aaa }""",
        {"size", "contrast", "colour", "edge", "target"},
    ),
    (
        """[value=accept-all] { font-weight: 900; box-shadow: 0 0 9px red }
            .consent-answers { grid-template-columns: 1fr } [value=refuse-all] { order: 2; margin: 90px 0 0 30px }""",
        {"font", "shape", "place", "in-sight"},
    ),
    ("[value=refuse-all] { display: none }", {"present"}),
)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db
def test_what_leads_people_is_named(browser: Browser) -> None:
    (fair,) = subjects.of(each for each in notices.draft() if each["language"] == "en")
    html = fair.html.replace('value="accept-all"', 'value="accept-all" tabindex="1"')
    html = html.replace('name="category" value="analytics"', 'name="category" value="analytics" checked')
    tricks = [replace(fair, sheet=f"{fair.sheet}\n@media all {{ {css} }}") for css, _rules in UNFAIR]
    done = measure(browser, [*tricks, replace(fair, html=html)], acts=False, views=[(390, "light")])
    for each, broken in zip(done, [*(expected for _css, expected in UNFAIR), {"unticked", "focus"}], strict=True):
        assert {finding["rule"] for finding in each.findings} == broken
        assert all(finding["element"] and finding["measured"] and finding["remedy"] for finding in each.findings)
    deaf = replace(fair, html=fair.html.replace("data-consent-open", "data-nothing"))
    (found,) = measure(browser, [deaf], views=[])
    assert [finding["rule"] for finding in found.findings] == ["way-back"]


def test_acts_are_judged() -> None:
    after = {"decided": True, "open": False, "granted": ["essential"], "always": 1, "clicks": 1}
    everything = after | {"granted": ["analytics", "essential"]}
    acts = {
        "accept-all": everything,
        "close": after,
        "escape": after,
        "refuse-all": after,
        "way-back": after | {"open": True},
    }
    assert list(rules.judge_acts(acts)) == []
    for change, rule in (
        ({"refuse-all": after | {"clicks": 2}}, "clicks"),
        ({"close": everything}, "refuses"),
        ({"escape": after | {"decided": False}}, "answers"),
        ({"way-back": after}, "way-back"),
    ):
        assert [finding.rule for finding in rules.judge_acts(acts | change)] == [rule]


@pytest.fixture
def measured(db: None, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[NoticeMeasurement]]:
    """The gate as it is, with a browser's word made up: `measured(findings=[…])`."""
    monkeypatch.undo()  # the room's tests go without the gate

    def said(findings: list[dict[str, str]] | None = None) -> list[NoticeMeasurement]:
        def word(pages: list[subjects.Subject], _browser: Any) -> list[Measured]:
            return [Measured(page, {}, {"390-light": PNG}, findings or []) for page in pages]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gate, "_measured", word)
            return gate.look_at(notices.draft(), now=now)

    return said


def publish(now: datetime) -> list[Notice]:
    return notices.publish(actor="staff:1", now=now)


def test_only_the_very_look_that_was_measured_is_published(
    measured: Callable[..., list[NoticeMeasurement]], now: datetime
) -> None:
    with pytest.raises(Unfair, match=r"No browser has measured.*en, de, fr, es, ar.*cookies fairness"):
        publish(now)
    finding = {"view": "390-dark", "rule": "contrast", "element": "Refuse all", "measured": "2:1", "remedy": "Mend it."}
    measured([finding])
    with pytest.raises(Unfair, match=r"en 390-dark: Refuse all, contrast 2:1. Mend it."):
        publish(now)
    assert Notice.objects.count() == 5
    measured()
    made = publish(now)
    assert {picture.notice for picture in NoticePicture.objects.all()} == {notice.sha256 for notice in made}
    publish(now)  # the same look under another number needs no other measurement
    Category.objects.filter(slug="analytics").update(purpose="Something else altogether.")
    with pytest.raises(Unfair, match="No browser has measured"):
        publish(now)


def test_the_admin_waits_for_the_measurement(
    measured: Callable[..., list[NoticeMeasurement]], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("consent.measuring.ask", lambda: asked.append(True) or True)
    sign_in(client, make_user("Privacy officer"))
    assert b"Nothing has changed since the version in force" in client.post("/admin/consent/notice/add/", {}).content
    Cookie.objects.filter(name="messages").update(lifetime="P1M")
    Category.objects.filter(slug="analytics").update(purpose="Something else altogether.")
    page = client.get("/admin/consent/notice/add/").content
    assert b"nobody is asked: essential cookies cannot be refused" in page
    assert b"not measured yet" in page
    answer = client.post("/admin/consent/notice/add/", {}, follow=True)
    assert b"No browser has measured this notice yet" in answer.content
    assert asked == [True]
    (first, *_others) = measured()
    assert b"refusing is as easy as accepting" in client.get("/admin/consent/notice/add/").content
    assert client.get(f"/admin/consent/noticemeasurement/{first.pk}/change/").status_code == 200
    client.post("/admin/consent/notice/add/", {}, follow=True)
    assert Notice.objects.latest_version() == 2


def test_the_command_and_the_task(
    measured: Callable[..., list[NoticeMeasurement]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    client: Client,
    tmp_path: Any,
) -> None:
    finding = {"view": "390-dark", "rule": "size", "element": "Refuse all", "measured": "60 / 90", "remedy": "Mend it."}
    rows = measured([finding])
    monkeypatch.setattr(gate, "look_at", lambda *_, **__: rows)
    for arguments in ([], ["--json", "--pictures", str(tmp_path)]):
        with pytest.raises(SystemExit):
            call_command("cookies", "fairness", *arguments)
        assert "Refuse all" in capsys.readouterr().out
    assert len(list(tmp_path.glob("*-390-light.png"))) == 5

    def none(*_: Any, **__: Any) -> Any:
        raise NoBrowser("No browser.", remedy="Install one.")

    def hung(*_: Any, **__: Any) -> Any:
        raise TimeoutError

    NoticeMeasurement.objects.all().delete()
    monkeypatch.setattr(gate, "look_at", hung)
    with pytest.raises(TimeoutError):
        tasks.measure_notice()
    monkeypatch.setattr(gate, "look_at", none)
    for _time in range(2):  # one row a language, however often it is tried
        tasks.measure_notice()
    assert "was not measured" in caplog.text
    assert set(NoticeMeasurement.objects.values_list("failure", "passed")) == {("No browser. Install one.", False)}
    assert NoticeMeasurement.objects.count() == 5
    sign_in(client, make_user("Privacy officer"))
    page = client.get("/admin/consent/notice/add/").content.decode()
    assert page.count("No browser. Install one.") == 5
    failed = NoticeMeasurement.objects.filter(language="de").get()
    for address in ("", f"{failed.pk}/change/"):
        assert b"could not be measured" in client.get(f"/admin/consent/noticemeasurement/{address}").content
    with pytest.raises(Unfair) as refused:  # a try opens no gate
        publish(datetime.now(UTC))
    assert refused.value.code == "unmeasured"
    monkeypatch.undo()
    measured()
    assert "No browser." not in client.get("/admin/consent/notice/add/").content.decode()
