"""The desk of the privacy team. Importing the modules registers their pages."""

from privacy.admin import assignment, notices, policy, records, registers, requests, webhooks

__all__ = ["assignment", "notices", "policy", "records", "registers", "requests", "webhooks"]
