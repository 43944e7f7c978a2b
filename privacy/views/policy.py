"""The public pages that tell people what is done with their data. They only read; nothing here sets a cookie."""

from datetime import date
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from privacy.models import PolicyVersion
from privacy.policy import drift, facts, page
from privacy.policy.words import SECTIONS


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The rights as doors, the promise, and how it goes on from there."""
    return render(request, "portal/home.html", _live())


@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """The policy from live rows. Staff also see where it has left the published text."""
    context = _live() | {"versions": PolicyVersion.objects.listed()}
    if _is_staff(request):
        context["differences"] = drift.differences(timezone.now())
    return render(request, "portal/policy.html", context)


@require_safe
def policy_version(request: HttpRequest, version: str) -> HttpResponse:
    """One published version, word for word, in the reader's language where it was published in it."""
    if "\0" in version:  # the database would refuse the question itself
        raise Http404
    found, now = get_object_or_404(PolicyVersion, version=version), timezone.now()
    context = {
        "version": found,
        "applies": found.version == PolicyVersion.objects.current_number(now),
        "begun": PolicyVersion.objects.begun(now).filter(pk=found.pk).exists(),
        "sections": SECTIONS,
        # Rendered and escaped by `page.body` when it was published; the table cannot be changed since.
        "text": mark_safe(found.html(get_language() or settings.LANGUAGE_CODE)),  # noqa: S308
    }
    return render(request, "portal/policy_version.html", context)


def _live() -> dict[str, Any]:
    """The live rows under the number and date of the version that applies, not of one that is to come."""
    now = timezone.now()
    applies = PolicyVersion.objects.begun(now).defer("snapshot").first()
    return page.context(
        facts.collect(now),
        last_updated=applies.last_updated if applies else date.min,
        number=applies.version if applies else "",
    )


def _is_staff(request: HttpRequest) -> bool:
    """Without touching the session of visitors who have none."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and bool(getattr(request.user, "is_staff", False))
