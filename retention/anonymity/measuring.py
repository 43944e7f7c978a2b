"""What one check looks at: the rows, what a rule makes of their columns, and the figures before and after."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db.models import Count, F, Min, Model, Q, QuerySet, Sum

from retention import fields, predicate
from retention.anonymity import closeness
from retention.anonymity.classes import grouped
from retention.anonymity.decision import Decision
from retention.anonymity.report import Figures
from retention.fields import Change
from retention.models import Rule


@dataclass(frozen=True, slots=True)
class Measured:
    """The rows past the rule's cut-off that nothing keeps. `before` and `after` are the classified columns as they are
    and as the engine would write them; `telling` the sensitive ones that still say something then."""

    rule: Rule
    cutoff: datetime
    decision: Decision
    rows: QuerySet[Any]
    changes: dict[str, Change]
    before: dict[str, Any]
    after: dict[str, Any]
    telling: tuple[str, ...]

    @classmethod
    def of(cls, rule: Rule, cutoff: datetime) -> Self:
        """RuleBroken for a rule that names what is no more."""
        fields.require(rule)
        decision = Decision.of(rule)
        changes = {change.name: change for change in fields.changes(rule)}
        # As the engine writes them: a column that another rule still needs stays as it is, row by row.
        written = fields.values(rule, cutoff)
        return cls(
            rule=rule,
            cutoff=cutoff,
            decision=decision,
            rows=predicate.past(rule, cutoff),
            changes=changes,
            before={name: F(name) for name in decision.classified},
            after={name: written.get(name, F(name)) for name in decision.classified},
            telling=tuple(name for name in decision.sensitive if name not in changes or not changes[name].constant),
        )

    @property
    def model(self) -> type[Model]:
        return self.rule.model

    @property
    def pending(self) -> Q:
        """True for rows that the rule has still to change."""
        return fields.pending(self.rule, self.cutoff)

    def as_they_are(self) -> "Counted":
        return self._counted(self.before, self.decision.sensitive)

    def as_they_would_be(self) -> "Counted":
        return self._counted(self.after, self.telling)

    def _counted(self, columns: dict[str, Any], sensitive: tuple[str, ...]) -> "Counted":
        decision = self.decision
        classes = grouped(self.rows, columns, decision.quasi, sensitive)
        wanted = {
            "classes": Count("*"),
            "rows": Sum("n"),
            "smallest": Min("people"),
            "unique": Sum("n", filter=Q(people=1)),
            "below": Sum("n", filter=Q(people__lt=decision.k)),
            **{f"least_{name}": Min(f"values_{name}") for name in sensitive},
            **{f"few_{name}": Sum("n", filter=Q(**{f"values_{name}__lt": decision.l})) for name in sensitive},
        }
        found = {name: number or 0 for name, number in classes.aggregate(**wanted).items()}
        least = [found.pop(f"least_{name}") for name in sensitive]
        few = {name: found.pop(f"few_{name}") for name in sensitive}
        far = {name: closeness.farthest(self.rows, columns, decision, name) for name in sensitive}
        distance = round(max((each for each, _rows in far.values()), default=0.0), 6)
        return Counted(
            Figures(**found, diversity=min(least, default=0), distance=distance),
            few=few,
            skewed={name: number for name, (_distance, number) in far.items()},
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures, and of each sensitive column how many rows are in classes with too `few` values of it, or with
    `skewed` ones: unlike those of all rows."""

    figures: Figures
    few: dict[str, int]
    skewed: dict[str, int]
