"""Putting messages about a request into the queue, in the transaction of what they tell."""

from datetime import datetime
from typing import Any

from crasme.kit.statements import Fetch
from privacy.models import ApiEntry, Request, WebhookDelivery, WebhookEndpoint
from privacy.told import moment, told
from privacy.wake import WEBHOOK, wake

_ACTIVE = Fetch(lambda: WebhookEndpoint.objects.filter(active=True).select_related("key"))


def emit(event: WebhookEndpoint.Event, request: Request, *, now: datetime) -> int:
    """A message to every endpoint that hears of this event and may know this request; the number of them.

    Call it with the row as it is to be told, in the transaction that made it so.
    """
    endpoints = [each for each in _ACTIVE() if event in each.events]
    if not endpoints:
        return 0
    entry = ApiEntry.objects.filter(request=request).first() if any(each.key_id for each in endpoints) else None
    heard = [each for each in endpoints if each.may_send(now) and _may_know(each, entry)]
    body = payload(event, told(request), now=now)
    deliveries = [
        WebhookDelivery(
            endpoint=endpoint,
            request=request,
            event=event,
            payload=body,
            created_at=now,
            next_attempt_at=now,
        )
        for endpoint in heard
    ]
    WebhookDelivery.objects.bulk_create(deliveries)
    for delivery in deliveries:
        wake(*WEBHOOK, delivery.pk)
    return len(deliveries)


def payload(event: str, data: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """The body of a message, as the standard has it."""
    return {"type": event, "timestamp": moment(now), "data": data}


def _may_know(endpoint: WebhookEndpoint, entry: ApiEntry | None) -> bool:
    """An endpoint without a key is the company's own; one with a key hears what that key entered."""
    return endpoint.key_id is None or (entry is not None and entry.key_id == endpoint.key_id)
