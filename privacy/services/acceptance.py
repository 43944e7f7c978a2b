"""Which version of the policy an account was told of, accepted or declined, and whether it must be asked.

A publication that says so must be accepted: then the newest version that was published is asked for, until it or a
later one is accepted.

What could go wrong: somebody is asked about a text that nobody published, or is said to have accepted another than they
read. So an act names its version, and the digest is taken from the published text here.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from consent import acceptances
from consent.acceptances import Act, Standing
from consent.models import Acceptance
from crasme.kit.ids import uuid7
from privacy.errors import PrivacyError
from privacy.models import PolicyVersion

DOCUMENT = "policy"
Surface = Acceptance.Surface


class NoSuchVersion(PrivacyError):
    code = "policy-no-such-version"
    remedy = _("Name a version that was published, such as 2026.02.")


@dataclass(frozen=True, slots=True)
class Position:
    """Where an account stands. `ask` is the version to accept now, None when nothing is asked."""

    standing: Standing
    required: PolicyVersion | None
    ask: PolicyVersion | None


def position(account: UUID) -> Position:
    standing = acceptances.standing(account, DOCUMENT)
    published = list(PolicyVersion.objects.listed())  # newest first
    required = next((each for each in published if each.requires_acceptance), None)
    if required is None:
        return Position(standing, None, None)
    accepted = next((each for each in published if each.version == standing.accepted), None)
    if accepted is not None and accepted.published_at >= required.published_at:
        return Position(standing, required, None)
    return Position(standing, required, published[0])


def note(
    account: UUID,
    version: str,
    act: Act,
    *,
    surface: Surface,
    language: str,
    now: datetime,
    decided_at: datetime | None = None,
    act_id: UUID | None = None,
) -> bool:
    """Store what the account did; False when it was stored before. NoSuchVersion; BadChoice as `acceptances.note`."""
    sha256 = PolicyVersion.objects.filter(version=version).values_list("sha256", flat=True).first()
    if sha256 is None:
        raise NoSuchVersion(_("No version of this number was published."))
    return acceptances.note(
        act_id=act_id or uuid7(),
        account=account,
        document=DOCUMENT,
        version=version,
        sha256=sha256,
        act=act,
        surface=surface,
        language=language,
        decided_at=decided_at or now,
        now=now,
    )
