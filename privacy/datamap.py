"""What this room stores about the people who ask, and what outlives an erasure.

A request is evidence: the company must be able to show, to the person and to a regulator, that it answered, what and
when. So the rows stay for the period of the rule `requests`, without what identifies anybody: the address, the name,
what was written and what was sent are emptied; a keyed hash of the address stays, because only it can answer the
question "did you ever erase me?" from somebody who gives their address again.

An erasure finds these tables by `person` alone and never by address: the row that holds the address is emptied last,
by `privacy.services.people.forget`, after the answer has been sent to it (decision 9).
"""

from crasme.kit.datamap import (
    Category,
    Field,
    NoPeople,
    Purpose,
    Sensitivity,
    Table,
    anonymised,
    blanked,
    gone,
    kept,
)

ANSWERABLE = "The company must be able to show that the request was answered, and when (GDPR Art. 5(2), 12)."
INTERNAL = "It says nothing about the person, and would help an attacker."
LINK_DIGEST = "A digest of a link that was sent; of no use to its owner."
LOW = Sensitivity.LOW
SECRET = Sensitivity.SECRET
RIGHTS = Category.RIGHTS
PURPOSES = (Purpose.SECURITY,)


def evidence(meaning: str) -> Field:
    return kept(meaning, reason=ANSWERABLE, sensitivity=LOW)


def machinery(meaning: str) -> Field:
    """Columns by which the workers share the work; the same for every row that is a piece of work."""
    return kept(meaning, reason=ANSWERABLE, sensitivity=LOW, withheld=INTERNAL)


CLAIM_FIELDS = {
    "state": evidence("Whether it is due, done or stopped"),
    "attempts": machinery("How often it was tried"),
    "next_attempt_at": machinery("When it is tried next"),
    "lease_token": machinery("Which worker has it"),
    "lease_until": machinery("Until when the worker has it"),
    "last_error": machinery("Code of the last error"),
    "finished_at": evidence("When it was done"),
}

TABLES = [
    NoPeople("privacy.Controller", why="The company itself."),
    NoPeople("privacy.Recipient", why="Companies that process data for this one."),
    NoPeople("privacy.Right", why="The rights that people have."),
    NoPeople("privacy.PolicyVersion", why="Published texts."),
    Table(
        label="privacy.Person",
        title="People who asked",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "id"},
        ends="people",
        order="created_at",
        fields={
            "email": blanked("E-mail address"),
            "email_hash": kept("Keyed hash of the e-mail address", reason=ANSWERABLE, withheld=INTERNAL),
            "full_name": blanked("Full name"),
            "language": blanked("Language"),
            "account": blanked("The account with this address"),
            "created_at": evidence("When the first request arrived"),
            "forget_from": blanked("From when the address is to be forgotten"),
        },
    ),
    Table(
        label="privacy.Request",
        title="Requests",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "person"},
        ends="requests",
        order="received_at",
        fields={
            "reference": evidence("Reference"),
            "kind": evidence("What was asked for"),
            "person": evidence("Who asked"),
            "state": evidence("Where it stands"),
            "channel": evidence("How it arrived"),
            "regime": evidence("The law that applies"),
            "language": evidence("Language of the answer"),
            "full_name": blanked("Full name"),
            "details": blanked("What the person wrote"),
            "round": machinery("How often the data was collected"),
            "assignee": kept("Who works on it", reason=ANSWERABLE, withheld="It is about a colleague."),
            "duplicate_of": evidence("The earlier request for the same thing"),
            "received_at": evidence("When it arrived"),
            "received_on": evidence("The day on which it arrived"),
            "confirmed_at": evidence("When the mailbox was proven"),
            "closed_at": evidence("When it was closed"),
            "promise_due": evidence("Promised by"),
            "law_due": evidence("Due by law"),
            "effective_due": evidence("Due"),
            "rules_version": machinery("Version of the rules behind the dates"),
            "outcome": evidence("Outcome"),
            "refusal_reason": evidence("Why it was refused"),
        },
    ),
    Table(
        label="privacy.ClockEvent",
        title="What happened to a request's clock",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="at",
        fields={
            "request": evidence("The request"),
            "kind": evidence("What happened"),
            "at": evidence("When"),
            "on": evidence("On which day"),
            "facts": evidence("Particulars"),
            "actor": kept("Who did it", reason=ANSWERABLE, withheld="It is about a colleague."),
        },
    ),
    Table(
        label="privacy.Step",
        title="Steps of a request",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="created_at",
        fields={
            "request": evidence("The request"),
            "kind": evidence("What is done"),
            "source": evidence("In which system"),
            "round": machinery("Which collection it belongs to"),
            "manual": evidence("Whether a person does it"),
            "created_at": evidence("When it came up"),
            "result": evidence("Counts"),
            "done_by": kept("Who did it", reason=ANSWERABLE, withheld="It is about a colleague."),
            **CLAIM_FIELDS,
        },
    ),
    Table(
        label="privacy.Verification",
        title="Links that proved the mailbox",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="created_at",
        fields={
            "request": gone("The request"),
            "purpose": gone("What the link was for"),
            "token_digest": gone("Digest of the link", sensitivity=SECRET, withheld=LINK_DIGEST),
            "code_digest": gone("Digest of the code", sensitivity=SECRET, withheld=LINK_DIGEST),
            "created_at": gone("When it was made"),
            "expires_at": gone("When it ran out"),
            "used_at": gone("When it was used"),
            "attempts": gone("Wrong codes typed"),
        },
    ),
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
            "template": evidence("Kind of message"),
            "period_key": machinery("The occasion"),
            "language": evidence("Language"),
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
    Table(
        label="privacy.Plan",
        title="Plans made for a request",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="made_at",
        fields={
            "request": evidence("The request"),
            "kind": evidence("Release or erasure"),
            "round": machinery("Which collection it belongs to"),
            "content": evidence("Counts by table, what is kept and why"),
            "hash": evidence("Hash of the plan"),
            "made_at": evidence("When it was made"),
            "requested_by": kept("Who proposed it", reason=ANSWERABLE, withheld="It is about a colleague."),
            "requested_at": evidence("When it was proposed"),
            "approved_by": kept("Who approved it", reason=ANSWERABLE, withheld="It is about a colleague."),
            "approved_at": evidence("When it was approved"),
            "executed_at": evidence("When it was executed"),
        },
    ),
    Table(
        label="privacy.Package",
        title="Copies made for a request",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="packages",
        order="made_at",
        fields={
            "request": evidence("The request"),
            "file_name": machinery("Name of the file"),
            "sha256": evidence("SHA-256 of the file"),
            "size": evidence("Size in bytes"),
            "rows": evidence("Rows by table"),
            "key": blanked("Key of the file", sensitivity=SECRET, withheld=INTERNAL),
            "made_at": evidence("When it was made"),
            "expires_at": evidence("Until when it could be fetched"),
            "downloads": evidence("How often it was fetched"),
            # With the key gone the copy is destroyed, wherever its bytes still are.
            "deleted_at": anonymised("When it was destroyed", how="now"),
        },
    ),
]
