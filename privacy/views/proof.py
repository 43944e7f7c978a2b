"""The cookie that opens one request's page for whoever has proven the mailbox.

What could go wrong: a link's secret stays in the address bar and in logs (it is exchanged for this cookie at once), the
cookie of one request opens another (it names its request, is signed, and is sent to that page only), it lies around for
ever on a shared computer (it ends with the browser, and is good for two hours at most).
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from privacy.models import Request

COOKIE = "crasme_request"
LIFETIME = timedelta(hours=2)
_signer = signing.TimestampSigner(salt="privacy.request.proof")
_release_signer = signing.TimestampSigner(salt="privacy.request.release")


def grant(response: HttpResponse, request: Request) -> None:
    _grant(response, request, _signer, "request-status")


def grant_release(response: HttpResponse, request: Request) -> None:
    """The same cookie for a representative, who sees the page of the copy alone: signed apart, and sent there only."""
    _grant(response, request, _release_signer, "released")


def _grant(response: HttpResponse, request: Request, signer: signing.TimestampSigner, page: str) -> None:
    response.set_cookie(
        COOKIE,
        signer.sign(str(request.pk)),
        path=reverse(page, args=[request.reference]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def withdraw(response: HttpResponse, request: Request) -> None:
    """Close the page on this computer."""
    response.delete_cookie(COOKIE, path=reverse("request-status", args=[request.reference]), samesite="Lax")


def opened(http: HttpRequest, reference: str) -> Request | None:
    """The request whose page this visitor may see; None without proof, or with that of another one."""
    return _opened(_signer, http, reference)


def opened_release(http: HttpRequest, reference: str) -> Request | None:
    """The request whose copy a representative may fetch on this page."""
    return _opened(_release_signer, http, reference)


def _opened(signer: signing.TimestampSigner, http: HttpRequest, reference: str) -> Request | None:
    try:
        proven = UUID(signer.unsign(http.COOKIES.get(COOKIE, ""), max_age=LIFETIME))
    except (signing.BadSignature, ValueError):
        return None
    return Request.objects.select_related("person").filter(pk=proven, reference=reference).first()
