"""Publishing the policy: one transaction freezes the text in every language and names the rules it promises.

What could go wrong: the page promises a period that the engine does not obey yet, or the engine obeys one that was
never published. So drafts of retention rules come into force in the same transaction as the text that tells of them.
"""

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _, override

from crasme.ledger.services import record
from privacy.errors import PrivacyError
from privacy.models import PolicyVersion
from privacy.models.policy import digest_of
from privacy.policy import facts, page
from privacy.verbs import POLICY_PUBLISHED
from retention.changing import activate_drafts


class NumberTaken(PrivacyError):
    """A version of this number was published; published texts are never replaced."""

    code = "policy-number-taken"
    remedy = _("Choose the next number, for example with .1 at its end.")


@transaction.atomic
def publish(
    *,
    version: str,
    last_updated: date,
    effective_on: date,
    summary: str,
    material: bool,
    actor: str,
    now: datetime,
) -> PolicyVersion:
    """Put draft rules in force and freeze the page as `version`; `actor` is who decided, `now` is aware.

    Raises NumberTaken, and ValidationError for a number or date that is none or a draft that cannot work; then nothing
    has changed.
    """
    if PolicyVersion.objects.filter(version=version).exists():
        raise NumberTaken(_("This version has been published already."))
    activate_drafts(now=now, actor=actor)
    frozen = PolicyVersion(
        version=version,
        last_updated=last_updated,
        effective_on=effective_on,
        summary=summary,
        material=material,
        published_at=now,
        published_by=actor,
        snapshot=snapshot(last_updated=last_updated, number=version, now=now),
    )
    frozen.sha256 = digest_of(frozen.snapshot)
    frozen.full_clean()
    frozen.save(force_insert=True)
    record(
        POLICY_PUBLISHED.name,
        actor=actor,
        version=version,
        sha256=frozen.sha256,
        rules=len(frozen.snapshot["facts"]["rules"]),
        material=material,
    )
    return frozen


def snapshot(*, last_updated: date, number: str, now: datetime) -> dict[str, object]:
    """{"facts": in English, "html": {language: text}} of the live rows."""
    html = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            html[language] = str(page.body(facts.collect(now), last_updated=last_updated, number=number))
    with override("en"):
        return {"facts": facts.collect(now), "html": html}
