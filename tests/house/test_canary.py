"""A person with an unmistakable name is planted wherever people can appear, asks for a copy and for deletion, and is
then found nowhere: not in the database, the broker, the logs, the files or anybody else's mail.

The same search finds them everywhere beforehand, so its silence afterwards means something.
"""

import logging
import os
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consent import suppression
from consent.models import Suppression
from crasme.crm.models import Account
from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER
from privacy.models import Person, Request
from privacy.services import approvals, desk, plans
from privacy.states import State
from privacy.tasks import sweep
from tests.builders import (
    make_billing_profile,
    make_contact,
    make_credential,
    make_deal,
    make_device,
    make_events,
    make_integration,
    make_invoice,
    make_note,
    make_organisation,
    make_user,
    sign_in,
)
from tests.canary import everywhere
from tests.mailbox import Mailbox
from tests.waiting import until

CANARY = "quokka7f3q"
ADDRESS = f"{CANARY}@planted.example"
pytestmark = pytest.mark.usefixtures("celery_worker_process")


@pytest.fixture
def own_log(tmp_path: Path) -> Iterator[Path]:
    """What this process logs; not what the recipient's mail server, which lives in this process too, says."""
    path = tmp_path / "web.log"
    handler, root = logging.FileHandler(path), logging.getLogger()
    handler.addFilter(lambda record: record.name != "mail.log")
    root.addHandler(handler)
    yield path
    root.removeHandler(handler)
    handler.close()


def test_an_erased_person_is_found_nowhere(mail_sink: Mailbox, own_log: Path, worker_log: Path) -> None:
    officer, second = make_user(PRIVACY_OFFICER), make_user(PRIVACY_OFFICER)
    staff = Client()
    sign_in(staff, make_user(is_superuser=True))
    account = _plant(staff)
    visitor = Client()

    def search() -> set[str]:
        others = [mail for mail in mail_sink.messages if ADDRESS not in str(mail["To"])]
        servers = ("postgres", "valkey")  # their files are searched by asking them
        data = Path(os.environ["DATA_DIR"])
        folders = [settings.PACKAGE_DIR, *(path for path in data.iterdir() if not path.name.startswith(servers))]
        return everywhere(CANARY, logs=[own_log, worker_log], mails=others, folders=folders)

    access = _ask(visitor, mail_sink, "access")
    _reviewed(access)
    plan = plans.current(access)
    assert plan is not None
    approvals.release(access, plan_hash=plan.hash, by=officer, now=timezone.now())
    until(lambda: _state(access) == State.CLOSED, "the copy to be made")
    until(lambda: mail_sink.to(ADDRESS)[-1]["Subject"] and len(mail_sink.to(ADDRESS)) >= 3, "the answer")
    download = visitor.post(reverse("request-download", args=[access.reference]))
    with zipfile.ZipFile(BytesIO(b"".join(download))) as archive:  # type: ignore[arg-type]
        assert CANARY in archive.read("index.html").decode()

    deletion = _ask(visitor, mail_sink, "deletion")
    _reviewed(deletion)
    planted = search()
    assert planted >= {
        "db:crm_account", "db:crm_billingprofile", "db:crm_device", "db:crm_usageevent", "db:crm_invoice",
        "db:crm_contact", "db:crm_deal", "db:crm_note", "db:privacy_person", "package",
        "encrypted:privacy.Request.details", "encrypted:privacy.Request.full_name", "encrypted:privacy.Note.body",
        "encrypted:crm.Integration.access_token",
    }  # fmt: skip
    assert not {place for place in planted if place.startswith(("log:", "broker:", "mail:", "file:"))}

    plan = plans.current(deletion)
    assert plan is not None
    approvals.propose_erasure(deletion, plan_hash=plan.hash, by=officer, now=timezone.now())
    approvals.approve_erasure(deletion, plan_hash=plan.hash, by=second, now=timezone.now())
    until(lambda: _state(deletion) == State.CLOSED, "the erasure")
    until(_forgotten, "the person to be told and forgotten")

    account.refresh_from_db()
    assert account.status == Account.Status.ERASED
    assert search() == set()
    # Kept on purpose: the invoice with its own name, and the wish to get no mail, as a keyed hash.
    assert account.invoices.get().billed_name == "Kept by tax law"
    assert suppression.is_suppressed(ADDRESS)


def _plant(staff: Client) -> Account:
    """Through the import where there is one, then into every table that can name somebody."""
    make_organisation(name="Planted Ltd")
    rows = "email,full_name,organisation,phone,business_address,job_title,role,language,time_zone\n"
    rows += f"{ADDRESS},{CANARY} Person,Planted Ltd,+43 1 5550,{CANARY} street 1,{CANARY} driver,member,en,UTC\n"
    preview = staff.post(
        reverse("admin:crm_account_import"),
        {"import_file": SimpleUploadedFile("a.csv", rows.encode()), "format": "0", "resource": "0"},
    )
    staff.post(reverse("admin:crm_account_process_import"), preview.context["confirm_form"].initial)
    account = Account.objects.get(email=ADDRESS)
    make_credential(account)
    make_billing_profile(account, billing_address=f"{CANARY} lane")
    make_invoice(account, billed_name="Kept by tax law", billed_address="Kept by tax law")
    make_device(account, display_settings={"wallpaper": CANARY})
    make_events(account, [timezone.now()], kind="search", name="search", detail={"query": CANARY})
    make_integration(account, access_token=CANARY, refresh_token=CANARY, sync_cursor=CANARY, messages=2)
    contact = make_contact(account, full_name=f"{CANARY} contact", email=f"{CANARY}@contact.example")
    make_deal(account, contact=contact, title=f"{CANARY} deal")
    make_note(account, contact=contact, body=f"About {CANARY}.")
    suppression.suppress(
        ADDRESS,
        reason=Suppression.Reason.UNSUBSCRIBED,
        source=Suppression.Source.LINK,
        actor="system:test",
        now=timezone.now(),
    )
    staff.get(reverse("admin:crm_account_changelist"), {"q": ADDRESS}, follow=True)
    staff.get(reverse("admin:crm_account_change", args=[account.pk]))
    Client().post(reverse("account_login"), {"login": ADDRESS, "password": CANARY})
    return account


def _ask(visitor: Client, mail_sink: Mailbox, kind: str) -> Request:
    """As a person does: the form, the mail, the button."""
    before = len(mail_sink.to(ADDRESS))
    asked = {"kind": kind, "email": ADDRESS, "full_name": f"{CANARY} Person", "details": f"I am {CANARY}."}
    assert visitor.post(reverse("request-new"), asked).status_code == 302
    until(lambda: len(mail_sink.to(ADDRESS)) > before, "the mail with the link")
    mail = mail_sink.to(ADDRESS)[before]
    link = re.search(r"https?://\S+?(/requests/confirm/\S+/)", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert link is not None
    assert visitor.get(link[1]).status_code == 200
    visitor.post(link[1])
    return Request.objects.filter(kind=kind).latest("received_at")


def _reviewed(request: Request) -> None:
    until(lambda: _state(request) == State.REVIEW, "the worker to find what is held")
    request.refresh_from_db()
    colleague = User.objects.filter(is_superuser=True).get()
    desk.add_note(request, body=f"Called {CANARY}.", by=colleague, now=timezone.now())


def _state(request: Request) -> str:
    return Request.objects.values_list("state", flat=True).get(pk=request.pk)


def _forgotten() -> bool:
    sweep.delay()
    return not Person.objects.exclude(email="").exists()
