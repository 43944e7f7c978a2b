"""A page that says what just happened says it to nobody else.

What could go wrong: whoever opens the address of such a page, from a bookmark or a link that somebody sent, reads that
something was done which was not. So the address that a form leads to bears a mark of ours, which is soon over and good
for that page alone; it says nothing of who, what or which address.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Final

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

LIFETIME: Final = timedelta(minutes=15)
_NAME: Final = "done"


def led(page: str, what: str = _NAME, *, status: int = HTTPStatus.FOUND) -> HttpResponse:
    """The way to the page named so, for whoever did it now. `what` tells apart what leads to the same page."""
    path = reverse(page)
    response = redirect(f"{path}?{urlencode({_NAME: _signer(path).sign(what)})}")
    response.status_code = status
    return response


def happened(http: HttpRequest, what: str = _NAME) -> bool:
    """Whether this visitor comes from having done it."""
    try:
        return _signer(http.path).unsign(http.GET.get(_NAME, ""), max_age=LIFETIME) == what
    except signing.BadSignature:
        return False


def _signer(path: str) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"privacy.just-now:{path}")
