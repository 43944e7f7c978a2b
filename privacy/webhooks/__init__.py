"""Messages to other systems about requests, signed as Standard Webhooks: rows first, sent by workers.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from privacy.models import WebhookEndpoint
from privacy.webhooks.emitting import emit

Event = WebhookEndpoint.Event

__all__ = ["Event", "emit"]
