"""Plain words for kinds, states and refusals, as people read them in mails and on pages. All marked for translation."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crasme.kit.datamap import Table
from privacy.models import Correction, RecipientNotice, Request
from privacy.states import Outcome, State

Kind = Request.Kind

# "Your request for …"
WISHES: dict[str, Promise] = {
    Kind.ACCESS: _("a copy of your data"),
    Kind.CORRECTION: _("correction of your data"),
    Kind.DELETION: _("deletion of your data"),
    Kind.PORTABILITY: _("your data in a portable form"),
    Kind.OPT_OUT: _("no more marketing"),
    Kind.RESTRICTION: _("restricted use of your data"),
    Kind.OBJECTION: _("an end to a use of your data"),
    Kind.WITHDRAWAL: _("withdrawal of a consent"),
    Kind.COMPLAINT: _("an answer to your complaint"),
    Kind.CHILD: _("a look at a child's account"),
}

# "Somebody asks you for …": the same, said to somebody else.
THEIR_WISHES: dict[str, Promise] = {
    Kind.ACCESS: _("a copy of their data"),
    Kind.CORRECTION: _("correction of their data"),
    Kind.DELETION: _("deletion of their data"),
    Kind.PORTABILITY: _("their data in a portable form"),
    Kind.OPT_OUT: _("no more marketing"),
    Kind.RESTRICTION: _("restricted use of their data"),
    Kind.OBJECTION: _("an end to a use of their data"),
    Kind.WITHDRAWAL: _("withdrawal of a consent"),
    Kind.COMPLAINT: _("an answer to their complaint"),
    Kind.CHILD: _("a look at a child's account"),
}

STANDING: dict[str, Promise] = {
    State.RECEIVED: _("Waiting for you to confirm it"),
    State.CONFIRMED: _("We are looking for your data"),
    State.COLLECTING: _("We are looking for your data"),
    State.REVIEW: _("A colleague is looking at it"),
    State.APPROVED: _("It has been decided and will be done now"),
    State.EXECUTING: _("It is being done"),
    State.ANSWERING: _("The answer is on its way"),
    State.CLOSED: _("Closed"),
}

ENDINGS: dict[str, Promise] = {
    Outcome.GRANTED: _("Done"),
    Outcome.PARTLY: _("Done, except for what the law obliges us to keep"),
    Outcome.REFUSED: _("Refused"),
    Outcome.WITHDRAWN: _("You took it back"),
    Outcome.UNCONFIRMED: _("Never confirmed, so nothing was done"),
    Outcome.DUPLICATE: _("Answered together with your earlier request"),
}


# Where the common words would say something else than what happened.
ENDINGS_OF_KIND: dict[tuple[str, str], Promise] = {
    (Kind.CORRECTION, Outcome.PARTLY): _("Done in part; for each value that was not changed you find the reason"),
}


PASSED_ON = _("Passed on to our customers, who decide about what they wrote")


def ending_of(request: Request) -> Promise:
    """How a closed request ended."""
    if request.outcome == Outcome.PARTLY and request.steps.filter(result__referred=True).exists():
        return PASSED_ON
    return ENDINGS_OF_KIND.get((request.kind, request.outcome), ENDINGS[request.outcome])


# What is said of a report to whoever made it, in place of the above: nothing about what was found.
LOOKING = _("A privacy officer is looking at it")
LOOKED_AT = _("Looked at and closed")

# Who reports a child's account; the codes stand in the request's particulars.
RELATIONS: dict[str, Promise] = {
    "parent": _("The child's parent or guardian"),
    "teacher": _("A teacher, or somebody else who looks after the child"),
    "other": _("Somebody else"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused, and what the person can do about it."""

    reason: Promise
    remedy: Promise


# Why more time is needed than the law's first period, as the letter says it (GDPR Art. 12(3)).
EXTENSIONS: dict[str, Promise] = {
    "complex": _("Your request is complex: your data is in many places, and each must be looked at with care."),
    "many": _("You asked for several things, and they take more time together."),
}

_Reason = Correction.Reason

# Why a proposed value was not written, and what the person can do about it.
REJECTIONS: dict[str, Refusal] = {
    _Reason.ACCURATE: Refusal(
        _("We looked into it, and what we hold is right."),
        _("If you can show that it is wrong, answer this mail and tell us how."),
    ),
    _Reason.UNCLEAR: Refusal(
        _("We could not find out which of the two is right."),
        _("You may ask us to restrict the use of this value while that is so."),
    ),
    _Reason.OPINION: Refusal(
        _("It is an assessment, which is neither right nor wrong."),
        _("You may send us a statement of your own, which we keep beside it."),
    ),
    _Reason.UNPROVEN: Refusal(
        _("Nobody has shown that they read the new mailbox."),
        _("Ask again, and open the link that we send to the new address."),
    ),
    _Reason.UNFIT: Refusal(
        _("The value cannot be used here, for example because it is in use already."),
        _("Ask again with another value, or answer this mail if we misunderstood it."),
    ),
    _Reason.OTHERS: Refusal(
        _("The administrators of your organisation decide about it, not we."),
        _("Ask them; they can change it themselves."),
    ),
    _Reason.GONE: Refusal(
        _("We no longer hold the record that it was about."),
        _("Ask for a copy of your data to see what we hold now."),
    ),
}

_Why = RecipientNotice.WhyNot

NOT_TOLD: dict[str, Promise] = {
    _Why.NO_ADDRESS: _("we have no address of theirs on record"),
    _Why.IMPOSSIBLE: _("they cannot be reached"),
    _Why.EFFORT: _("it would take a disproportionate effort"),
}


# What a recipient of the data shall do.
TO_DO: dict[str, Promise] = {
    RecipientNotice.Act.RECTIFY: _(
        "We have corrected the data of this person. Please put the same right where you hold it:"
    ),
    RecipientNotice.Act.ERASE: _(
        "We have erased this person. Please erase everything that you hold about them, unless a law makes you keep it:"
    ),
    RecipientNotice.Act.RESTRICT: _(
        "We have restricted the data of this person. Please store it and do nothing else with it until we tell you that"
        " the restriction has ended:"
    ),
    RecipientNotice.Act.LIFT: _(
        "The restriction of this person's data, of which we told you, has ended. You may use the data again, as agreed"
        " with us:"
    ),
}


def named(view: Table) -> str:
    """What staff call the rows of a table; those of others that only name the person are told apart."""
    return str(_("%(title)s of others") % {"title": view.title}) if view.own else view.title


def in_a_row(wishes: Sequence[Promise]) -> str:
    """ "a copy of your data, deletion of your data and no more marketing", in the active language."""
    *before, last = map(str, wishes)
    if not before:
        return last
    return str(_("%(first)s and %(second)s") % {"first": ", ".join(before), "second": last})
