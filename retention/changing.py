"""Changing the schedule: a draft comes into force in place of the rule of its name, together with the published policy.

What could go wrong: a run that began under the old rule goes on by its period (it stops before its next batch and is
cancelled; the new rule has runs of its own); two drafts of one name (the newest one wins, the others are retired with
the old rule); a draft that names a column which does not exist (it is checked before anything changes). Rules that
went stay as rows: past runs refer to them.
"""

from datetime import datetime

from django.db import transaction

from crasme.ledger.services import record
from retention.models import Rule
from retention.verbs import RULE_CHANGED


@transaction.atomic
def activate_drafts(*, now: datetime, actor: str) -> list[Rule]:
    """Put every draft in force from `now`; the rules that changed. ValidationError for a draft that cannot work."""
    drafts: dict[str, Rule] = {}
    for draft in Rule.objects.select_for_update().filter(state=Rule.State.DRAFT).order_by("effective_from", "pk"):
        drafts[draft.slug] = draft
    return [_replace(draft, now=now, actor=actor) for draft in drafts.values()]


def _replace(draft: Rule, *, now: datetime, actor: str) -> Rule:
    same = (
        Rule.objects.select_for_update().filter(slug=draft.slug).exclude(state=Rule.State.RETIRED).exclude(pk=draft.pk)
    )
    before = next((rule.period for rule in same if rule.state == Rule.State.ACTIVE), "")
    same.update(state=Rule.State.RETIRED)
    draft.state, draft.effective_from = Rule.State.ACTIVE, now
    draft.full_clean()
    draft.save(update_fields=["state", "effective_from"])
    record(RULE_CHANGED.name, actor=actor, rule=draft.slug, before=before, period=draft.period)
    return draft
