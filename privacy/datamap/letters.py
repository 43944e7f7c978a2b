"""What was said about a request."""

from crasme.kit.datamap import Purpose, Table, blanked, kept
from privacy.datamap.common import ANSWERABLE, CLAIM_FIELDS, PURPOSES, RIGHTS, evidence, machinery

TABLES = [
    Table(
        label="privacy.Message",
        title="Messages about a request",
        category=RIGHTS,
        purposes=(Purpose.COMMUNICATION, Purpose.SECURITY),
        subject={"person": "request__person"},
        ends="requests",
        order="created_at",
        fields={
            "request": evidence("The request"),
            "direction": evidence("Sent or received"),
            "addressee": evidence("Written to"),
            "recipient": evidence("The recipient of data it was written to"),
            "colleague": kept("Who it was written to", reason=ANSWERABLE, withheld="It is about a colleague."),
            "correction": evidence("The correction it is about"),
            "template": evidence("Kind of message"),
            "period_key": machinery("The occasion"),
            "language": evidence("Language"),
            "facts": evidence("Particulars"),
            "written": blanked("What a colleague wrote"),
            "written_by": kept("Who wrote it", reason=ANSWERABLE, withheld="It is about a colleague."),
            "subject": blanked("Subject"),
            "body": blanked("Text"),
            "mail_id": evidence("Message-ID"),
            "created_at": evidence("When it was queued"),
            "bounced_at": evidence("When it came back"),
            **CLAIM_FIELDS,
        },
    ),
    Table(
        label="privacy.Alert",
        title="Warnings that a request is due",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        source="made by the system",
        order="at",
        fields={
            "request": evidence("The request"),
            "level": evidence("What was warned of"),
            "colleague": kept("Who was warned", reason=ANSWERABLE, withheld="It is about a colleague."),
            "due": evidence("The day it was about"),
            "at": evidence("When"),
            "message": machinery("The mail"),
        },
    ),
    Table(
        label="privacy.Note",
        title="Internal notes on a request",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="at",
        fields={
            "request": evidence("The request"),
            "author": kept("Who wrote it", reason=ANSWERABLE, withheld="It is about a colleague."),
            "at": evidence("When"),
            "body": blanked("Note"),
        },
    ),
]
