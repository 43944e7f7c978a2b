"""Mail that came in: what is waiting to be sorted, and what was sorted lately.

An erasure deletes the rows: what was filed stands in the correspondence, and nothing else has to be proven by them.
Nobody is forgotten while a mail whose sender our server has verified waits for somebody to read it
(`PersonQuerySet.forgettable`); any other is let go, and is nobody's until it was read. What comes after that, and is
set aside, is emptied (`privacy.mailroom.forgetting`).
"""

from crasme.kit.datamap import Field, Purpose, Sensitivity, Table, gone
from privacy.datamap.common import INTERNAL, LOW, PURPOSES, RIGHTS

COLLEAGUE = "It is about a colleague."
AS_SENT = "You sent it yourself; what you wrote is shown as text."


def row(meaning: str) -> Field:
    return gone(meaning, sensitivity=LOW)


def machinery(meaning: str) -> Field:
    return gone(meaning, sensitivity=LOW, withheld=INTERNAL)


TABLES = [
    Table(
        label="privacy.InboundMail",
        title="Mail that came in",
        category=RIGHTS,
        purposes=(Purpose.COMMUNICATION, *PURPOSES),
        subject={"person": "person"},
        ends="mail",
        order="received_at",
        fields={
            "digest": machinery("Digest of the mail"),
            "source": row("By which way it came"),
            "size": row("Size in bytes"),
            "cut": row("Whether only its beginning was kept"),
            "raw": gone("The mail as it came", sensitivity=Sensitivity.SENSITIVE, withheld=AS_SENT),
            "received_at": row("When it arrived"),
            "stored_at": row("When it was stored"),
            "mail_id": gone("Message-ID"),
            "sender_hash": gone("Keyed hash of the sender's address", withheld=INTERNAL),
            "sender": gone("From"),
            "subject": gone("Subject"),
            "body": gone("Text", sensitivity=Sensitivity.SENSITIVE),
            "language": row("Language"),
            "sender_check": row("Whether its sender was verified"),
            "status": row("Where it is"),
            "reading": row("What it was taken for"),
            "why": row("Why somebody has to look at it"),
            "suggested": gone("The request that it may be about", withheld=INTERNAL),
            "suggested_kinds": row("What it may ask for"),
            "person": row("Who wrote it"),
            "request": row("The request"),
            "settled_at": row("When it was settled"),
            "settled_by": gone("Who settled it", withheld=COLLEAGUE),
            "state": machinery("Whether it is due, done or stopped"),
            "attempts": machinery("How often it was tried"),
            "next_attempt_at": machinery("When it is tried next"),
            "lease_token": machinery("Which worker has it"),
            "lease_until": machinery("Until when the worker has it"),
            "last_error": machinery("Code of the last error"),
            "finished_at": machinery("When it was sorted"),
        },
    ),
    Table(
        label="privacy.Attachment",
        title="Files that came in",
        category=RIGHTS,
        purposes=(Purpose.COMMUNICATION, *PURPOSES),
        # Those of a mail that was not filed go with the mail.
        subject={"person": "message__request__person"},
        goes_with=("mail",),
        ends="requests",
        order="stored_at",
        fields={
            "mail": row("The mail"),
            "message": row("The message"),
            "file_name": row("Our name for it"),
            "their_name": gone("Name of the file"),
            "media_type": row("Kind of file"),
            "size": row("Size in bytes"),
            "content": gone(
                "Content", sensitivity=Sensitivity.SENSITIVE, withheld="It is in the folder “files” of this copy."
            ),
            "refused": row("Why it was not taken"),
            "identity": row("Whether it was an identity document"),
            "stored_at": row("When it arrived"),
            "destroyed_at": row("When it was destroyed"),
        },
    ),
]
