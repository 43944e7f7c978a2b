"""What a rule says, value by value, as people read it; and what a draft of it changes.

What could go wrong: a rule of former times, that names a table or column which is no more (its bare name stands there).
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crasme.kit.calendar import Period
from retention import wording
from retention.models import Rule


def changed(rule: Rule, changes: Iterable[tuple[str, Any, Any]]) -> list[tuple[str, str, str]]:
    """What each value is called, before, after; of `changes` as `drafts.changes` has them."""
    return [
        (str(capfirst(_called(name))), value(rule.target, name, before), value(rule.target, name, after))
        for name, before, after in changes
    ]


def value(target: str, name: str, said: Any) -> str:
    """One value of a rule about the table `target`, as `drafts.substance` has it; a dash for none."""
    if name == "max_rows":
        return limit(said)
    if said in (None, "", []):
        return "–"
    return _SAY[name](target, said) if name in _SAY else str(said)


def columns(target: str, paths: Iterable[str]) -> str:
    """The columns that a rule changes, with how: "billed e-mail address (billed_email)"."""
    named = (each.partition(":") for each in paths)
    return ", ".join(
        f"{wording.column(target, name)} ({name}{':' + how if how else ''})" for name, _colon, how in named
    )


def share(part: Decimal) -> str:
    """ "2.5 %" of a part from 0 to 1."""
    return f"{part * 100:.3f}".rstrip("0").rstrip(".") + " %"


def limit(rows: int | None) -> str:
    return _("no limit") if rows is None else f"{rows:,}"


def _called(name: str) -> Any:
    return getattr(Rule._meta.get_field(name), "verbose_name", name)


_SAY: Final[dict[str, Callable[[str, Any], str]]] = {
    "target": lambda _target, said: wording.table(said),
    "carry_to": lambda _target, said: wording.table(said),
    "anchor": wording.column,
    "fields": columns,
    "unreferenced_by": lambda _target, said: ", ".join(said),
    "period": lambda _target, said: Period.parse(said).words(),
    "action": lambda _target, said: str(Rule.Action(said).label),
    "max_share": lambda _target, said: share(Decimal(said)),
    "batch_size": lambda _target, said: f"{said:,}",
}
