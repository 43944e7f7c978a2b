"""From a row and a template to the mail. What a template may say is collected here, in the person's language.

What could go wrong: a line break in a subject becomes a header, HTML in a name becomes a link, or a secret ends up in
the record of what was sent. Subjects are one line, templates escape, and the record is rendered with placeholders.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, partial
from secrets import token_hex
from typing import Any, Protocol

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from crasme.kit.clock import controller_day
from crasme.kit.remember import remembered
from crasme.kit.statements import Fetch
from privacy.correspondence import beside, others, outcomes
from privacy.correspondence.catalogue import entry_of
from privacy.correspondence.others import PlanOf, when_said
from privacy.correspondence.own import Own
from privacy.correspondence.periods import in_words
from privacy.correspondence.placeholders import Context
from privacy.correspondence.shipped import Shipped
from privacy.models import Controller, Letter, Message, Request
from privacy.refusals import authority_of, refusal_of
from privacy.services import alerts, clock, copies, packages, plans, verification
from privacy.words import EXTENSIONS, WISHES

_TO_CONFIRM = Fetch(lambda: Request.objects.filter(without_proof=False).order_by("pk"), "lead")


@dataclass(frozen=True, slots=True)
class Rendered:
    """`record` is the text with every secret replaced by a placeholder: what may be kept. `letter` is the id of the
    company's own text, "" for the shipped one.
    """

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    record: str = field(repr=False)
    letter: str = ""


class Text(Protocol):
    """What can be filled in, in the active language: a file that ships, or the company's own words."""

    @property
    def letter(self) -> str: ...

    def subject(self, context: Context) -> str: ...

    def text(self, context: Context) -> str: ...

    def html(self, context: Context) -> str: ...


def render(message: Message, *, now: datetime) -> Rendered:
    """Make the mail; a linked letter gets a fresh link and code, stored as digests only.

    LetterBroken when a text of the company's own cannot be filled in: half a letter is never made.
    """
    request, entry = message.request, entry_of(message.template)
    with translation.override(message.language):
        context, text = context_of(message, now=now), text_of(message)
        secrets = beside.secrets(message, now=now)
        if entry.linked:
            issued = verification.issue(request, now=now)
            path = reverse("request-confirm", args=[issued.token])
            secrets = {"link": f"{settings.SITE_URL}{path}", "code": issued.code}
        kept = {name: words for name, words in hidden().items() if name in secrets}
        if "warnings" in entry.must:  # what is kept beside one request names no other
            kept["warnings"] = when_said(alerts.lines_of, message, own=True)
        return compose(text, context, sent=secrets, kept=kept)


def shown(message: Message, *, now: datetime) -> Rendered:
    """The mail as it would go out now, with words in place of link and code. Nothing is stored, not even `message`."""
    with translation.override(message.language):
        return compose(text_of(message), context_of(message, now=now), sent=hidden(), kept=hidden())


def text_of(message: Message) -> Text:
    """The company's own text for this letter, kind and language; the shipped one where there is none."""
    entry = entry_of(message.template)
    row = _own(message.template, message.request.kind, message.language)
    return Own(entry, row.subject, row.body, letter=str(row.pk)) if row else Shipped(entry)


@remembered(key=lambda template, kind, language: (template, kind, language))
def _own(template: str, kind: str, language: str) -> Letter | None:
    return Letter.objects.used_for(template, kind, language)


@remembered(key=lambda: ())
def _controller() -> Controller:
    return Controller.objects.current()


def hidden() -> dict[str, Any]:
    """What stands in the record in place of secrets, in the active language."""
    link, code, address = _("link"), _("code"), _("address")  # no collector looks into an f-string
    return {"link": f"[{link}]", "code": f"[{code}]", "whom": [f"[{address}]"]}


