"""The public pages of a request: asking, proving the mailbox, following, fetching, taking back.

What could go wrong: a page that says whether an address or a reference is known (every answer is the same either way),
a link that a mail scanner follows (looking changes nothing; a button does), a secret in an address that is passed on
(no referrer, no cache, exchanged for a cookie at once), a visitor's strange input (an error at its field, never a
fault of the server).
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from crasme.kit.clock import controller_day
from crasme.kit.crypto import subject_ref
from crasme.kit.limits import TooOften, limited, network
from crasme.staff.actors import person as by_person
from privacy import throttle
from privacy.correspondence.others import customers
from privacy.errors import LinkSpent, MoveNotAllowed, PackageGone
from privacy.forms import AddressForm, ChooseForm, CodeForm, LinkForm, ReplyForm, RequestForm
from privacy.mailroom import replies
from privacy.models import Package, Request
from privacy.refusals import authority_of, refusal_of
from privacy.services import (
    approvals,
    confirmation,
    copies,
    desk,
    intake,
    links,
    marketing,
    packages,
    plans,
    representatives,
    verification,
)
from privacy.states import MOVES, Outcome, State
from privacy.steps.definitions import harmless, needs_proof
from privacy.views import admission, evidence, holdings, justnow, letters, proof, timeline
from privacy.views.posted import posted
from privacy.words import LOOKED_AT, LOOKING, STANDING, WISHES, ending_of, in_a_row

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
    """What was chosen leads to its questions; nothing, or `choose`, to the choice."""
    kinds = http.GET.getlist("kind")
    if not kinds or "choose" in http.GET:
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


@never_cache
@require_safe
def status(http: HttpRequest, reference: str) -> HttpResponse:
    """Where the request stands; for everybody else, known reference or not, the way to a link."""
    asked = proof.opened(http, reference)
    if asked is None:
        return render(http, "portal/requests/spent.html", {"form": AddressForm(), "reference": reference})
    return page(http, asked)


@never_cache
@posted
def go_on(http: HttpRequest, reference: str) -> HttpResponse:
    """The person does not want the deletion to wait for the copy."""
    asked = proof.opened(http, reference)
    if asked is not None:
        with suppress(MoveNotAllowed):  # pressed twice, or fetched meanwhile: it waits no longer, as wished
            approvals.go_on_without(asked, now=timezone.now())
    return redirect("request-status", reference=reference)


@never_cache
@posted
def withdraw(http: HttpRequest, reference: str) -> HttpResponse:
    """The person takes the request back."""
    asked = proof.opened(http, reference)
    if asked is not None:
        try:
            desk.withdraw(asked, actor=by_person(subject_ref("person", asked.person_id)), now=timezone.now())
        except MoveNotAllowed as error:
            return page(http, Request.objects.select_related("person").get(pk=asked.pk), status=409, problem=str(error))
    return redirect("request-status", reference=reference)


@never_cache
@posted
def resume(http: HttpRequest, reference: str) -> HttpResponse:
    """The person wants marketing again, after an opt-out."""
    asked = proof.opened(http, reference)
    if asked is not None:
        try:
            marketing.resume(asked, now=timezone.now())
        except MoveNotAllowed as error:
            return page(http, asked, status=409, problem=str(error))
    return redirect("request-status", reference=reference)


@never_cache
@posted
@limited
def reply(http: HttpRequest, reference: str) -> HttpResponse:
    """The person writes to us about the request."""
    asked = proof.opened(http, reference)
    if asked is None:
        return redirect("request-status", reference=reference)
    form, status = ReplyForm(http.POST, http.FILES), 422
    if form.is_valid():
        now = timezone.now()
        throttle.REPLY_NETWORK.hit(network(http), now=now)
        try:
            replies.reply(asked, **form.cleaned_data, now=now)
            return private(redirect(f"{reverse('request-status', args=[reference])}#letters"))
        except ValidationError as error:
            form.add_error(None, error)
        except MoveNotAllowed as error:
            form.add_error(None, str(error))
            status = 409
    return private(render(http, "portal/requests/status.html", _standing(asked) | {"reply": form}, status=status))


@never_cache
@posted
def beside(http: HttpRequest, reference: str, other: str) -> HttpResponse:
    """From one request's page to that of another one from the same message: the proof holds for all of them."""
    asked = proof.opened(http, reference)
    found = asked.together().filter(reference=other).first() if asked is not None else None
    return let_in(found) if found is not None else redirect("request-status", reference=reference)


