"""The pages of somebody who asks for somebody else.

What could go wrong: the page tells whether somebody has an account (it says the same in every case), takes in a file of
any size (what is too large is turned away before it is read), or hands a copy to whoever was once a representative
(whether they still may have it is asked at every step).
"""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crasme.kit.limits import TooOften, limited, network
from privacy import throttle
from privacy.errors import LinkSpent, MoveNotAllowed, PackageGone
from privacy.forms import LinkForm
from privacy.forms.representative import RepresentativeForm
from privacy.models import Package, Request
from privacy.services import intake, mandates, packages, representatives, verification
from privacy.views import admission, justnow, proof
from privacy.views.asking import ANSWER_TO
from privacy.views.requests import as_file, page, private

FORM = "portal/requests/representative.html"
# The file, and room for everything else in the form.
LARGEST_BODY = mandates.LARGEST + 256 * 1024


@never_cache
@csrf_exempt  # the body is not read, not even for the token, before its size is known
@require_http_methods(["GET", "HEAD", "POST"])
def represent(http: HttpRequest) -> HttpResponse:
    """The form. The answer to a valid one is the same whoever asks for whom."""
    if http.method == "POST" and admission.length(http) > LARGEST_BODY:
        form = RepresentativeForm({})
        form.errors.clear()
        form.add_error("document", _("This file is larger than 2 MB. Please send a smaller one."))
        return render(http, FORM, {"form": form}, status=413)
    return _represent(http)


@csrf_protect
def _represent(http: HttpRequest) -> HttpResponse:
    if http.method != "POST":
        return render(http, FORM, {"form": RepresentativeForm()})
    form = RepresentativeForm(http.POST, http.FILES)
    if not form.is_valid():
        return render(http, FORM, {"form": form}, status=422)
    now = timezone.now()
    try:
        admission.admit(http, form.cleaned_data["email"], now=now)
        throttle.ASK_ADDRESS.hit(form.cleaned_data["rep_email"], now=now)
    except TooOften as error:
        return admission.turned_away(http, FORM, form, error)
    intake.submit_many(form.submissions(), now=now)
    return justnow.led("representative-sent")


@never_cache
@require_safe
def sent(http: HttpRequest) -> HttpResponse:
    """What happens now; for anybody else, the form."""
    if not justnow.happened(http):
        return redirect("request-representative")
    return render(http, "portal/requests/representative_sent.html")


@never_cache
@require_POST
def choose(http: HttpRequest, reference: str) -> HttpResponse:
    """The person says, on the page of the request, who gets the answer."""
    asked = proof.opened(http, reference)
    if asked is not None and (to := http.POST.get("to")) in (*ANSWER_TO, "nobody"):
        try:
            representatives.choose(asked, to, now=timezone.now())
        except MoveNotAllowed as error:
            return page(http, asked, status=409, problem=str(error))
    return redirect("request-status", reference=reference)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def release(http: HttpRequest, token: str) -> HttpResponse:
    """The page behind a representative's link: inert, with one button."""
    now = timezone.now()
    if http.method == "POST":
        throttle.CODE_NETWORK.hit(network(http), now=now)
        try:
            asked = verification.spend_release(token, now=now)
        except LinkSpent:
            pass
        else:
            response = redirect("released", reference=asked.reference)
            proof.grant_release(response, asked)
            return private(response)
    if not verification.known_release(token, now=now):
        return private(render(http, "portal/requests/spent.html", {"form": LinkForm()}, status=410))
    return private(render(http, "portal/requests/release.html"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def released(http: HttpRequest, reference: str) -> HttpResponse | StreamingHttpResponse:
    """The copy, for a representative: what it is, and with the button the file."""
    asked = proof.opened_release(http, reference)
    if asked is None:
        return redirect("request-status", reference=reference)
    now = timezone.now()
    package = _package(asked)
    if package is None:
        return private(render(http, "portal/requests/released.html", {"asked": asked}, status=410))
    if http.method != "POST":
        return private(render(http, "portal/requests/released.html", {"asked": asked, "package": package}))
    speaking = representatives.of(asked)
    try:
        pieces = packages.fetch(package, now=now, actor=representatives.actor_of(speaking) if speaking else "")
    except PackageGone:
        return private(render(http, "portal/requests/released.html", {"asked": asked}, status=410))
    return as_file(asked, package, pieces)


def _package(asked: Request) -> Package | None:
    """What may be fetched now; nothing once the person has changed their mind."""
    speaking = representatives.of(asked)
    if speaking is None or not speaking.may_receive:
        return None
    return Package.objects.filter(request=asked).available(timezone.now()).select_related("request").first()
