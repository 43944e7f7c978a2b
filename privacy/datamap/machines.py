"""What other systems enter here and are told from here."""

from crasme.kit.datamap import Category, Purpose, Table, blanked, kept
from privacy.datamap.common import CLAIM_FIELDS, INTERNAL, MADE, PURPOSES, RIGHTS, SECRET, evidence, machinery

SET_UP = "Shows who had which system told about requests, as long as that can be asked about."
GUARDS = "It guards a system, and says nothing about a person."

TABLES = [
    Table(
        label="privacy.ApiEntry",
        title="Requests entered by another system",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="requests",
        source="sent by the system at which the person asked",
        order="created_at",
        fields={
            "request": evidence("The request"),
            "key": evidence("The system that entered it"),
            "external_id": blanked("Its number over there"),
            "call_digest": blanked("Keyed hash of the call's number", withheld=INTERNAL),
            "body_digest": blanked("Keyed hash of the call", withheld=INTERNAL),
            "created_at": evidence("When it was entered"),
        },
    ),
    Table(
        label="privacy.WebhookEndpoint",
        title="Systems that are told about requests",
        category=Category.STAFF,
        purposes=(Purpose.SECURITY,),
        subject={"staff": "created_by"},
        ends="webhooks",
        source="entered by a colleague",
        order="created_at",
        fields={
            "name": kept("The system that listens", reason=SET_UP),
            "url": kept("Where it listens", reason=SET_UP),
            "events": kept("What it is told of", reason=SET_UP),
            "key": kept("The key whose requests it hears of", reason=SET_UP),
            "secret": kept("What signs the messages", reason=SET_UP, sensitivity=SECRET, withheld=GUARDS),
            "former_secret": kept("What signed them before", reason=SET_UP, sensitivity=SECRET, withheld=GUARDS),
            "former_until": kept("Until when both sign", reason=SET_UP),
            "active": kept("Whether it is told", reason=SET_UP),
            "created_by": kept("Who set it up", reason=SET_UP),
            "created_at": kept("When it was set up", reason=SET_UP),
            "failures": kept("Failures in a row", reason=SET_UP),
            "failing_since": kept("Since when it takes nothing", reason=SET_UP),
            "rest_until": kept("Until when it is left alone", reason=SET_UP),
            "off_at": kept("When it was switched off", reason=SET_UP),
            "off_why": kept("Why it was switched off", reason=SET_UP),
        },
    ),
    Table(
        label="privacy.WebhookDelivery",
        title="Messages to other systems about a request",
        category=RIGHTS,
        purposes=PURPOSES,
        subject={"person": "request__person"},
        ends="webhook-deliveries",
        order="created_at",
        source=MADE,
        fields={
            "endpoint": machinery("The system that is told"),
            "request": evidence("The request"),
            "event": evidence("What it is told of"),
            "payload": evidence("Where the request stood"),
            "created_at": evidence("When it happened"),
            "status": machinery("Status of the answer"),
            **CLAIM_FIELDS,
        },
    ),
]
