"""A statement made once for all people asks about the one person who is given, in every table of the data map."""

import secrets
from datetime import date
from typing import Any
from unittest import mock

import pytest
from django.db.models import QuerySet

from consent.suppression import suppress
from crasme.crm.models import Account, Contact
from crasme.kit import datamap
from crasme.kit.datamap import Subject, Table
from crasme.kit.recipes import Unfit, counts, recipe
from privacy.packages import rows
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db


def someone(mark: str, events: int) -> Subject:
    """A person with something in every table, the mention in a colleague's invoice and a hashed address included."""
    account = builders.furnish(builders.account(), mark=mark, events=events)
    builders.invoice(account, date(2026, 1, 1))
    builders.invoice(builders.account(), date(2026, 1, 1), billed_email=account.email)
    suppress(
        account.email, scope="marketing", reason="unsubscribed", source="unsubscribe-link", actor="staff:test", now=NOW
    )
    return Subject.of(account=account.pk, email=account.email)


def views() -> list[Table]:
    return [view for view in datamap.views() if view.exported()]


def every(subject: Subject) -> list[QuerySet]:
    return [view.rows(subject) for view in views()]


def test_every_table_is_counted_and_read_for_each_person_as_by_querysets() -> None:
    names = [view.key for view in views()]
    stranger = Subject.of(account=builders.account().pk, email="stranger@customer.example")
    for subject in (someone("one", 2), someone("two", 3), stranger):
        found = counts("test", subject, every)
        assert list(found) == [queryset.count() for queryset in every(subject)]
        assert list(recipe("test", subject, mock.Mock()).rows(subject)[0]) == list(found)  # by one statement, that is
        for view, count in zip(views(), found, strict=True):
            at_once, in_portions = (rows.read(view, subject, size) for size in (count, rows.CHUNK + 1))
            assert [tuple(row) for row in at_once] == [tuple(row) for row in in_portions], view.key
        assert any(found)
        keys = recipe("keys", subject, lambda maker: maker.keys(zip(names, every(maker.subject), strict=True)))
        assert {tuple(row) for row in keys.rows(subject)} == {
            (name, str(key))
            for name, queryset in zip(names, every(subject), strict=True)
            for key in queryset.values_list("pk", flat=True)
        }


def test_a_statement_is_made_once_for_people_known_by_the_same_kinds_of_identifiers() -> None:
    made = mock.Mock(
        side_effect=lambda maker: maker.counts([Account.objects.filter(pk__in=maker.subject.values["account"])])
    )
    one, two = builders.account(), builders.account()
    statements = [recipe("once", Subject.of(account=[each.pk]), made) for each in (one, two)]
    assert statements[0] is statements[1]
    assert made.call_count == 1
    both = recipe("once", Subject.of(account=[one.pk, two.pk]), made)
    assert both.rows(Subject.of(account=[one.pk, two.pk]))[0][0] == 2
    assert made.call_count == 2


def test_a_question_that_names_nobody_or_hides_the_name_is_not_made() -> None:
    subject = Subject.of(email="ana@customer.example")
    with pytest.raises(Unfit):
        recipe("everybody", subject, lambda maker: maker.counts([Account.objects.all()]))
    with pytest.raises(Unfit):
        recipe("everybody", subject, lambda maker: maker.deletion(Account.objects.filter(status="active")))

    def hidden(who: Subject) -> list[QuerySet]:
        (email,) = who.values["email"]
        return [Contact.objects.filter(owner__email=email).exclude(company__contains=email)]

    with pytest.raises(Unfit):
        recipe("hidden", subject, lambda maker: maker.counts(hidden(maker.subject)))
    assert counts("hidden", subject, hidden) == [0]  # asked by querysets instead


def test_a_hash_is_looked_for_under_every_pepper_however_many_there_are_since(settings: Any) -> None:
    old, new = (Subject.of(account=builders.account().pk, email=f"{name}@customer.example") for name in ("old", "new"))
    table = datamap.table("consent.Suppression")

    def found(subject: Subject) -> int:
        return recipe("peppers", subject, lambda maker: maker.counts([table.rows(maker.subject)])).rows(subject)[0][0]

    def opt_out(subject: Subject) -> None:
        (email,) = subject.values["email"]
        suppress(email, scope="marketing", reason="unsubscribed", source="unsubscribe-link", actor="staff:t", now=NOW)

    opt_out(old)
    assert [found(old), found(new)] == [1, 0]
    settings.SUPPRESSION_PEPPERS = {2: secrets.token_bytes(32)} | settings.SUPPRESSION_PEPPERS
    opt_out(new)
    assert [found(old), found(new)] == [1, 1]
    several = Subject.of(email=["old@customer.example", "new@customer.example"])
    assert counts("several", several, lambda who: [table.rows(who)]) == [2]  # asked by querysets instead


def test_changes_reach_the_persons_rows_only() -> None:
    one, two = (builders.furnish(builders.account()) for _ in range(2))
    subject = Subject.of(account=one.pk)

    def rows_of(who: Subject) -> QuerySet:
        return datamap.table("crm.Contact").rows(who)

    named = recipe(
        "name", subject, lambda maker: maker.update(rows_of(maker.subject), {"phone": "100%", "created_at": maker.now})
    )
    assert named.change(subject, NOW) == 1
    assert Contact.objects.get(owner=one).phone == "100%"
    assert Contact.objects.get(owner=one).created_at == NOW
    gone = recipe("gone", subject, lambda maker: maker.deletion(datamap.table("crm.Note").rows(maker.subject)))
    assert gone.change(subject, NOW) == 1
    assert list(datamap.table("crm.Note").model.objects.values_list("owner", flat=True)) == [two.pk]
