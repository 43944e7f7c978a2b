"""Who did something, as the ledger and the services write it: a short reference, never a name or an address."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from crasme.staff.models import ApiKey, User

SYSTEM: Final = "system"
STAFF: Final = "staff"
PERSON: Final = "person"
MACHINE: Final = "key"
CUSTOMER: Final = "customer"
REPRESENTATIVE: Final = "representative"


def system(job: str) -> str:
    """The actor of a task or command: `system("retention")` is "system:retention"."""
    return f"{SYSTEM}:{job}"


def person(subject_ref: str) -> str:
    """The actor who uses a right on their own data, under the keyed hash that stands for them."""
    return f"{PERSON}:{subject_ref}"


def customer(subject_ref: str) -> str:
    """The actor who answers for a customer, under the keyed hash of what they were asked."""
    return f"{CUSTOMER}:{subject_ref}"


def representative(subject_ref: str) -> str:
    """The actor who asks for somebody else, under the keyed hash of their row."""
    return f"{REPRESENTATIVE}:{subject_ref}"


def is_staff(actor: str) -> bool:
    return actor.startswith(f"{STAFF}:")


def staff_id(actor: str) -> UUID | None:
    """The primary key of the staff user behind an actor; None when it is somebody or something else."""
    kind, _separator, identifier = actor.partition(":")
    if kind != STAFF:
        return None
    try:
        return UUID(identifier)
    except ValueError:
        return None


def names(actors: Iterable[str]) -> dict[str, str]:
    """Words for the screen by actor, in at most two queries; a reference that leads nowhere is shown as it is."""
    wanted = set(actors)
    staff = {actor: found for actor in wanted if (found := staff_id(actor))}
    users = User.objects.in_bulk(staff.values()) if staff else {}
    machines = {actor: actor.partition(":")[2] for actor in wanted if actor.startswith(f"{MACHINE}:")}
    keys = {str(pk): name for pk, name in _key_names(machines.values())} if machines else {}
    return {actor: _words(actor, users.get(staff.get(actor)), keys.get(machines.get(actor, ""))) for actor in wanted}


def _key_names(identifiers: Iterable[str]) -> Iterable[tuple[UUID, str]]:
    return ApiKey.objects.filter(pk__in=list(identifiers)).values_list("pk", "name")


def _words(actor: str, user: User | None, key: str | None) -> str:
    if user is not None:
        return str(user)
    if key is not None:
        return key
    kind, _separator, rest = actor.partition(":")
    if kind == SYSTEM:
        return _("the system ({job})").format(job=rest) if rest else _("the system")
    if kind == PERSON:
        return _("the person")
    if kind == CUSTOMER:
        return _("the customer")
    if kind == REPRESENTATIVE:
        return _("the representative")
    return actor
