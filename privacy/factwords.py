"""What the facts of the ledger and the clock are called, and what their codes mean, for readers of a request's story.

What could go wrong: a fact or a code that this version has no words for (it is shown as it was recorded, never left
out), or one code that means two things (where kinds of requests, plans and steps share one, they mean the same).
"""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from privacy.clock.events import Kind as ClockKind, Question
from privacy.clock.regimes import Regime
from privacy.models import (
    ChildReport,
    InboundMail,
    Message,
    Plan,
    RecipientNotice,
    Referral,
    Representative,
    Request,
    Step,
)
from privacy.states import Outcome
from privacy.words import EXTENSIONS

# Beside those that a step's result has as well (privacy.readable.LABELS).
NAMES: Final[dict[str, Promise]] = {
    "about": _("What the question is about"),
    "accepted": _("Values accepted"),
    "act": _("What to do"),
    "addressee": _("Written to"),
    "answer": _("Answer"),
    "assignee": _("Assignee"),
    "attempts": _("Attempts"),
    "by": _("Shown by"),
    "channel": _("Came by"),
    "code": _("Code"),
    "customer": _("Customer"),
    "days": _("Days"),
    "digest": _("Digest"),
    "document": _("With a document"),
    "downloads": _("Times fetched"),
    "due": _("Due"),
    "event": _("What happened"),
    "field": _("Value"),
    "fields": _("Values"),
    "file": _("File"),
    "files": _("Files"),
    "first": _("Joined with"),
    "hash": _("Hash"),
    "identity": _("Identity"),
    "in_time": _("In time"),
    "instead_of": _("Instead of"),
    "kind": _("Kind"),
    "language": _("Language"),
    "lead": _("Asked together with"),
    "letter": _("Own text of the letter"),
    "mandate": _("Mandate"),
    "message": _("Message"),
    "messages": _("Messages"),
    "note": _("Note"),
    "notice": _("Notice"),
    "on": _("Day"),
    "reason": _("Reason"),
    "received_on": _("Arrived on"),
    "recipient": _("Recipient"),
    "reminder": _("Reminder"),
    "round": _("Round"),
    "rule": _("Rule"),
    "rules_version": _("Version of the rules"),
    "sha256": _("SHA-256"),
    "source": _("Source"),
    "step": _("Step"),
    "to": _("Answer goes to"),
    "verdict": _("Judged"),
    "was": _("Before"),
    "why": _("Why"),
}

_PROOFS: Final[dict[str, Promise]] = {
    "link": _("the link in a mail"),
    "code": _("the code in a mail"),
    "mail": _("a mail that asks for it"),
    "phone": _("a call back to the number on file"),
    "post": _("a letter to the address on file"),
    "signed-in": _("the account, signed in"),
    "joined": _("the request that it was joined with"),
    "not-needed": _("no proof needed"),
}
_AGAIN: Final[dict[str, Promise]] = {
    "account-named": _("The account was named."),
    "asked": _("A colleague asked for it."),
    "particulars": _("It was noted what is meant."),
    "plan-changed": _("The data changed after the plan was made."),
    "reopened": _("The request was opened again."),
    "erasure": _("The data was erased."),
    "forgotten": _("The person was forgotten."),
    "expired": _("It had run out."),
    "withdrawn": _("The request was taken back."),
}


def _of(*choices: type[TextChoices]) -> dict[str, Promise | str]:
    return {str(each.value): each.label for kind in choices for each in kind}


_VALUES: Final[dict[str, Mapping[str, Promise | str]]] = {
    "about": _of(Question),
    "act": _of(RecipientNotice.Act),
    "addressee": _of(Message.Addressee),
    "answer": _of(Referral.Outcome),
    "by": {**_PROOFS, "colleague": _("a colleague")},
    "channel": {**_of(Request.Channel), "page": _("the page of the request")},
    "event": _of(ClockKind),
    "identity": _PROOFS,
    "kind": _of(Step.Kind, Plan.Kind, Request.Kind),
    "mandate": _of(Representative.Mandate),
    "outcome": _of(Outcome),
    "reading": _of(InboundMail.Reading),
    "reason": {**EXTENSIONS, **_of(Request.Refusal)},
    "regime": _of(Regime),
    "status": _of(InboundMail.Status),
    "to": {**_of(Representative.ReleaseTo), "nobody": _("nobody")},
    # Of a parent's claim and of a mandate; who judged stands beside it.
    "verdict": _of(ChildReport.Parent, Representative.State),
    "was": _of(Regime),
    "why": {**_AGAIN, **_of(RecipientNotice.WhyNot, InboundMail.Why)},
}


def name(key: str) -> str | None:
    return str(NAMES[key]) if key in NAMES else None


def value(key: str, code: Any) -> str | None:
    """What the code means under this key; None for everything that is none, and for one that nobody has words for."""
    found = _VALUES.get(key, {})
    return str(found[code]) if isinstance(code, str) and code in found else None
