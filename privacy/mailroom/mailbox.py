"""The mailbox on its server: where it is, what lies in it, and putting away what was stored.

What could go wrong: a password in a log or an error (the address is parsed once and never shown), plain text over a
network (only to this machine itself), a server that answers nothing (a time limit on every read), a mail that a
colleague has opened is never taken (with a folder to put mail away in, whatever still lies in the mailbox is taken).
"""

import imaplib
import ipaddress
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from django.utils.translation import gettext_lazy as _
from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted

from privacy.errors import PrivacyError

TIMEOUT = 30  # seconds
_PORTS = {"imaps": 993, "imap+tls": 143, "imap": 143}
_ITEM = re.compile(rb"UID (?P<uid>\d+)")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"')
FAULTS = (ImapToolsError, imaplib.IMAP4.error, OSError)


class MailboxWrong(PrivacyError):
    """IMAP_URL says nothing that could be connected to. The message never repeats it."""

    code = "mailbox-wrong"
    remedy = _("Write it as imaps://user:password@host:993/INBOX?filed=Filed, with % for special characters.")


class MailboxAway(PrivacyError):
    """The server cannot be reached, lets nobody in, or broke off."""

    code = "mailbox-away"
    remedy = _("Nothing is lost: the mail stays there, and the next reading takes it.")


@dataclass(frozen=True, slots=True)
class Address:
    """`filed` is the folder that mail is moved to once it is stored; without one it is only marked as seen."""

    scheme: str
    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    folder: str = "INBOX"
    filed: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that lies in the mailbox: its size in bytes, and when it came (UTC)."""

    uid: str
    size: int
    arrived_at: datetime | None


def address(url: str) -> Address:
    """The parts of IMAP_URL. MailboxWrong says which one is missing."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise MailboxWrong(_("IMAP_URL is no address.")) from None
    if parts.scheme not in _PORTS:
        raise MailboxWrong(_("IMAP_URL begins with imaps://, imap+tls:// or imap://."))
    if not (parts.hostname and parts.username and parts.password):
        raise MailboxWrong(_("IMAP_URL needs a host, a user and a password."))
    if parts.scheme == "imap" and not _is_here(parts.hostname):
        raise MailboxWrong(_("IMAP_URL would send the password over the network in plain text."))
    return Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        filed=parse_qs(parts.query).get("filed", [""])[0],
    )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def opened(at: Address) -> Iterator["Box"]:
    """Signed in, in the right folder. MailboxAway whatever the server does."""
    try:
        with _connect(at) as box:
            sign_in = box.login if (at.user + at.password).isascii() else box.login_utf8
            sign_in(at.user, at.password, at.folder)
            if at.filed and not box.folder.exists(at.filed):
                box.folder.create(at.filed)
            yield Box(box, at)
    except FAULTS as error:
        raise MailboxAway(_("The mailbox cannot be read: %s.") % type(error).__name__) from None


def _connect(at: Address) -> BaseMailBox:
    if at.scheme == "imap":
        return MailBoxUnencrypted(at.host, at.port, timeout=TIMEOUT)
    kind = MailBox if at.scheme == "imaps" else MailBoxStartTls
    return kind(at.host, at.port, timeout=TIMEOUT, ssl_context=ssl.create_default_context())


class Box:
    """An open mailbox."""

    def __init__(self, box: BaseMailBox, at: Address) -> None:
        self._box, self._at = box, at

    def waiting(self, most: int) -> list[Waiting]:
        """The oldest mails that were not put away yet."""
        criteria = "UNDELETED" if self._at.filed else "UNSEEN UNDELETED"
        uids = self._box.uids(criteria, charset=None)[:most]
        if not uids:
            return []
        answer = self._box.client.uid("FETCH", ",".join(uids), "(UID INTERNALDATE RFC822.SIZE)")[1]
        items = [item if isinstance(item, bytes) else item[0] for item in answer if item]
        found = {item["uid"].decode(): line for line in items if (item := _ITEM.search(line))}
        return [Waiting(uid, _size(found[uid]), _arrival(found[uid])) for uid in uids if uid in found]

    def read(self, uid: str, most: int) -> bytes:
        """The mail's bytes, `most` of them at most; b"" when somebody else has put it away. It stays unseen."""
        answer = self._box.client.uid("FETCH", uid, f"(UID BODY.PEEK[]<0.{most}>)")[1]
        return next((bytes(item[1]) for item in answer if isinstance(item, tuple)), b"")

    def put_away(self, uid: str) -> None:
        """The row is committed: out of the way of the next reading."""
        if self._at.filed:
            self._box.move([uid], self._at.filed)
        else:
            # Not the library's `flag`, which also expunges what others have marked as deleted.
            self._box.client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")


def _size(line: bytes) -> int:
    found = _SIZE.search(line)
    return int(found.group(1)) if found else 0


def _arrival(line: bytes) -> datetime | None:
    found = _DATE.search(line)
    try:
        moment = datetime.strptime(found.group(1).decode().strip(), "%d-%b-%Y %H:%M:%S %z") if found else None
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment else None
