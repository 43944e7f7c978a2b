"""The desk of the privacy team. Importing the modules registers their pages."""

from privacy.admin import policy, records, registers, requests, webhooks

__all__ = ["policy", "records", "registers", "requests", "webhooks"]
