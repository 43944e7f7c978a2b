"""The demo's own staff: one of each role, and a second privacy officer, since nobody approves their own plan.

Their addresses end in `.example`, which the sign-in knows as demo people (crasme.staff.adapters).
"""

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from crasme.demo.plan import Counts, Demo, Draw
from crasme.demo.sign_ins import SIGN_INS
from crasme.staff.demo import DOMAIN, PASSWORD
from crasme.staff.models import Absence, User
from crasme.staff.roles import SUPPORT_AGENT


def make(demo: Demo, draw: Draw) -> Counts:
    """The staff, with their groups. Safe to run again. One hash serves them all: it is the same password."""
    hashed = make_password(PASSWORD)
    for person in SIGN_INS:
        user = User.objects.filter(email=person.email).first() or User(email=person.email)
        user.first_name, user.last_name = person.first_name, person.last_name
        user.is_staff, user.is_superuser = True, person.superuser
        user.password = hashed
        user.save()
        user.groups.set(Group.objects.filter(name=person.role))
    _away(demo)
    return {"staff": len(SIGN_INS)}


def _away(demo: Demo) -> None:
    """One agent is away in two weeks, and the other stands in."""
    substitute, away = User.objects.filter(groups__name=SUPPORT_AGENT, email__endswith=DOMAIN).order_by("email")[:2]
    first = demo.now.date() + timedelta(days=14)
    Absence.objects.get_or_create(
        user=away, first_day=first, defaults={"last_day": first + timedelta(days=6), "substitute": substitute}
    )
