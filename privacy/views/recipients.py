"""A recipient of data says that it has done what it was told.

What could go wrong: a mail scanner answers for it (looking changes nothing; a button does), or the page says whose data
it was about (it names the reference and what was to be done, which the mail said too).
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crasme.kit.limits import limited, network
from privacy import throttle
from privacy.errors import LinkSpent
from privacy.services import recipients
from privacy.views.requests import private

PAGE = "portal/recipients/acknowledge.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def acknowledge(http: HttpRequest, token: str) -> HttpResponse:
    now = timezone.now()
    try:
        if http.method == "POST":
            throttle.CODE_NETWORK.hit(network(http), now=now)
            notice = recipients.acknowledge(token, now=now)
            notice.refresh_from_db()
        else:
            notice = recipients.look(token)
    except LinkSpent:
        return private(render(http, PAGE, {"notice": None}, status=410))
    return private(render(http, PAGE, {"notice": notice}))
