"""What was done, as the letters say it: whole sentences in the active language, made from codes and counts alone.

What could go wrong: a letter promises what no step did. Each sentence here follows from the result that the step left
behind in the transaction of what it did.
"""

from typing import Any

from django.utils.translation import gettext as _, ngettext

from crasme.kit.claims import WorkState
from privacy.models import Request, Step
from privacy.particulars import SCOPE
from privacy.services import marketing

Kind = Request.Kind


def applied(request: Request) -> dict[str, Any]:
    """What the steps of the current round left in their results."""
    done = request.steps.filter(kind=Step.Kind.APPLY, round=request.round, state=WorkState.DONE)
    return {name: value for result in done.values_list("result", flat=True) for name, value in result.items()}


def ended(request: Request) -> list[str]:
    """What has ended, by a sentence each; empty for kinds that end nothing."""
    if request.kind in (Kind.OPT_OUT, Kind.OBJECTION):
        return [str(SCOPE.answers[marketing.code_of(request)].words)]
    return _consents(applied(request)) if request.kind == Kind.WITHDRAWAL else []


def _consents(done: dict[str, Any]) -> list[str]:
    lines = []
    if "marketing" in done:
        lines.append(_("Marketing: we send none to this address any more."))
    if "services" in done:
        lines.append(_services(done["services"], done["kept"]))
    if "cookies" in done:
        lines.append(_cookies(done["cookies"]))
    return lines


def _services(number: int, kept: int) -> str:
    if not number:
        return _("Connected services: none was connected.")
    line = ngettext(
        "Connected services: %(number)d was disconnected, its keys and what it had brought are removed.",
        "Connected services: %(number)d were disconnected, their keys and what they had brought are removed.",
        number,
    )
    if kept:
        line += " " + _("The keys are gone at once; something that we must keep for now goes as soon as we may.")
    return line % {"number": number}


def _cookies(number: int) -> str:
    if not number:
        return _("Cookies: no choice was made while you were signed in, so none could be changed here.")
    return ngettext(
        "Cookies: the withdrawal is on record for %(number)d browser in which you were signed in.",
        "Cookies: the withdrawal is on record for %(number)d browsers in which you were signed in.",
        number,
    ) % {"number": number}


def done(request: Request) -> str:
    """What was done, in a sentence or two; "" for kinds whose letters say it themselves."""
    if request.kind not in (Kind.RESTRICTION, Kind.OBJECTION):
        return ""
    if not applied(request).get("accounts"):
        return _("We hold no account under your address, so there is nothing that we use in this way.")
    if request.kind == Kind.OBJECTION:
        return _(
            "From now on nothing is recorded of how you use the product. What was recorded before is not analysed any"
            " more, and goes when its time is over."
        )
    return _(
        "From now on we keep your data and do nothing else with it: nobody analyses, exports or sends anything, nothing"
        " new is recorded, nothing is deleted, and the account cannot be used."
    )


def browsers(request: Request) -> list[str]:
    """Where each browser keeps its cookies; empty unless a withdrawal is about them."""
    if request.kind != Kind.WITHDRAWAL or "cookies" not in applied(request):
        return []
    return [
        _("Firefox: Settings, Privacy & Security, Cookies and Site Data, Manage Data."),
        _("Chrome and Edge: Settings, Privacy, Cookies and site data, See all site data."),
        _("Safari: Settings, Privacy, Manage Website Data; on a telephone: Settings, Apps, Safari, Advanced."),
    ]
