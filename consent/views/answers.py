"""What the script's way and the form's way of choosing share: recording the choice and answering with its cookies."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from consent import accounts, choice, registry, services
from consent.errors import BadChoice
from consent.models import ConsentEvent


def decide(
    request: HttpRequest,
    response: HttpResponse,
    *,
    event_id: uuid.UUID,
    visitor: uuid.UUID,
    choices: Mapping[str, bool],
    action: str,
    surface: str,
    notice_sha: str,
    language: str,
    decided_at: datetime,
    now: datetime,
    after: uuid.UUID | None = None,
    asked: Collection[str] | None = None,
    shown_at: datetime | None = None,
) -> ConsentEvent:
    """Record the choice, then let `response` keep the one that counts and remove cookies that it does not allow.

    That need not be the one recorded: for each category the newest decision that answered its question stays, in
    whatever order they arrive. Returns the newest. Raises what `services.record_choice` raises; nothing is set on the
    response then.
    """
    event = services.decision(
        event_id=event_id,
        visitor=visitor,
        choices=choices,
        action=action,
        surface=surface,
        notice_sha=notice_sha,
        language=language,
        gpc=choice.signals_gpc(request),
        decided_at=decided_at if after is None else services.later_than(after, visitor, decided_at),
        asked=asked,
        shown_at=shown_at,
        now=now,
    )
    decisions = services.record_in_browser(event)
    if not decisions:  # the id was somebody else's: their choice is not given away
        raise BadChoice("This choice was sent before, by another browser.")
    known, gpc = registry.snapshot(), choice.signals_gpc(request)
    kept = accounts.keep(response, accounts.merged(decisions), visitor, gpc=gpc, now=now)
    _remove_refused(request, response, choice.granted(kept, gpc=gpc, registry=known), known)
    return decisions[0]


def fall_back(request: HttpRequest, response: HttpResponse, *, now: datetime) -> None:
    """The choice in the browser's cookie was not taken: let it keep what is on record, as far as it still allows that.

    So a permission that nobody holds is none, and a refusal that could not be stored is one all the same.
    """
    made = choice.of_request(request)
    if made is None:
        return
    known, gpc = registry.snapshot(), choice.signals_gpc(request)
    fresh = accounts.fresh_of(accounts.of_visitor(made.visitor), now)
    if not fresh:
        response.delete_cookie(choice.NAME, samesite="Lax")
        return
    held = accounts.cookie_of(fresh, made.visitor, known, gpc=gpc)
    kept = replace(held, mask=held.mask & made.mask | known.essential)
    choice.keep(response, kept, decided_at=min(each.by.decided_at for each in fresh.values()), now=now)
    _remove_refused(request, response, choice.granted(kept, gpc=gpc, registry=known), known)


def _remove_refused(request: HttpRequest, response: HttpResponse, allowed: int, known: registry.Snapshot) -> None:
    """Delete what the browser still sends though it is not agreed to. Only this host's; the script does the rest."""
    for name in request.COOKIES.keys() - known.on_request:
        if (needed := known.needs(name)) and needed & allowed != needed:
            response.delete_cookie(name)
