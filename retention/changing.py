"""Changing the schedule: a draft comes into force in place of the rule of its name, together with the published policy.

What could go wrong: a run that began under the old rule goes on by its period (it stops before its next batch and is
cancelled; the new rule has runs of its own); a draft that names a column which does not exist (it is checked before
anything changes); a policy published for the first of next month whose periods apply today (its rules wait as "ahead",
and `take_effect` moves them on when the day begins). Rules that went stay as rows: past runs refer to them.

The database lets nobody but `publication` move a rule on, so there is no second way to change a period.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils.translation import gettext as _

from crasme.ledger.services import record
from retention import fields
from retention.errors import NotADraft, RuleWaits
from retention.models import Rule
from retention.models.runs import TICK
from retention.verbs import RULE_AHEAD, RULE_CHANGED


@contextmanager
def publication(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Within it the database lets rules move on: only state, date and version, never what they say."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('crasme.publication', 'on', true)")
        yield
        cursor.execute("SELECT set_config('crasme.publication', 'off', true)")


def chosen(keys: Iterable[UUID]) -> list[Rule]:
    """The drafts of these keys, locked, by name. NotADraft when one is none (any more), RuleWaits when its rule has
    a published change that waits for its day, ValidationError when one cannot work."""
    wanted = set(keys)
    drafts = list(Rule.objects.select_for_update().filter(pk__in=wanted, state=Rule.State.DRAFT).order_by("slug"))
    if len(drafts) != len(wanted):
        raise NotADraft(_("A chosen rule is no draft any more."))
    if Rule.objects.filter(slug__in=[draft.slug for draft in drafts], state=Rule.State.AHEAD).exists():
        raise RuleWaits(_("A published change of this rule waits for its day already."))
    for draft in drafts:
        _clean(draft)
        fields.clean(draft)
    return drafts


@transaction.atomic
def put_in_force(drafts: Iterable[Rule], *, now: datetime, actor: str, version: str) -> list[Rule]:
    """Each draft (or rule ahead) takes the place of the active rule of its name, from `now` on."""
    with publication():
        return [_replace(draft, now=now, actor=actor, version=version) for draft in drafts]


@transaction.atomic
def put_ahead(drafts: Iterable[Rule], *, begins: datetime, actor: str, version: str) -> list[Rule]:
    """Each draft is published, and waits for `begins`; until then the active rule stays in force."""
    waiting = list(drafts)
    with publication():
        for draft in waiting:
            draft.state, draft.effective_from, draft.published_in = Rule.State.AHEAD, begins, version
            draft.save(update_fields=["state", "effective_from", "published_in"])
            record(RULE_AHEAD.name, actor=actor, rule=draft.slug, period=draft.period, version=version, begins=begins)
    return waiting


@transaction.atomic
def take_effect(now: datetime, *, actor: str = TICK) -> list[Rule]:
    """Put in force every published rule whose day has begun, all of a version at once. Idempotent."""
    ahead = Rule.objects.filter(state=Rule.State.AHEAD, effective_from__lte=now)
    if not ahead.exists():
        return []
    due = list(ahead.select_for_update().order_by("effective_from", "slug"))
    return [rule for each in due for rule in put_in_force([each], now=now, actor=actor, version=each.published_in)]


def _replace(draft: Rule, *, now: datetime, actor: str, version: str) -> Rule:
    before = Rule.objects.select_for_update().active().filter(slug=draft.slug).first()
    if before is not None:
        before.state = Rule.State.RETIRED
        before.save(update_fields=["state"])
    draft.state, draft.effective_from, draft.published_in = Rule.State.ACTIVE, now, version
    _clean(draft)
    draft.save(update_fields=["state", "effective_from", "published_in"])
    record(
        RULE_CHANGED.name,
        actor=actor,
        rule=draft.slug,
        before=before.period if before is not None else "",
        period=draft.period,
        version=version,
    )
    return draft


def _clean(draft: Rule) -> None:
    """What its names lead to may have gone since it was written. The rest the database has looked at already: asking
    it each constraint again would be thirty questions a draft, five times a publication."""
    draft.full_clean(validate_constraints=False)
