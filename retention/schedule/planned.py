"""A rule of the first schedule, before any database has it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from retention.models import Rule

# The day on which the policy that this schedule carries out was last updated.
IN_FORCE_FROM = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Planned:
    """A rule of the first schedule; see `models.Rule` for the fields."""

    slug: str
    target: str
    anchor: str
    period: str
    legal_reason: str
    action: Rule.Action = Rule.Action.DELETE
    policy_section: str = ""
    carry_to: str = ""
    fields: tuple[str, ...] = ()
    unreferenced_by: tuple[str, ...] = ()
    batch_size: int = 20_000
    max_rows: int | None = None
    max_share: Decimal = Decimal(1)


def rule_of(planned: Planned) -> Rule:
    return Rule(
        slug=planned.slug,
        target=planned.target,
        anchor=planned.anchor,
        period=planned.period,
        action=planned.action,
        carry_to=planned.carry_to,
        fields=list(planned.fields),
        unreferenced_by=list(planned.unreferenced_by),
        legal_reason=planned.legal_reason,
        policy_section=planned.policy_section,
        batch_size=planned.batch_size,
        max_rows=planned.max_rows,
        max_share=planned.max_share,
        state=Rule.State.ACTIVE,
        effective_from=IN_FORCE_FROM,
    )
