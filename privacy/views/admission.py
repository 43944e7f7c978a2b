"""Who may send a public form now: the limits, and the little work that lets a browser send more often.

What could go wrong: a visitor at a dead end. So whoever reaches a limit sees the form again with all that they typed,
the time after which it goes through, and another way.
"""

from datetime import datetime
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crasme.kit.limits import TooOften, limited, network
from privacy import puzzle, throttle
from privacy.models import Controller

FIELD = "altcha"  # as the protocol's own widget calls it


@never_cache
@require_safe
@limited
def challenge(http: HttpRequest) -> JsonResponse:
    """A puzzle to solve while the form is being filled in (privacy/puzzle.js)."""
    now = timezone.now()
    throttle.CHALLENGE_NETWORK.hit(network(http), now=now)
    return JsonResponse(puzzle.make(now))


def length(http: HttpRequest) -> int:
    """How many bytes the body is said to have; 0 where that is not said, or not in digits: Django then reads none."""
    try:
        return int(http.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def admit(http: HttpRequest, email: str, *, now: datetime) -> None:
    """Count one submission of a public form; `email` may be "". Raises TooOften."""
    came_from = network(http)
    throttle.ASK_NETWORK.hit(came_from, now=now)
    if puzzle.solved(http.POST.get(FIELD, ""), now=now):
        throttle.ASK_ALL.hit("", now=now)
    else:
        throttle.ASK_PLAIN_NETWORK.hit(came_from, now=now)
        throttle.ASK_PLAIN_ALL.hit("", now=now)
    if email:
        throttle.ASK_ADDRESS.hit(email, now=now)


def turned_away(http: HttpRequest, template: str, form: Form, error: TooOften, **context: Any) -> HttpResponse:
    """The form again, with what was typed; nobody is sent away empty-handed."""
    minutes = -(-error.wait // 60)
    contact = Controller.objects.current().contact_email
    words = ngettext(
        "Too much was sent from here in a short time. Send this again in a minute, or write to %(address)s: it counts "
        "just the same.",
        "Too much was sent from here in a short time. Send this again in %(minutes)d minutes, or write to %(address)s: "
        "it counts just the same.",
        minutes,
    )
    form.add_error(None, words % {"minutes": minutes, "address": contact})
    response = render(http, template, {"form": form, **context}, status=429)
    response["Retry-After"] = str(error.wait)
    return response
