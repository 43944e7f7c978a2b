"""The test tables of this room, made once a module and gone afterwards."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.kit import models


@pytest.fixture(scope="module")
def kit_tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    made = (models.Job, models.Secret, models.Remark, models.Reference)
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            for model in made:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in reversed(made):
                editor.delete_model(model)
        connection.close()
