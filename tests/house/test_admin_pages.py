"""Every page of the admin opens on a made row, with a bounded number of questions to the database.

What could go wrong: a column that asks once a row, a page that nobody opened since its model changed.
"""

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django import Settings

from retention import gate
from tests.builders import make_account, make_invoice, make_user, reviewed_request, sign_in
from tests.house import furnish

pytestmark = pytest.mark.django_db

# Session, user, second factor, permissions of the menu, its badge and the log take about ten.
LIST, CHANGE = 25, 45
DEARER = {"crm.Account": (25, 60), "privacy.Request": (30, 90)}


@pytest.fixture
def furnished(client: Client, settings: Settings, tmp_path: Path) -> Client:
    settings.PACKAGE_DIR = settings.BACKUP_DIR = settings.DATA_DIR = tmp_path
    furnish.everything()
    every = IntervalSchedule.objects.create(every=1, period="minutes")
    PeriodicTask.objects.create(name="tick", task="retention.tasks.tick", interval=every)
    sign_in(client, make_user(is_superuser=True))
    return client


def test_every_page_opens(furnished: Client) -> None:
    wrong: dict[str, str] = {}
    for label, (model, page) in furnish.pages().items():
        row = model._base_manager.first()
        assert row is not None, f"tests/house/furnish.py makes no {label}"
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        most = DEARER.get(label, (LIST, CHANGE))
        for path, limit in ((base, most[0]), (f"{base}{row.pk}/change/", most[1]), (f"{base}add/", most[1])):
            with CaptureQueriesContext(connection) as asked:
                answer = furnished.get(path, follow=True)
            may = path != f"{base}add/" or page.has_add_permission(answer.wsgi_request)
            if answer.status_code != (200 if may else 403):
                wrong[path] = f"answered {answer.status_code}"
            elif not (answer.content.decode().partition("<title>")[2].partition("</title>")[0].strip(" |\n")):
                wrong[path] = "has no title"
            elif len(asked) > limit:
                wrong[path] = f"asked {len(asked)} questions, {limit} at most"
    assert wrong == {}


def test_a_list_asks_the_same_however_long_it_is(furnished: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lists that staff live in: requests, accounts, invoices, steps."""
    monkeypatch.setattr(gate, "GOOD_FOR", 3600.0)  # it looks again every few seconds, in whichever request that is
    paths = ("/admin/privacy/request/", "/admin/privacy/step/", "/admin/crm/account/", "/admin/crm/invoice/")
    make_invoice(make_account())
    before = {path: questions(furnished, path) for path in paths}
    for number in range(4):
        make_invoice(make_account())
        reviewed_request("access", f"more{number}@customer.example", now=furnish.NOW)
    assert {path: questions(furnished, path) for path in paths} == before


def questions(client: Client, path: str) -> int:
    client.get(path)  # what a process asks once and remembers is not meant
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    return len(asked)
