"""The person's receipt of the choice that counts in this browser: as a file and as a page to print.

What could go wrong: somebody else's receipt (it is found by the browser's own cookie and by nothing that an address
could carry), a cache that keeps one (never stored).
"""

from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from consent import choice, proofs, receipts, services, throttle, verify_receipt
from consent.models import ConsentEvent, Notice
from crasme.kit.limits import limited, network


def _current(request: HttpRequest) -> ConsentEvent | None:
    made = choice.of_request(request)
    return services.current(made.visitor) if made else None


def _receipt(request: HttpRequest) -> tuple[ConsentEvent | None, dict[str, Any]]:
    throttle.RECEIPTS_NETWORK.hit(network(request), now=timezone.now())
    event = _current(request)
    return event, receipts.issue(event, now=timezone.now()) if event else {}


@require_safe
@never_cache
@vary_on_headers("Cookie")
@limited
def download(request: HttpRequest) -> HttpResponse:
    """The signed receipt as JSON; 404 in words when nothing was chosen in this browser."""
    event, receipt = _receipt(request)
    if event is None:
        return render(request, "consent/receipt.html", {"consent_page": True}, status=404)
    response = JsonResponse(receipt, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="consent-receipt-{event.short_id}.json"'
    return response


@require_safe
@never_cache
@vary_on_headers("Cookie")
@limited
def page(request: HttpRequest) -> HttpResponse:
    """The same to read and to print."""
    event, receipt = _receipt(request)
    context: dict[str, Any] = {"consent_page": True, "event": event, "receipt": receipt}
    if event is not None:
        notice = Notice.objects.get(sha256=event.notice)
        context |= {
            "notice": notice,
            "answers": [
                {"title": each["title"], "purpose": each["purpose"], "status": _status(each, event)}
                for each in notice.content["categories"]
            ],
            "state": event.get_action_display(),
        }
    return render(request, "consent/receipt.html", context, status=200 if event else 404)


def _status(category: dict[str, Any], event: ConsentEvent) -> str:
    if category["essential"]:
        return _("always on")
    if event.choices.get(category["slug"]):
        return _("allowed")
    return _("refused") if event.asks(category["slug"]) else _("not answered")


@require_safe
@cache_control(public=True, max_age=3600)
def script(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(Path(verify_receipt.__file__).read_bytes(), content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="verify_receipt.py"'
    return response


@require_safe
@cache_control(public=True, max_age=3600)
def keys(request: HttpRequest) -> JsonResponse:
    return JsonResponse(proofs.public_keys())
