"""Two people publish a policy: one proposes it, another approves exactly that.

What could go wrong: the page, or a chosen draft of a rule, is changed between the two (the hash over what the page will
state and what the rules say is made again, and a difference refuses the approval); rules are approved that nobody saw
(`rules_changed` says them word for word); a text is approved when its day is over, and claims to have applied before
anybody could read it (refused); or somebody approves what they proposed themselves (refused here, by the form's own
check, and by the database for proposal and version alike).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _, gettext_lazy, override

from crasme.kit import calendar
from crasme.kit.canonical import digest
from crasme.ledger.services import record
from privacy.errors import NotYours, PrivacyError
from privacy.models import PolicyProposal, PolicyVersion
from privacy.policy import drift, facts, publication
from privacy.verbs import POLICY_PROPOSED, POLICY_WITHDRAWN
from retention import changing, drafts
from retention.models import Rule
from retention.obstacles import Scopes

Change = tuple[str, Any, Any]  # a field, before and after


class ProposalClosed(PrivacyError):
    """It was published or withdrawn meanwhile."""

    code = "policy-proposal-closed"


class ProposalOutdated(PrivacyError):
    """What the page would say, or a chosen draft, is not what was proposed."""

    code = "policy-proposal-outdated"
    remedy = gettext_lazy("Withdraw the proposal, look at the differences and propose it again.")


class DayOver(PrivacyError):
    """A text that takes effect before it was published."""

    code = "policy-day-over"
    remedy = gettext_lazy("Withdraw the proposal and propose it again with a day that is to come.")


@transaction.atomic
def propose(
    *,
    version: str,
    last_updated: date,
    effective_on: date,
    summary: str,
    material: bool,
    rules: Iterable[UUID] = (),
    requires_acceptance: bool = False,
    actor: str,
    now: datetime,
) -> PolicyProposal:
    """Raises NumberTaken, VersionWaits, DayOver, NotADraft, RuleWaits, and ValidationError for what could never be
    published."""
    if PolicyVersion.objects.filter(version=version).exists():
        raise publication.NumberTaken(_("This version has been published already."))
    chosen = changing.chosen(rules)
    proposal = PolicyProposal(
        version=version,
        last_updated=last_updated,
        effective_on=effective_on,
        summary=summary,
        material=material,
        requires_acceptance=requires_acceptance,
        rules=[draft.pk for draft in chosen],
        proposed_by=actor,
        proposed_at=now,
    )
    _rehearse(proposal, now=now)
    proposal.hash = hash_of(proposal, now)
    proposal.full_clean()
    proposal.save(force_insert=True)
    record(POLICY_PROPOSED.name, actor=actor, version=version, hash=proposal.hash, rules=[each.slug for each in chosen])
    return proposal


@transaction.atomic
def approve(proposal: PolicyProposal, *, actor: str, now: datetime) -> PolicyVersion:
    """Publish it. ProposalClosed, NotYours for whoever proposed it, ProposalOutdated, DayOver; and what `publish`
    raises."""
    locked = _open(proposal)
    if locked.proposed_by == actor:
        raise NotYours(_("Somebody other than the one who proposed it must publish a policy."))
    if hash_of(locked, now) != locked.hash:
        raise ProposalOutdated(_("What the page would say is not what was proposed."))
    published = _publish(locked, actor=actor, now=now)
    _close(locked, PolicyProposal.State.PUBLISHED, actor=actor, now=now)
    return published


@transaction.atomic
def withdraw(proposal: PolicyProposal, *, actor: str, now: datetime) -> None:
    """Take it back; its drafts stay drafts. Anybody who may propose can do it. ProposalClosed."""
    locked = _open(proposal)
    _close(locked, PolicyProposal.State.WITHDRAWN, actor=actor, now=now)
    record(POLICY_WITHDRAWN.name, actor=actor, version=locked.version, hash=locked.hash)


def differences(proposal: PolicyProposal, now: datetime) -> list[drift.Difference]:
    """What would change on the page that applies, in English."""
    with publication.as_if_in_force(proposal.rules, begins=_begins(proposal), now=now):
        return drift.differences(now)


def rules_changed(proposal: PolicyProposal, now: datetime) -> list[tuple[Rule, list[Change], drafts.Preview]]:
    """What each chosen draft says otherwise than the rule in force, word for word, and what would be due under both on
    the day; most of it stands on no page. Drafts that are none any more are left out."""
    at = max(_begins(proposal), now)
    chosen = Rule.objects.filter(pk__in=proposal.rules, state=Rule.State.DRAFT).order_by("slug")
    scopes = Scopes.now()
    return [(draft, drafts.changes(draft), drafts.preview(draft, at, scopes=scopes)) for draft in chosen]


def went_with(proposal: PolicyProposal) -> list[tuple[Rule, list[Change]]]:
    """The rules that a published proposal put in force, and what each said otherwise than the one before it."""
    rules = Rule.objects.filter(pk__in=proposal.rules).exclude(state=Rule.State.DRAFT).order_by("slug")
    return [(rule, drafts.changes(rule)) for rule in rules]


def differences_published(proposal: PolicyProposal) -> list[drift.Difference]:
    """What a published proposal changed on the page, by the two texts as stored; all of it for the first."""
    version = PolicyVersion.objects.filter(version=proposal.version).first()
    if version is None:
        return []
    earlier = (
        PolicyVersion.objects.filter(published_at__lt=version.published_at).order_by("-published_at", "-id").first()
    )
    return list(drift.compare(earlier.snapshot["facts"] if earlier is not None else {}, version.snapshot["facts"]))


def hash_of(proposal: PolicyProposal, now: datetime) -> str:
    """SHA-256 in hex over what an approval covers."""
    with transaction.atomic():
        said = [drafts.substance(draft) for draft in changing.chosen(proposal.rules)]
        with publication.as_if_in_force(proposal.rules, begins=_begins(proposal), now=now), override("en"):
            page = facts.collect(now)
    return digest(
        {
            "version": proposal.version,
            "last_updated": proposal.last_updated.isoformat(),
            "effective_on": proposal.effective_on.isoformat(),
            "summary": proposal.summary,
            "material": proposal.material,
            "requires_acceptance": proposal.requires_acceptance,
            "rules": said,
            "facts": page,
        }
    )


def _rehearse(proposal: PolicyProposal, *, now: datetime) -> None:
    """Publish it and take that back: what cannot be published is refused to the one who proposes it."""
    with transaction.atomic():
        _publish(proposal, actor="system:rehearsal", now=now)
        transaction.set_rollback(True)


def _begins(proposal: PolicyProposal) -> datetime:
    return calendar.start_of(proposal.effective_on)


def _publish(proposal: PolicyProposal, *, actor: str, now: datetime) -> PolicyVersion:
    if proposal.effective_on < now.astimezone(UTC).date():
        raise DayOver(_("The day on which it was to take effect is over: nobody could read it in time."))
    return publication.publish(
        version=proposal.version,
        last_updated=proposal.last_updated,
        effective_on=proposal.effective_on,
        summary=proposal.summary,
        material=proposal.material,
        requires_acceptance=proposal.requires_acceptance,
        proposed_by=proposal.proposed_by,
        rules=proposal.rules,
        actor=actor,
        now=now,
    )


def _open(proposal: PolicyProposal) -> PolicyProposal:
    locked = PolicyProposal.objects.select_for_update().get(pk=proposal.pk)
    if locked.state != PolicyProposal.State.OPEN:
        raise ProposalClosed(_("This proposal was published or withdrawn meanwhile."))
    return locked


def _close(proposal: PolicyProposal, state: PolicyProposal.State, *, actor: str, now: datetime) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor, now
    proposal.save(update_fields=["state", "decided_by", "decided_at"])
