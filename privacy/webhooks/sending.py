"""Sending one message: claim its row, sign it, post it, and note what came back.

What could go wrong: a receiver that is away (retried with growing pauses, then parked, and a person sees it), one that
hangs and holds up everybody else's messages (after a failure to connect it is left alone for a while), one that took
the message and whose answer was lost (sent again under the same id, by which it is known). Only a status and a slug
are kept of an answer, never a word of it.
"""

import http.client
import logging
import ssl
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from standardwebhooks.webhooks import Webhook

from crasme.kit.canonical import canonical
from crasme.kit.claims import LeaseLost, WorkState, claim, finish, pause_after, retry_or_park
from crasme.kit.errors import CrasmeError
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.models import WebhookDelivery, WebhookEndpoint
from privacy.webhooks import addresses, posting

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=330)
MAX_ATTEMPTS = 30  # with pauses of up to an hour: a day of a receiver that is away
GONE = 410
ACTOR = system("webhooks")


def send(delivery_id: UUID, *, now: datetime) -> bool:
    """Send the message if it is due, nobody else has it and its receiver is not left alone. Whether it was taken."""
    if not WebhookDelivery.objects.sendable(now).filter(pk=delivery_id).exists():
        return False
    delivery = claim(WebhookDelivery, delivery_id, now=now, lease=LEASE)
    if delivery is None:
        return False
    if delivery.attempts > MAX_ATTEMPTS:
        # The worker died each time, or the lease would not have come round so often.
        _failed(delivery, "lease-lapsed", now=now)
        return False
    if not delivery.endpoint.may_send(now):
        _failed(delivery, "endpoint-off", now=now, for_good=True)
        return False
    started = monotonic()
    status, code = _try(delivery, now)
    later = now + timedelta(seconds=monotonic() - started)
    if code:
        _failed(delivery, code, now=later, status=status, counts=True)
        return False
    _taken(delivery, status, now=later)
    return True


def _try(delivery: WebhookDelivery, now: datetime) -> tuple[int | None, str]:
    """The status of the answer, and a slug of what is wrong with it; "" when it was taken."""
    try:
        target = addresses.parse(delivery.endpoint.url)
        body = canonical(delivery.payload)
        status = posting.post(target, body.encode(), _headers(delivery, body, now))
    except CrasmeError as error:
        return None, error.code
    except ssl.SSLError:
        return None, "tls"
    except TimeoutError:
        return None, "timeout"
    except (OSError, http.client.HTTPException):
        return None, "unreachable"
    except Exception as error:  # noqa: BLE001  (whatever it is, the message must not be lost; the code names the kind)
        return None, f"error-{type(error).__name__.lower()}"[:64]
    return status, "" if 200 <= status < 300 else f"http-{status}"


def _headers(delivery: WebhookDelivery, body: str, now: datetime) -> dict[str, str]:
    signed = [
        Webhook(secret).sign(str(delivery.pk), now, body)  # the former secret signs, too, while it is valid
        for secret in delivery.endpoint.secrets_at(now)
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Crasme-Webhooks",
        "webhook-id": str(delivery.pk),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def _taken(delivery: WebhookDelivery, status: int | None, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            finish(delivery, now=now, status=status)
            failing = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, failures__gt=0)
            failing.update(failures=0, failing_since=None, rest_until=None)
    except LeaseLost:
        log.warning("Webhook message %s was taken after its lease was over.", delivery.pk)


def _failed(
    delivery: WebhookDelivery,
    code: str,
    *,
    now: datetime,
    status: int | None = None,
    counts: bool = False,
    for_good: bool = False,
) -> None:
    log.warning("Webhook message %s was not taken: %s, attempt %d.", delivery.pk, code, delivery.attempts)
    try:
        with transaction.atomic():
            retry_or_park(delivery, code, now=now, max_attempts=0 if for_good else MAX_ATTEMPTS)
            WebhookDelivery.objects.filter(pk=delivery.pk).update(status=status)
            if delivery.state == WorkState.PARKED:
                record(verbs.WEBHOOK_PARKED.name, actor=ACTOR, delivery=delivery.pk, code=code)
            if counts:
                _note_failure(delivery.endpoint, reached=status is not None, now=now)
            if status == GONE:
                switched_off(delivery.endpoint, WebhookEndpoint.Off.GONE, actor=ACTOR, now=now)
    except LeaseLost:
        log.warning("Webhook message %s had lost its lease before it failed.", delivery.pk)


def _note_failure(endpoint: WebhookEndpoint, *, reached: bool, now: datetime) -> None:
    """Whoever answers quickly, even with an error, keeps nobody waiting; whoever cannot be reached is left alone."""
    rest = None if reached else now + pause_after(endpoint.failures + 1)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failures=F("failures") + 1, failing_since=Coalesce("failing_since", now), rest_until=rest
    )


def switched_off(endpoint: WebhookEndpoint, why: WebhookEndpoint.Off, *, actor: str, now: datetime) -> bool:
    """Switch it off and park what waits for it, in the caller's transaction. False when it was off already."""
    on = WebhookEndpoint.objects.filter(pk=endpoint.pk, active=True)
    if not on.update(active=False, off_at=now, off_why=why):
        return False
    endpoint.refresh_from_db()
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, state=WorkState.DUE)
    parked = waiting.update(state=WorkState.PARKED, last_error="endpoint-off")
    record(verbs.WEBHOOK_SWITCHED.name, actor=actor, endpoint=endpoint.pk, active=False, why=str(why), parked=parked)
    return True
