"""The page that somebody signed in to the CRM is sent to: no second proof, one button.

What could go wrong: a scanner or a preview follows the link (looking changes nothing; the button does), the token stays
in a log or goes on to another site (the form carries a ticket instead, the page has no referrer), a refusal that tells
an attacker what was wrong (it is one page, whatever it was).
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crasme.kit.limits import TooOften, limited, network
from privacy import handoff, throttle
from privacy.forms import ChooseForm, SignedInForm
from privacy.handoff import HandOff, HandOffRefused
from privacy.services import handoffs
from privacy.views import admission
from privacy.views.requests import let_in, private

PAGE = "portal/requests/signed_in.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def signed_in(http: HttpRequest) -> HttpResponse:
    """GET reads the token; POST carries the ticket, and with `send` it spends it."""
    now = timezone.now()
    throttle.HANDOFF_NETWORK.hit(network(http), now=now)
    try:
        if http.method != "POST":
            handed = handoff.read(http.GET.get("token", ""), now=now)
            handoffs.account_of(handed)
            return _page(http, handed, SignedInForm(kinds=handed.kinds))
        handed = handoff.opened(http.POST.get("ticket", ""))
        if "send" not in http.POST:
            return _chosen(http, handed)
        form = SignedInForm(http.POST)
        if not form.is_valid():
            return _page(http, handed, form, status=422)
        account = handoffs.account_of(handed)
        try:
            throttle.ASK_ADDRESS.hit(account.email, now=now)
        except TooOften as error:
            return private(admission.turned_away(http, PAGE, form, error, ticket=handoff.ticket(handed)))
        return let_in(handoffs.ask(handed, form.submissions_in(handed.language), now=now))
    except HandOffRefused:
        return private(render(http, "portal/requests/handoff_gone.html", status=410))


def _chosen(http: HttpRequest, handed: HandOff) -> HttpResponse:
    """From the choice to its questions, and back; nothing is stored or spent."""
    handoffs.account_of(handed)
    if "choose" in http.POST:
        return _page(http, handed, ChooseForm(initial={"kind": http.POST.getlist("kind")}))
    form = ChooseForm(http.POST)
    if not form.is_valid():
        return _page(http, handed, form, status=422)
    return _page(http, handed, SignedInForm(kinds=form.cleaned_data["kind"]))


def _page(http: HttpRequest, handed: HandOff, form: ChooseForm, *, status: int = 200) -> HttpResponse:
    return private(render(http, PAGE, {"form": form, "ticket": handoff.ticket(handed)}, status=status))
