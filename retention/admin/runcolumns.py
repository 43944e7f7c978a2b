"""The columns of a run, in words: on the list, on its page, and on its certificate."""

from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _, ngettext
from unfold.decorators import display

from crasme.staff import actors
from retention import fields, reckoning, ruletext, wording
from retention.anonymity.report import Report
from retention.errors import RuleBroken
from retention.models import Run


class RunColumns:
    @display(
        description=_("state"),
        ordering="state",
        label={
            Run.State.RUNNING: "info",
            Run.State.WAITING: "warning",
            Run.State.STOPPED: "danger",
            Run.State.DONE: "success",
        },
    )
    def condition(self, run: Run) -> tuple[str, str]:
        return run.state, wording.state(run)

    @display(description=_("state"))
    def state_words(self, run: Run) -> str:
        return wording.state(run)

    @display(description=_("rows ended"), ordering="rows_total")
    def rows_ended(self, run: Run) -> str:
        return f"{run.rows_total:,}"

    @display(description=_("rows due at the start"))
    def rows_planned(self, run: Run) -> str:
        """An estimate where whole months go at once."""
        rows = f"{run.rows_due:,}"
        return rows if (run.planned or {}).get("exact", True) else _("about %(rows)s") % {"rows": rows}

    @display(description=_("share of the table"))
    def share(self, run: Run) -> str:
        return ruletext.share(run.share_due)

    @display(description=_("written to the database's write-ahead log (WAL)"))
    def written(self, run: Run) -> str:
        return filesizeformat(run.wal_bytes)

    @display(description=_("who acts"))
    def acts(self, run: Run) -> str:
        if run.state != Run.State.WAITING:
            return "–"
        if not run.is_approved_once:
            return str(_("Two people who may approve large runs approve it, one after the other; nobody has yet."))
        return _("%(who)s has approved it; another person who may approve large runs approves it next.") % {
            "who": actors.names([run.requested_by])[run.requested_by]
        }

    @display(description=_("last error"))
    def trouble(self, run: Run) -> str:
        if run.last_error == RuleBroken.code:
            try:
                fields.require(run.rule)
            except RuleBroken as error:  # which rule and column, as it is now
                return str(error)
        return wording.trouble(run.last_error)

    @display(description=_("time at work"), ordering="busy")
    def time(self, run: Run) -> str:
        return f"{run.busy.total_seconds():,.2f} s"

    @display(description=_("progress"))
    def how_far(self, run: Run) -> str:
        """A bar, and what it says in words; no bar before anything went, which would look like a full one."""
        if run.state != Run.State.DONE and not run.rows_total:
            return ngettext("none of %(rows)s row yet", "none of %(rows)s rows yet", run.rows_due) % {
                "rows": f"{run.rows_due:,}"
            }
        if run.state == Run.State.DONE and run.rows_total < run.rows_due:
            numbers = {"done": f"{run.rows_total:,}", "rows": f"{run.rows_due:,}"}
            return str(_("%(done)s of %(rows)s planned; nothing is left to end") % numbers)
        if run.state == Run.State.DONE and not run.rows_total:
            return str(_("nothing was due"))
        words = ngettext("%(share)d %% of %(rows)s row", "%(share)d %% of %(rows)s rows", run.rows_due)
        words %= {"share": run.share_done, "rows": f"{run.rows_due:,}"}
        more = (wording.batches(run), wording.left(run)) if run.state == Run.State.RUNNING else ()
        text = ", ".join(part for part in (words, *more, wording.rested(run)) if part)
        return format_html('<progress max="100" value="{}" aria-label="{}"></progress> {}', run.share_done, text, text)

    @display(description=_("may end at most"))
    def allowed(self, run: Run) -> str:
        return f"{run.planned['rows'] + run.planned['tolerance']:,}" if run.planned else "–"

    @display(description=_("why it needs an approval"))
    def why_approval(self, run: Run) -> str:
        return "; ".join(wording.reasons(run.planned)) or "–" if run.planned else "–"

    @display(description=_("more than planned"))
    def off(self, run: Run) -> str:
        return wording.drift(run) or "–"

    @display(description=_("hash of the plan"))
    def plan_hash(self, run: Run) -> str:
        return run.plan.hash if run.plan else "–"

    @display(description=_("space freed (vacuum)"))
    def vacuum(self, run: Run) -> str:
        done = run.progress.get("vacuum")
        if done is None:
            return str(_("wanted")) if "vacuum_wanted" in run.progress else "–"
        text = ngettext("%(tables)d table in %(seconds)s s", "%(tables)d tables in %(seconds)s s", len(done["tables"]))
        text %= {"tables": len(done["tables"]), "seconds": f"{done['seconds']:,.2f}"}
        failed = ", ".join(done["failed"])
        return "; ".join((text, _("left to the server: %(tables)s") % {"tables": failed})) if failed else text

    @display(description=_("rows by table"))
    def went(self, run: Run) -> str:
        return format_html_join("", "<p>{}: {}</p>", wording.counts(run)) or "–"

    @display(description=_("what was over, and what became of it"))
    def sums(self, run: Run) -> SafeString:
        return render_to_string("admin/retention/sums.html", {"entries": reckoning.of_run(run)})

    @display(description=_("check of anonymity"))
    def anonymous(self, run: Run) -> str:
        if run.anonymity is None:
            return "–"
        report = Report.read(run.anonymity)
        return format_html_join("", "<p>{}</p>", [(line,) for line in report.lines()])

    @display(description=_("begun by"))
    def begun(self, run: Run) -> str:
        return actors.names([run.begun_by])[run.begun_by]

    @display(description=_("first approval by"))
    def first_approval(self, run: Run) -> str:
        return actors.names([run.requested_by])[run.requested_by] if run.is_approved_once else "–"

    @display(description=_("second approval by"))
    def second_approval(self, run: Run) -> str:
        return actors.names([run.approved_by])[run.approved_by] if run.approved_by else "–"
