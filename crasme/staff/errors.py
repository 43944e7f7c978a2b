from crasme.kit.errors import CrasmeError


class StaffError(CrasmeError):
    """What somebody who works here asked for cannot be done."""

    code = "staff"


class UnknownScope(StaffError):
    code = "unknown-scope"


class KeyExpired(StaffError):
    code = "key-expiry-in-the-past"
    remedy = "Give an expiry in the future."
