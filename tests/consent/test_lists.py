"""Suppression lists from elsewhere: what comes in, what is refused with its place, and what is kept of the file."""

import io
import json
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from consent import again, lists, suppression
from consent.models import MarketingChoice, Suppression
from consent.models.addresses import address_hash
from crasme.kit.crypto import decrypt
from crasme.ledger.models import Entry
from crasme.staff.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from tests.builders import make_user, sign_in

pytestmark = pytest.mark.django_db
IMPORT = "/admin/consent/suppression/import/"
CONFIRM = "/admin/consent/suppression/process_import/"
CSV, XLSX, JSON = range(3)


@pytest.fixture
def desk() -> Client:
    client = Client()
    sign_in(client, make_user(PRIVACY_OFFICER))
    return client


def upload(desk: Client, data: bytes, which: int = CSV) -> HttpResponse:
    for old in (Path(settings.DATA_DIR) / "uploads").glob("*.upload"):
        old.unlink()
    return desk.post(IMPORT, {"import_file": SimpleUploadedFile("list", data), "format": which, "resource": ""})  # type: ignore[return-value]


def confirm(desk: Client, page: HttpResponse) -> HttpResponse:
    return desk.post(CONFIRM, page.context["confirm_form"].initial, follow=True)  # type: ignore[attr-defined, return-value]


def kept() -> bytes:
    """What lies in the folder of uploads, as whoever has the key would read it."""
    return b"".join(decrypt(each.read_bytes()) for each in (Path(settings.DATA_DIR) / "uploads").glob("*.upload"))


def test_a_list_is_taken_over_and_no_address_is_kept(desk: Client) -> None:
    listed = "address,scope,channel,reason\nAna@X.example,,,\nben@x.example,marketing.features,email,unsubscribed\n"
    page = upload(desk, f"{listed}+43 1 5550199,,phone,objected\nana@x.EXAMPLE,,,\n".encode())
    assert b"x.example" not in page.content.lower()
    assert b"x.example" not in kept().lower()
    assert address_hash("ana@x.example").encode() in kept()
    assert not Suppression.objects.exists()
    for _time in range(2):
        confirm(desk, page)
        page = upload(desk, f"{listed}+43 1 5550199,,phone,objected\n".encode())
    assert set(Suppression.objects.values_list("scope", "channel", "reason", "source")) == {
        ("marketing", "", "imported", "import"),
        ("marketing.features", "email", "unsubscribed", "import"),
        ("marketing", "phone", "objected", "import"),
    }
    assert Suppression.objects.count() == 3
    assert suppression.is_suppressed("ANA@x.example")
    assert not suppression.allowed("0043 15550199", "marketing.announcements", "phone")
    assert not MarketingChoice.objects.exists()  # nobody chose anything here
    facts = Entry.objects.filter(verb="consent.suppression_imported").order_by("pk").values_list("facts", flat=True)
    assert list(facts) == [{"rows": 4, "new": 3}, {"rows": 3, "new": 0}]


@pytest.mark.django_db(transaction=True)
def test_a_list_outlives_a_restored_backup(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "A_LINE", 2)
    upload(desk, b"address\nnobody@x.example\n")  # looked at and never confirmed: nothing is to be done again
    listed = "".join(f"person{number}@x.example,,\n" for number in range(4))
    confirm(desk, upload(desk, f"address,scope,channel\n{listed}news@x.example,marketing.features,email\n".encode()))
    ledger = Path(settings.ERASURE_LEDGER_URL).read_text()
    entries = [json.loads(line) for line in ledger.splitlines() if '"act":"suppress"' in line]
    assert [len(entry["rows"]) for entry in entries] == [2, 2, 1]
    assert "x.example" not in ledger
    before = set(Suppression.objects.values_list("address", "key_version", "scope", "channel", "reason", "source"))
    Suppression.objects.all().delete()  # the backup is from before
    for _time in range(2):
        for entry in entries:
            again.suppress(entry, actor="system:test", now=datetime.fromisoformat(entry["at"]))
    after = set(Suppression.objects.values_list("address", "key_version", "scope", "channel", "reason", "source"))
    assert (after, len(after)) == (before, 5)


def test_other_formats_and_what_this_system_exported_come_in_as_well(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = openpyxl.Workbook()
    for row in (["E-Mail".lower().replace("-", ""), "scope"], ["carla@x.example", ""]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    confirm(desk, upload(desk, file.getvalue(), XLSX))
    confirm(desk, upload(desk, json.dumps([{"hash": address_hash("dora@x.example")}]).encode(), JSON))
    assert suppression.check_many(["carla@x.example", "dora@x.example", "ed@x.example"]) == {
        "carla@x.example", "dora@x.example",
    }  # fmt: skip
    chosen = {f"suppressionsheet_{name}": "on" for name in ("address", "scope", "key_version")}
    exported = desk.post("/admin/consent/suppression/export/", {"format": CSV, "resource": ""} | chosen)
    assert address_hash("dora@x.example").encode() in exported.content
    # It comes back after the key was exchanged, and each row still says which key it needs.
    Suppression.objects.all().delete()
    monkeypatch.setattr(settings, "SUPPRESSION_PEPPERS", {2: b"p" * 32, 1: b""})
    confirm(desk, upload(desk, exported.content))
    assert suppression.check_many(["carla@x.example", "ed@x.example"]) == {"carla@x.example"}
    monkeypatch.setattr(settings, "SUPPRESSION_PEPPERS", {2: b"p" * 32})
    assert "not in use any more" in upload(desk, exported.content).content.decode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name,scope\nAna,\n", "needs one column"),
        (b"address,hash\na@x.example,\n", "needs one column"),
        (b"address,town\na@x.example,Linz\n", "There is no column “town”"),
        (b"address\na@x.example\nnobody\n", "This is no address"),
        (b"hash\n0123\n", "This is no address"),
        (b"address,scope\na@x.example,marketing.pigeons\n", "There is no such topic"),
        (b"address,channel\na@x.example,pigeon\n", "email, sms, phone, post"),
        (b"address,reason\na@x.example,bored\n", "unsubscribed, objected"),
        (b"address\n\xff\n", "not in UTF-8"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_whole_with_its_place(desk: Client, data: bytes, said: str) -> None:
    page = upload(desk, data)
    content = page.content.decode()
    assert said in content
    assert "confirm_form" not in page.context  # type: ignore[attr-defined]
    assert b"nobody" not in kept()
    assert not Suppression.objects.exists()


def test_who_may_not_import_has_no_page() -> None:
    client = Client()
    sign_in(client, make_user(SUPPORT_AGENT))
    assert client.get(IMPORT).status_code == 403
