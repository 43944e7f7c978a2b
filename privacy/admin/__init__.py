"""The desk of the privacy team. Importing the modules registers their pages."""

from privacy.admin import (
    assignment,
    letters,
    mailroom,
    notices,
    policy,
    records,
    referrals,
    registers,
    requests,
    webhooks,
)

__all__ = [
    "assignment",
    "letters",
    "mailroom",
    "notices",
    "policy",
    "records",
    "referrals",
    "registers",
    "requests",
    "webhooks",
]
