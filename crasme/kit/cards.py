"""Models that no payment card number can get into, by any door of the ORM.

What could go wrong: a form checks, but bulk_create, update() or an import does not. So the check sits in save() and
in the queryset, and `manage.py check` refuses a manager that would go round it. Raw SQL and COPY are outside: whoever
writes them asks `cards.find_in` first.
"""

from collections.abc import Collection, Iterable
from typing import Any

from django.core import checks
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import BaseExpression, Value
from django.utils.translation import gettext as _

from crasme.kit.cardnumbers import Match, find, find_in, may_hold

__all__ = ["CardFree", "CardFreeQuerySet", "Match", "find", "find_in", "may_hold", "refuse"]


def refuse(**named: Any) -> None:
    """ValidationError when one of the named texts (or JSON values) holds a card number; it names the field only.

    Expressions are looked through: `Value("…")` inside a `Concat` counts.
    """
    problems = {name: [_problem(name)] for name, value in named.items() if _holds_card(value)}
    if problems:
        raise ValidationError(problems)


def _holds_card(value: Any) -> bool:
    if isinstance(value, Value):
        return _holds_card(value.value)
    if isinstance(value, BaseExpression):
        return any(_holds_card(part) for part in value.get_source_expressions() if part is not None)
    return find_in(value) is not None


def _problem(name: str) -> ValidationError:
    return ValidationError(
        _(
            "“%(field)s” holds what looks like a payment card number. Card data is never stored here: remove the "
            "number and use the payment processor's reference instead."
        ),
        code="card-number",
        params={"field": name},
    )


class CardFreeQuerySet(models.QuerySet[Any]):
    """Checks what bypasses save(). A model's own queryset derives from it."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        objs = list(objs)
        for obj in objs:
            obj.refuse_cards()
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        objs, fields = tuple(objs), list(fields)
        for obj in objs:
            obj.refuse_cards(fields)
        return super().bulk_update(objs, fields, batch_size)

    def update(self, **kwargs: Any) -> int:
        watched = self.model.card_free_fields()
        refuse(**{name: value for name, value in kwargs.items() if name in watched})
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]


class CardFree(models.Model):
    """Mixin. `CARD_FREE_FIELDS` narrows the fields looked at; by default every text and JSON field of the model."""

    CARD_FREE_FIELDS: Collection[str] | None = None

    objects = CardFreeQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        self.refuse_cards(update_fields)
        super().save(*args, update_fields=update_fields, **kwargs)

    @classmethod
    def card_free_fields(cls) -> frozenset[str]:
        if cls.CARD_FREE_FIELDS is not None:
            return frozenset(cls.CARD_FREE_FIELDS)
        kinds = (models.CharField, models.TextField, models.JSONField)
        return frozenset(field.name for field in cls._meta.concrete_fields if isinstance(field, kinds))

    def refuse_cards(self, fields: Iterable[str] | None = None) -> None:
        """ValidationError naming every field (of `fields`) that holds a card number; deferred fields are not loaded."""
        names = self.card_free_fields().intersection(self.card_free_fields() if fields is None else fields)
        refuse(**{name: self.__dict__[name] for name in sorted(names) if name in self.__dict__})

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """As Django's, with the card number's error at its field. What a form excludes, save() still checks."""
        problems: dict[str, list[ValidationError]] = {}
        for validate in (super().clean_fields, self._clean_cards):
            try:
                validate(exclude=exclude)
            except ValidationError as error:
                problems = error.update_error_dict(problems)
        if problems:
            raise ValidationError(problems)

    def _clean_cards(self, exclude: Collection[str] | None = None) -> None:
        self.refuse_cards(self.card_free_fields() - set(exclude or ()))

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        found = super().check(**kwargs)
        unsafe = [
            manager.name
            for manager in cls._meta.managers
            if not issubclass(getattr(manager, "_queryset_class", models.QuerySet), CardFreeQuerySet)
        ]
        if unsafe:
            found.append(
                checks.Error(
                    f"The manager “{unsafe[0]}” would let card numbers in through bulk_create and update.",
                    hint="Derive its queryset from crasme.kit.cards.CardFreeQuerySet.",
                    obj=cls,
                    id="kit.E021",
                )
            )
        return found
