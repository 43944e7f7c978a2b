"""Where the banner's script sends choices: one POST of JSON, answered with 204 and the consent cookie.

    {"id": "<UUIDv7>", "visitor": "<UUID>", "choices": {"analytics": false}, "action": "save", "surface": "banner",
     "notice": "<SHA-256>", "language": "en", "age": 0, "shown": 0, "asked": ["analytics"], "after": "<UUIDv7>"}

`age` says how many milliseconds ago the choice was made by the sender's own clock, so that a clock which is wrong does
no harm. The way here adds to it, so `after` (optional) names the choice before this one when that was still unanswered:
whoever accepts and at once refuses has refused, however slow the first message was.

`asked` (optional) names the questions that were on screen when the banner came back for some of them; the others keep
their answers. `shown` (optional) says how many milliseconds ago the notice came on screen.

What could go wrong: another site's page posts here (refused by origin, there is no token in static HTML), a body that
is not what it should be (refused with its reason), a flood of choices (limited by network), a retry (answered as the
first time), a choice that is refused and stays in the browser's cookie (the answer brings back what is on record).
"""

import json
import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from consent import origin, rates, throttle
from consent.errors import BadChoice, ConsentError, NotFromHere
from consent.filing import OLDEST
from consent.origin import Origin
from consent.views.answers import decide, fall_back
from crasme.kit.limits import TooOften, network

MOST_BYTES = 4096
KEPT_NOWHERE = {"Cache-Control": "no-store"}  # nor is any answer to a POST without such a header


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """204 when the choice is stored, now or before; 403 for other sites' pages, 413, 429 or 400 with the reason."""
    now = timezone.now()
    response = HttpResponse(status=204, headers=KEPT_NOWHERE)
    try:
        if origin.of_request(request) is not Origin.HERE:
            raise NotFromHere("A choice can only be made on this site's own pages.")
        throttle.CHOICES_NETWORK.hit(network(request), now=now)
        sent = _body(request)
        decide(
            request,
            response,
            event_id=_uuid(sent, "id"),
            visitor=_uuid(sent, "visitor"),
            choices=_choices(sent),
            action=_text(sent, "action"),
            surface=_text(sent, "surface"),
            notice_sha=_text(sent, "notice"),
            language=_text(sent, "language"),
            decided_at=now - (_age(sent, "age") or timedelta()),
            shown_at=now - began if (began := _age(sent, "shown")) is not None else None,
            asked=_asked(sent),
            after=_uuid(sent, "after") if sent.get("after") else None,
            now=now,
        )
    except TooOften as error:
        wait = {"Retry-After": str(error.wait)}
        return JsonResponse({"code": error.code, "detail": str(error)}, status=429, headers=wait)
    except ConsentError as error:
        status = {"cross-site": 403, "too-large": 413}.get(error.code, 400)
        refused = JsonResponse({"code": error.code, "detail": str(error)}, status=status)
        if status != HTTPStatus.FORBIDDEN:
            fall_back(request, refused, now=now)
        return refused
    return response


def _body(request: HttpRequest) -> dict[str, Any]:
    # Read no more than may come, whatever the header says.
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise BadChoice("The body is too large.", code="too-large")
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise BadChoice("The body is not a JSON object.")
    return sent


def _uuid(sent: dict[str, Any], name: str) -> uuid.UUID:
    try:
        return uuid.UUID(sent[name])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise BadChoice(f"“{name}” is not a UUID.") from None


def _text(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not value.isprintable():
        raise BadChoice(f"“{name}” is missing or no text.")
    return value


def _choices(sent: dict[str, Any]) -> dict[str, bool]:
    value = sent.get("choices")
    if not isinstance(value, dict) or not all(isinstance(answer, bool) for answer in value.values()):
        raise BadChoice("“choices” maps categories to true or false.")
    return value


def _asked(sent: dict[str, Any]) -> list[str] | None:
    value = sent.get("asked")
    if value is not None and not (isinstance(value, list) and all(isinstance(slug, str) for slug in value)):
        raise BadChoice("“asked” is a list of categories.")
    return value


def _age(sent: dict[str, Any], name: str) -> timedelta | None:
    value = sent.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:  # NaN compares false
        raise BadChoice(f"“{name}” is a number of milliseconds.")
    return min(OLDEST, timedelta(milliseconds=min(value, OLDEST / timedelta(milliseconds=1))))


@csrf_exempt
@require_POST
def shown(request: HttpRequest) -> HttpResponse:
    """The banner came on screen on the first page of a visit: one is added to the day's count, nothing else is kept."""
    now = timezone.now()
    try:
        if origin.of_request(request) is not Origin.HERE:
            raise NotFromHere("A notice is only shown on this site's own pages.")
        throttle.SHOWN_NETWORK.hit(network(request), now=now)
        rates.note_shown(request.read(65).decode("ascii", "replace"), now=now)
    except TooOften as error:
        return HttpResponse(status=429, headers={"Retry-After": str(error.wait)})
    except ConsentError as error:
        return HttpResponse(status=403 if error.code == "cross-site" else 400)
    return HttpResponse(status=204, headers=KEPT_NOWHERE)
