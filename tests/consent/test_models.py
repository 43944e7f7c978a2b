from collections.abc import Callable
from datetime import datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from consent.models import Category, ConsentEvent, Cookie, Notice, Suppression
from crasme.kit.append_only import allow_purge
from tests.consent.conftest import Choose


def refused(act: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        act()


def truncate(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table}")


def test_the_database_refuses_to_change_a_choice(choose: Choose) -> None:
    event, _created = choose()
    refused(lambda: ConsentEvent.objects.update(action="accept-all"))
    refused(lambda: ConsentEvent.objects.all().delete())
    refused(lambda: truncate("consent_consentevent"))
    refused(lambda: truncate(f"consent_consentevent_y{event.filed_at:%Ym%m}"))
    assert ConsentEvent.objects.get().digest == event.computed_digest()


def test_only_retention_can_end_a_choice(choose: Choose) -> None:
    choose()
    with transaction.atomic():
        allow_purge("consent_consentevent")
        refused(lambda: ConsentEvent.objects.update(gpc=True))
        ConsentEvent.objects.all().delete()
    assert not ConsentEvent.objects.exists()


def test_a_published_notice_stays_as_it_was_read(db: None) -> None:
    refused(lambda: Notice.objects.update(content={}))
    refused(lambda: Notice.objects.all().delete())
    refused(lambda: truncate("consent_notice"))


@pytest.mark.parametrize("choices", [{}, {"essential": False}, {"analytics": True}])
def test_essential_is_on_in_every_row(choose: Choose, choices: dict[str, bool]) -> None:
    event, _created = choose()
    event.choices = choices
    with pytest.raises(IntegrityError, match="consent_event_essential_is_on"), transaction.atomic():
        event.save(force_insert=True)


@pytest.mark.parametrize("name", ["a b", "*", "a*", "*stats", "a=b", "a;b", "st*ts"])
def test_a_name_that_says_too_little_or_too_much_is_refused(declare: Callable[..., Cookie], name: str) -> None:
    with pytest.raises(IntegrityError, match="consent_cookie_name_fits"), transaction.atomic():
        declare(name, "analytics")


@pytest.mark.parametrize("lifetime", ["", "forever", "24 months", "PT5S"])
def test_a_lifetime_is_a_period_or_one_of_two_words(declare: Callable[..., Cookie], lifetime: str) -> None:
    row = declare("_stats", "analytics")
    row.lifetime = lifetime
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    assert "lifetime" in caught.value.message_dict
    with pytest.raises(IntegrityError, match="consent_cookie_lifetime_fits"), transaction.atomic():
        row.save()


def test_lifetimes_read_as_words(declare: Callable[..., Cookie]) -> None:
    words = {"P13M": "13 months", "session": "until you close the browser", "PT2H": "2 hours", "PT1M": "1 minute"}
    assert words == {value: declare(f"_{value}", "analytics", lifetime=value).lifetime_words for value in words}


def test_there_is_one_essential_category(db: None) -> None:
    with pytest.raises(IntegrityError, match="consent_category_one_essential"), transaction.atomic():
        Category.objects.create(slug="vital", bit=9, essential=True, title="Vital", purpose="…")


def test_staff_translations_come_before_the_shipped_text(db: None) -> None:
    category = Category(title="Analytics", translations={"de": {"title": "Auswertung"}})
    assert category.text("title", "de") == "Auswertung"
    assert category.text("title", "fr") == "Analytics"
    assert category.text("purpose") == ""  # and not the catalogue's header


def test_an_address_is_hashed_on_every_way_to_the_database(db: None, now: datetime) -> None:
    row = Suppression(address="Åsa@Example.COM", reason="objected", source="staff", created_at=now)
    row.save()
    assert "@" not in row.address
    assert Suppression.objects.get(address=" åsa@example.com ") == row
    assert Suppression.objects.filter(address__in=["nobody@example.com", "Åsa@example.com"]).get() == row
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM consent_suppression")
        assert [len(address) for (address,) in cursor.fetchall()] == [64]
    with pytest.raises(IntegrityError, match="consent_suppression_hash_only"), connection.cursor() as cursor:
        cursor.execute("UPDATE consent_suppression SET address = 'asa@example.com'")
