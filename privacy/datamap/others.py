"""Requests in which somebody else has a part: a child's account that was reported."""

from crasme.kit.datamap import Table, blanked, kept
from privacy.datamap.common import ANSWERABLE, PURPOSES, RIGHTS, evidence

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
]
