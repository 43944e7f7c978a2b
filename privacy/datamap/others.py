"""Requests in which somebody else has a part: a child whose account was reported, a customer who wrote about the
person, a representative.
"""

from crasme.kit.datamap import Sensitivity, Table, anonymised, blanked, kept
from privacy.datamap.common import ANSWERABLE, INTERNAL, PURPOSES, RIGHTS, SECRET, WORKED_ON, evidence

TABLES = [
    Table(
        label="privacy.ChildReport",
        title="Reports of children's accounts",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="request__received_at",
        fields={
            "request": evidence("The request"),
            "account": blanked("The reported account", withheld="It is about somebody else."),
            "address": blanked("Address of the reported account", withheld="It is about somebody else."),
            "parent": evidence("Whether the reporter is the child's parent"),
            "judged_by": kept("Who judged that", reason=ANSWERABLE, withheld="It is about a colleague."),
            "judged_at": evidence("When that was judged"),
        },
    ),
    Table(
        label="privacy.Referral",
        title="Requests passed on to customers",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="found_at",
        source=WORKED_ON,
        fields={
            "request": evidence("The request"),
            "organisation": evidence("The customer who decides"),
            "contacts": evidence("How many entries the customer wrote"),
            "found_at": evidence("When they were found"),
            "token_digest": kept(
                "Digest of the customer's link", reason=ANSWERABLE, sensitivity=SECRET, withheld=INTERNAL
            ),
            "sent_at": evidence("When it was passed on"),
            "due_on": evidence("By when the customer was asked to act"),
            "unreachable": evidence("Whether the customer could not be written to"),
            "reminders": evidence("How often the customer was reminded"),
            "acknowledged_at": evidence("When the customer answered"),
            "outcome": evidence("What the customer answered"),
            "closed_at": evidence("When it was closed"),
            "settled_by": kept("Who noted the answer", reason=ANSWERABLE, withheld="It is about a colleague."),
        },
    ),
    Table(
        label="privacy.Representative",
        title="People who asked for others",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        order="request__received_at",
        source="given by whoever says that they represent the person",
        fields={
            "request": evidence("The request"),
            "full_name": blanked("Name given by whoever asked for the person"),
            "email": blanked("Address given by whoever asked for the person"),
            "mandate": evidence("Kind of mandate"),
            "state": evidence("Whether the mandate was accepted"),
            "decided_by": kept("Who judged the mandate", reason=ANSWERABLE, withheld="It is about a colleague."),
            "decided_at": evidence("When it was judged"),
            "reason": blanked("Why it was judged so"),
            "release_to": evidence("Who gets the answer"),
            "person_confirmed_at": evidence("When the person said so"),
        },
    ),
    Table(
        label="privacy.MandateDocument",
        title="Mandates that were shown",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "representative__request__person"},
        ends="requests",
        order="stored_at",
        source="given by whoever says that they represent the person",
        fields={
            "representative": evidence("Who showed it"),
            "media": evidence("Kind of file"),
            "size": evidence("Size in bytes"),
            "sha256": evidence("SHA-256 of the file"),
            "content": blanked(
                "Content",
                sensitivity=Sensitivity.SENSITIVE,
                withheld="It belongs to whoever showed it, and is destroyed when the request is decided.",
            ),
            "stored_at": evidence("When it arrived"),
            # With the content gone it is destroyed.
            "destroyed_at": anonymised("When it was destroyed", how="now"),
        },
    ),
]
