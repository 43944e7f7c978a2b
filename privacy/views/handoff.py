"""The page that somebody signed in to the CRM is sent to: no second proof, one button.

What could go wrong: a scanner or a preview follows the link (looking changes nothing; the button does), the token stays
in a log or goes on to another site (the form carries a ticket instead, the page has no referrer), a refusal that tells
an attacker what was wrong (it is one page, whatever it was), a second press of the button that opens the first one's
request to another browser (the press is known by the secret that the browser keeps against forged forms).
"""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from consent import accounts as consents, choice
from consent.acceptances import Act
from crasme.kit.crypto import keyed_hash
from crasme.kit.limits import TooOften, limited, network
from privacy import handoff, throttle
from privacy.forms import ChooseForm, SignedInForm
from privacy.handoff import HandOff, HandOffRefused
from privacy.models import Request
from privacy.services import acceptance, handoffs
from privacy.services.acceptance import Surface
from privacy.views import admission
from privacy.views.requests import let_in, private

PAGE = "portal/requests/signed_in.html"
CHANGING = ("csrfmiddlewaretoken", "ticket")  # otherwise each time that the page is shown


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def signed_in(http: HttpRequest) -> HttpResponse:
    """GET reads the token; POST carries the ticket, and with `send` it spends it."""
    now = timezone.now()
    throttle.HANDOFF_NETWORK.hit(network(http), now=now)
    click = _click(http)
    try:
        if http.method != "POST":
            handed = handoff.read(http.GET.get("token", ""), now=now)
            handoffs.account_of(handed)
            return _page(http, handed, SignedInForm(kinds=handed.kinds))
        handed = handoff.opened(http.POST.get("ticket", ""))
        if "policy" in http.POST:
            return _answered(http, handed)
        if "send" not in http.POST:
            return _chosen(http, handed)
        if (made := handoffs.made_by(handed, click, now=now)) is not None:
            return let_in(made)
        form = SignedInForm(http.POST)
        if not form.is_valid():
            return _page(http, handed, form, status=422)
        account = handoffs.account_of(handed)
        try:
            throttle.ASK_ADDRESS.hit(account.email, now=now)
        except TooOften as error:
            return private(admission.turned_away(http, PAGE, form, error, ticket=handoff.ticket(handed)))
        return _known(http, handed, let_in(_asked(handed, form, click)))
    except HandOffRefused:
        return private(render(http, "portal/requests/handoff_gone.html", status=410))


def _asked(handed: HandOff, form: SignedInForm, click: str) -> Request:
    now = timezone.now()
    try:
        return handoffs.ask(handed, form.submissions_in(handed.language), now=now, click=click)
    except HandOffRefused:
        # The other press of the same button was quicker.
        if (made := handoffs.made_by(handed, click, now=timezone.now())) is not None:
            return made
        raise


def _known(http: HttpRequest, handed: HandOff, response: HttpResponse) -> HttpResponse:
    """Whoever was anonymous in this browser has said who they are: what they chose before is their account's, too."""
    if (made := choice.of_request(http)) is not None:
        gpc = choice.signals_gpc(http)
        consents.carry(response, made.visitor, handed.account, gpc=gpc, now=timezone.now())
    return response


def _click(http: HttpRequest) -> str:
    """This browser and what it sends, as a digest; "" for a browser that keeps nothing."""
    browser = http.META.get("CSRF_COOKIE", "")
    if http.method != "POST" or not browser:
        return ""
    sent = sorted((name, value) for name, values in http.POST.lists() for value in values if name not in CHANGING)
    return keyed_hash("privacy.handoff.click", json.dumps([browser, sent]))


def _answered(http: HttpRequest, handed: HandOff) -> HttpResponse:
    """What the account's owner says to the version that is asked for; any other is not recorded, but shown again."""
    account = handoffs.account_of(handed)
    asked, said = acceptance.position(account.pk).ask, http.POST["policy"]
    if asked is None or http.POST.get("version") != asked.version or said not in (Act.ACCEPTED, Act.DECLINED):
        return _page(http, handed, ChooseForm(), told=True)
    now, language = timezone.now(), get_language() or "en"
    acceptance.note(account.pk, asked.version, Act(said), surface=Surface.PORTAL, language=language, now=now)
    return _page(http, handed, ChooseForm(), told=True, accepted=asked.version if said == Act.ACCEPTED else "")


def _chosen(http: HttpRequest, handed: HandOff) -> HttpResponse:
    """From the choice to its questions, and back; nothing is stored or spent."""
    handoffs.account_of(handed)
    if "choose" in http.POST:
        return _page(http, handed, ChooseForm(initial={"kind": http.POST.getlist("kind")}), told=True)
    form = ChooseForm(http.POST)
    if not form.is_valid():
        return _page(http, handed, form, status=422)
    return _page(http, handed, SignedInForm(kinds=form.cleaned_data["kind"]), told=True)


def _page(
    http: HttpRequest, handed: HandOff, form: ChooseForm, *, status: int = 200, told: bool = False, accepted: str = ""
) -> HttpResponse:
    """`told`: somebody has pressed a button here, so it is a person who sees what is asked, and that is recorded."""
    ask = acceptance.position(handed.account).ask
    if told and ask is not None:
        language = get_language() or "en"
        acceptance.note(
            handed.account, ask.version, Act.TOLD, surface=Surface.PORTAL, language=language, now=timezone.now()
        )
    context = {"form": form, "ticket": handoff.ticket(handed), "policy_ask": ask, "policy_accepted": accepted}
    return private(render(http, PAGE, context, status=status))
