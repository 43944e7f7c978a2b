"""Taking mail from a mailbox over IMAP, and from a mail server's pipe: nothing is lost, and nothing is taken twice."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from privacy.errors import PrivacyError
from privacy.mailroom import mailbox, poll, receive
from privacy.models import InboundMail, Request
from privacy.tasks import read_mailbox, sort_mail
from tests import imap_server
from tests.imap_server import ImapServer
from tests.privacy.letters import letter

ROOT = Path(__file__).parents[2]
PIPE = [sys.executable, "manage.py", "requests", "receive-mail", "--stdin"]


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    with imap_server.running(tmp_path_factory.mktemp("imap") / "imap.log") as server:
        yield server


@pytest.fixture
def server(_server: ImapServer, settings: Settings) -> Iterator[ImapServer]:
    settings.IMAP_URL = _server.url("Filed")
    yield _server
    _server.clear()


@pytest.mark.django_db
def test_what_waits_in_the_mailbox_is_stored_then_put_away_and_sorted(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "LARGEST", 2000)
    monkeypatch.setattr(poll, "LARGEST", 2000)
    arrived = datetime(2026, 11, 1, 12, tzinfo=UTC)
    strange = b"Subject: \xff\x00\r\n\r\n\x00\xff"
    server.deliver(letter("Please delete my account."), strange, letter("x" * 5000), at=arrived)
    call_command("requests", "receive-mail", "--once")
    assert [(found.received_at, found.source, found.cut, found.size > 2000) for found in InboundMail.objects.all()] == [
        (arrived, "imap", False, False), (arrived, "imap", False, False), (arrived, "imap", True, True),
    ]  # fmt: skip
    assert (server.count(), server.count("Filed")) == (0, 3)
    read_mailbox()
    for found in InboundMail.objects.all():
        sort_mail(str(found.pk))
    assert [(found.status, found.why) for found in InboundMail.objects.all()] == [
        ("filed", ""), ("triage", "no_sender"), ("triage", "unreadable"),
    ]  # fmt: skip
    assert Request.objects.get().received_at == arrived
    assert len(InboundMail.objects.last().raw) == 2000


@pytest.mark.django_db(transaction=True)
def test_two_readers_at_once_take_each_mail_once(server: ImapServer) -> None:
    server.deliver(*(letter(f"Mail {number}.") for number in range(8)))

    def reader(_number: int) -> poll.Read:
        try:
            return poll.poll(now=timezone.now())
        except mailbox.MailboxAway:
            return poll.Read()  # the server breaks one off when the other moves a mail under its hands
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(read.stored for read in pool.map(reader, range(2))) <= 8
    poll.poll(now=timezone.now())
    assert (InboundMail.objects.count(), server.count()) == (8, 0)


@pytest.mark.django_db
def test_a_mail_is_put_away_only_after_its_row_is_there(server: ImapServer, settings: Settings) -> None:
    settings.IMAP_URL = server.url()
    server.deliver(letter("First."), letter("Second."))
    with mock.patch("privacy.mailroom.poll.receive", side_effect=OperationalError), pytest.raises(OperationalError):
        poll.poll(now=timezone.now())
    assert (InboundMail.objects.count(), server.count(criteria="UNSEEN")) == (0, 2)
    # The process ends between the commit and the putting away: the mail is found again, and is known.
    with mock.patch.object(mailbox.Box, "put_away", side_effect=OSError):
        assert poll.poll(now=timezone.now()) == poll.Read(stored=2, failed=2)
    assert poll.poll(now=timezone.now()) == poll.Read(known=2)
    assert (InboundMail.objects.count(), server.count(criteria="UNSEEN"), server.count()) == (2, 0, 2)
    assert poll.poll(now=timezone.now()) == poll.Read()


@pytest.mark.django_db
def test_a_mailbox_that_is_away_is_said_and_nothing_of_its_address(settings: Settings, server: ImapServer) -> None:
    for url in (server.url().replace(str(server.port), "1"), server.url().replace("p%40ss", "wrong")):
        settings.IMAP_URL = url
        with pytest.raises(CommandError, match="cannot be read") as refused:
            call_command("requests", "receive-mail", "--once")
        assert "p@ss" not in str(refused.value)
    settings.IMAP_URL = ""
    read_mailbox()
    with pytest.raises(CommandError, match="IMAP_URL is not set"):
        call_command("requests", "receive-mail", "--once")


@pytest.mark.parametrize(
    "url",
    ["imaps://host", "imaps://user@host", "pop3://u:p@host", "imap://u:p@mail.example.com", "no", "imaps://u:p@h:port"],
)  # fmt: skip
def test_an_address_that_cannot_be_right_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(PrivacyError) as refused:
        mailbox.address(url)
    assert url not in str(refused.value)


def test_an_address_is_taken_apart() -> None:
    found = mailbox.address("imap+tls://a%40b:c%2Fd@mail.example.com/Team%20box?filed=Done")
    assert (found.user, found.password, found.host, found.port) == ("a@b", "c/d", "mail.example.com", 143)
    assert (found.folder, found.filed) == ("Team box", "Done")
    assert "c/d" not in repr(found)
    assert mailbox.address("imaps://a:b@mail.example.com").port == 993


def test_a_mail_server_is_told_to_try_again_when_nothing_could_be_stored() -> None:
    variables = os.environ | {"DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none"}
    raw = letter("Please delete my account.")
    done = subprocess.run(PIPE, cwd=ROOT, env=variables, input=raw, capture_output=True, check=False)
    assert (done.returncode, b"customer" in done.stderr) == (75, False)


@pytest.mark.django_db
def test_the_pipe_cuts_what_is_too_large_and_takes_what_is_empty_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receive, "LARGEST", 1000)
    monkeypatch.setattr("privacy.mailroom.command.LARGEST", 1000)
    for raw in (b"", letter("x" * 3000)):
        with mock.patch("sys.stdin") as stdin:
            stdin.buffer.read.side_effect = [raw[:1001], raw[1001:2001], raw[2001:], b""]
            call_command("requests", "receive-mail", "--stdin")
    found = InboundMail.objects.get()
    assert (found.cut, len(found.raw or b"")) == (True, 1000)
    assert found.size > 3000
    assert found.received_at > timezone.now() - timedelta(minutes=1)
    assert not Request.objects.exists()
