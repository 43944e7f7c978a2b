"""What somebody wanted put right, and which recipients were told of what was done."""

from crasme.kit.datamap import Table, blanked, kept
from privacy.datamap.common import (
    ANSWERABLE,
    INTERNAL,
    LINK_DIGEST,
    PURPOSES,
    RIGHTS,
    SAID,
    SECRET,
    WORKED_ON,
    evidence,
    machinery,
)

COLLEAGUE = "It is about a colleague."

TABLES = [
    Table(
        label="privacy.Correction",
        title="Corrections asked for",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="proposed_at",
        source=SAID,
        fields={
            "request": evidence("The request"),
            "label": evidence("The table"),
            "row": evidence("The record"),
            "field": evidence("The field"),
            "proposed": blanked("Proposed value"),
            "settled": blanked("Value to be written"),
            "proposed_at": evidence("When it was proposed"),
            "entered_by": kept("Who entered it", reason=ANSWERABLE, withheld=COLLEAGUE),
            "proof_digest": blanked("Digest of the link to a new mailbox", sensitivity=SECRET, withheld=LINK_DIGEST),
            "proof_until": blanked("Until when that link was good"),
            "proven_at": evidence("When the new mailbox was proven"),
            "decision": evidence("Decision"),
            "round": machinery("Which collection it was decided after"),
            "reason": evidence("Why it was rejected"),
            "words": blanked("What a colleague wrote about it"),
            "decided_by": kept("Who decided", reason=ANSWERABLE, withheld=COLLEAGUE),
            "decided_at": evidence("When it was decided"),
            "old_digest": blanked("Keyed hash of the old value", withheld=INTERNAL),
            "new_digest": blanked("Keyed hash of the new value", withheld=INTERNAL),
            "applied_at": evidence("When it was written"),
        },
    ),
    Table(
        label="privacy.RecipientNotice",
        title="Recipients told",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="created_at",
        source=WORKED_ON,
        fields={
            "request": evidence("The request"),
            "recipient": evidence("The recipient of data"),
            "act": evidence("What it was told to do"),
            "round": machinery("Which collection it belongs to"),
            "message": evidence("The mail"),
            "token_digest": kept(
                "Digest of the link to acknowledge it", reason=ANSWERABLE, sensitivity=SECRET, withheld=LINK_DIGEST
            ),
            "why_not": evidence("Why it could not be told"),
            "created_at": evidence("When it came up"),
            "due_on": evidence("By when it was to answer"),
            "reminders": evidence("Reminders sent"),
            "reminded_at": evidence("When the last reminder was queued"),
            "acknowledged_at": evidence("When it answered"),
            "acknowledged_by": kept("How it answered", reason=ANSWERABLE, withheld=COLLEAGUE),
        },
    ),
]
