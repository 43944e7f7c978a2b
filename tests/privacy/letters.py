"""Mail as people and machines write it, and sorting it as the mail worker would."""

import itertools
from datetime import datetime
from email.message import EmailMessage

from privacy.mailroom.receive import receive
from privacy.mailroom.sorting import sort
from privacy.models import InboundMail
from tests.builders import NOW

ANA = "ana@customer.example"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"
# Set before a letter by the server that MAIL_AUTHSERV_ID names.
VERIFIED = b"Authentication-Results: mx.crasme.example; dmarc=pass header.from=customer.example\r\n"
_numbers = itertools.count(1)


def letter(
    text: str = "Hello.",
    *,
    sender: str = ANA,
    subject: str = "A question",
    files: dict[str, bytes] | None = None,
    html: str = "",
    **headers: str,
) -> bytes:
    """One mail; `headers` have underscores for dashes."""  # fmt: skip
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "support@crasme.com", subject
    mail["Message-ID"] = f"<{next(_numbers)}@mail.customer.example>"
    for name, value in headers.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    for name, content in (files or {}).items():
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def came(raw: bytes, *, now: datetime = NOW, arrived_at: datetime | None = None) -> InboundMail:
    """Stored and sorted."""
    mail = receive(raw, source="pipe", now=now, arrived_at=arrived_at)
    assert mail is not None, "it was here already"
    assert sort(mail.pk, now=now)
    mail.refresh_from_db()
    return mail


def delivery_report(mail_id: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    """What a mail server sends back, as RFC 3464 has it."""
    return f"""From: MAILER-DAEMON@mx.customer.example
To: support@crasme.com
Subject: Undelivered Mail Returned to Sender
Message-ID: <b{next(_numbers)}@mx.customer.example>
Return-Path: <>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=x"

--=x
Content-Type: text/plain

I am sorry to have to inform you that your message could not be delivered.
--=x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customer.example

Final-Recipient: rfc822; {ANA}
Action: {action}
Status: {status}
--=x
Content-Type: message/rfc822

From: support@crasme.com
To: {ANA}
Message-ID: {mail_id}
Subject: Please confirm your request for deletion of your data

http://testserver/requests/confirm/SECRETSECRETSECRETSECRETSECRETSECRETSECRETS/
--=x--
""".encode()


def where(found: InboundMail) -> tuple[str, str, str]:
    """What became of it: where it is, what it was taken for, and why a person has to look."""
    return found.status, found.reading, found.why
