"""The data map is whole, and each of its checks can fail: shown on a made-up app, found as any other is."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import Error
from django.test import override_settings

from crasme.kit import datamap
from crasme.kit.checks import data_map_is_complete
from crasme.kit.datamap import NoPeople, Subject


@pytest.fixture
def made_up() -> Iterator[None]:
    """Two apps more."""
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.house.shop", "tests.house.store"]):
        datamap.declarations.cache_clear()
        yield
    datamap.declarations.cache_clear()


def found(word: str) -> list[str]:
    """The ids of the errors that speak of `word`."""
    return sorted(str(error.id) for error in data_map_is_complete() if word in error.msg)


def test_the_real_map_is_clean() -> None:
    assert data_map_is_complete() == []


def test_every_model_is_covered() -> None:
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    assert [model._meta.label for model in models if datamap.covers(model._meta.label) is None] == []


@pytest.mark.parametrize(
    ("model", "ids"),
    [
        ("shop.Undeclared", ["datamap.E001"]),
        ("shop.Forgotten", ["datamap.E002"]),
        ("shop.Misspelt", ["datamap.E003", "datamap.E003"]),
        ("shop.Unreasoned", ["datamap.E004"]),
        ("shop.Endless", ["datamap.E004"]),
        ("shop.Betrayed", ["datamap.E005"]),
        ("shop.Unfindable", ["datamap.E005"]),
        ("shop.Half", ["datamap.E006"]),
        ("shop.Vanished", ["datamap.E007"]),
        ("shop.Denied", ["datamap.E008"]),
        ("store.", []),
    ],
)
def test_each_mistake_is_named(made_up: None, model: str, ids: list[str]) -> None:
    assert found(model) == ids


def test_the_mistakes_of_one_app_do_not_hide_the_rest(made_up: None) -> None:
    assert all("shop." in error.msg for error in data_map_is_complete())


def test_a_company_needs_no_more_than_a_datamap(made_up: None) -> None:
    """What finds, exports and erases goes by these calls; the app's own tables answer them."""
    order = datamap.table("store.Order")
    assert [table.label for table in datamap.found_by(["email"])][-2:] == ["store.Customer", "store.Order"]
    sql = str(order.rows(Subject.of(email="kim@customer.example")).query)
    assert "kim@customer.example" in sql
    assert "JOIN" in sql
    assert order.legal_reasons() == ["Tax law demands it."]
    assert datamap.table("store.Customer").row_is_deleted


def test_a_table_declared_twice_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = [*datamap._all_declared(), NoPeople("crm.Account", why="So somebody thought.")]
    monkeypatch.setattr(datamap, "_all_declared", lambda: iter(everything))
    datamap.declarations.cache_clear()
    try:
        (error,) = data_map_is_complete()
        assert isinstance(error, Error)
        assert (error.id, "crm.Account" in error.msg) == ("datamap.E007", True)
    finally:
        datamap.declarations.cache_clear()


def test_a_claim_of_holding_no_people_needs_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = [
        NoPeople("contenttypes.ContentType", why="") if entry.label == "contenttypes.ContentType" else entry
        for entry in datamap._all_declared()
    ]
    monkeypatch.setattr(datamap, "_all_declared", lambda: iter(everything))
    datamap.declarations.cache_clear()
    try:
        assert [error.id for error in data_map_is_complete()] == ["datamap.E004"]
    finally:
        datamap.declarations.cache_clear()
