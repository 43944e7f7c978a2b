"""Figures by notice version and the alarm; the notice as it stood, and its pictures."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.test import Client
from pytest_django import Settings

from consent import look, notices, pictures, rates, seeding
from consent.errors import UnknownNotice
from consent.metrics import refusals_drift
from consent.models import Notice, NoticeDay
from consent.tasks import count_answers
from crasme.staff.roles import AUDITOR, OPERATIONS
from tests.builders import make_user, sign_in
from tests.consent.conftest import Choose

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def day(ago: int, refused: int, accepted: int, version: int = 1) -> None:
    NoticeDay.objects.create(version=version, day=TODAY - timedelta(days=ago), refused=refused, accepted=accepted)


def test_shown_and_decided_are_counted_and_nobody_is_followed(client: Client, choose: Choose, now: datetime) -> None:
    sha256 = notices.current("en")["sha256"]
    here = {"headers": {"sec-fetch-site": "same-origin"}, "content_type": "text/plain"}
    for _time in range(3):
        assert client.post("/consent/events/shown/", sha256, **here).status_code == 204
    assert client.post("/consent/events/shown/", "0" * 64, **here).status_code == 400
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert client.post("/consent/events/shown/", sha256, "text/plain", headers=elsewhere).status_code == 403
    assert not client.cookies
    choose(action="refuse-all", surface="banner")
    choose(action="close", surface="no-js")
    choose(action="accept-all", surface="preferences")  # nobody asked them there
    choose(action="withdraw", surface="preferences")
    for _time in range(2):
        count_answers()
    row = NoticeDay.objects.get()
    assert (row.version, row.shown, row.refused, row.accepted, row.withdrawn) == (1, 3, 2, 0, 1)
    assert (row.decided, row.ignored) == (2, 1)


@pytest.mark.parametrize(
    ("last", "alarm"),
    [((60, 40), True), ((5, 95), True), ((42, 58), False), ((30, 10), False), ((48, 52), False)],
)
def test_an_alarm_is_a_jump_of_enough_answers(db: None, last: tuple[int, int], alarm: bool) -> None:
    for ago in range(2, 12):
        day(ago, 38 + ago % 5, 62 - ago % 5)
    day(8, 900, 0, version=9)  # one odd day in the past spoils nothing
    day(1, *last)
    day(0, 0, 500)  # today is not over
    found = rates.drift(NOON)
    assert (found is not None) is alarm
    if found:
        assert (found.day, found.version) == (TODAY - timedelta(days=1), 1)
        assert (found.strength > 0) is (last[0] > 50)


def test_few_days_or_old_ones_are_no_alarm(client: Client, db: None) -> None:
    for ago in range(1, 5):
        day(ago, 90 if ago == 1 else 10, 10 if ago == 1 else 90)
    assert rates.drift(NOON) is None
    for ago in range(5, 9):
        day(ago, 10, 90)
    assert rates.drift(NOON) is not None
    assert rates.drift(NOON + timedelta(days=9)) is None
    assert refusals_drift() >= 0
    sign_in(client, make_user(AUDITOR))
    assert "90 % refused" in client.get("/admin/consent/noticeday/").content.decode()


def test_the_notice_is_shown_again_as_it_stood(
    client: Client, db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = Notice.objects.get(language="de")
    assert notice.content["look"] == {"html": look.digest_of(notice.html), "css": look.digest_of(notice.css)}
    sign_in(client, make_user(AUDITOR))
    page = client.get(f"/admin/consent/notice/{notice.sha256}/replay/")
    text = page.content.decode()
    assert f'data-notice="{notice.sha256}"' in text
    assert notice.css in text
    assert render_to_string("consent/notice.html", look.context(notices.current("de"))) in text  # what visitors see
    assert "sandbox" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    assert client.get(f"/admin/consent/notice/{'0' * 64}/replay/").status_code == 404
    sign_in(client, make_user(OPERATIONS))
    assert client.get(f"/admin/consent/notice/{notice.sha256}/replay/").status_code == 403
    # A program that draws it differently publishes it anew and asks nobody; the old one stays as it was.
    monkeypatch.setattr(look, "sheet", lambda: ".consent{color:grey}")
    for _time in range(2):
        seeding.after_migrate(using="default")
    newest = Notice.objects.filter(language="de").order_by("-version").first()
    assert newest is not None
    assert (newest.version, newest.css, newest.asks_again) == (2, ".consent{color:grey}", [])
    assert Notice.objects.get(pk=notice.pk).css == notice.css


def test_a_picture_is_kept_once_and_for_good(db: None, now: datetime) -> None:
    sha256, png = notices.current("en")["sha256"], b"\x89PNG\r\n\x1a\n and so on"
    assert pictures.keep(sha256, png, view="360-dark", now=now)
    assert not pictures.keep(sha256, png + b"another", view="360-dark", now=now)
    (kept,) = pictures.of_notice(sha256)
    assert bytes(kept.png) == png
    with pytest.raises(UnknownNotice):
        pictures.keep("0" * 64, png, view="360", now=now)
    with pytest.raises(pictures.NoPicture):
        pictures.keep(sha256, b"GIF89a", view="360", now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        kept.delete()
