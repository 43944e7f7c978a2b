"""What letters say of the part that somebody else has in a request: a child, a customer.

`facts` is for a real message, `invented` for the sample that staff see while they write a text of their own.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from privacy.clock.rules import CHILD_DAYS
from privacy.correspondence.periods import in_words
from privacy.models import Message, Plan

Facts = dict[str, Any]


def facts(message: Message, plan: Plan | None, *, now: datetime) -> Facts:
    executed = plan is not None and plan.executed_at is not None
    return {
        "case_url": settings.SITE_URL + reverse("admin:privacy_request_change", args=[message.request_id]),
        "child_days": CHILD_DAYS,
        "child_result": child_result(executed, now=now),
    }


def invented(now: datetime, *, sparse: bool) -> Facts:
    return {
        "case_url": f"{settings.SITE_URL}{reverse('admin:privacy_request_changelist')}…/",
        "child_days": CHILD_DAYS,
        "child_result": child_result(not sparse, now=now),
    }


def child_result(executed: bool, *, now: datetime) -> str:
    if not executed:
        return _("We have looked at your report and closed it; nothing was deleted.")
    return _(
        "We have deleted what we held about the child, and searched our systems afterwards to make sure. Copies in"
        " backups are gone within %(period)s."
    ) % {"period": in_words(now)["backups"]}