@never_cache
@posted
def leave(http: HttpRequest, reference: str) -> HttpResponse:
    """Close the page on this computer."""
    response = redirect("home")
    if (asked := proof.opened(http, reference)) is not None:
        proof.withdraw(response, asked)
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def download(http: HttpRequest, reference: str) -> HttpResponse | StreamingHttpResponse:
    """The copy, decrypted while it is sent. Looking at the address alone fetches nothing."""
    asked = proof.opened(http, reference)
    if asked is None or http.method != "POST":
        return redirect("request-status", reference=reference)
    now = timezone.now()
    package = _package(asked)
    if package is None:
        return redirect("request-status", reference=reference)
    try:
        pieces = packages.fetch(package, now=now)
    except PackageGone as error:
        return page(http, asked, status=410, problem=str(error))
    return as_file(asked, package, pieces)


def as_file(asked: Request, package: Package, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type="application/zip")
    response["Content-Length"] = str(package.size)
    response["Content-Disposition"] = f'attachment; filename="{asked.reference}.zip"'
    return private(response)


def page(http: HttpRequest, asked: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page of a request that this visitor may see; `more` goes before what it shows by itself."""
    return private(render(http, "portal/requests/status.html", _standing(asked) | more, status=status))


def let_in(asked: Request) -> HttpResponseRedirect:
    """To the request's page, with the cookie that opens it."""
    response = redirect("request-status", reference=asked.reference)
    proof.grant(response, asked)
    return private(response)


def _leading(asked: Request) -> Request:
    """The request that goes on, for one that was joined with an earlier one."""
    joined = asked.outcome == Outcome.DUPLICATE and asked.duplicate_of is not None
    return asked.duplicate_of if joined else asked  # type: ignore[return-value]


def _package(asked: Request) -> Package | None:
    return Package.objects.filter(request=asked).available(timezone.now()).select_related("request").first()


def _standing(asked: Request) -> dict[str, Any]:
    now = timezone.now()
    today = controller_day(now)
    together, written = asked.together(), letters.of(asked)
    return {
        "asked": asked,
        "wish": WISHES[asked.kind],
        "wishes": in_a_row([WISHES[each.kind] for each in (asked, *together)]),
        "standing": _standing_words(asked),
        "timeline": timeline.of(asked),
        "together": [
            {"asked": other, "wish": WISHES[other.kind], "standing": _standing_words(other)} for other in together
        ],
        "days_left": (asked.told_due - today).days,
        "days_gone": (today - asked.received_on).days,
        "days_all": max((asked.told_due - asked.received_on).days, 1),
        "can_withdraw": State(asked.state) in MOVES["withdraw"].sources and asked.kind != Request.Kind.CHILD,
        "letters": written,
        "letters_erased": not written and letters.erased(asked),
        "reply": ReplyForm() if asked.person.email else None,
        "wait": copies.shown(asked, now=now),
        "erased_after": copies.erased_after(asked, now=now),
        "status_path": reverse("request-status", args=[asked.reference]),
        # What was found and done, for whoever may learn it.
        **(_found(asked) if asked.discloses else {}),
    }


def _found(asked: Request) -> dict[str, Any]:
    return {
        "package": _package(asked),
        "kept": _kept(asked),
        "representative": representatives.of(asked),
        "customers": customers(asked),
        "marketing": _marketing(asked),
        "refusal": refusal_of(asked.kind, asked.refusal_reason),
        "certificate": evidence.certificate_of(asked),
        "authority": authority_of(asked.regime),
        **holdings.shown(asked),
    }


def _marketing(asked: Request) -> str:
    """ "stopped" or "resumed" after an opt-out, "" on the page of any other request."""
    if not harmless(asked.kind, asked.facts) or asked.outcome != Outcome.GRANTED or not asked.person.email:
        return ""
    return "stopped" if marketing.is_stopped(asked) else "resumed"


def _confirmed_with(asked: Request) -> list[Request]:
    """What the button confirms: the request, and all from the same message that wait for it too."""
    waiting = asked.together().filter(state=State.RECEIVED) if asked.is_unconfirmed else []
    return [asked, *waiting]


def _standing_words(asked: Request) -> Promise:
    if not asked.discloses:
        return LOOKING if asked.is_open else LOOKED_AT
    return STANDING[asked.state] if asked.is_open else ending_of(asked)


def _kept(asked: Request) -> list[plans.KeptLine]:
    """What stays, once the erasure is done; before that it is only a plan."""
    plan = plans.current(asked)
    return plans.kept_of(plan) if plan is not None and plan.executed_at is not None else []


def private[R: HttpResponse | StreamingHttpResponse | HttpResponseRedirect](response: R) -> R:
    """Neither the address nor the page goes anywhere else.

    "no-referrer" would make browsers send `Origin: null` with the form, which the check against forgery refuses.
    """
    response["Referrer-Policy"] = "strict-origin"
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response
