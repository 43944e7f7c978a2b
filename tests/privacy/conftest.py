"""What the tests of this room share."""

from pathlib import Path

import pytest
from pytest_django import Settings

from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from tests.builders import make_user


@pytest.fixture(autouse=True)
def _own_packages(settings: Settings, tmp_path: Path) -> None:
    settings.PACKAGE_DIR = tmp_path / "packages"


@pytest.fixture
def agent(db: None) -> User:
    return make_user(SUPPORT_AGENT)


@pytest.fixture
def officer(db: None) -> User:
    return make_user(PRIVACY_OFFICER)
