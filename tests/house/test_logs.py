"""Logs name paths, and some paths are secrets."""

import logging
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from crasme.logs import WithoutSecrets

PATHS = ("/requests/confirm/{}/", "/unsubscribe/{}", "/accounts/password/reset/key/{}/")


def lines(caplog: pytest.LogCaptureFixture) -> str:
    """What the handlers of production would write of what was logged."""
    written = [record for record in caplog.records if WithoutSecrets().filter(record)]
    return "\n".join(logging.Formatter("{name} {message}", style="{").format(record) for record in written)


@pytest.mark.parametrize("path", PATHS)
def test_a_secret_in_a_path_reaches_no_log(path: str, caplog: pytest.LogCaptureFixture) -> None:
    secret = "Zq7-canary_token"
    logging.getLogger("django.request").warning("%s: %s", "Gone", path.format(secret))
    assert secret not in lines(caplog)
    assert path.partition("{")[0] in lines(caplog)


@pytest.mark.django_db
def test_neither_does_the_link_of_a_form_that_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/requests/confirm/Zq7-canary_token/").status_code == 403
    assert "Forbidden" in lines(caplog)
    assert "Zq7" not in lines(caplog)


def test_other_lines_stay_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("privacy").warning("Step %s failed: %s, attempt %d.", "018f", "smtp-451", 2)
    assert lines(caplog) == "privacy Step 018f failed: smtp-451, attempt 2."


def test_no_test_before_this_one_has_switched_a_logger_off() -> None:
    loggers = logging.getLogger().manager.loggerDict
    assert [name for name, logger in loggers.items() if getattr(logger, "disabled", False)] == []


def test_every_handler_has_the_filter() -> None:
    handlers: Any = settings.LOGGING["handlers"]
    assert all(handler["filters"] == ["secrets"] for handler in handlers.values())
