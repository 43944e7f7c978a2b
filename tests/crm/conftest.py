from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from crasme.kit.calendar import Period
from crasme.staff.models import User
from tests.builders import make_user

PERIODS = {"account-closed": Period.parse("P90D"), "usage": Period.parse("P24M")}


def period_of(slug: str) -> Period:
    """What the room above answers (settings.RETENTION_PERIODS); this room is tested without it."""
    return PERIODS[slug]


@pytest.fixture(autouse=True)
def _own_house(settings: Settings, tmp_path: Path) -> None:
    settings.RETENTION_PERIODS = f"{__name__}.period_of"
    settings.DATA_DIR = tmp_path


@pytest.fixture
def chief(db: None) -> User:
    """Somebody who may do everything."""
    return make_user(is_superuser=True)


@pytest.fixture
def desk(chief: User, settings: Settings) -> Client:
    """A browser at the admin; demo people need no second factor."""
    settings.DEMO_SIGN_INS = True
    client = Client()
    client.force_login(chief, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client
