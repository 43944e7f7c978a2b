"""Publishing the policy: one transaction freezes the text in every language and moves the rules that it promises.

What could go wrong: the page promises a period that the engine does not obey yet, or the engine obeys one that was
never published. So the chosen drafts of retention rules come into force in the same transaction as the text that tells
of them; and where the text takes effect on a later day, they wait for that day with it, while the text, as it will be
then, is frozen and shown already (people must be able to read what will apply).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext, gettext_lazy as _, override

from crasme.kit import calendar
from crasme.ledger.services import record
from privacy.errors import PrivacyError
from privacy.models import PolicyVersion
from privacy.models.policy import digest_of
from privacy.policy import facts, page
from privacy.verbs import POLICY_PUBLISHED
from retention import changing
from retention.models import Rule


class NumberTaken(PrivacyError):
    """A version of this number was published; published texts are never replaced."""

    code = "policy-number-taken"
    remedy = _("Choose the next number, for example with .1 at its end.")


class VersionWaits(PrivacyError):
    """A published version waits for its day; its text, which is frozen, would undo what takes effect before it."""

    code = "policy-version-waits"
    remedy = _("Let it take effect on that day, or later.")


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
    proposed_by: str = "",
    rules: Iterable[UUID] = (),
    requires_acceptance: bool = False,
) -> PolicyVersion:
    """Freeze the page as `version`, as it will be on `effective_on` (from 00:00 UTC), and move the drafts `rules` on.

    `actor` is who approved, `proposed_by` somebody else (see privacy.policy.proposals), `now` is aware.
    Raises NumberTaken, VersionWaits, NotADraft, RuleWaits, and ValidationError for a number or date that is none, a
    draft that cannot work, or one pair of eyes; then nothing has changed.
    """
    if PolicyVersion.objects.filter(version=version).exists():
        raise NumberTaken(_("This version has been published already."))
    latest = PolicyVersion.objects.defer("snapshot").order_by("-effective_on").first()
    if latest is not None and effective_on < latest.effective_on:
        if latest.effective_on > now.astimezone(UTC).date():
            message = gettext("Version %(version)s is published and takes effect on %(day)s.")
            raise VersionWaits(message % {"version": latest.version, "day": latest.effective_on.isoformat()})
        raise ValidationError(_("A version cannot take effect before the one that applies."))
    drafts = changing.chosen(rules)
    begins = calendar.start_of(effective_on)
    if begins <= now:
        changing.put_in_force(drafts, now=now, actor=actor, version=version)
        text = snapshot(last_updated=last_updated, number=version, now=now)
    else:
        with as_if_in_force([draft.pk for draft in drafts], begins=begins, now=now):
            text = snapshot(last_updated=last_updated, number=version, now=now)
        changing.put_ahead(drafts, begins=begins, actor=actor, version=version)
    frozen = PolicyVersion(
        version=version,
        last_updated=last_updated,
        effective_on=effective_on,
        summary=summary,
        material=material,
        requires_acceptance=requires_acceptance,
        published_at=now,
        published_by=actor,
        proposed_by=proposed_by,
        snapshot=text,
        sha256=digest_of(text),
    )
    frozen.full_clean()
    frozen.save(force_insert=True)
    record(
        POLICY_PUBLISHED.name,
        actor=actor,
        version=version,
        sha256=frozen.sha256,
        rules=len(text["facts"]["rules"]),
        material=material,
        proposed_by=proposed_by,
        effective_on=effective_on.isoformat(),
    )
    return frozen


@contextmanager
def as_if_in_force(rules: Iterable[UUID], *, begins: datetime, now: datetime) -> Iterator[None]:
    """Within it this transaction sees the drafts in force, as they will be at `begins`: after every published change
    that waits for a day until then. Afterwards nothing has happened."""
    with transaction.atomic():
        waiting = Rule.objects.filter(state=Rule.State.AHEAD, effective_from__lte=begins).order_by("effective_from")
        drafts = [*waiting, *Rule.objects.filter(pk__in=list(rules))]
        changing.put_in_force(drafts, now=now, actor="system:preview", version="")
        yield
        transaction.set_rollback(True)


def snapshot(*, last_updated: date, number: str, now: datetime) -> dict[str, facts.Facts]:
    """{"facts": in English, "html": {language: text}} of the live rows."""
    html = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            html[language] = str(page.body(facts.collect(now), last_updated=last_updated, number=number))
    with override("en"):
        return {"facts": facts.collect(now), "html": html}
