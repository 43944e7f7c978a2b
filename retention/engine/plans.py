"""Drawing a plan: per rule the cut-off, the rows that would go, and whether that is more than it may do unasked.

What could go wrong: an approval of three thousand rows that ends fifty thousand, because an import put old dates in
meanwhile. So a plan says how far the rows may drift; a run may end no row beyond that (`checkpoint.note` asks inside
each batch's transaction), and one that is taken up again counts anew before it touches anything. Fewer rows than
planned are no danger: a hold was placed, or a customer came back.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from crasme.kit.canonical import digest
from crasme.ledger import signing
from retention import fields, predicate
from retention.engine import limits, partitions
from retention.models import Plan, Rule

PURPOSE: Final = "retention-plan"
TOLERANCE: Final = Decimal("0.1")  # of the planned rows, and at least limits.FEW of them


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What one rule would do: `rows` end, `deferred` are over but kept (None: not counted), of which `on_shelf` are on
    the shelf already and `to_shelf` would go there with their month. `over_limit` means that it would wait for an
    approval, `reasons` why: "rows", "share", "unusual" or "changed", each with its limit.

    `exact` is false where whole partitions were taken at the planner's word. `tolerance` is how many rows more than
    planned may end before the run stops.
    """

    rule: str
    target: str
    action: str
    period: str
    policy_section: str
    cutoff: datetime
    rows: int
    deferred: int | None
    to_shelf: int
    on_shelf: int
    share: Decimal
    exact: bool
    tolerance: int
    reasons: tuple[dict[str, Any], ...]

    @property
    def over_limit(self) -> bool:
        return bool(self.reasons)

    @property
    def most(self) -> int:
        """No run by this plan ends more rows."""
        return self.rows + self.tolerance

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self) | {
            "cutoff": self.cutoff.astimezone(UTC).isoformat(),
            "share": str(self.share),
            "reasons": list(self.reasons),
            "over_limit": self.over_limit,
        }


def foreseen(rules: Iterable[Rule], now: datetime) -> list[PlanLine]:
    """Counted exactly, what stays included; for people, at any instant, also one to come."""
    return [_line(rule, rule.cutoff(now), exact=True, kept=True) for rule in rules]


def of_run(
    rule: Rule, cutoff: datetime, *, exact: bool = False, ended: int = 0, moved: int = 0, kept: bool = True
) -> PlanLine:
    """What a run has before it, and what it `ended` and `moved` to the shelf already; apart from it what is `kept`,
    where that is asked."""
    return _line(rule, cutoff, exact=exact, ended=ended, moved=moved, kept=kept)


def signed(lines: Iterable[PlanLine], *, at: datetime, now: datetime, actor: str) -> Plan:
    """Store them as a plan with its hash and signature."""
    plan = Plan(
        at=at.astimezone(UTC),
        made_at=now.astimezone(UTC),
        made_by=actor,
        lines=[line.plain() for line in lines],
        key=signing.public_key(PURPOSE),
    )
    plan.hash = digest(plan.content)
    plan.signature = signing.sign(PURPOSE, plan.content)
    plan.save(force_insert=True)
    return plan


def is_ours(plan: Plan) -> bool:
    """Whether it is what was drawn and signed by this house as it is now. What a run obeys must be: anybody can sign
    with a key of their own and put that beside it."""
    return plan.key == signing.public_key(PURPOSE) and is_intact(plan)


def is_intact(plan: Plan) -> bool:
    """Whether it is what was signed by whoever has its key, as of before a change of keys."""
    return holds(plan.content, hash_of=plan.hash, signature=plan.signature, key=plan.key)


def holds(content: dict[str, Any], *, hash_of: str, signature: str, key: str) -> bool:
    """The same of a plan that was read from a file."""
    return hash_of == digest(content) and signing.is_signed(content, signature=signature, key=key)


def _line(rule: Rule, cutoff: datetime, *, exact: bool, kept: bool = False, ended: int = 0, moved: int = 0) -> PlanLine:
    fields.require(rule)
    by_partitions = rule.action == Rule.Action.DROP_PARTITIONS
    staying = deferred(rule, cutoff) if kept else None
    to_shelf, on_shelf = (staying.to_shelf, staying.on_shelf) if staying is not None else (0, 0)
    rows, share = limits.measure(rule, cutoff, exact=exact, kept=to_shelf)
    moved = min(moved, on_shelf)  # a hold may have been released since
    to_shelf, on_shelf = to_shelf + moved, on_shelf - moved
    if by_partitions and exact:
        rows += predicate.releasable(rule, cutoff, model=partitions.shelf(rule)).count()
    rows += ended
    exact = exact or not by_partitions
    return PlanLine(
        rule=rule.slug,
        target=rule.target,
        action=rule.action,
        period=rule.period,
        policy_section=rule.policy_section,
        cutoff=cutoff,
        rows=rows,
        deferred=staying.rows if staying is not None else None,
        to_shelf=to_shelf,
        on_shelf=on_shelf,
        share=share,
        exact=exact,
        tolerance=_tolerance(rule, rows, exact=exact),
        reasons=tuple(limits.reasons(rule, rows, share)),
    )


def _tolerance(rule: Rule, rows: int, *, exact: bool) -> int:
    """An estimate may be off by as much again: a run that passes it counts exactly before it goes on. What is within
    its rule's limit stays within it: nobody was asked."""
    tolerance = max(limits.FEW, int(rows * TOLERANCE) if exact else rows)
    if rule.max_rows is not None and rows <= rule.max_rows:
        return min(tolerance, rule.max_rows - rows)
    return tolerance


class _Staying(NamedTuple):
    """Rows that are over and stay; those of whole months of a partitioned table, and those on its shelf already."""

    rows: int
    to_shelf: int = 0
    on_shelf: int = 0


def deferred(rule: Rule, cutoff: datetime) -> _Staying:
    """How many rows are over by then and stay, because something keeps them."""
    if rule.action != Rule.Action.DROP_PARTITIONS:
        return _Staying(predicate.deferred(rule, cutoff).count())
    whole, cut = partitions.kept_in_months(rule, cutoff)
    aside = predicate.deferred_by_few(rule, cutoff, model=partitions.shelf(rule)).count()
    return _Staying(whole + cut + aside, whole, aside)
