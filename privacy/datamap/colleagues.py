"""What this room stores about the company's own people, apart from what they did to a request."""

from crasme.kit.datamap import Category, NoPeople, Table, kept
from privacy.datamap.common import LOW, PURPOSES

WORKS_HERE = "Needed while the person works here, and as long as evidence of what was done names them."

TABLES = [
    NoPeople("privacy.AssignmentRule", why="Which kind of request goes to which role."),
    Table(
        label="privacy.AssignmentRule_colleagues",
        title="Colleagues to whom a rule gives requests",
        category=Category.STAFF,
        purposes=PURPOSES,
        subject={"staff": "user"},
        ends="staff-accounts",
        source="entered by a colleague",
        fields={
            "assignmentrule": kept("The rule", reason=WORKS_HERE, sensitivity=LOW),
            "user": kept("Who gets them", reason=WORKS_HERE),
        },
    ),
]
