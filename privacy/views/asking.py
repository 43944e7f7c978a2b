"""Asking, and proving the mailbox: everything before the page of a request opens.

What could go wrong: a page that says whether an address or a reference is known (every answer is the same either way),
a link that a mail scanner follows (looking changes nothing; a button does), a secret in an address that is passed on
(no referrer, no cache, exchanged for a cookie at once), a visitor's strange input (an error at its field, never a
fault of the server).
"""

from contextlib import suppress
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from crasme.kit.limits import TooOften, limited, network
from privacy import throttle
from privacy.errors import LinkSpent, MoveNotAllowed
from privacy.forms import AddressForm, ChooseForm, CodeForm, LinkForm, RequestForm
from privacy.models import Request
from privacy.services import confirmation, intake, links, representatives, verification
from privacy.states import Outcome, State
from privacy.steps.definitions import needs_proof
from privacy.views import admission, justnow
from privacy.views.posted import posted
from privacy.views.requests import let_in, private
from privacy.words import WISHES

ANSWER_TO = ("person", "rep")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(http: HttpRequest) -> HttpResponse:
    """First the choice of what, then the form. The answer to a valid one is the same whoever asks."""
    if http.method != "POST":
        return _choose(http)
    form = RequestForm(http.POST)
    if not form.is_valid():
        return render(http, "portal/requests/new.html", {"form": form}, status=422)
    now = timezone.now()
    try:
        admission.admit(http, form.cleaned_data["email"], now=now)
    except TooOften as error:
        return admission.turned_away(http, "portal/requests/new.html", form, error)
    wishes = form.submissions()
    intake.submit_many(wishes, now=now)
    done = [not needs_proof(asked.kind, asked.facts) for asked in wishes]
    if all(done):
        return justnow.led("request-done")
    return justnow.led("request-sent", "partly" if any(done) else "asked")


def _choose(http: HttpRequest) -> HttpResponse:
    """What was chosen leads to its questions; nothing, or `choose`, to the choice. "Go on" with nothing is an error."""
    kinds = http.GET.getlist("kind")
    if "choose" in http.GET or not (kinds or "go" in http.GET):
        return render(http, "portal/requests/choose.html", {"form": ChooseForm(initial={"kind": kinds})})
    form = ChooseForm(http.GET)
    if not form.is_valid():
        return render(http, "portal/requests/choose.html", {"form": form}, status=422)
    return render(http, "portal/requests/new.html", {"form": RequestForm(kinds=form.cleaned_data["kind"])})


@never_cache
@require_safe
def sent(http: HttpRequest) -> HttpResponse:
    """What happens next, and the place to type the code, which is there for anybody who has one."""
    done = justnow.happened(http, "partly")
    asked = done or justnow.happened(http, "asked")
    linked = justnow.happened(http, "linked")
    return render(
        http, "portal/requests/sent.html", {"form": CodeForm(), "asked": asked, "linked": linked, "done": done}
    )


@never_cache
@require_safe
def done(http: HttpRequest) -> HttpResponse:
    """What was asked for needed no confirmation and has happened; for anybody else, where to go from here."""
    return render(http, "portal/requests/done.html" if justnow.happened(http) else "portal/requests/nothing.html")


@never_cache
@partial(posted, page="request-sent")
@limited
def code(http: HttpRequest) -> HttpResponse:
    """The reference and the code from the mail, typed."""
    form = CodeForm(http.POST)
    if form.is_valid():
        now, reference = timezone.now(), form.cleaned_data["reference"]
        throttle.CODE_NETWORK.hit(network(http), now=now)
        throttle.CODE_REFERENCE.hit(reference, now=now)
        try:
            return let_in(confirmation.confirm_by_code(reference, form.cleaned_data["code"], now=now))
        except LinkSpent as error:
            form.add_error("code", str(error))
    return render(http, "portal/requests/sent.html", {"form": form}, status=422)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def confirm(http: HttpRequest, token: str) -> HttpResponse:
    """The page behind the mailed link: inert, with one button."""
    now = timezone.now()
    if http.method == "POST":
        throttle.CODE_NETWORK.hit(network(http), now=now)
        try:
            asked = confirmation.confirm_by_link(token, now=now)
            if (to := http.POST.get("to")) in ANSWER_TO:
                # Rejected before anybody confirmed: the answer goes to the person, as their page says.
                with suppress(MoveNotAllowed):
                    representatives.choose(asked, to, now=now)
            return let_in(asked)
        except LinkSpent:
            pass
    found = verification.known(token, now=now)
    if found is None:
        return private(render(http, "portal/requests/spent.html", {"form": LinkForm()}, status=410))
    if found.used_at is not None:
        # Pressed twice, or opened again: the page behind it knows whether this visitor may see it.
        return private(redirect("request-status", reference=_leading(found.request).reference))
    context = {
        "asked": found.request,
        "wishes": [WISHES[asked.kind] for asked in _confirmed_with(found.request)],
        "confirms": found.request.is_unconfirmed,
        "representative": representatives.of(found.request),
    }
    return private(render(http, "portal/requests/confirm.html", context))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def link(http: HttpRequest, reference: str = "") -> HttpResponse:
    """A fresh link, if reference and address belong together; the page is the same if they do not."""
    if http.method != "POST":
        return _ask_for_link(http, reference)
    form = AddressForm(http.POST) if reference else LinkForm(http.POST)
    if not form.is_valid():
        context = {"form": form, "reference": reference, "asking": True}
        return render(http, "portal/requests/spent.html", context, status=422)
    now = timezone.now()
    throttle.LINK_NETWORK.hit(network(http), now=now)
    throttle.LINK_ADDRESS.hit(form.cleaned_data["email"], now=now)
    links.ask(reference or form.cleaned_data["reference"], form.cleaned_data["email"], now=now)
    return justnow.led("request-sent", "linked")


def _ask_for_link(http: HttpRequest, reference: str) -> HttpResponse:
    if reference:
        return redirect("request-status", reference=reference)
    return render(http, "portal/requests/spent.html", {"form": LinkForm(), "asking": True})


def _leading(asked: Request) -> Request:
    """The request that goes on, for one that was joined with an earlier one."""
    joined = asked.outcome == Outcome.DUPLICATE and asked.duplicate_of is not None
    return asked.duplicate_of if joined else asked  # type: ignore[return-value]


def _confirmed_with(asked: Request) -> list[Request]:
    """What the button confirms: the request, and all from the same message that wait for it too."""
    waiting = asked.together().filter(state=State.RECEIVED) if asked.is_unconfirmed else []
    return [asked, *waiting]
