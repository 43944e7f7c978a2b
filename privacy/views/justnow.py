"""A page that says what just happened says it to nobody else.

What could go wrong: whoever opens the address of such a page, from a bookmark or a link that somebody sent, reads that
something was done which was not. So the address that a form leads to bears a mark of ours, which is soon over; it says
nothing of who, what or which address.
"""

from datetime import timedelta
from typing import Final

from django.core import signing
from django.http import HttpRequest
from django.utils.http import urlencode

LIFETIME: Final = timedelta(minutes=15)
_NAME: Final = "done"
_signer = signing.TimestampSigner(salt="privacy.just-now")


def marked(path: str, what: str = _NAME) -> str:
    """The path of the page, for whoever did it now. `what` tells apart what leads to the same page."""
    return f"{path}?{urlencode({_NAME: _signer.sign(what)})}"


def happened(http: HttpRequest, what: str = _NAME) -> bool:
    """Whether this visitor comes from having done it."""
    try:
        return _signer.unsign(http.GET.get(_NAME, ""), max_age=LIFETIME) == what
    except signing.BadSignature:
        return False
