"""Setting up who is told about requests, and seeing to it that they are.

What could go wrong: a secret that is exchanged before every receiver knows the new one (for a day both sign), a
receiver that is gone for good and is tried for ever (after days of nothing but failures it is switched off, in the
ledger and on its page), a message that was lost on the other side (sent again under the same id, by hand).
"""

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit.claims import WorkState
from crasme.ledger.services import record
from crasme.staff.actors import system
from crasme.staff.models import ApiKey, User
from privacy import verbs, wake
from privacy.errors import Incomplete, MoveNotAllowed
from privacy.models import WebhookDelivery, WebhookEndpoint
from privacy.services.desk import require
from privacy.services.sweeping import ANNOUNCED, AT_ONCE
from privacy.wake import WEBHOOK
from privacy.webhooks import addresses
from privacy.webhooks.emitting import payload
from privacy.webhooks.sending import switched_off

OVERLAP = timedelta(days=1)
PATIENCE = timedelta(days=5)
ACTOR = system("webhooks")


@transaction.atomic
def set_up(
    *, name: str, url: str, events: Iterable[str], key: ApiKey | None, by: User, now: datetime
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret `whsec_…`: show it once. AddressRefused, Incomplete."""
    require(by, "add_webhookendpoint")
    addresses.parse(url)
    endpoint = WebhookEndpoint.objects.create(
        name=name, url=url, events=_known(events), key=key, secret=new_secret(), created_by=by, created_at=now
    )
    record(
        verbs.WEBHOOK_MADE.name,
        actor=by.ref,
        endpoint=endpoint.pk,
        events=endpoint.events,
        key=key.pk if key is not None else None,
    )
    return endpoint, str(endpoint.secret)


@transaction.atomic
def change(endpoint: WebhookEndpoint, *, name: str, url: str, events: Iterable[str], by: User) -> WebhookEndpoint:
    """Another name, address or choice of events. AddressRefused, Incomplete."""
    require(by, "change_webhookendpoint")
    addresses.parse(url)
    endpoint = _locked(endpoint)
    endpoint.name, endpoint.url, endpoint.events = name, url, _known(events)
    endpoint.save(update_fields=["name", "url", "events"])
    record(verbs.WEBHOOK_CHANGED.name, actor=by.ref, endpoint=endpoint.pk, events=endpoint.events)
    return endpoint


@transaction.atomic
def rotate(endpoint: WebhookEndpoint, *, by: User, now: datetime) -> str:
    """A new secret: show it once. For a day the former one signs beside it; one that was left from before does not."""
    require(by, "change_webhookendpoint")
    endpoint = _locked(endpoint)
    endpoint.former_secret, endpoint.former_until = endpoint.secret, now + OVERLAP
    endpoint.secret = new_secret()
    endpoint.save(update_fields=["secret", "former_secret", "former_until"])
    record(verbs.WEBHOOK_ROTATED.name, actor=by.ref, endpoint=endpoint.pk, overlap_until=endpoint.former_until)
    return str(endpoint.secret)


@transaction.atomic
def switch_off(endpoint: WebhookEndpoint, *, by: User, now: datetime) -> bool:
    """Nothing is sent there any more; what waits is parked. False when it was off already."""
    require(by, "change_webhookendpoint")
    return switched_off(endpoint, WebhookEndpoint.Off.BY_HAND, actor=by.ref, now=now)


@transaction.atomic
def switch_on(endpoint: WebhookEndpoint, *, by: User, now: datetime) -> bool:
    """It hears of what happens from now on, and what was parked because it was off is sent. False when it was on."""
    require(by, "change_webhookendpoint")
    off = WebhookEndpoint.objects.filter(pk=endpoint.pk, active=False)
    if not off.update(active=True, off_at=None, off_why="", failures=0, failing_since=None, rest_until=None):
        return False
    waiting = WebhookDelivery.objects.parked().filter(endpoint=endpoint, last_error="endpoint-off")
    waiting.update(state=WorkState.DUE, attempts=0, next_attempt_at=now)
    record(verbs.WEBHOOK_SWITCHED.name, actor=by.ref, endpoint=endpoint.pk, active=True)
    return True


@transaction.atomic
def try_out(endpoint: WebhookEndpoint, *, by: User, now: datetime) -> WebhookDelivery:
    """Queue a message that is about nothing, so that both sides see whether they understand each other."""
    require(by, "change_webhookendpoint")
    delivery: WebhookDelivery = WebhookDelivery.objects.create(
        endpoint=endpoint,
        event=WebhookDelivery.TEST,
        payload=payload(WebhookDelivery.TEST, {}, now=now),
        created_at=now,
        next_attempt_at=now,
    )
    wake.wake(*WEBHOOK, delivery.pk)
    return delivery


@transaction.atomic
def send_again(delivery: WebhookDelivery, *, by: User, now: datetime) -> WebhookDelivery:
    """Send it once more, taken before or given up on: the same words under the same id. MoveNotAllowed while it is
    being sent or waits for it.
    """
    require(by, "redeliver_webhook")
    over = (WorkState.DONE, WorkState.PARKED, WorkState.CANCELLED)
    again = WebhookDelivery.objects.filter(pk=delivery.pk, state__in=over)
    if not again.update(state=WorkState.DUE, attempts=0, next_attempt_at=now, finished_at=None, last_error=""):
        raise MoveNotAllowed(_("This message is on its way already."), remedy="")
    delivery.refresh_from_db()
    WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(rest_until=None)
    record(verbs.WEBHOOK_AGAIN.name, actor=by.ref, delivery=delivery.pk)
    wake.wake(*WEBHOOK, delivery.pk)
    return delivery


# --- each minute -----------------------------------------------------------------------------------------------------
def wake_deliveries(now: datetime) -> int:
    """Announce messages that are due or whose worker vanished; the number announced."""
    waiting = WebhookDelivery.objects.sendable(now - ANNOUNCED).order_by("next_attempt_at")
    found = list(waiting.values_list("pk", flat=True)[:AT_ONCE])
    for pk in found:
        wake.publish(*WEBHOOK, str(pk))
    return len(found)


def switch_off_failing(now: datetime) -> int:
    """Switch off who has taken nothing for days; the number of them."""
    failing = WebhookEndpoint.objects.filter(active=True, failing_since__lte=now - PATIENCE)
    count = 0
    for endpoint in failing:
        with transaction.atomic():
            count += switched_off(endpoint, WebhookEndpoint.Off.FAILURES, actor=ACTOR, now=now)
    return count


def end_overlaps(now: datetime) -> int:
    """Forget former secrets whose time is over; the number of them."""
    over = WebhookEndpoint.objects.filter(former_until__lte=now)
    return int(over.update(former_secret=None, former_until=None))


def new_secret() -> str:
    """256 random bits in the standard's spelling."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode('ascii')}"


def _known(events: Iterable[str]) -> list[str]:
    wanted = set(events)
    chosen = [event for event in WebhookEndpoint.Event.values if event in wanted]
    if not chosen or len(chosen) != len(wanted):
        raise Incomplete(_("Choose at least one of the events listed."))
    return chosen


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    found: WebhookEndpoint = WebhookEndpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    return found
