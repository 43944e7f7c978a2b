"""A company's own tables take part by their datamap.py alone: planned, erased, held, purged, searched, checked."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from pytest_django import Settings

from crasme.crm.models import Account
from crasme.kit import datamap
from crasme.kit.checks import data_map_is_complete
from crasme.kit.datamap import Subject
from retention import checks, erasure, erasureplan, graph, holds, residue, services
from retention.errors import ErasureBlocked
from tests.retention import builders
from tests.retention.builders import NOW

MODELS = ("Ticket", "Reply", "Tag", "Rating", "Visit", "Receipt")


def forget_caches() -> None:
    for cached in (datamap.declarations, graph.edges_to, graph.stored_models):
        cached.cache_clear()


@pytest.fixture
def company(db: None, settings: Settings) -> Iterator[Any]:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.retention.company.apps.CompanyConfig"]
    forget_caches()
    config = apps.get_app_config("company")
    with connection.schema_editor() as editor:
        for name in MODELS:
            editor.create_model(config.get_model(name))
    yield config.models_module
    forget_caches()


@pytest.fixture(autouse=True)
def _clean_caches() -> Iterator[None]:
    yield
    forget_caches()


def erase(account: Account) -> erasure.Outcome:
    subject = Subject.of(account=account.pk)
    return erasure.erase(subject, plan_hash=erasure.preview(subject, NOW).hash, actor="staff:test", now=NOW)


def test_the_checks_accept_them(company: Any) -> None:
    assert [error for error in data_map_is_complete() if "company" in str(error)] == []
    assert checks.the_schedule_ends_everything() == []


def test_rows_are_deleted_children_first_and_fields_replaced(company: Any) -> None:
    leaver, other = builders.account(), builders.account()
    ticket = company.Ticket.objects.create(owner=leaver, title="Help")
    company.Tag.objects.create(ticket=ticket, word="x")
    child = company.Ticket.objects.create(owner=other, title="Related", parent=ticket)
    company.Reply.objects.create(ticket=ticket, author=other, text="by somebody else")
    mine = company.Reply.objects.create(ticket=child, author=leaver, text="mine")
    rating = company.Rating.objects.create(
        account=leaver, comment="x", answers=["x"], score=5, source="mail", seen_on=NOW.date(), invoice="R-1"
    )
    outcome = erase(leaver)
    assert outcome.counts["company.ticket"] == 1
    # A reply cannot be without its ticket, and a tag holds nobody: both go along, and the plan counted them.
    assert (outcome.counts["company.reply"], outcome.counts["company.tag"]) == (2, 1)
    assert outcome.unlinked == {"company.ticket.parent": 1}
    assert list(company.Ticket.objects.all()) == [child]
    assert not company.Reply.objects.filter(pk=mine.pk).exists()
    rating.refresh_from_db()
    assert (rating.comment, rating.answers, rating.score, rating.source) == ("", [], 0, "unknown")
    assert (rating.seen_on, rating.invoice) == (NOW.date(), "R-1")


def test_what_others_protect_blocks_the_erasure_as_a_whole(company: Any) -> None:
    leaver = builders.furnish(builders.account())
    company.Receipt.objects.create(ticket=company.Ticket.objects.create(owner=leaver, title="Help"))
    with pytest.raises(ErasureBlocked, match=r"company\.Receipt"):
        erase(leaver)
    leaver.refresh_from_db()
    assert leaver.full_name


def test_a_hold_on_somebody_elses_reply_keeps_the_ticket_it_hangs_on(company: Any) -> None:
    leaver, other = builders.account(), builders.account()
    ticket = company.Ticket.objects.create(owner=leaver, title="Help")
    company.Reply.objects.create(ticket=ticket, author=other, text="evidence")
    builders.hold(holds.account(other.pk))
    outcome = erase(leaver)
    assert company.Ticket.objects.filter(pk=ticket.pk).exists()
    assert [(kept.label, kept.reason) for kept in outcome.kept if kept.label == "company.Ticket"] == [
        ("company.Ticket", erasureplan.LEANT_ON)
    ]


def test_the_rule_of_closed_accounts_ends_them_too(company: Any) -> None:
    gone = builders.account(closed=datetime(2026, 1, 1, tzinfo=UTC))
    company.Ticket.objects.create(owner=gone, title="Help")
    run = services.run_rule(builders.rule("account-closed"), now=NOW, actor="system:test")
    assert run is not None
    assert (run.state, run.counts["company.ticket"]) == ("done", 1)


def test_the_search_for_residue_sees_them(company: Any) -> None:
    company.Ticket.objects.create(owner=builders.account(), title="A Canary sang")
    assert [(hit.label, hit.field) for hit in residue.search(["canary"])] == [("company.Ticket", "title")]


def test_the_checks_name_what_would_never_end(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = datamap.declarations()
    broken = {
        "company.ticket": {"ends": "no-such-rule"},
        "company.reply": {"ends": "billing"},
        "company.rating": {"fields": {"score": datamap.anonymised("Score", how="now")}},
    }
    for label, changes in broken.items():
        table = declared[label]
        assert isinstance(table, datamap.Table)
        monkeypatch.setitem(declared, label, dataclasses.replace(table, **changes))
    found = {(error.id, error.msg.split()[0]) for error in checks.the_schedule_ends_everything()}
    assert found == {
        ("retention.E001", "company.Ticket"),
        ("retention.E002", "company.Reply"),
        ("retention.E004", "company.Rating.score"),
    }
