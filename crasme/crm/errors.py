from django.utils.translation import gettext_lazy as _

from crasme.kit.errors import CrasmeError


class CrmError(CrasmeError):
    """What was asked of the CRM's data cannot be done; nothing was changed."""

    code = "crm"


class WrongState(CrmError):
    code = "account-state"


class GraceOver(CrmError):
    code = "account-grace-over"
    remedy = _("The person can open a new account.")


class DisputeRefused(CrmError):
    """A dispute that cannot be opened, changed or closed so; `field` is the one of the call that is at fault."""

    code = "dispute-refused"

    def __init__(self, message: object, *, field: str = "", remedy: object = None) -> None:
        super().__init__(message, remedy=remedy)  # type: ignore[arg-type]
        self.field = field


class PeriodUnknown(CrmError):
    """No rule in force says how long rows of a table are kept."""

    code = "period-unknown"
    remedy = _("Publish a retention rule for this table.")


class EventsRefused(CrmError):
    """A bulk call that holds lines that cannot be taken; `lines` says which and why, the first hundred of them."""

    code = "events-refused"

    def __init__(self, message: str, lines: list[dict[str, object]]) -> None:
        super().__init__(message)
        self.lines = lines


class TooMuch(CrmError):
    code = "too-much"
