"""The first schedule: complete, correct, installed once, and never put back over what people changed."""

import pytest
from django.core.management import call_command
from django.db import connection

from crasme.kit import datamap
from crasme.ledger.models import Entry
from retention import checks, graph, schedule
from retention.models import Rule
from retention.periods import period_of
from retention.schedule import installing
from retention.schedule.planned import Planned
from tests.builders import change_rule
from tests.retention import builders

pytestmark = pytest.mark.django_db

# What the published policy promises (section 8); the rest is this system's own housekeeping.
PUBLISHED = {
    "account-closed": ("P8.1", "P90D"),
    "usage": ("P8.2", "P24M"),
    "billing": ("P8.3", "P7Y"),
    "backups": ("P8.4", "P30D"),
}


def test_the_published_periods_are_in_force() -> None:
    rules = {rule.slug: (rule.policy_section, rule.period) for rule in Rule.objects.active().exclude(policy_section="")}
    assert rules == PUBLISHED
    assert period_of("usage").months == 24
    with pytest.raises(LookupError):
        period_of("suppression")
    with pytest.raises(LookupError):
        period_of("no-such-rule")


def test_every_table_that_stores_people_is_reached_by_a_rule_in_force() -> None:
    assert checks.the_schedule_ends_everything() == []
    rules = {rule.slug: rule for rule in Rule.objects.active()}
    for table in datamap.tables():
        if table.ends:
            assert checks.reaches(rules[table.ends], table), table.label
        else:
            assert table.ends_reason, table.label


def test_every_anchor_and_reference_leads_somewhere() -> None:
    for rule in Rule.objects.active():
        rule.full_clean()
        if rule.period:
            assert rule.cutoff(builders.NOW) < builders.NOW


def test_migrating_again_changes_nothing_that_people_changed() -> None:
    change_rule("sessions", state=Rule.State.RETIRED)
    change_rule("usage", period="P12M")
    assert installing.install() == []
    assert not Rule.objects.active().filter(slug="sessions").exists()
    assert builders.rule("usage").period == "P12M"


def test_an_empty_database_gets_it_whole_and_on_record() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE retention_rule CASCADE")  # an old rule is never deleted
    assert set(installing.install()) == {planned.slug for planned in schedule.FIRST_SCHEDULE}
    assert set(Entry.objects.filter(verb="retention.rules_installed").latest("id").facts["rules"]) >= set(PUBLISHED)


@pytest.mark.django_db(transaction=True)
def test_a_flush_leaves_a_schedule_behind() -> None:
    call_command("flush", interactive=False, verbosity=0)
    assert Rule.objects.active().count() == len(schedule.FIRST_SCHEDULE)


def test_a_rule_that_names_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for changes in (
        {"target": "crm.nothing"},
        {"target": "nothing"},
        {"anchor": "number"},
        {"anchor": "nothing"},
        {"carry_to": "crm.nothing"},
        {"carry_to": "crm.heldusageevent"},
        {"unreferenced_by": ("crm.account.nothing",)},
        {"unreferenced_by": ("nothing",)},
    ):
        planned = Planned(slug="x", target="crm.invoice", anchor="issued_on", period="P1Y", legal_reason="x")
        broken = Planned(**{name: getattr(planned, name) for name in planned.__slots__} | changes)
        monkeypatch.setattr(checks, "FIRST_SCHEDULE", (broken,))
        assert "retention.E003" in {error.id for error in checks.the_schedule_ends_everything()}


def test_children_come_before_what_they_point_at() -> None:
    order = [model._meta.label for model in graph.children_first(table.model for table in datamap.tables())]
    for child, parent in (
        ("crm.SyncedMessage", "crm.Integration"),
        ("crm.Deal", "crm.Contact"),
        ("crm.Contact", "crm.Account"),
    ):
        assert order.index(child) < order.index(parent)
