"""Two legal holds: one on people, closed long enough to have gone otherwise, one on a whole organisation."""

from datetime import timedelta

from crasme.crm.models import Account, Organisation
from crasme.demo.plan import Counts, Demo, Draw
from crasme.demo.sign_ins import SIGN_INS
from crasme.staff.models import User
from retention import holds
from retention.models import HoldItem

ACCOUNTS = 20


def make(demo: Demo, draw: Draw) -> Counts:
    officer = User.objects.get(email=next(one.email for one in SIGN_INS if one.role == "Privacy officer"))
    overdue = Account.objects.closed_before(demo.ago(90)).order_by("pk")[:ACCOUNTS]
    holds.place(
        matter="M-17",
        reason="Chargeback dispute with the payment processor; the court asked for everything of these accounts.",
        owner=officer,
        review_on=(demo.now + timedelta(days=120)).date(),
        items=[holds.account(account.pk) for account in overdue],
        actor=officer.ref,
        now=demo.ago(60),
    )
    last = Organisation.objects.order_by("pk").last()
    holds.place(
        matter="M-22",
        reason="Tax audit of the customer; its invoices and accounts must stay until it ends.",
        owner=officer,
        review_on=(demo.now + timedelta(days=45)).date(),
        items=[holds.organisation(last.pk)] if last else [],
        actor=officer.ref,
        now=demo.ago(12),
    )
    return {"holds": 2, "held items": HoldItem.objects.count()}
