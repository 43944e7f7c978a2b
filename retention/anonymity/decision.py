"""What no program can decide about anonymity: a decision of people, kept on the rule and published with it."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from retention.models import Rule

LEAST_K = 3  # a class of two is the person and somebody they know
OFTEN = 0.5  # whoever is right more often than wrong knows


@dataclass(frozen=True, slots=True)
class Decision:
    """`quasi` columns that others may know, `sensitive` ones that nobody may infer, `harmless` ones that say nothing;
    every column that stays is one of them. `k` rows at least share all of `quasi`; `l` values of each sensitive one
    stand in such a class, in shares that differ from those of all rows by `t` at most (0 to 1). Whoever knows all that
    stays of a row finds it again in a share of `r` at most (0 to 1; right no more often than wrong). `adversary` says
    whom we think of; `owner` (a staff reference) answers until `review_on`."""

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]
    harmless: tuple[str, ...]
    k: int
    l: int  # noqa: E741  (the name it has everywhere)
    t: float
    r: float
    adversary: str
    owner: str
    review_on: date

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """ValidationError for one that lacks something."""
        given: Any = rule.anonymity
        try:
            found = cls(
                quasi=_names(given["quasi"], rule.model),
                sensitive=_names(given.get("sensitive", []), rule.model),
                harmless=_names(given.get("harmless", []), rule.model),
                k=int(given["k"]),
                l=int(given.get("l", 1)),
                t=float(given.get("t", 1)),
                r=float(given.get("r", OFTEN)),
                adversary=str(given["adversary"]).strip(),
                owner=str(given["owner"]),
                review_on=date.fromisoformat(given["review_on"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ValidationError(
                {"anonymity": _("Give quasi, sensitive and harmless columns, k, l, adversary, owner and review_on.")}
            ) from None
        if not 0 < found.t <= 1:
            raise ValidationError({"anonymity": _("t lies above 0 and is at most 1, which allows everything.")})
        if not 0 < found.r <= 1:
            raise ValidationError({"anonymity": _("r lies above 0 and is at most 1, which allows everything.")})
        if found.k < LEAST_K or found.l < 1 or not found.adversary or not found.owner:
            message = _("A class has %(least)s rows at least, and a decision an adversary and an owner.")
            raise ValidationError({"anonymity": message % {"least": LEAST_K}})
        return found

    @property
    def classified(self) -> frozenset[str]:
        return frozenset((*self.quasi, *self.sensitive, *self.harmless))


def mentioned(given: Any) -> list[str]:
    """Every column that a decision names, as far as it is one; whether these are there is not asked."""
    kinds = [given.get(kind) for kind in ("quasi", "sensitive", "harmless")] if isinstance(given, dict) else []
    return [str(name) for names in kinds if isinstance(names, list) for name in names]


def _names(given: Any, model: type[Model]) -> tuple[str, ...]:
    known = {field.name for field in model._meta.concrete_fields}
    if not isinstance(given, list) or not set(given) <= known:
        raise ValueError(given)
    return tuple(given)
