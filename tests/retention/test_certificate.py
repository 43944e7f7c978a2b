"""A run's certificate: printed, fetched, checked without us, and at the page where everybody checks."""

import copy
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from consent import receipts
from crasme.ledger import seals, signing
from crasme.ledger.models import Seal
from crasme.staff.roles import AUDITOR, SUPPORT_AGENT
from retention import certificate, services
from retention.errors import NoCertificate
from retention.models import Rule, Run
from tests.builders import make_user, sign_in
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db


def carried_out(slug: str) -> Run:
    run = services.run_rule(builders.rule(slug), now=NOW, actor="system:test")
    assert run is not None
    return run


@pytest.fixture
def done() -> Run:
    """An approved run that ended one invoice."""
    builders.invoice(None, date(2019, 1, 1))
    Rule.objects.active().filter(slug="billing").update(max_rows=0)
    waiting = carried_out("billing")
    with pytest.raises(NoCertificate):
        certificate.of(waiting)
    assert waiting.plan is not None
    services.approve_first(waiting, plan_hash=waiting.plan.hash, actor="staff:first", now=NOW)
    services.approve(waiting, plan_hash=waiting.plan.hash, actor="staff:second", now=NOW)
    run = carried_out("billing")
    assert (run.state, run.rows_total) == (Run.State.DONE, 1)
    assert certificate.of(run)["sealed"] is None
    assert certificate.check(certificate.of(run)) == []
    seals.seal(NOW)
    return run


def test_a_certificate_is_the_same_each_time_and_holds_together_as_a_file(
    client: Client, done: Run, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in(client, make_user(AUDITOR))
    change = client.get(reverse("admin:retention_run_change", args=[done.pk])).content.decode()
    page = reverse("admin:retention_run_certificate", args=[done.pk])
    assert page in change
    printed = client.get(page).content.decode()
    fetched = client.get(page, {"format": "json"})
    content = fetched.json()
    assert f"retention-billing-{done.period_key}.json" in fetched["Content-Disposition"]
    assert content == certificate.of(Run.objects.get(pk=done.pk))
    assert done.plan is not None
    assert done.digest
    for words in (done.digest, done.plan.hash, content["entry"]["digest"], content["signature"]["value"], "7 years"):
        assert words in printed
    assert (content["rows"], content["counts"], content["approved_by"]) == (1, {"crm.invoice": 1}, "staff:second")
    (tmp_path / "c.json").write_bytes(fetched.content)
    call_command("retention", "check", str(tmp_path / "c.json"))
    published = client.get("/.well-known/evidence-keys.json").json()["keys"]
    assert (published["retention-certificate"], published["retention-plan"]) == (
        content["signature"]["key"], done.plan.key,
    )  # fmt: skip
    seal = Seal.objects.get()
    assert (published["ledger-seal"], content["sealed"]["seal"]) == (seal.key, seal.number)
    said = capsys.readouterr().out
    assert all(words in said for words in ("holds together", "(this house's)", f"in seal 1, {seal.digest}"))
    # The page for everybody takes the file, and says what is wrong with another.
    check = reverse("evidence-verify")
    shown = Client().post(check, {"receipt": fetched.content.decode()}).content.decode()
    assert "We signed this certificate, and it is unchanged." in shown
    assert seal.digest in shown
    for content_of_file, words in (
        (b"\xef\xbb\xbf" + fetched.content, "We signed this certificate, and it is unchanged."),
        (b"%PDF-1.7", "This is no receipt or certificate"),
        (b"", "This is no receipt or certificate"),
        (b'"' + b"x" * receipts.LARGEST + b'"', "This is more than 512 kB"),
        (b"x" * 4 * receipts.LARGEST, "This is more than 512 kB"),
    ):
        answered = Client().post(check, {"file": SimpleUploadedFile("c.json", content_of_file), "receipt": ""})
        assert words in answered.content.decode()
        assert answered.status_code == (200 if "signed" in words else 422)
    for length in ("", "abc"):  # nothing is read, and nothing breaks
        answered = Client().post(check, {"receipt": "{}"}, CONTENT_LENGTH=length)
        assert "Choose a file, or paste" in answered.content.decode()
    changed = Client().post(check, {"receipt": json.dumps(content | {"rows": 7})}).content.decode()
    assert "The signature is not one over this certificate." in changed
    settings.SUBJECT_KEY = b"another" * 5
    foreign = Client().post(check, {"receipt": fetched.content.decode()}).content.decode()
    assert "signed with a key that is not ours" in foreign
    # The page for everybody says the same of the entry.
    public = urlsplit(content["verify_at"])
    answer = Client().get(public.path, dict(part.split("=") for part in public.query.split("&"))).content.decode()
    assert "The entry is there, unchanged." in answer
    assert "Its digest is the one you gave." in answer
    assert content["sealed"]["digest"] in answer
    sign_in(client, make_user(SUPPORT_AGENT))
    assert client.get(page).status_code == 403


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (("rows",), 2, "something else than the certificate"),
        (("entry", "facts", "rows"), 2, "does not give its digest"),
        (("plan", "lines", 0, "rows"), 5, "plan is not what was signed"),
        (("rule", "name"), "usage", "something else than the certificate"),
        (("approved_plan",), "f" * 64, "another plan"),
        (("sealed", "root"), "0" * 64, "not in the seal"),
        (("sealed", "path"), [["left", "no hex"]], "not the certificate of a retention run"),
        (("sealed", "path"), [["left", "00" * 32]], "not in the seal"),
        (("sealed", "signature"), "00" * 64, "not in the seal"),
        (("certificate",), "erasure", "not the certificate of a retention run"),
        (("rule", "legal_reason"), "None.", "signature is not one over"),
        (("entry",), None, "not the certificate of a retention run"),
    ],
)
def test_whatever_is_changed_in_it_is_found(done: Run, place: tuple[Any, ...], value: Any, problem: str) -> None:
    content = copy.deepcopy(certificate.of(done))
    assert certificate.check(content) == []
    inner: Any = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    found = certificate.check(content)
    assert any(problem in words for words in found), found
    # Whoever signs it anew with a key of their own deceives nobody about the rest.
    del content["signature"]
    again = {"key": signing.public_key("other"), "value": signing.sign("other", content)}
    if place != ("rule", "legal_reason"):
        assert certificate.check(content | {"signature": again})


def test_no_certificate_of_what_is_no_file_or_not_over(client: Client, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"certificate": "retention-run"}))
    (tmp_path / "deep.json").write_text("[" * 20_000)
    for name in ("c.json", "gone.json", "deep.json"):
        with pytest.raises(CommandError, match=r"not the certificate|cannot be read"):
            call_command("retention", "check", str(tmp_path / name))
    builders.account(closed=datetime(2025, 1, 1, tzinfo=UTC))
    Rule.objects.active().filter(slug="account-closed").update(max_rows=0)
    waiting = carried_out("account-closed")
    sign_in(client, make_user(AUDITOR))
    page = client.get(reverse("admin:retention_run_certificate", args=[waiting.pk]), follow=True)
    assert "Only a run that is over" in page.content.decode()
