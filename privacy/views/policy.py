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
    versions = list(PolicyVersion.objects.listed())
    context = _live(versions) | {"versions": versions}
    if _is_staff(request):
        context["differences"] = drift.differences(timezone.now())
    return render(request, "portal/policy.html", context)


@require_safe
def policy_version(request: HttpRequest, version: str) -> HttpResponse:
    """One published version, word for word, in the reader's language where it was published in it."""
    if "\0" in version:  # the database would refuse the question itself
        raise Http404
    found = get_object_or_404(PolicyVersion, version=version)
    context = {
        "version": found,
        "newest": found.version == PolicyVersion.objects.newest_number(),
        "sections": SECTIONS,
        # Rendered and escaped by `page.body` when it was published; the table cannot be changed since.
        "text": mark_safe(found.html(get_language() or settings.LANGUAGE_CODE)),  # noqa: S308
    }
    return render(request, "portal/policy_version.html", context)


def _live(versions: list[PolicyVersion] | None = None) -> dict[str, Any]:
    newest = versions[0] if versions else PolicyVersion.objects.listed().first()
    return page.context(
        facts.collect(timezone.now()),
        last_updated=newest.last_updated if newest else date.min,
        number=newest.version if newest else "",
    )


def _is_staff(request: HttpRequest) -> bool:
    """Without touching the session of visitors who have none."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and bool(getattr(request.user, "is_staff", False))
