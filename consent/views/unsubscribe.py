"""One-click unsubscribe. Source: RFC 8058.

GET shows one page and does nothing, because mail scanners follow every link. POST unsubscribes: without cookies,
session or CSRF token (the mail program has none), whatever the body's encoding (nothing in it is needed, the token says
all), as often as it comes, and without a redirect. A token that is not ours gets a friendly page and no hint.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from consent import topics, unsubscribe as links
from consent.models import Channel, Suppression
from consent.suppression import suppress_hash
from crasme.staff.actors import person


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    target = links.read_token(token)
    if target is None:
        return render(request, "consent/unsubscribe.html", {"unknown": True}, status=404)
    if request.method == "POST":
        suppress_hash(
            target.hashed,
            subject=target.subject,
            version=target.version,
            scope=target.scope,
            channel=Channel.EMAIL,
            reason=Suppression.Reason.UNSUBSCRIBED,
            source=Suppression.Source.LINK,
            actor=person(target.subject),
            now=timezone.now(),
        )
    scope = topics.title(target.scope)
    return render(request, "consent/unsubscribe.html", {"done": request.method == "POST", "scope": scope})
