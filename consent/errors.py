"""What can be wrong with a choice, an opt-out or a notice; nothing was stored when one of these is raised."""

from crasme.kit.errors import CrasmeError


class ConsentError(CrasmeError):
    code = "consent"


class UnknownCategory(ConsentError):
    """A choice about something that the site never asked for."""

    code = "unknown-category"


class UnknownNotice(ConsentError):
    """A choice that names a notice nobody published: it would prove nothing."""

    code = "unknown-notice"


class BadChoice(ConsentError):
    """A choice that is incomplete or malformed."""

    code = "bad-choice"


class NotFromHere(ConsentError):
    """A choice that another site's page tried to make in the visitor's name."""

    code = "cross-site"


class UnknownScope(ConsentError):
    code = "unknown-scope"


class LiftRefused(ConsentError):
    """Somebody other than the person wanted to end an opt-out."""

    code = "lift-refused"


class NoBrowser(ConsentError):
    """A proof needs a real browser, and this machine has none."""

    code = "no-browser"


class ScanFailed(ConsentError):
    """The crawl did not come to a result; it says nothing about the registry."""

    code = "scan-failed"


class Unfair(ConsentError):
    """A notice that pushes people towards one answer, or that no browser has measured, cannot be published."""

    code = "unfair"
