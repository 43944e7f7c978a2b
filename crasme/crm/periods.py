"""How long rows of the CRM are kept: asked of whoever governs them, never written down here a second time.

What could go wrong: a period typed here as well as in the retention rules, and changed in one place only. The rules
live in a room above this one, so the setting RETENTION_PERIODS names the function that knows them:
`(slug of the rule) -> kit.calendar.Period`, raising LookupError when no such rule is in force.
"""

from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from crasme.crm.errors import PeriodUnknown
from crasme.crm.models import Account
from crasme.kit import calendar, datamap
from crasme.kit.calendar import Period


def period_of(label: str) -> Period:
    """The period after which rows of a table end, by the rule that its data map names. PeriodUnknown without one."""
    slug = datamap.table(label).ends
    try:
        found: Period = import_string(settings.RETENTION_PERIODS)(slug)
    except LookupError:
        raise PeriodUnknown(_("No retention rule “%(slug)s” is in force.") % {"slug": slug}) from None
    return found


def oldest_event(now: datetime) -> datetime:
    """Events that happened before this instant (aware, UTC) have outlived their period already."""
    return calendar.cutoff(now, period_of("crm.UsageEvent"))


def reactivable_until(account: Account) -> datetime | None:
    """Until when (aware, UTC, that instant included) a closed account can be opened again; None for other accounts."""
    if account.status != Account.Status.CLOSED or account.closed_at is None:
        return None
    return calendar.add(account.closed_at, period_of("crm.Account"))
