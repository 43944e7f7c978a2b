"""The rows that ship: who is responsible, who receives data, which rights there are. Texts are marked for translation.

Rows that exist are never touched again, so what staff change stays changed.
"""

from datetime import date
from typing import Any

from django.utils.translation import gettext_noop as _

CONTROLLER: dict[str, Any] = {
    "company": "Concaide",
    "product": "Crasme CRM",
    "contact_email": "support@crasme.com",
    "minimum_age": 13,
    "first_answer_working_days": 2,
}

# One processor of each kind. Their names, countries and contracts are entered in the back office; until then the
# promise board says that the contracts are not on record.
RECIPIENTS: list[dict[str, Any]] = [
    {
        "slug": "hosting",
        "name": _("Our hosting provider"),
        "kind": "hosting",
        "purpose": _("Runs the servers and databases of the product and keeps its backups."),
    },
    {
        "slug": "payment",
        "name": _("Our payment processor"),
        "kind": "payment",
        "purpose": _("Takes payments and keeps the payment details; we only get a reference to each payment."),
    },
    {
        "slug": "email",
        "name": _("Our e-mail delivery service"),
        "kind": "email",
        "purpose": _("Delivers the mails that we send you."),
    },
    {
        "slug": "analytics",
        "name": _("Our analytics service"),
        "kind": "analytics",
        "purpose": _("Counts how the product is used, if you agreed to analytics cookies."),
    },
]

RIGHTS: list[dict[str, Any]] = [
    {
        "kind": "access",
        "promise": "P5.1",
        "title": _("See your data"),
        "explanation": _("Get a copy of the personal information that we hold about you, with an explanation."),
    },
    {
        "kind": "correction",
        "promise": "P5.2",
        "title": _("Correct your data"),
        "explanation": _("Have information put right that is wrong or incomplete."),
    },
    {
        "kind": "deletion",
        "promise": "P5.3",
        "title": _("Delete your data"),
        "explanation": _("Have your personal information erased. What a law makes us keep, we name, with the reason."),
    },
    {
        "kind": "portability",
        "promise": "P5.4",
        "title": _("Take your data with you"),
        "explanation": _("Get your data in a structured, common format that other software can read."),
    },
    {
        "kind": "opt_out",
        "promise": "P5.5",
        "title": _("Stop marketing"),
        "explanation": _("Receive no more announcements. Every such mail has an unsubscribe link as well."),
    },
    {
        "kind": "restriction",
        "promise": "P5.6",
        "title": _("Restrict the use"),
        "explanation": _("Have your data stored and nothing else, for example while a dispute about it is open."),
    },
    # Beside the six of the policy; each stands under the promise that it belongs to.
    {
        "kind": "objection",
        "promise": "P5.7",
        "title": _("Object to a use"),
        "explanation": _("Have us stop using your data for something, for example to analyse how the product is used."),
    },
    {
        "kind": "withdrawal",
        "promise": "P6.2",
        "title": _("Take back a consent"),
        "explanation": _("End what you once agreed to: marketing mail, connected services or cookies."),
    },
    {
        "kind": "complaint",
        "promise": "P11.1",
        "title": _("Complain"),
        "explanation": _("Tell our privacy officer what went wrong with your data. You may also turn to an authority."),
    },
]

FIRST_VERSION: dict[str, Any] = {
    "version": "2026.02",
    "last_updated": date(2026, 2, 1),
    "effective_on": date(2026, 2, 1),
    "summary": _("First version published from the live registers."),
    "material": False,
}
