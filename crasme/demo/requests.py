"""Privacy requests in every state, some overdue, a few stuck.

What is open went through the product's own services, with the clock set back, so that an agent finds real plans over
real rows. What was closed long ago is written in bulk by `crasme.demo.archive`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from crasme.crm.models import Account
from crasme.demo import archive
from crasme.demo.plan import Counts, Demo, Draw
from crasme.demo.walk import Desk, Walk
from crasme.staff.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from privacy.models import AssignmentRule, Recipient, Request
from privacy.states import State

Kind = Request.Kind
KINDS = {
    Kind.ACCESS: 42,
    Kind.DELETION: 34,
    Kind.PORTABILITY: 6,
    Kind.CORRECTION: 6,
    Kind.RESTRICTION: 3,
    Kind.OBJECTION: 2,
    Kind.COMPLAINT: 2,
}
BY_STEPS = {Kind.ACCESS: 1, Kind.DELETION: 1}


@dataclass(frozen=True, slots=True)
class Journey:
    """Of two hundred requests, `share` reach this state; they arrived between `days` ago. Above 30 is overdue."""

    state: State
    share: int
    days: tuple[float, float]
    kinds: dict[Kind, int]


JOURNEYS = (
    Journey(State.RECEIVED, 6, (0, 12), KINDS),
    Journey(State.CONFIRMED, 2, (1, 9), KINDS),
    Journey(State.COLLECTING, 2, (6, 27), KINDS),
    Journey(State.REVIEW, 20, (1, 29), KINDS),
    Journey(State.REVIEW, 4, (31, 44), KINDS),
    Journey(State.REVIEW, 2, (1, 20), {Kind.CORRECTION: 1}),
    Journey(State.APPROVED, 2, (9, 28), BY_STEPS),
    Journey(State.EXECUTING, 2, (12, 33), BY_STEPS),
    Journey(State.ANSWERING, 2, (14, 29), KINDS),
    # Young enough for the copy to be still there.
    Journey(State.CLOSED, 3, (2, 11), {Kind.ACCESS: 1}),
    Journey(State.CLOSED, 2, (3, 28), {Kind.DELETION: 1}),
    # What nobody has to decide is over in a minute.
    Journey(State.CLOSED, 2, (1, 28), {Kind.OPT_OUT: 1}),
    Journey(State.CLOSED, 2, (3, 28), {Kind.CORRECTION: 1}),
    *(
        Journey(State.CLOSED, 1, (2, 11), {kind: 1})
        for kind in (Kind.WITHDRAWAL, Kind.RESTRICTION, Kind.OBJECTION, Kind.PORTABILITY, Kind.COMPLAINT)
    ),
)
# Recipients of data that can be told what was done; of the others no address is on record.
TOLD = ("payment", "email")
# A request costs the services about a hundred queries; a desk with fifty of them shows everything.
MOST_THROUGH_SERVICES = 200


def make(demo: Demo, draw: Draw) -> Counts:
    """Requests made, by how far they got."""
    for slug in TOLD:
        Recipient.objects.filter(slug=slug, contact_email="").update(contact_email=f"privacy@{slug}.example")
    accounts = _asking(demo)
    desk, made = Desk.find(), 0
    for made, (journey, account) in enumerate(zip(_journeys(demo), accounts, strict=False), start=1):
        rng = demo.rng(f"request:{made}")
        kind = rng.choices(list(journey.kinds), weights=list(journey.kinds.values()))[0]
        Walk.begin(demo, rng, desk, account, kind, demo.ago(rng.uniform(*journey.days))).to(journey.state)
        draw(made, demo.size.requests)
    _rules(desk)
    rest = demo.size.requests - Request.objects.count()
    archive.make(demo, accounts[made:], desk.agents, rest, draw)
    return {
        "open requests": Request.objects.open().count(),
        "closed requests": Request.objects.filter(state=State.CLOSED).count(),
    }


def _rules(desk: Desk) -> None:
    """Who gets what comes from now on. What came before was given out by hand."""
    first, *others = desk.agents
    if AssignmentRule.objects.exists() or not others:
        return
    german = AssignmentRule.objects.create(name="German and French", position=1, languages=["de", "fr"])
    german.colleagues.set([first])
    AssignmentRule.objects.create(name="Complaints", position=2, kinds=[Kind.COMPLAINT], role=PRIVACY_OFFICER)
    AssignmentRule.objects.create(name="Everything else", position=3, role=SUPPORT_AGENT)


def _asking(demo: Demo) -> list[Account]:
    """Who asks, in a seeded order; nobody on hold, whose erasure would only wait, and no owner, who has invoices."""
    free = Account.objects.usable().releasable().exclude(role=Account.Role.OWNER)
    accounts = list(free.select_related("organisation").order_by("email")[: demo.size.requests])
    demo.rng("requests").shuffle(accounts)
    return accounts


def _journeys(demo: Demo) -> Iterator[Journey]:
    """As many of each as the size asks for, and at least one."""
    factor = min(demo.size.requests, MOST_THROUGH_SERVICES) / 200
    for journey in JOURNEYS:
        for _ in range(max(1, round(journey.share * factor))):
            yield journey
