"""What the person sees of a request's life: what has happened, what happens now, what comes next and by when."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from privacy.models import Request
from privacy.states import Outcome, State
from privacy.steps.definitions import LOCATE, by_hand, needs_people, steps_of
from privacy.words import LOOKED_AT, ending_of

ORDER = list(State)


@dataclass(frozen=True, slots=True)
class Entry:
    """`css` is "done", "now" or ""; `by` is the last day for what is still to come."""

    title: Promise
    text: Promise | str = ""
    css: str = ""
    at: datetime | None = None
    by: date | None = None


# Stage → the state from which on it is over.
_SEARCH = (State.REVIEW, _("We look for your data"), _("Our software searches every place where your data can be."))
_SEARCH_REPORTED = (
    State.REVIEW,
    _("We look for the account"),
    _("Our software searches every place where its data can be."),
)
_LOOK = (State.APPROVED, _("A colleague looks at it"), _("A person checks what was found and decides."))
_DOING: dict[str, tuple[Promise, Promise]] = {
    Request.Kind.ACCESS: (_("Your copy is made"), _("Everything goes into one file, encrypted until you fetch it.")),
    Request.Kind.CORRECTION: (
        _("Your data is corrected"),
        _("What was accepted is written, and passed on to others who have it."),
    ),
    Request.Kind.CHILD: (_("The data is deleted"), _("Then we search for it, to be sure that it is gone.")),
    Request.Kind.PORTABILITY: (
        _("Your data is put together"),
        _("As files for other software, each with its description; encrypted until you fetch them."),
    ),
    Request.Kind.DELETION: (_("Your data is deleted"), _("Then we search for it, to be sure that it is gone.")),
    Request.Kind.OPT_OUT: (
        _("No more marketing"),
        _("It took effect when you asked; the mail that says so is on its way."),
    ),
    Request.Kind.RESTRICTION: (_("The use is restricted"), _("From then on your data is kept and nothing else.")),
    Request.Kind.OBJECTION: (_("The use ends"), _("What you object to is stopped.")),
    Request.Kind.WITHDRAWAL: (
        _("It ends"),
        _("What you agreed to once is stopped, and what it had brought is removed."),
    ),
}
_DONE_BY_HAND = (_("It is done"), _("A colleague does what you asked for."))
_BY_HAND: dict[str, tuple[Promise, Promise]] = {
    Request.Kind.COMPLAINT: (_("We find out what happened"), _("Our privacy officer looks into it and writes to you.")),
}


def of(request: Request) -> list[Entry]:
    """The stages of an open request, or of one that was carried through; a short list for one that ended early."""
    entries = [Entry(_("Received"), css="done", at=request.received_at)]
    if request.confirmed_at is None:
        css = "now" if request.is_open else ""
        entries.append(Entry(_("Confirm that it is you"), _("Open the link in our mail."), css))
    elif not request.without_proof:
        entries.append(Entry(_("Confirmed"), css="done", at=request.confirmed_at))
    if not request.discloses:
        return [*entries[:1], *_undisclosed(request)]
    if request.is_open:
        return [*entries, *_ahead(request)]
    return [*entries, Entry(ending_of(request), css="done", at=request.closed_at)]


def _undisclosed(request: Request) -> list[Entry]:
    """The same whatever was found, for whoever must not learn it."""
    if not request.is_open:
        return [Entry(LOOKED_AT, css="done", at=request.closed_at)]
    return [
        Entry(_("A privacy officer looks at it"), css="now"),
        Entry(_("You get an answer"), by=request.told_due),
    ]


def _stages(request: Request) -> list[tuple[State, Promise, Promise]]:
    """What lies between the confirmation and the answer, on the way that this request takes."""
    doing = _BY_HAND.get(request.kind, _DONE_BY_HAND) if by_hand(request.kind, request.facts) else _DOING[request.kind]
    search = _SEARCH_REPORTED if request.kind == Request.Kind.CHILD else _SEARCH
    stages = [search] if LOCATE in steps_of(request.kind, request.facts) else []
    if needs_people(request.kind, request.facts):
        stages.append(_LOOK)
    return [*stages, (State.ANSWERING, *doing)]


def _ahead(request: Request) -> list[Entry]:
    if request.outcome == Outcome.REFUSED:
        return [Entry(_("You get the answer"), css="now", by=request.told_due)]
    here, entries, reached = ORDER.index(State(request.state)), [], request.confirmed_at is not None
    for over_from, title, text in _stages(request):
        done = here >= ORDER.index(over_from)
        css = "done" if done else "now" if reached else ""
        entries.append(Entry(title, text, css))
        reached = done
    last = "now" if request.state == State.ANSWERING else ""
    return [*entries, Entry(_("You get the answer"), css=last, by=request.told_due)]
