"""P10.1 to P10.3: whether what people read is what was published, and who was told of it and agreed."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _, ngettext

from consent.models import Acceptance
from crasme.crm.models import Account
from privacy.models import PolicyVersion
from privacy.policy import drift
from privacy.promises.asking import count, shown
from privacy.promises.registry import Status, Verdict, promise
from privacy.services import acceptance


@promise("P10.1")
def published(now: datetime) -> Verdict:
    """Broken when the stored text was tampered with; at risk while the live page says something unpublished."""
    version = PolicyVersion.objects.current(now)
    if version is None:
        return Verdict(Status.BROKEN, _("No policy has been published."))
    if not version.intact:
        return Verdict(
            Status.BROKEN, _("The text of %(version)s is not the one published.") % {"version": version.version}
        )
    changed = drift.differences(now)
    figures = {"version": version.version, "differences": len(changed)}
    if changed:
        words = {"count": len(changed), "path": changed[0].path, "version": version.version}
        evidence = ngettext(
            "%(count)s fact differs from version %(version)s: %(path)s.",
            "%(count)s facts differ from version %(version)s, first %(path)s.",
            len(changed),
        )
        return Verdict(Status.AT_RISK, evidence % words, figures)
    return Verdict(Status.KEPT, _("Every fact on the page is the one published as %(version)s.") % figures, figures)


@promise("P10.2")
def announced(now: datetime) -> Verdict:
    """At risk while accounts that are older than the newest material change have not been told of it, or of a later."""
    version = PolicyVersion.objects.listed().filter(material=True).first()
    if version is None:
        return Verdict(Status.KEPT, _("No material change has been published so far."), {"material": 0})
    told = Reached(version)
    return told.verdict(
        some_missing=ngettext(
            "%(missing)s account has not been told of version %(version)s; %(reached)s have.",
            "%(missing)s accounts have not been told of version %(version)s; %(reached)s have.",
            told.missing,
        ),
        nobody_missing=ngettext(
            "Everybody whose account is older was told of version %(version)s: %(reached)s account.",
            "Everybody whose account is older was told of version %(version)s: %(reached)s accounts.",
            told.reached,
        ),
    )


@promise("P10.3")
def agreed(now: datetime) -> Verdict:
    """At risk while accounts that are older than the newest version which must be accepted have not accepted it, or a
    later one.
    """
    version = PolicyVersion.objects.listed().filter(requires_acceptance=True).first()
    if version is None:
        return Verdict(Status.KEPT, _("No version that was published so far had to be accepted."), {"required": 0})
    accepted = Reached(version, acts=[Acceptance.Act.ACCEPTED])
    return accepted.verdict(
        some_missing=ngettext(
            "%(missing)s account has not accepted version %(version)s; %(reached)s have.",
            "%(missing)s accounts have not accepted version %(version)s; %(reached)s have.",
            accepted.missing,
        ),
        nobody_missing=ngettext(
            "Everybody whose account is older accepted version %(version)s: %(reached)s account.",
            "Everybody whose account is older accepted version %(version)s: %(reached)s accounts.",
            accepted.reached,
        ),
    )


class Reached:
    """How many of the accounts that a version changes something for are on record with it, or with a later one."""

    def __init__(self, version: PolicyVersion, acts: Collection[str] = Acceptance.Act.values) -> None:
        since = PolicyVersion.objects.filter(published_at__gte=version.published_at).values("version")
        on_record = Acceptance.objects.filter(
            account=OuterRef("pk"), document=acceptance.DOCUMENT, act__in=acts, version__in=since
        )
        older = Account.objects.usable().filter(created_at__lt=version.published_at)
        self.reached, self.missing = count(older.filter(Exists(on_record))), count(older.filter(~Exists(on_record)))
        self.figures = {"version": version.version, "reached": self.reached, "missing": self.missing}

    def verdict(self, *, some_missing: str, nobody_missing: str) -> Verdict:
        """By what is true of it, with the figures put into the sentence."""
        words = self.figures | {"reached": shown(self.reached), "missing": shown(self.missing)}
        if self.missing:
            return Verdict(Status.AT_RISK, some_missing % words, self.figures)
        return Verdict(Status.KEPT, nobody_missing % words, self.figures)
