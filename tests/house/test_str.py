"""No row's own name shows a person: the admin copies it into its log, and messages and errors quote it."""

from pathlib import Path

import pytest
from django.db import models
from pytest_django import Settings

from crasme.kit import datamap
from tests.house import furnish

pytestmark = pytest.mark.django_db
MARK = "Zq7canary"
# What rows may be called by: numbers and titles of things. Colleagues must tell each other apart in lists of assignees,
# so staff go by their first name; the data map declares where the admin writes it down.
CALLED_BY = {
    "crm.Invoice": {"number"},
    "privacy.Request": {"reference"},
    "privacy.WebhookDelivery": {"event"},
    "privacy.WebhookEndpoint": {"name"},
    "retention.Hold": {"matter"},
    "staff.AccessEntry": {"table"},
    "staff.ApiKey": {"name", "prefix"},
    "staff.User": {"first_name"},
}
# Those of others are in the admin nowhere, or of staff only.
OURS = ("crasme", "consent", "retention", "privacy")
TEXTS = (models.CharField, models.TextField)


@pytest.fixture
def rows(settings: Settings, tmp_path: Path) -> list[models.Model]:
    settings.PACKAGE_DIR = settings.BACKUP_DIR = tmp_path
    furnish.everything()
    ours = [table.model for table in datamap.tables() if table.model.__module__.split(".")[0] in OURS]
    return [model._base_manager.first() or model() for model in ours]


def test_no_name_of_a_row_shows_what_is_in_it(rows: list[models.Model]) -> None:
    """Every text is replaced by a mark of its own, in memory, and the row is asked what it is called."""
    shown = {}
    for row in rows:
        marks = {}
        for number, field in enumerate(row._meta.concrete_fields):
            if isinstance(field, TEXTS) and not field.choices and not field.primary_key:
                marks[field.name] = f"{MARK}{number}."
                setattr(row, field.attname, marks[field.name])
        if names := {name for name, mark in marks.items() if mark in str(row)}:
            shown[row._meta.label] = names
    assert shown == CALLED_BY


def test_the_test_would_notice() -> None:
    class Talkative(models.Model):
        name = models.CharField(max_length=80)

        class Meta:
            app_label = "kit"
            managed = False

        def __str__(self) -> str:
            return self.name

    assert MARK in str(Talkative(name=f"{MARK}1"))
