from crasme.kit.errors import CrasmeError


class LedgerError(CrasmeError):
    """The evidence could not be written as asked; nothing was recorded."""


class UnknownVerb(LedgerError):
    """A verb that no room registered: a typo must not become a kind of evidence."""


class UnfitFact(LedgerError):
    """A fact that the verb does not declare, or that could carry personal data."""
