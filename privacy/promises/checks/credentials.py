"""P1.1a: customers' and staff's passwords, as they are stored."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _, ngettext

from crasme.crm.models import Credential
from crasme.crm.models.accounts import STRONG_HASH
from crasme.staff.models import User
from privacy.promises.asking import count, shown
from privacy.promises.registry import Status, Verdict, promise

# Django's own sign for "cannot sign in with a password".
_UNUSABLE = Q(password__startswith="!") | Q(password="")  # noqa: S106


@promise("P1.1a")
def strong_hashes(now: datetime) -> Verdict:
    """Broken by a single value that is no strong hash, wherever it came from."""
    total = Credential.objects.count() + User.objects.exclude(_UNUSABLE).count()
    weak = count(Credential.objects.exclude(password_hash__regex=STRONG_HASH.pattern))
    weak += count(User.objects.exclude(_UNUSABLE).exclude(password__regex=STRONG_HASH.pattern))
    figures = {"passwords": total, "weak": weak}
    if weak:
        evidence = ngettext(
            "%(weak)s of %(total)s stored passwords is not a strong hash.",
            "%(weak)s of %(total)s stored passwords are not a strong hash.",
            weak,
        )
        return Verdict(Status.BROKEN, evidence % {"weak": shown(weak), "total": f"{total:,}"}, figures)
    return Verdict(
        Status.KEPT, _("All %(total)s stored passwords are strong hashes.") % {"total": f"{total:,}"}, figures
    )
