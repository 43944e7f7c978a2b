"""The page of a customer to whom a wish was passed on.

What could go wrong: a mail scanner answers in the customer's name (looking changes nothing; a button does), or the
address of the person travels on (it stands on this page alone, which nobody caches or indexes, and only for as long
as the customer has something to decide).
"""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crasme.kit.limits import limited, network
from privacy import throttle
from privacy.errors import LinkSpent, MoveNotAllowed
from privacy.models import Referral
from privacy.services import referrals
from privacy.views.requests import private
from privacy.words import THEIR_WISHES

Answer = Referral.Outcome


class ReferralForm(forms.Form):
    answer = forms.ChoiceField(
        label=_("What do you do?"),
        choices=[
            (Answer.DONE, _("We have done it, or answered the person")),
            (Answer.WILL_DO, _("We will do it")),
            (Answer.NOT_OURS, _("It is not ours to decide")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what you do about it.")},
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def referral(http: HttpRequest, token: str) -> HttpResponse:
    """What was asked and by whom; with the button, what the customer does about it."""
    if http.method == "POST":
        throttle.CODE_NETWORK.hit(network(http), now=timezone.now())
    try:
        found = referrals.look(token)
    except LinkSpent:
        return private(render(http, "portal/referral_unknown.html", status=410))
    form, problem, status = ReferralForm(http.POST or None), "", 200
    if http.method == "POST":
        if form.is_valid():
            try:
                referrals.acknowledge(found, answer=form.cleaned_data["answer"], now=timezone.now())
                return private(redirect("referral", token=token))
            except MoveNotAllowed as error:
                problem, status = str(error), 409
        else:
            status = 422
    context = {
        "referral": found,
        "asked": found.request,
        "wish": THEIR_WISHES[found.request.kind],
        "form": form,
        "problem": problem,
    }
    return private(render(http, "portal/referral.html", context, status=status))
