"""The numbers of a plan, a run or a preview in the order in which they add up: what is over goes, or stays, or waits.

What could go wrong: three numbers beside each other that nobody can relate (so the whole stands first, its parts make
it, and parts of parts say so), or a sum of what was estimated that looks exact (it says "about").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext as _, ngettext

from retention import counting, effects, predicate, wording
from retention.engine.checkpoint import STAYS
from retention.models import Rule, Run
from retention.obstacles import Scopes

WHOLE, PART, OF_PART = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One number; `depth` is WHOLE, PART (these make the whole) or OF_PART (these make the part above them)."""

    words: str
    rows: int
    depth: int = PART
    about: bool = False

    @property
    def number(self) -> str:
        return _("about %(rows)s") % {"rows": f"{self.rows:,}"} if self.about else f"{self.rows:,}"


def of_run(run: Run) -> list[Entry]:
    """What was over when the run was planned, and what became of it, or is to."""
    planned, is_done = run.planned or {}, run.state == Run.State.DONE
    about = not is_done and not planned.get("exact", True)
    to_do = 0 if is_done else max(0, run.rows_due - run.rows_total)
    moved = run.counts.get("carried", 0)
    kept = _kept(planned, run.rule.carry_to, moved=moved, is_done=is_done, stays=run.progress.get(STAYS))
    parts = [Entry(effects.done(run.rule.action), run.rows_total)]
    if to_do:
        parts.append(Entry(_to_do(run), to_do, about=about))
    parts += kept
    whole = sum(part.rows for part in parts if part.depth == PART)
    return [Entry(_("over in total (dated before the moment that counts)"), whole, WHOLE, about), *parts]


def over(line: Mapping[str, Any]) -> int | None:
    """How many rows are over by a plan's line; None where what stays was not counted."""
    return None if line["deferred"] is None else line["rows"] + line["deferred"]


def aside(line: Mapping[str, Any]) -> str:
    """Where that is which stays, by a plan's line; "" where all of it stays in its place."""
    said = (
        (_("moved aside already: %(rows)s"), line.get("on_shelf", 0)),
        (_("to be moved aside: %(rows)s"), line.get("to_shelf", 0)),
    )
    return ", ".join(words % {"rows": f"{rows:,}"} for words, rows in said if rows)


def counted(rule: Rule, cutoff: datetime, scopes: Scopes, *, up_to: int, until: float) -> tuple[int, int]:
    """How many rows are over and go, and how many are over and stay, wherever they lie. A count stops at `up_to` + 1,
    and all of them at the moment `until` (see `counting.patience`)."""
    goes, stays = (
        sum(
            counting.up_to(partial(which, rule, cutoff, scopes=scopes, model=model), up_to, until=until)
            for model in predicate.places(rule)
        )
        for which in (predicate.releasable, predicate.deferred_by_few)
    )
    return goes, stays


def preview(action: str, rows: int, deferred: int, *, up_to: int) -> str:
    """The same in a sentence, where counts stop at `up_to` + 1."""
    known = rows <= up_to and deferred <= up_to
    over = rows + deferred
    return _("%(over)s: %(would)s, %(stay)s.") % {
        "over": ngettext("%(rows)s row is over by then", "%(rows)s rows are over by then", over)
        % {"rows": f"{over:,}" if known else counting.words(up_to + 1, up_to)},
        "would": effects.would(action, rows, shown=counting.words(rows, up_to)),
        "stay": ngettext(
            "%(rows)s row stays because a hold or a restriction keeps it",
            "%(rows)s rows stay because a hold or a restriction keeps them",
            deferred,
        )
        % {"rows": counting.words(deferred, up_to)},
    }


def _to_do(run: Run) -> str:
    if run.state == Run.State.CANCELLED:
        return _("left to the rule as it was changed")
    words = effects.to_do(run.rule.action)
    if run.state == Run.State.WAITING:
        return _("%(words)s, once two people have approved it") % {"words": words}
    return words


def _kept(
    planned: Mapping[str, Any], shelf: str, *, moved: int, is_done: bool, stays: int | None = None
) -> list[Entry]:
    """What stays, by the plan, or `stays` rows where that was not so in the end; of data that goes by whole months
    also where, because what stays of a month is moved aside."""
    if planned.get("deferred") is None:
        return []
    to_move, aside = planned.get("to_shelf", 0), planned.get("on_shelf", 0)
    in_place = max(0, planned["deferred"] - to_move - aside)
    to_move = moved if is_done else max(to_move, moved)  # a hold may have come, or gone, since it was planned
    if stays is not None:
        aside = min(aside, max(0, stays - to_move))
        in_place = max(0, stays - to_move - aside)
    found = [Entry(_("stay, because something keeps them"), to_move + aside + in_place)]
    if shelf and found[0].rows:
        table = {"table": wording.table(shelf)}
        words = _("moved to %(table)s by this run") if is_done else _("moved, or to be moved, to %(table)s by this run")
        found += [
            Entry(words % table, to_move, OF_PART),
            Entry(_("in %(table)s already, from earlier runs") % table, aside, OF_PART),
            Entry(_("where they are, until their whole month is over"), in_place, OF_PART),
        ]
    return [each for each in found if each.rows or each.depth != OF_PART]
