"""P10.1 and P10.2: whether what people read is what was published."""

from datetime import datetime

from django.utils.translation import gettext as _

from privacy.models import PolicyVersion
from privacy.policy import drift
from privacy.promises.registry import Status, Verdict, promise


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
        evidence = _("%(count)s facts differ from version %(version)s, first %(path)s.")
        return Verdict(Status.AT_RISK, evidence % words, figures)
    return Verdict(Status.KEPT, _("Every fact on the page is the one published as %(version)s.") % figures, figures)


@promise("P10.2")
def announced(now: datetime) -> Verdict:
    """Announcements are not recorded yet: kept only while there was nothing to announce."""
    material = PolicyVersion.objects.filter(material=True).count()
    if material:
        evidence = _("%(count)s material changes were published; whether they were announced is not recorded here.")
        return Verdict(Status.UNKNOWN, evidence % {"count": material}, {"material": material})
    return Verdict(Status.KEPT, _("No material change has been published so far."), {"material": 0})
