"""The desk of the privacy team. Importing the modules registers their pages."""

from privacy.admin import assignment, policy, records, registers, requests, webhooks

__all__ = ["assignment", "policy", "records", "registers", "requests", "webhooks"]
