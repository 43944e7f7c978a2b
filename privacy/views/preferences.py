"""Which marketing somebody wants, topic by topic and channel by channel, on a page of their own.

It is opened by a mailed link or by the product's signed hand-off; both are exchanged for a cookie of two hours. What
could go wrong: a page that needs scripts (a plain form), a scanner that presses for its owner (each way in has a
button), a page left open that saves over a newer choice (its act has an id, and the same act counts once), or a page
that tells what somebody's account is (it shows marketing alone).
"""

from datetime import timedelta
from http import HTTPStatus
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from consent import preferences as standing, topics
from consent.errors import BadChoice
from consent.models import Basis, Channel
from crasme.kit.ids import uuid7
from crasme.kit.limits import limited, network
from privacy import handoff, throttle
from privacy.errors import LinkSpent
from privacy.forms import AddressForm
from privacy.handoff import HandOffRefused
from privacy.models import PreferenceLink
from privacy.services import handoffs, preferences as service
from privacy.views import justnow, proof
from privacy.views.requests import private

LIFETIME = timedelta(hours=2)
# What allows it, as people may read it.
WHY = {
    Basis.CONSENT: gettext_lazy("only if you want it"),
    Basis.CUSTOMER: gettext_lazy("because you are a customer, until you say no"),
    Basis.INTEREST: gettext_lazy("until you say no"),
}
# The cookie that opens a request's page, signed apart and sent to this page only.
_signer = signing.TimestampSigner(salt="privacy.preferences.proof")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def preferences(http: HttpRequest) -> HttpResponse:
    """The page for whoever has proven the mailbox; for everybody else the way to a link, the same for any address."""
    link = _opened(http)
    if link is None:
        return _ask(http)
    if http.method != "POST":
        return _page(http, link)
    wanted = [] if http.POST.get("action") == "stop" else http.POST.getlist("wanted")
    try:
        event = UUID(http.POST.get("event", ""))
        service.save(link, wanted, event_id=event, language=get_language() or "", now=timezone.now())
    except ValueError:
        return _page(http, link, error=_("The page was incomplete. Choose once more."), status=HTTPStatus.BAD_REQUEST)
    except BadChoice as error:
        return _page(http, link, error=str(error), status=HTTPStatus.BAD_REQUEST)
    messages.success(http, _("Your choice is saved.") if wanted else _("You get no more marketing"))
    return private(_see("preferences"))


def _ask(http: HttpRequest) -> HttpResponse:
    form = AddressForm(http.POST or None)
    if http.method != "POST" or not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if http.method == "POST" else HTTPStatus.OK
        return private(render(http, "portal/preferences/ask.html", {"form": form}, status=status))
    now, address = timezone.now(), form.cleaned_data["email"]
    throttle.LINK_NETWORK.hit(network(http), now=now)
    throttle.LINK_ADDRESS.hit(address, now=now)
    service.ask(address, language=get_language() or settings.LANGUAGE_CODE, now=now)
    return private(justnow.led("preferences-sent", status=HTTPStatus.SEE_OTHER))


@never_cache
@require_safe
def sent(http: HttpRequest) -> HttpResponse:
    """A mail is on its way; for anybody else, the page itself."""
    if not justnow.happened(http):
        return private(_see("preferences"))
    return private(render(http, "portal/preferences/ask.html", {"sent": True}))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def open_by_link(http: HttpRequest, token: str) -> HttpResponse:
    """The page behind the mailed link: inert, with one button."""
    now = timezone.now()
    if http.method == "POST":
        throttle.CODE_NETWORK.hit(network(http), now=now)
        try:
            return _let_in(service.prove(token, now=now))
        except LinkSpent:
            pass
    elif service.known(token, now=now):
        return private(render(http, "portal/preferences/open.html"))
    if _opened(http) is not None:  # pressed twice, or opened again
        return private(_see("preferences"))
    return private(render(http, "portal/preferences/ask.html", {"form": AddressForm(), "spent": True}, status=410))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def open_by_handoff(http: HttpRequest) -> HttpResponse:
    """Somebody signed in to the product: GET reads the token, POST spends it."""
    now = timezone.now()
    throttle.HANDOFF_NETWORK.hit(network(http), now=now)
    try:
        if http.method == "POST":
            return _let_in(service.vouched(handoff.opened(http.POST.get("ticket", "")), now=now))
        handed = handoff.read(http.GET.get("token", ""), now=now)
        handoffs.account_of(handed)
    except HandOffRefused:
        if http.method == "POST" and _opened(http) is not None:
            return private(_see("preferences"))
        return private(render(http, "portal/preferences/ask.html", {"form": AddressForm(), "spent": True}, status=410))
    return private(render(http, "portal/preferences/open.html", {"ticket": handoff.ticket(handed)}))


def _page(http: HttpRequest, link: PreferenceLink, *, error: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    found = groupby(standing.standing(link.email), key=lambda each: each.cell.slug)
    by_slug = {topic.slug: topic for topic in topics.offered()}
    offered: list[dict[str, Any]] = [
        {
            "topic": by_slug[slug],
            "title": by_slug[slug].text("title"),
            "purpose": by_slug[slug].text("purpose"),
            "ways": [
                {
                    "name": each.cell.name,
                    "channel": Channel(each.cell.channel).label,
                    "basis": WHY[Basis(each.cell.basis)],
                    "on": each.on,
                }
                for each in ways
            ],
        }
        for slug, ways in found
    ]
    some = any(way["on"] for topic in offered for way in topic["ways"])
    context = {"offered": offered, "event": uuid7(), "some": some, "error": error}
    return private(render(http, "portal/preferences/page.html", context, status=status))


def _let_in(link: PreferenceLink) -> HttpResponse:
    response = _see("preferences")
    response.set_cookie(
        proof.COOKIE,
        _signer.sign(str(link.pk)),
        path=reverse("preferences"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return private(response)


def _opened(http: HttpRequest) -> PreferenceLink | None:
    try:
        pk = UUID(_signer.unsign(http.COOKIES.get(proof.COOKIE, ""), max_age=LIFETIME))
    except (signing.BadSignature, ValueError):
        return None
    return service.opened(pk, now=timezone.now(), lifetime=LIFETIME)


def _see(name: str) -> HttpResponse:
    response = redirect(name)
    response.status_code = HTTPStatus.SEE_OTHER
    return response
