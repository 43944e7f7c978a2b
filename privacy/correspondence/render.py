"""From a row and a template to the mail. What a template may say is collected here, in the person's language.

What could go wrong: a line break in a subject becomes a header, HTML in a name becomes a link, or a secret ends up in
the record of what was sent. Subjects are one line, templates escape, and the record is rendered with placeholders.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from crasme.kit.calendar import Period
from crasme.kit.clock import controller_day
from privacy.correspondence import outcomes
from privacy.correspondence.catalogue import entry_of
from privacy.models import Controller, Message, Package, Request
from privacy.services import alerts, clock, plans, verification
from privacy.words import EXTENSIONS, REFUSALS, WISHES
from retention.models import Rule


@dataclass(frozen=True, slots=True)
class Rendered:
    """`record` is the text with every secret replaced by a placeholder: what may be kept."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    record: str = field(repr=False)


def render(message: Message, *, now: datetime) -> Rendered:
    """Make the mail; a linked template gets a fresh link and code, stored as digests only."""
    request, entry = message.request, entry_of(message.template)
    with translation.override(message.language):
        context = context_of(message, now=now)
        placeholders: dict[str, Any] = {"link": f"[{_('link')}]", "code": f"[{_('code')}]"}
        # What is kept beside one request names no other.
        placeholders["warnings"] = alerts.lines_of(message, own=True)
        secrets = {}
        if entry.linked:
            issued = verification.issue(request, now=now)
            path = reverse("request-confirm", args=[issued.token])
            secrets = {"link": f"{settings.SITE_URL}{path}", "code": issued.code}
        shown = context | secrets
        return Rendered(
            subject=_subject(context),
            text=_text(message.template, shown),
            html=render_to_string(f"emails/{message.template}-html.html", shown),
            record=_text(message.template, context | placeholders),
        )


def context_of(message: Message, *, now: datetime) -> dict[str, Any]:
    """All that a template may use. Nothing in it was typed by whoever filled in the form."""
    request = message.request
    controller = Controller.objects.current()
    plan = plans.current(request)
    return {
        "request": request,
        "wish": WISHES[request.kind],
        "company": controller.company,
        "product": controller.product,
        "contact": controller.contact_email,
        "due": request.told_due,
        "status_url": settings.SITE_URL + reverse("request-status", args=[request.reference]),
        "first": request.duplicate_of,
        # What needed no confirmation is not asked to be confirmed.
        "also": [WISHES[other.kind] for other in request.linked.filter(without_proof=False).order_by("id")],
        "written": message.written or "",
        "ended": outcomes.ended(request),
        "browsers": outcomes.browsers(request),
        "cookies_url": settings.SITE_URL + reverse("cookies"),
        "kept": plans.kept_of(plan),
        "periods": _periods(now),
        "nothing_else": plan is not None and not plan.found_something,
        "package": Package.objects.filter(request=request).available(now).order_by("-made_at").first(),
        "refusal": REFUSALS.get(request.refusal_reason),
        "more_time": EXTENSIONS.get(message.facts.get("reason", "")),
        "later": _later(message, now),
        "stands_still": clock.stops(request),
        "warnings": alerts.lines_of(message),
        "desk_url": settings.SITE_URL + reverse("admin:privacy_request_changelist"),
        "lifetime_hours": int(verification.LIFETIME.total_seconds() // 3600),
        "subject": _subject_line(message, request),
    }


def _later(message: Message, now: datetime) -> date | None:
    """Until when the law lets us take our time, once this letter has gone out today."""
    if message.template != clock.EXTENSION:
        return None
    found = clock.extended(message.request, controller_day(now))
    return found.law_due if found else None


def _periods(now: datetime) -> dict[str, str]:
    """The schedule's periods in words, by the rule's name."""
    rules = Rule.objects.in_force(now).acting().values_list("slug", "period")
    return {slug: Period.parse(period).words() for slug, period in rules}


def _subject_line(message: Message, request: Request) -> str:
    return render_to_string(
        f"emails/{message.template}-subject.txt", {"request": request, "wish": WISHES[request.kind]}
    ).strip()


def _subject(context: dict[str, Any]) -> str:
    return " ".join(f"{context['subject']} [{context['request'].reference}]".split())


def _text(template: str, context: dict[str, Any]) -> str:
    """Plain text: no line of a template that came out empty leaves more than one blank line behind."""
    lines: list[str] = []
    for line in render_to_string(f"emails/{template}-text.txt", context).splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"
