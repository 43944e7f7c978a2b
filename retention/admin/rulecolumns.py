"""The columns of a rule, in words: on the list, and in place of the fields where nothing is to be changed."""

import json
from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _, ngettext
from unfold.decorators import display

from crasme.staff import actors
from retention import counting, fields, reckoning, ruletext, wording
from retention.anonymity.decision import Decision
from retention.errors import RuleBroken
from retention.models import Rule, Run, Standing
from retention.obstacles import Scopes

# Counting further would read much of a large table, and the page only has to say "many".
COUNT_UP_TO = 10_000
# Field of a draft → what stands in its place where nothing is to be changed.
WORDS: Final = {
    "target": "target_words",
    "anchor": "anchor_words",
    "period": "period_words",
    "fields": "fields_words",
    "anonymity": "anonymity_words",
    "unreferenced_by": "unreferenced_words",
    "carry_to": "carry_words",
    "max_share": "share_words",
    "max_rows": "rows_words",
}


class RuleColumns:
    @display(description=_("rule"), ordering="slug")
    def name(self, rule: Rule) -> str:
        """A draft beside the rule in force is told from it at the first word, on a phone as well."""
        return rule.slug if rule.state == Rule.State.ACTIVE else f"{rule.slug} ({rule.get_state_display()})"

    @display(description=_("in force from"))
    def in_force(self, rule: Rule) -> str:
        if rule.state == Rule.State.DRAFT:
            return str(_("not in force yet: it takes effect with a published policy"))
        return f"{rule.effective_from:%Y-%m-%d %H:%M} UTC"

    @display(description=_("table"), ordering="target")
    def target_words(self, rule: Rule) -> str:
        return wording.table(rule.target)

    @display(description=_("counted from"))
    def anchor_words(self, rule: Rule) -> str:
        return f"{wording.column(rule.target, rule.anchor)} ({rule.anchor})" if rule.anchor else "–"

    @display(description=_("period"))
    def period_words(self, rule: Rule) -> str:
        return f"{rule.length.words()} ({rule.period})" if rule.period else "–"

    @display(description=_("fields"))
    def fields_words(self, rule: Rule) -> str:
        if not rule.fields:
            return str(_("as the data map erases them")) if rule.changes_fields else "–"
        return ruletext.columns(rule.target, rule.fields)

    @display(description=_("decision on anonymity"))
    def anonymity_words(self, rule: Rule) -> str:
        if rule.anonymity is None:
            return "–"
        try:
            decision = Decision.of(rule)
        except ValidationError:  # of a rule of former times, whose columns are called otherwise today
            return json.dumps(rule.anonymity, ensure_ascii=False)
        told = (
            (_("single out"), decision.quasi),
            (_("must not be inferred"), decision.sensitive),
            (_("harmless"), decision.harmless),
        )
        lines = [(words, self._columns(rule, names)) for words, names in told if names]
        lines.append((_("rows that look alike, at least"), f"{decision.k:,}"))
        lines.append((_("sensitive values among them, at least"), f"{decision.l:,}"))
        lines.append((_("their difference from the whole table, at most"), f"{decision.t:.0%}"))
        lines.append((_("rows that somebody could find again, at most"), f"{decision.r:.0%}"))
        lines.append((_("against whom"), decision.adversary))
        owner = actors.names([decision.owner])[decision.owner]
        review = _("review on")
        lines.append((_("answers for it"), f"{owner}, {review} {decision.review_on.isoformat()}"))
        return format_html_join("", "<p>{}: {}</p>", lines)

    def _columns(self, rule: Rule, names: Iterable[str]) -> str:
        return ", ".join(wording.column(rule.target, name) for name in names)

    @display(description=_("stays while named in"))
    def unreferenced_words(self, rule: Rule) -> str:
        named = (each.rpartition(".") for each in rule.unreferenced_by)
        return "; ".join(f"{wording.table(label)}: {wording.column(label, name)}" for label, _dot, name in named) or "–"

    @display(description=_("what stays moves to"))
    def carry_words(self, rule: Rule) -> str:
        return wording.table(rule.carry_to) if rule.carry_to else "–"

    @display(description=_("largest share without approval"))
    def share_words(self, rule: Rule) -> str:
        return ruletext.share(rule.max_share)

    @display(description=_("most rows without approval"))
    def rows_words(self, rule: Rule) -> str:
        return ruletext.limit(rule.max_rows)

    @display(description=_("drafted by"))
    def drafter(self, rule: Rule) -> str:
        return actors.names([rule.drafted_by])[rule.drafted_by] if rule.drafted_by else "–"

    @display(description=_("ends after"), ordering="period")
    def ends_after(self, rule: Rule) -> str:
        return rule.length.words() if rule.period else "–"

    @display(
        description=_("state"),
        ordering="state",
        label={
            Rule.State.DRAFT: "info",
            Rule.State.AHEAD: "warning",
            Rule.State.ACTIVE: "success",
            Rule.State.RETIRED: "danger",
        },
    )
    def condition(self, rule: Rule) -> tuple[str, str]:
        return rule.state, rule.get_state_display()

    @display(description=_("over if dated before (UTC)"))
    def next_cutoff(self, rule: Rule) -> str:
        try:
            return rule.cutoff(timezone.now()).strftime("%Y-%m-%d %H:%M") if rule.period else "–"
        except (LookupError, ValueError, FieldDoesNotExist):  # its table, or its date, is no more
            return "–"

    @display(description=_("last run"))
    def last_run(self, rule: Any) -> str:
        if rule.last_key is None:
            return "–"
        words = _rows_in_words(rule.last_rows)
        if rule.last_state != Run.State.DONE:
            words = f"{words} ({Run.State(rule.last_state).label})"
        return format_html('<span class="whitespace-nowrap">{}:</span> {}', rule.last_key, words)

    @display(description=_("over in total"))
    def over_in_all(self, rule: Rule) -> str:
        try:
            found = _counted(rule)
        except RuleBroken:  # the columns beside it say so
            return "–"
        if found is None:
            return "–"
        goes, stays = found
        whole = counting.words(goes + stays, COUNT_UP_TO) if max(found) > COUNT_UP_TO else f"{goes + stays:,}"
        return _("%(rows)s: what goes next, and what stays") % {"rows": whole}

    @display(description=_("of these: goes next"))
    def over_now(self, rule: Rule) -> str:
        return _said(rule, 0)

    # --- measured every hour, see retention.standing -----------------------------------------------------------------
    @display(description=_("measured at"))
    def measured(self, rule: Rule) -> str:
        standing = _standing(rule)
        if standing is None:
            return str(_("not yet; it is done every hour"))
        trouble = f" ({standing.trouble})" if standing.trouble else ""
        return f"{standing.taken_at:%Y-%m-%d %H:%M} UTC{trouble}"

    @display(description=_("how far behind"))
    def overdue(self, rule: Rule) -> str:
        standing = _standing(rule)
        return wording.overdue(standing, timezone.now()) if standing else "–"

    @display(description=_("coming due and ended"))
    def flow(self, rule: Rule) -> str:
        standing = _standing(rule)
        return wording.flow(standing) if standing else "–"

    @display(description=_("kept beyond their period"))
    def kept_because(self, rule: Rule) -> str:
        standing = _standing(rule)
        return wording.kept(standing) if standing else "–"

    @display(description=_("of these: stays (a hold or a restriction keeps it)"))
    def kept_now(self, rule: Rule) -> str:
        return _said(rule, 1)


def in_words(fields: Any) -> Any:
    if isinstance(fields, str):
        return WORDS.get(fields, fields)
    return tuple(in_words(each) for each in fields)


def _standing(rule: Rule) -> Standing | None:
    found: Standing | None = getattr(rule, "standing", None)
    return found


def _rows_in_words(number: int) -> str:
    return ngettext("{rows} row", "{rows} rows", number).format(rows=f"{number:,}")


def _said(rule: Rule, place: int) -> str:
    try:
        found = _counted(rule)
    except RuleBroken as error:
        return str(error)
    return counting.words(found[place], COUNT_UP_TO) if found is not None else "–"


def _counted(rule: Rule) -> tuple[int, int] | None:
    """Rows that are over and go, and those that are over and stay, wherever they lie; counted once for a page. None for
    a rule that ends nothing. RuleBroken."""
    if not rule.period:
        return None
    if (known := rule.__dict__.get("counted")) is None:
        fields.require(rule)
        cutoff, until = rule.cutoff(timezone.now()), counting.patience()
        known = reckoning.counted(rule, cutoff, Scopes.now(), up_to=COUNT_UP_TO, until=until)
        rule.__dict__["counted"] = known
    found: tuple[int, int] = known
    return found
