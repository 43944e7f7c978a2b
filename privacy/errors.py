"""What can go wrong in this room, in words that staff and visitors can act on."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crasme.kit.errors import CrasmeError


class PrivacyError(CrasmeError):
    """Base of this room's errors; nothing was changed when one is raised."""

    code = "privacy"


class MoveNotAllowed(PrivacyError):
    """The request is not where this step starts from; somebody else was quicker, or the page is old."""

    code = "move-not-allowed"
    remedy = _("Reload the page to see where the request stands.")


class NotYours(PrivacyError):
    """The agent lacks the right, or may not be the second person for their own proposal."""

    code = "not-yours"


class Incomplete(PrivacyError):
    """Something that the law or the next reader needs was left out: a reason, an answer, a result."""

    code = "incomplete"


class UnreadMail(PrivacyError):
    """What came in may change the decision, and nobody has looked at it."""

    code = "unread-mail"
    remedy = _("Read it below “Messages” first, then decide.")


class LinkSpent(PrivacyError):
    """A link or code that was used, replaced, has run out, or never was."""

    code = "link-spent"
    remedy = _("Ask for a new link.")


class PlanOutdated(PrivacyError):
    """The data changed between the plan and its approval or execution."""

    code = "plan-outdated"
    remedy = _("A new plan is being made; look at it and approve that one.")


class CopyWaits(PrivacyError):
    """The data would be gone before the copy of it that the same person asked for is made."""

    code = "copy-waits"
    remedy = _("Decide about that one first; once the data is erased there is nothing left to copy.")


class ProposalsChanged(PrivacyError):
    """What somebody proposed, or what is held, is not what was on the screen."""

    code = "proposals-changed"
    remedy = _("Look at the page again.")


class PackageGone(PrivacyError):
    """The package expired and was destroyed, or was never there."""

    code = "package-gone"


class PackageBroken(PrivacyError):
    """The stored package does not match what was written: damaged, cut short or exchanged."""

    code = "package-broken"


class ResidueFound(PrivacyError):
    """The search after an erasure still found the person; nobody is told that they are gone."""

    code = "residue-found"

    def __init__(self, message: Any, *, found: dict[str, int]) -> None:
        super().__init__(message)
        self.found = found  # column → rows


class MailWaits(PrivacyError):
    """Mail from an address that is to be erased was not looked at yet."""

    code = "mail-waits"
    remedy = _("Sort it below “Inbound mail”, then put the step back into the queue.")


class Restricted(PrivacyError):
    """The data may be stored and nothing else, until the person who asked for that has been told of its end."""

    code = "restricted"
    remedy = _("Lift the restriction first, on the page of the request that it follows from.")


class NoHandler(PrivacyError):
    """A step kind that no code does: a deployment mixed two versions."""

    code = "no-handler"


class NoSuchLetter(PrivacyError):
    """A letter that is not in the catalogue: a deployment mixed two versions, or a new one was not entered."""

    code = "no-such-letter"


class LetterBroken(PrivacyError):
    """A text of the company's own that cannot be filled in any more: no half letter is sent."""

    code = "letter-broken"
    remedy = _("Mend the text below “Letters” or take it back, then try the mail again.")


class LetterChanged(PrivacyError):
    """A colleague changed or activated the text in the meantime."""

    code = "letter-changed"
    remedy = _("Open it again: your words are not lost as long as this page is open.")
