"""What people propose to have put right, each proposal beside what is held.

What could go wrong: a proposal for somebody else's value (the values come from `holdings`, and any other key is
refused), one that nobody meant (proposing what is held takes the proposal back, and the same again changes nothing), an
address that nobody reads (see `mailboxes`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit import cards
from crasme.kit.crypto import keyed_hash
from crasme.kit.text import clean
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import readable, verbs
from privacy.errors import MoveNotAllowed, ProposalsChanged
from privacy.models import Correction, Request
from privacy.services import mailboxes
from privacy.services.desk import locked, require
from privacy.services.holdings import Held, by_place, held
from privacy.services.places import normal, place_of
from privacy.states import State

# Until somebody has decided; what is being written can no longer be changed.
PROPOSABLE = (State.CONFIRMED, State.COLLECTING, State.REVIEW)


@dataclass(frozen=True, slots=True)
class Line:
    """One proposal beside what is held; `held` is None when the record is gone."""

    correction: Correction
    held: Held | None

    @property
    def fingerprint(self) -> str:
        """What a colleague has seen: the old value and the new one."""
        old = self.held.stored if self.held else ""
        return keyed_hash("privacy.correction.seen", f"{self.correction.proposed}\0{old}")[:32]

    @property
    def proposed(self) -> str:
        """The proposed value as people read it."""
        text = self.correction.proposed or ""
        return readable.language(text) if self.held is not None and self.held.is_language else text

    def needs_proof(self) -> bool:
        correction = self.correction
        return (
            self.held is not None
            and correction.proven_at is None
            and mailboxes.needed(self.held, correction.proposed or "", correction.request)
        )

    def value(self, settled: str = "") -> str:
        """What is written if it is accepted."""
        return settled if self.held is not None and self.held.in_words else self.correction.proposed or ""


def lines(request: Request) -> list[Line]:
    """The undecided proposals, each beside what is held."""
    there = by_place(held(request))
    found = request.corrections.open().select_related("request__person", "entered_by")
    return [Line(each, there.get(place_of(each))) for each in found]


@transaction.atomic
def propose(
    request: Request, values: Mapping[str, str], *, actor: str, now: datetime, by: User | None = None
) -> list[Correction]:
    """Propose a value for each key of `holdings.held`; a value that is held already takes the proposal back.

    `by` is the colleague who enters them on the person's behalf. Doing it again changes nothing. ValidationError names
    the key that holds a payment card number.
    """
    if by is not None:
        require(by, "work_request")
    cards.refuse(**values)
    request = locked(request)
    if request.kind != Request.Kind.CORRECTION or request.state not in PROPOSABLE:
        raise MoveNotAllowed(_("Nothing can be proposed for this request any more."))
    there = {each.key: each for each in held(request)}
    before = {place_of(each): each for each in request.corrections.live().select_for_update().order_by("pk")}
    changed = []
    for key, value in values.items():
        if (found := there.get(key)) is None:
            raise ProposalsChanged(_("A value is no longer held, or was never yours."))
        if _propose(request, found, normal(clean(value)), before.get(found.place), by=by, now=now):
            changed.append(f"{found.label}.{found.name}")
    if changed:
        record(verbs.CORRECTION_PROPOSED.name, actor=actor, subject=request.ref, fields=sorted(changed))
    return list(request.corrections.open())


def _propose(
    request: Request, found: Held, value: str, before: Correction | None, *, by: User | None, now: datetime
) -> bool:
    """Whether anything changed."""
    value = value if found.in_words else str(found.field.to_python(value))  # an address in the form that is stored
    same = not value if found.in_words else value == found.stored
    if same:
        return before is not None and bool(before.delete()[0])
    if before is not None and before.proposed == value:
        if before.proven_at is None and mailboxes.needed(found, value, request):
            mailboxes.ask(before, now=now)  # the first mail may have been lost
        return False
    label, row, name = found.place
    correction = before or Correction(request=request, label=label, row=row, field=name)
    correction.proposed, correction.proposed_at, correction.entered_by = value, now, by
    correction.proof_digest = correction.proof_until = correction.proven_at = None
    correction.save()
    if mailboxes.needed(found, value, request):
        mailboxes.ask(correction, now=now)
    return True
