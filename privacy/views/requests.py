"""The page of a request, for whoever has proven the mailbox: following it, fetching, writing to us, taking it back.

What could go wrong: a page that says whether a reference is known (every answer is the same either way), a page or an
address that is passed on (no referrer, no cache).
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from crasme.kit.clock import controller_day
from crasme.kit.crypto import subject_ref
from crasme.kit.limits import limited, network
from crasme.staff.actors import person as by_person
from privacy import throttle
from privacy.correspondence.others import customers
from privacy.errors import MoveNotAllowed, PackageGone
from privacy.forms import AddressForm, ReplyForm
from privacy.mailroom import replies
from privacy.models import Package, Request
from privacy.refusals import authority_of, refusal_of
from privacy.services import (
    approvals,
    copies,
    desk,
    marketing,
    packages,
    plans,
    representatives,
)
from privacy.states import MOVES, Outcome, State
from privacy.steps.definitions import harmless
from privacy.views import evidence, holdings, letters, proof, timeline
from privacy.views.posted import posted
from privacy.words import LOOKED_AT, LOOKING, STANDING, WISHES, ending_of, in_a_row


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
            messages.success(http, _("Your choice is saved."))
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
        "erased_sooner": copies.erased_sooner(asked, now=now),
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
