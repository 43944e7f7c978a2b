"""What a person wants corrected, on the page of their request; and the link that proves a new mailbox.

What could go wrong: somebody else's values (they come from the proven mailbox alone, and a key that was invented
proposes nothing), a form that mails strangers (few new addresses a day), a link that a scanner follows (looking changes
nothing), a page behind it that tells the new mailbox whose it is (it says nothing of any request).
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crasme.kit.crypto import subject_ref
from crasme.kit.errors import CrasmeError
from crasme.kit.limits import limited, network
from crasme.staff.actors import person as by_person
from privacy import throttle
from privacy.errors import LinkSpent
from privacy.forms.values import ProposalForm
from privacy.models import Request
from privacy.services import corrections, mailboxes
from privacy.views import proof
from privacy.views.requests import page, private


@never_cache
@require_POST
@limited
def propose(http: HttpRequest, reference: str) -> HttpResponse:
    """Values are proposed, changed, or taken back by giving the one that is held."""
    asked = proof.opened(http, reference)
    if asked is None:
        return redirect("request-status", reference=reference)
    now = timezone.now()
    throttle.PROPOSE_REQUEST.hit(str(asked.pk), now=now)
    form = ProposalForm(http.POST, asked=asked)
    back = http.POST.get("take_back", "")
    if not back and not form.is_valid():
        return page(http, asked, status=422, proposals=form)
    values = form.values if not back else _as_held(form, back)
    _spare_strangers(form, values, asked)
    try:
        corrections.propose(asked, values, actor=by_person(subject_ref("person", asked.person_id)), now=now)
    except CrasmeError as error:
        asked = Request.objects.select_related("person").get(pk=asked.pk)
        return page(http, asked, status=409, problem=str(error))
    return redirect("request-status", reference=reference)


def _as_held(form: ProposalForm, key: str) -> dict[str, str]:
    """The one proposal that is taken back."""
    return {each.key: "" if each.in_words else each.stored for each in form.there if each.key == key}


def _spare_strangers(form: ProposalForm, values: dict[str, str], asked: Request) -> None:
    """Nobody gets more than a few mails because somebody types their address here."""
    now = timezone.now()
    for each in form.there:
        if (value := values.get(each.key)) and value != each.stored and mailboxes.needed(each, value, asked):
            throttle.MAILBOX_REQUEST.hit(str(asked.pk), now=now)
            throttle.MAILBOX_ADDRESS.hit(value, now=now)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def new_mailbox(http: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link to a proposed address: one button, and no word about who proposed it."""
    now = timezone.now()
    context: dict[str, Any] = {}
    try:
        if http.method == "POST":
            throttle.CODE_NETWORK.hit(network(http), now=now)
            mailboxes.prove(token, now=now)
        context["proven"] = mailboxes.look(token, now=now).proven_at is not None
    except LinkSpent as error:
        context["problem"] = str(error)
    status = 410 if "problem" in context else 200
    return private(render(http, "portal/requests/new_mailbox.html", context, status=status))
