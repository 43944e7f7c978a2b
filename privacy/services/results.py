"""What has become of corrections, and who was told of it, in the active language: for letters and pages.

What could go wrong: a letter repeats a value that a wrong mailbox then reads. It names fields; values are read only for
the recipients who must put them right as well.
"""

from dataclasses import dataclass

from crasme.kit import datamap
from privacy.models import Correction, Request
from privacy.services.holdings import Held, title_of
from privacy.services.recipients import Told, told
from privacy.words import REJECTIONS, Refusal

__all__ = ["Corrected", "Told", "corrected", "told", "written"]


@dataclass(frozen=True, slots=True)
class Corrected:
    """One decided correction: `why` is given for a rejected one, with the colleague's `words` if there are any."""

    title: str
    accepted: bool
    why: Refusal | None = None
    words: str = ""


def corrected(request: Request) -> list[Corrected]:
    """What was decided in the round that counts, the accepted ones first."""
    decided = request.corrections.filter(round=request.round).order_by("decision", "proposed_at", "pk")
    return [
        Corrected(titled(each), each.is_accepted, REJECTIONS.get(each.reason), each.words or "") for each in decided
    ]


def titled(correction: Correction) -> str:
    return title_of(correction.label, correction.field)


def written(request: Request) -> list[tuple[str, str]]:
    """(field, present value) of what was written in the round that counts; what has gone since is left out."""
    done = request.corrections.filter(round=request.round).exclude(applied_at=None).order_by("proposed_at", "pk")
    values = []
    for each in done:
        row = datamap.table(each.label).model._base_manager.filter(pk=each.row).first()
        if row is not None:
            found = Held(row, each.field)
            values.append((found.title, found.text))
    return values
