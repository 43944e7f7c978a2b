"""Drafts of rules: written by one person, looked at by others, in force only once a policy is published with them.

What could go wrong: somebody edits the rule in force itself (the database refuses, and the services lock a draft and
ask again), a shorter period that ends a million rows on its first night (`preview` counts with the engine's own
condition), or a draft that means something else by the time it is approved (the proposal's hash holds `substance`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.forms import model_to_dict
from django.utils.translation import gettext as _

from crasme.kit import calendar
from crasme.ledger.services import record
from retention import counting, fields, reckoning
from retention.engine import limits
from retention.errors import NotADraft, RuleBroken
from retention.models import Rule
from retention.obstacles import Scopes
from retention.verbs import RULE_DISCARDED, RULE_DRAFTED

# Counting further would read much of a large table; a preview only has to say "many".
COUNT_UP_TO = 100_000
# What a rule says. The rest is how far it got: state, date, version.
SUBSTANCE = (
    "slug",
    "target",
    "anchor",
    "period",
    "action",
    "fields",
    "anonymity",
    "carry_to",
    "unreferenced_by",
    "legal_reason",
    "policy_section",
    "batch_size",
    "max_rows",
    "max_share",
)


@dataclass(frozen=True, slots=True)
class Side:
    """What one rule would do at a moment: `rows` end, `deferred` are over as well and stay. Counts stop at
    COUNT_UP_TO + 1, which also stands for more than can be counted while somebody waits."""

    period: str
    action: str
    rows: int
    deferred: int

    @property
    def due(self) -> str:
        return counting.words(self.rows, COUNT_UP_TO)

    @property
    def kept(self) -> str:
        return counting.words(self.deferred, COUNT_UP_TO)

    def words(self) -> str:
        """How many are over by then, and what becomes of them: the two parts make the whole."""
        return reckoning.preview(self.action, self.rows, self.deferred, up_to=COUNT_UP_TO)


@dataclass(frozen=True, slots=True)
class Preview:
    """`before` is None for a new rule; `shorter` means that rows end earlier than under the rule in force."""

    at: datetime
    before: Side | None
    after: Side
    shorter: bool

    @property
    def more_rows(self) -> int:
        """How many rows more would be due at once under the draft."""
        return max(0, self.after.rows - (self.before.rows if self.before else 0))

    @property
    def waits(self) -> bool:
        """Whether the first run under it waits for two people: a change ends no more at once than few rows unasked."""
        return self.before is not None and self.more_rows > limits.FEW

    @property
    def more(self) -> str:
        """The same in words."""
        return self.after.due if self.after.rows > COUNT_UP_TO else f"{self.more_rows:,}"


def substance(rule: Rule) -> dict[str, Any]:
    """What a rule says, as JSON takes it."""
    said = model_to_dict(rule, fields=SUBSTANCE)
    return said | {"max_share": f"{rule.max_share:.3f}"}


@transaction.atomic
def succeed(rule: Rule, *, actor: str, now: datetime) -> Rule:
    """A draft that says what `rule` says, to be changed; the one that exists already, if any."""
    found = Rule.objects.filter(slug=rule.slug, state=Rule.State.DRAFT).first()
    if found is not None:
        return found
    draft = Rule(**{name: getattr(rule, name) for name in SUBSTANCE})
    return save(draft, actor=actor, now=now)


@transaction.atomic
def save(draft: Rule, *, actor: str, now: datetime) -> Rule:
    """Write a new draft, or one that was changed. NotADraft when it is none (any more), ValidationError when it
    cannot work."""
    is_new = draft._state.adding
    if draft.state != Rule.State.DRAFT or (not is_new and _locked(draft.pk) is None):
        raise NotADraft(_("This rule is no draft (any more); what is in force changes by a publication only."))
    draft.effective_from, draft.drafted_by = now, actor
    draft.full_clean()
    fields.clean(draft)
    draft.save(force_insert=is_new)
    record(RULE_DRAFTED.name, actor=actor, rule=draft.slug, period=draft.period, action=draft.action)
    return draft


@transaction.atomic
def discard(draft: Rule, *, actor: str) -> None:
    """Take a draft away. NotADraft for any other rule: those stay, for their runs refer to them."""
    found = _locked(draft.pk)
    if found is None:
        raise NotADraft(_("This rule is no draft (any more); what is in force changes by a publication only."))
    found.delete()
    record(RULE_DISCARDED.name, actor=actor, rule=found.slug)


def preview(draft: Rule, at: datetime, *, scopes: Scopes | None = None) -> Preview:
    """What would be due at `at` under the rule in force and under the draft; changes nothing. `scopes` are asked for
    once when several are looked at. RuleBroken for a draft that names what is no more."""
    scopes, until = scopes or Scopes.now(), counting.patience()
    before = Rule.objects.active().filter(slug=draft.slug).first()
    after = _side(draft, at, scopes, until)
    return Preview(
        at=at,
        before=_side_in_force(before, at, scopes, until) if before is not None else None,
        after=after,
        shorter=before is not None and _ends_earlier(draft, before, at),
    )


def changes(draft: Rule) -> list[tuple[str, Any, Any]]:
    """What the draft says otherwise than the rule in force, or a rule that was published otherwise than the one before
    it: (field, before, after); everything for a new rule."""
    if draft.state in (Rule.State.ACTIVE, Rule.State.RETIRED):
        earlier = Rule.objects.filter(slug=draft.slug, effective_from__lt=draft.effective_from)
        before = earlier.exclude(state=Rule.State.DRAFT).order_by("-effective_from", "-pk").first()
    else:
        before = Rule.objects.active().filter(slug=draft.slug).first()
    was: Mapping[str, Any] = substance(before) if before is not None else {}
    said = substance(draft)
    return [(name, was.get(name), said[name]) for name in SUBSTANCE if was.get(name) != said[name]]


def _side(rule: Rule, at: datetime, scopes: Scopes, until: float) -> Side:
    if rule.action == Rule.Action.KEEP:
        return Side(rule.period, rule.action, 0, 0)
    fields.require(rule)
    rows, deferred = reckoning.counted(rule, rule.cutoff(at), scopes, up_to=COUNT_UP_TO, until=until)
    return Side(rule.period, rule.action, rows, deferred)


def _side_in_force(rule: Rule, at: datetime, scopes: Scopes, until: float) -> Side:
    try:
        return _side(rule, at, scopes, until)
    except RuleBroken:
        return Side(rule.period, rule.action, 0, 0)  # it ends nothing any more, which the draft is to mend


def _ends_earlier(draft: Rule, before: Rule, at: datetime) -> bool:
    """Whether any row's time is over sooner; another anchor or a new action may mean that, so it counts as such."""
    if not draft.period:
        return False
    if not before.period or draft.anchor != before.anchor or draft.target != before.target:
        return True
    return calendar.add(at, draft.length) < calendar.add(at, before.length)


def _locked(pk: UUID) -> Rule | None:
    return Rule.objects.select_for_update().filter(pk=pk, state=Rule.State.DRAFT).first()
