"""The local mail sink keeps what real mail clients send it, whole, and the inbox shows it without letting it act."""

import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.core import mail as sending
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import include, path
from django.utils import timezone
from pytest_django import Settings

from consent import suppression
from crasme import inbox, urls
from crasme.demo import marketing
from crasme.demo.plan import SIZES, Demo
from crasme.embedded import processes
from crasme.mailsink import KEPT_FOR, Spool
from crasme.run.plan import listens
from tests.builders import make_account

PROJECT = Path(__file__).resolve().parents[2]
urlpatterns = [*urls.urlpatterns, path("inbox/", include(inbox.urlpatterns))]  # as with DEBUG on


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A running sink: its port and its spool, which holds one mail."""
    folder, port = tmp_path_factory.mktemp("sink"), processes.free_port()
    child = processes.spawn(
        [sys.executable, "-m", "crasme.mailsink", "--port", str(port), "--spool", str(folder / "mail")],
        log=folder / "sink.log",
        folder=PROJECT,
    )
    assert processes.wait_until(lambda: listens(port), 15)
    message = EmailMessage()
    message["Subject"] = "Bitte bestätigen Sie Ihre Anfrage"
    message["From"] = "Crasme privacy <support@crasme.com>"
    message["To"] = "Zoë <zoe@example.com>"
    message.set_content("Open http://localhost:8000/requests/confirm/abc/ <script>alert(1)</script>\n")
    message.add_alternative(
        '<p>Hi</p><script>alert(1)</script><a href="http://localhost:8000/x/">x</a>', subtype="html"
    )
    with smtplib.SMTP("127.0.0.1", port) as link:
        link.send_message(message)
    yield port, folder / "mail"
    child.terminate()
    assert child.wait(10) == 0, "the sink must end by itself when it is told to"


@pytest.fixture
def shown(sink: tuple[int, Path], settings: Settings) -> Client:
    settings.DEBUG, settings.MAIL_SPOOL, settings.ROOT_URLCONF = True, sink[1], __name__
    return Client()


def test_a_mail_is_one_whole_file(sink: tuple[int, Path]) -> None:
    files = list((sink[1] / "new").glob("*.eml"))
    assert len(files) == 1
    assert list((sink[1] / "tmp").iterdir()) == []
    assert b"X-Envelope-To: zoe@example.com\r\n" in files[0].read_bytes()


def test_only_the_newest_stay(tmp_path: Path) -> None:
    spool = Spool(tmp_path, kept=3)
    names = [spool.keep(b"Subject: x\r\n\r\n", "a@example.com", ["b@example.com"]).name for _ in range(5)]
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == sorted(names[2:])
    os.utime(tmp_path / "new" / names[3], (0, time.time() - KEPT_FOR - 1))
    Spool(tmp_path)
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == sorted([names[2], names[4]])


@pytest.mark.django_db
def test_the_list_leads_to_the_mail_with_links_to_follow(shown: Client) -> None:
    page = shown.get("/inbox/").content.decode()
    assert "Bitte bestätigen Sie Ihre Anfrage" in page
    key = next((inbox._spool()).glob("*.eml")).stem
    mail = shown.get(f"/inbox/{key}/").content.decode()
    assert 'href="http://localhost:8000/requests/confirm/abc/"' in mail
    assert "<script>alert(1)</script>" not in mail
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in mail
    german = shown.get("/inbox/", headers={"accept-language": "de"}).content.decode()
    assert 'lang="en"' in german  # wholly, the frame of the site included
    assert "Datenschutz" not in german.replace("Bitte bestätigen Sie Ihre Anfrage", "")


@pytest.mark.django_db
def test_the_marketing_mail_of_the_demo_can_be_refused_from_the_inbox(
    shown: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.MAIL_SPOOL = tmp_path
    emails = [make_account(email=f"{name}@customer.example").email for name in "ab"]
    filling = (Demo(SIZES["small"], timezone.now()), lambda made, total: None)
    assert marketing.make(*filling) == {"marketing mails": 1}
    (sent,) = sending.outbox
    key = Spool(tmp_path).keep(sent.message().as_bytes(), "", sent.to).stem
    page = shown.get(f"/inbox/{key}/").content.decode()
    link = page.partition('<form method="post" action="')[2].partition('"')[0]
    assert link.startswith("/unsubscribe/")
    assert f'href="{settings.SITE_URL}{link}"' in page  # and the page for whoever reads on
    assert shown.get(link).status_code == 200
    assert suppression.allowed(emails[0], marketing.TOPIC)  # looking changes nothing
    program = Client(enforce_csrf_checks=True)
    assert program.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert [suppression.allowed(email, marketing.TOPIC) for email in emails] == [False, True]

    elsewhere = sent.message().as_bytes().replace(settings.SITE_URL.encode(), b"https://elsewhere.example")
    key = Spool(tmp_path).keep(elsewhere, "", sent.to).stem
    assert "<form method" not in shown.get(f"/inbox/{key}/").content.decode().partition("inbox-headers")[2]

    marketing.make(*filling)
    assert [each.to for each in sending.outbox] == [[emails[0]], [emails[1]]]
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", processes.free_port()
    assert marketing.make(*filling) == {"marketing mails": 0}  # complete without, while no mail server is up


@pytest.mark.django_db
def test_markup_of_a_mail_cannot_act(shown: Client) -> None:
    key = next((inbox._spool()).glob("*.eml")).stem
    answer = shown.get(f"/inbox/{key}/html/")
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/inbox/nothing/", "/inbox/nothing/html/", "/inbox/..%2f..%2fsecrets/"])
def test_what_is_not_in_the_spool_is_not_found(shown: Client, address: str) -> None:
    assert shown.get(address).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("technical", [False, True])
def test_an_address_that_leads_nowhere_gets_our_own_page_locally_too(
    settings: Settings, shown: Client, *, technical: bool
) -> None:
    settings.TECHNICAL_ERRORS = technical
    for address in ("/nowhere/", "/inbox/nothing/", "/policy/1999.01/"):
        answer = shown.get(address)
        assert answer.status_code == 404
        assert (b"There is nothing here" in answer.content) != technical
    assert shown.get("/policy").status_code == 301  # the slash is added as ever


@pytest.mark.django_db
def test_the_root_has_the_icon_that_programs_ask_for(client: Client) -> None:
    icon = client.get("/favicon.ico")
    assert (icon.status_code, b"".join(icon.streaming_content)[:4]) == (200, b"\x00\x00\x01\x00")
    assert "/static/portal/mark" in client.get("/").content.decode()


def test_it_is_shut_outside_development(sink: tuple[int, Path], rf: RequestFactory, settings: Settings) -> None:
    settings.MAIL_SPOOL = sink[1]
    settings.DEBUG = False
    with pytest.raises(Http404):
        inbox.index(rf.get("/inbox/"))


def test_the_sink_says_what_it_wants() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "crasme.mailsink"], capture_output=True, text=True, cwd=PROJECT, check=False
    )
    assert done.returncode == 2
    assert "--spool" in done.stderr
