"""The support statement of Global Privacy Control. Source: GPC specification, "GPC Support Resource"."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from consent import notices


@require_safe
@cache_control(public=True, max_age=86400)
def gpc(request: HttpRequest) -> JsonResponse:
    """{"gpc": true, "lastUpdate": "YYYY-MM-DD"}: honoured since the first notice, which said so, was published."""
    since = notices.shown().since
    return JsonResponse({"gpc": True} | ({"lastUpdate": since.date().isoformat()} if since else {}))
