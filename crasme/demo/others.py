"""Requests in which somebody else has a part: reported children's accounts, customers who decide, representatives."""

from datetime import timedelta
from typing import Self

from crasme.crm.models import Account, Contact
from crasme.demo.plan import Counts, Demo, Draw
from crasme.demo.walk import Desk, Walk
from privacy.models import Person, Plan, Referral, Request
from privacy.services import approvals, children, emptying, intake, referrals, representatives
from privacy.services.confirmation import proven
from privacy.services.intake import Submission
from privacy.services.representatives import Claim

REQUESTS = 8
OFFICE = "office@advocates.example"


def make(demo: Demo, draw: Draw) -> Counts:
    """Each as far as it is interesting: waiting for a decision, passed on and late, closed and emptied."""
    desk = Desk.find()
    accounts = iter(_quiet_accounts())
    _children(demo, desk, [next(accounts) for _ in range(3)])
    _customers(demo, desk)
    _representatives(demo, desk, [next(accounts) for _ in range(2)])
    draw(REQUESTS, REQUESTS)
    return {
        "reports of children's accounts": Request.objects.filter(kind=Request.Kind.CHILD).count(),
        "wishes passed on to customers": Referral.objects.exclude(sent_at=None).count(),
        "representatives": 2,
    }


class Story(Walk):
    """A walk from any submission."""

    @classmethod
    def of(cls, demo: Demo, desk: Desk, asked: Submission, *, days: float) -> Self:
        received = demo.ago(days)
        request = intake.submit(asked, now=received)
        return cls(demo, demo.rng(f"others:{asked.kind}:{days}"), desk, request, asked, received)

    def prove(self) -> Self:
        self.now += timedelta(hours=2)
        self.request = proven(self.request, by="link", now=self.now)
        return self

    def work(self) -> Self:
        self._work()
        return self

    def wait(self, **time: float) -> Self:
        self.now = min(self.now + timedelta(**time), self.demo.now)
        return self

    def mail(self) -> None:
        self._mail()

    @property
    def plan(self) -> Plan:
        return Plan.objects.filter(request=self.request).latest("made_at")

    def propose(self) -> Self:
        officer = self.desk.officers[0]
        approvals.propose_erasure(self.request, plan_hash=self.plan.hash, by=officer, now=self.now)
        return self

    def approve(self) -> Self:
        officer = self.desk.officers[1]
        approvals.approve_erasure(self.request, plan_hash=self.plan.hash, by=officer, now=self.now)
        return self


def _quiet_accounts() -> list[Account]:
    """Of people who have asked nothing yet."""
    asked = Person.objects.exclude(email="").values("email")
    free = Account.objects.usable().releasable().exclude(role=Account.Role.OWNER).exclude(email__in=asked)
    return list(free.order_by("-email")[:10])


def _children(demo: Demo, desk: Desk, accounts: list[Account]) -> None:
    fresh, parents, over = accounts
    by_teacher = Submission(
        Request.Kind.CHILD,
        "",
        about=fresh.email,
        details="One of my pupils (she is eleven) told the class that this account is hers.",
        facts={children.RELATION: "teacher"},
    )
    Story.of(demo, desk, by_teacher, days=1.2).work().mail()

    officer = desk.officers[0]
    by_parent = Submission(
        Request.Kind.CHILD,
        "parent@family.example",
        about=parents.email,
        details="My son is ten. He made it on the computer at home.",
        facts={children.RELATION: children.PARENT, children.COPY: True},
    )
    story = Story.of(demo, desk, by_parent, days=3).work().prove().wait(hours=5)
    children.restrict_at_once(story.request, by=officer, now=story.now)
    words = "Spoke to the parent and to the school by telephone; both name the same child."
    children.judge_parent(story.request, believed=True, words=words, by=officer, now=story.now)
    story.wait(hours=3).propose().mail()

    by_anybody = Submission(
        Request.Kind.CHILD, "neighbour@elsewhere.example", about=over.email, facts={children.RELATION: "other"}
    )
    story = Story.of(demo, desk, by_anybody, days=20).work().wait(hours=20).propose().wait(hours=6).approve().work()
    story.mail()
    emptying.empty_rest(demo.now)


def _customers(demo: Demo, desk: Desk) -> None:
    """Three people who are in a customer's contacts and nowhere else."""
    agent = desk.agents[0]
    stories = [
        Story.of(demo, desk, Submission(kind, address, full_name=name), days=days).prove().work()
        for (address, name), (kind, days) in zip(
            _known_to_customers(), (("access", 22), ("deletion", 9), ("access", 3)), strict=True
        )
    ]
    late, answered, waiting = stories
    for story, hours in ((late, 60), (answered, 30)):
        story.wait(hours=hours)
        referrals.pass_on(story.request, by=agent, now=story.now)
        story.work()
    for referral in Referral.objects.filter(request=answered.request, sent_at__isnull=False):
        referrals.acknowledge(referral, answer=referrals.Answer.WILL_DO, now=demo.ago(2))
    referrals.remind(demo.now)
    for story in (late, answered, waiting):
        story.mail()


def _known_to_customers() -> list[tuple[str, str]]:
    """Addresses of contacts that are nobody's account, at customers that have somebody to write to."""
    reachable = Account.objects.usable().filter(role__in=(Account.Role.OWNER, Account.Role.ADMIN))
    contacts = (
        Contact.objects.filter(owner__organisation__in=reachable.values("organisation"))
        .exclude(email="")
        .exclude(email__in=Account.objects.exclude(email="").values("email"))
        .exclude(email__in=Person.objects.exclude(email="").values("email"))
    )
    return list(contacts.order_by("email", "pk").distinct("email").values_list("email", "full_name")[:3])


def _representatives(demo: Demo, desk: Desk, accounts: list[Account]) -> None:
    waiting, unconfirmed = accounts
    claim = Claim("Advocates Lind & Partner", OFFICE, "lawyer", paper("Power of attorney"))
    asked = Submission(Request.Kind.ACCESS, waiting.email, language=waiting.language, claim=claim)
    story = Story.of(demo, desk, asked, days=6).prove()
    representatives.choose(story.request, "rep", now=story.now)
    story.work().mail()

    claim = Claim("Data Rights Agency", "requests@agency.example", "agency")
    asked = Submission(Request.Kind.DELETION, unconfirmed.email, language=unconfirmed.language, claim=claim)
    Story.of(demo, desk, asked, days=2).mail()


def paper(title: str) -> bytes:
    """A PDF of one page with one line."""
    text = f"BT /F1 24 Tf 72 720 Td ({title}) Tj ET".encode("ascii")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (len(parts) + 1, table, trailer)
