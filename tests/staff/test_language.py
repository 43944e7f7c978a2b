"""Staff pages are English in every browser; public pages follow the visitor."""

import pytest
from django.test import Client

from tests.builders import make_user, sign_in

pytestmark = pytest.mark.django_db
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9"}


def test_a_german_browser_gets_an_english_back_office(client: Client) -> None:
    login = client.get("/accounts/login/", **GERMAN)  # type: ignore[arg-type]
    assert "Passwort" not in login.content.decode()
    assert login["Content-Language"] == "en"
    sign_in(client, make_user(is_superuser=True))
    page = client.get("/admin/privacy/request/", **GERMAN)  # type: ignore[arg-type]
    assert page["Content-Language"] == "en"
    assert "Suche" not in page.content.decode()


def test_a_german_browser_gets_a_german_policy(client: Client) -> None:
    assert client.get("/policy/", **GERMAN)["Content-Language"] == "de"  # type: ignore[arg-type]