def compose(text: Text, context: Context, *, sent: Mapping[str, Any], kept: Mapping[str, Any]) -> Rendered:
    """In the active language. What the mail says besides `context`, and what its record says in the same places."""
    subject = " ".join(text.subject({**context, **kept}).split())
    common = {**context, "subject": subject}
    as_sent, as_kept = _texts(text, common, sent, kept)
    return Rendered(
        subject=f"{subject} [{context['request'].reference}]" if context["named"] else subject,
        text=as_sent,
        html=text.html(common | dict(sent)),
        record=as_kept,
        letter=text.letter,
    )


def _texts(text: Text, context: Context, sent: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[str, str]:
    """As the mail says it and as its record does. Filling in is most of the work on a mail, so it is done once with
    marks where nothing but a word differs: what is kept is made from the marks, so no secret can be left in it.
    """
    words = all(isinstance(value, str) for value in (*sent.values(), *kept.values()))
    if not words or set(sent) != set(kept):
        return text.text({**context, **sent}), text.text({**context, **kept})
    marks = {name: token_hex() for name in sent}
    marked = text.text({**context, **marks})
    return _unmarked(marked, marks, sent), _unmarked(marked, marks, kept)


def _unmarked(text: str, marks: Mapping[str, str], words: Mapping[str, str]) -> str:
    for name, mark in marks.items():
        text = text.replace(mark, words[name])
    return text


def context_of(message: Message, *, now: datetime) -> dict[str, Any]:
    """All that a template may use. Nothing in it was typed by whoever filled in the form.

    What only some letters say is looked up when one does (`when_said`).
    """
    request, controller = message.request, _controller()
    plan_of = cache(partial(plans.current, request))
    return {
        "request": request,
        "named": not entry_of(message.template).unnamed,
        "wish": WISHES[request.kind],
        "company": controller.company,
        "product": controller.product,
        "contact": controller.contact_email,
        "due": request.told_due,
        "status_url": settings.SITE_URL + reverse("request-status", args=[request.reference]),
        "first": request.duplicate_of,
        # What needed no confirmation is not asked to be confirmed.
        "also": when_said(_also, request),
        "written": message.written or "",
        "ended": outcomes.ended(request),
        "done": outcomes.done(request),
        "browsers": outcomes.browsers(request),
        "cookies_url": settings.SITE_URL + reverse("cookies"),
        "kept": when_said(_kept, request, plan_of),
        **others.facts(message, plan_of, now=now),
        "periods": when_said(in_words, now),
        "nothing_else": when_said(_nothing_else, plan_of),
        "package": when_said(packages.newest, request, now=now),
        "erased_after": when_said(copies.erased_after, request, now=now),
        "erased_sooner": when_said(copies.erased_sooner, request, now=now),
        "corrections": when_said(beside.corrections, request),
        "told": when_said(beside.told, request),
        "notice": when_said(beside.notice, message),
        "refusal": refusal_of(request.kind, request.refusal_reason),
        "authority": authority_of(request.regime),
        "more_time": EXTENSIONS.get(message.facts.get("reason", "")),
        "later": _later(message, now),
        "stands_still": clock.stops(request),
        "warnings": when_said(alerts.lines_of, message),
        "desk_url": settings.SITE_URL + reverse("admin:privacy_request_changelist"),
        "lifetime_hours": int(verification.LIFETIME.total_seconds() // 3600),
    }


def _also(request: Request) -> list[Promise]:
    return [WISHES[other.kind] for other in _TO_CONFIRM(request.pk)]


def _nothing_else(plan_of: PlanOf) -> bool:
    return (plan := plan_of()) is not None and not plan.found_something


def _kept(request: Request, plan_of: PlanOf) -> list[plans.KeptLine]:
    """What stays; of a report that was closed without an erasure everything does, and nothing is said of it."""
    plan = plan_of()
    carried_out = plan is not None and plan.executed_at is not None
    return plans.kept_of(plan) if carried_out or request.kind != Request.Kind.CHILD else []


def _later(message: Message, now: datetime) -> date | None:
    """Until when the law lets us take our time, once this letter has gone out today."""
    if message.template != clock.EXTENSION:
        return None
    found = clock.extended(message.request, controller_day(now))
    return found.law_due if found else None
