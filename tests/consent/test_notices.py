from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.template import Context, Template
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from consent import declaring, drafting, filing, notices, registry, seeding, seeds
from consent.errors import UnknownCategory
from consent.models import Category, ConsentEvent, Cookie, Notice, RegistryCheck, RegistryVersion, Service
from consent.models.notices import content_digest
from crasme.kit.calendar import Period, add
from crasme.kit.partitions import existing
from crasme.ledger.models import Entry
from tests.consent.conftest import Choose

ACTOR = "staff:1"


def publish(now: datetime, asks_again: Sequence[str] = ()) -> list[Notice]:
    made = notices.publish(actor=ACTOR, now=now, asks_again=asks_again)
    registry.forget()
    notices.forget()
    return made


def banner() -> str:
    return Template("{% load consent_banner %}{% consent_boot %}{% consent_banner %}").render(Context())


def test_the_first_version_ships_in_every_language_and_asks_everything(db: None) -> None:
    rows = Notice.objects.all()
    assert {row.language for row in rows} == {code for code, _name in settings.LANGUAGES}
    assert {row.version for row in rows} == {1}
    assert rows[0].asks_again == ["functional", "analytics", "performance"]
    assert all(row.sha256 == content_digest(row.content) for row in rows)
    assert rows[0].registry == drafting.version()
    assert Notice.objects.get(language="ar").content["direction"] == "rtl"


def test_what_is_shown_is_what_was_published(db: None) -> None:
    shown = notices.current("en")
    html = banner()
    assert shown["sha256"] in html
    for text in (shown["texts"]["title"], shown["texts"]["body"], *(button["label"] for button in shown["buttons"])):
        assert text in html
    assert "style=" not in html
    assert "checked disabled" in html
    assert html.count("checked") == 1


def test_the_two_answers_differ_in_nothing_but_their_words(db: None) -> None:
    html = banner()
    assert '<button class="consent-button" type="submit" name="action" value="refuse-all">' in html
    assert '<button class="consent-button" type="submit" name="action" value="accept-all">' in html


def test_a_warm_banner_asks_the_database_nothing(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    banner()
    with django_assert_num_queries(0):
        banner()


def test_without_a_notice_there_is_no_banner(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "shown", lambda: notices.Shown(0, {}, None))
    monkeypatch.setattr(notices._held, "get", lambda: notices.Shown(0, {}, None))
    assert banner().strip() == ""


def test_wording_alone_asks_nobody_again(choose: Choose, now: datetime) -> None:
    publish(now, asks_again=[])
    assert notices.current("en")["version"] == 2
    assert set(registry.snapshot().asked_since.values()) == {1}
    assert 'data-asked="1"' in banner()


def test_a_new_recipient_asks_again_about_its_category_only(db: None, now: datetime) -> None:
    publish(now, asks_again=["analytics"])
    known = registry.snapshot()
    assert known.asked_since == {known.bits["functional"]: 1, known.bits["analytics"]: 2, known.bits["performance"]: 1}
    assert 'data-asked="2"' in banner()
    entry = Entry.objects.filter(verb="consent.notice_published", actor=ACTOR).get()
    assert entry.facts["version"] == 2
    assert entry.facts["asks_again"] == ["analytics"]


def test_only_what_can_be_refused_can_be_asked(db: None, now: datetime) -> None:
    with pytest.raises(UnknownCategory, match="essential"):
        publish(now, asks_again=["essential"])
    assert Notice.objects.latest_version() == 1


def test_a_page_that_was_open_meanwhile_still_counts(choose: Choose, now: datetime) -> None:
    old = notices.current("en")["sha256"]
    publish(now)
    event, created = choose(notice_sha=old)
    assert created
    assert notices.version_of(event.notice) == 1


def test_a_change_of_the_registry_is_evidence_and_makes_the_notice_old(db: None) -> None:
    assert not declaring.outdated()
    cookie = Cookie(
        name="_stats", lifetime="P13M", purpose="Counts visits.",
        category=Category.objects.get(slug="analytics"), service=Service.objects.get(slug="site"),
    )  # fmt: skip
    declaring.save(cookie, actor=ACTOR)
    assert declaring.outdated()
    declaring.remove(cookie, actor=ACTOR)
    assert not declaring.outdated()
    changes = Entry.objects.filter(verb="consent.registry_changed").order_by("id")
    assert [entry.facts["change"] for entry in changes] == ["declared", "removed"]
    assert {entry.facts["row"] for entry in changes} == {str(cookie.pk)}


def test_a_draft_counts_for_nobody_until_it_is_published_and_then_for_ever(choose: Choose, now: datetime) -> None:
    first = RegistryVersion.objects.get()
    assert (first.number, first.sha256, first.intact) == (1, drafting.version(), True)
    assert not notices.pending()
    Cookie.objects.create(
        name="_stats", lifetime="P13M", purpose="Counts visits.",
        category=Category.objects.get(slug="analytics"), service=Service.objects.get(slug="site"),
    )  # fmt: skip
    registry.forget()
    assert registry.snapshot().needs("_stats") is None
    publish(now)
    assert registry.snapshot().needs("_stats") == registry.snapshot().bits["analytics"]
    assert Notice.objects.filter(version=2).first().asks_again == ["analytics"]
    second = RegistryVersion.objects.newest()
    assert second is not None
    assert {each["kind"] for each in second.changes} == {"recipient", "purpose", "longer"}
    publish(now)  # nothing has changed: the same version stays in force, and only the wording is told anew
    assert RegistryVersion.objects.count() == 2
    assert Notice.objects.filter(version=3).first().asks_again == []
    with pytest.raises(IntegrityError), transaction.atomic():
        RegistryVersion.objects.filter(number=1).update(content={})
    with pytest.raises(IntegrityError), transaction.atomic():
        first.delete()


def test_the_public_table_is_of_the_version_in_force_and_says_when_it_was_checked(
    client: Client, choose: Choose, now: datetime
) -> None:
    Cookie.objects.filter(name="crasme_session").update(lifetime="P2Y")
    page = client.get("/cookies/").content.decode()
    assert "crasme_session" in page
    assert "2 years" not in page
    assert "checked on" not in page
    publish(now)
    version = RegistryVersion.objects.newest()
    assert version is not None
    RegistryCheck.objects.create(sha256=version.sha256, checked_at=now)
    registry.forget()
    page = client.get("/cookies/").content.decode()
    assert "2 years" in page
    assert "checked on" in page
    RegistryCheck.objects.create(sha256=version.sha256, checked_at=now + timedelta(hours=1), differences=2)
    registry.forget()
    assert "checked on" not in client.get("/cookies/").content.decode()


def test_seeding_again_changes_nothing_that_staff_changed(db: None) -> None:
    Category.objects.filter(slug="analytics").update(title="Visits")
    Cookie.objects.filter(name="messages").delete()
    before = Notice.objects.count()
    seeding.after_migrate(using="default")
    assert Category.objects.get(slug="analytics").title == "Visits"
    assert Cookie.objects.filter(name="messages").exists()
    assert Cookie.objects.count() == len(seeds.COOKIES)
    assert Notice.objects.count() == before


def test_the_settings_agree_with_the_registry(db: None) -> None:
    names = set(Cookie.objects.filter(kind="cookie").values_list("name", flat=True))
    assert {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME} <= names


def test_months_for_choices_are_there_ahead(db: None, now: datetime) -> None:
    made = existing(connection, ConsentEvent._meta.db_table)
    assert made[0].lower <= now - filing.OLDEST
    assert made[-1].upper > add(now, Period(months=2))
    assert filing.make_partitions(now) == []
