"""Plan and apply are one: what was planned is signed, approved by its hash, and never exceeded."""

import os
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.admin import site
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from crasme.crm.models import Account, Invoice, UsageEvent
from crasme.kit.canonical import digest
from crasme.ledger import signing
from crasme.ledger.models import Entry
from retention import changing, drafts, holds, operations, reckoning, services, wording
from retention.engine import digests, limits, pace, plans, rows, tidy, traffic
from retention.engine.pace import Pace
from retention.engine.traffic import Traffic
from retention.errors import PlanChanged, RunNotWaiting, SameHands
from retention.models import Plan, Rule, Run
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def small(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small numbers count, too; enough accounts that are not over keep the share of the others low."""
    monkeypatch.setattr(limits, "FEW", 0)
    home = builders.organisation()
    for _number in range(40):
        builders.account(home)


def closed(count: int, at: datetime = LONG_AGO) -> list[Account]:
    home = builders.organisation()
    return [builders.account(home, closed=at + timedelta(seconds=number)) for number in range(count)]


def limit(slug: str = "account-closed", **fields: Any) -> Rule:
    Rule.objects.active().filter(slug=slug).update(**fields)
    return builders.rule(slug)


def carried_out(
    now: datetime = NOW, *, slug: str = "account-closed", reached: Callable[[str], None] | None = None
) -> Run:
    run = services.run_rule(
        builders.rule(slug), now=now, actor="system:retention", reached=reached or (lambda _at: None)
    )
    assert run is not None
    return run


def approve(run: Run) -> None:
    assert run.plan is not None
    run.refresh_from_db()
    if not run.is_approved_once:
        services.approve_first(run, plan_hash=run.plan.hash, actor="staff:first", now=NOW)
    services.approve(run, plan_hash=run.plan.hash, actor="staff:second", now=NOW)


def erased() -> int:
    return Account.objects.filter(status="erased").count()


def test_a_plan_for_a_day_to_come_is_kept_signed_and_in_the_ledger() -> None:
    closed(2, NOW - timedelta(days=60))
    plan = services.draw_plan(NOW + timedelta(days=40), actor="staff:one", now=NOW)
    plan.refresh_from_db()
    line = next(line for line in plan.lines if line["rule"] == "account-closed")
    assert (line["rows"], line["deferred"], line["over_limit"]) == (2, 0, False)
    assert plans.is_intact(plan)
    assert signing.is_signed(plan.content, signature=plan.signature, key=plan.key)
    facts = Entry.objects.get(verb="retention.planned").facts
    assert (facts["plan"], facts["rows"]) == (plan.hash, 2)
    assert plans.is_ours(plan)
    line["rows"] = 3
    assert not plans.is_intact(plan)
    # Signed anew by somebody with a key of their own, it is whole, and none of ours.
    plan.hash, plan.key = digest(plan.content), signing.public_key("other")
    plan.signature = signing.sign("other", plan.content)
    assert (plans.is_intact(plan), plans.is_ours(plan)) == (True, False)
    assert not signing.is_signed(plan.content, signature="no hex", key=plan.key)
    assert (erased(), Run.objects.count()) == (0, 0)
    # What is published for a day until then counts: on it the rows of a shorter period go.
    draft = Rule(**{name: getattr(builders.rule("account-closed"), name) for name in drafts.SUBSTANCE})
    draft.period = "P30D"
    drafts.save(draft, actor="staff:one", now=NOW)
    changing.put_ahead([draft], begins=NOW + timedelta(days=10), actor="staff:two", version="2026.12")
    foreseen = [
        (line.period, line.rows)
        for days in (9, 10)
        for line in services.plan(NOW + timedelta(days=days))
        if line.rule == "account-closed"
    ]
    assert foreseen == [("P90D", 0), ("P30D", 2)]


@pytest.mark.usefixtures("small")
def test_more_rows_than_approved_stop_the_run_before_it_touches_any() -> None:
    closed(3)
    limit(max_rows=2)
    run = carried_out()
    approve(run)
    first = run.plan
    closed(2, LONG_AGO + DAY)
    again = carried_out(NOW + timedelta(minutes=1))
    assert (again.state, again.last_error, again.needs_approval, erased()) == ("waiting", "plan-drift", True, 0)
    assert wording.drift(again) == "5 rows are over; 3 were planned, and up to 0 more would have been in order."
    assert (again.approved_by, again.rows_due, again.plan == first) == ("", 5, False)
    facts = Entry.objects.get(verb="retention.drifted").facts
    assert (facts["planned"], facts["found"], facts["waits"]) == (3, 5, True)
    assert first is not None
    with pytest.raises(PlanChanged):
        services.approve(run, plan_hash=first.hash, actor="staff:second", now=NOW)
    approve(again)
    done = carried_out(NOW + timedelta(minutes=2))
    assert (done.state, done.rows_total, done.cutoff) == (Run.State.DONE, 5, run.cutoff)
    facts = Entry.objects.get(verb="retention.purged").facts
    assert (facts["plan"], facts["planned"], facts["approved_by"]) == (done.approved_hash, 5, "staff:second")


@pytest.mark.usefixtures("small")
def test_what_a_hold_kept_after_the_plan_was_drawn_is_counted_as_what_stays() -> None:
    first, *others = closed(3)
    limit(max_rows=2)
    run = carried_out()
    approve(run)
    builders.hold(*(holds.account(each.pk) for each in others))
    done = carried_out(NOW + timedelta(minutes=1))
    assert (done.state, done.rows_total, done.rows_due) == (Run.State.DONE, 1, 3)
    assert [(entry.depth, entry.rows) for entry in reckoning.of_run(done)] == [(0, 3), (1, 1), (1, 2)]
    columns = site.get_model_admin(Run)
    assert columns.how_far(done) == "1 of 3 planned; nothing is left to end"
    first.refresh_from_db()
    assert (first.status, columns.how_far(Run(state=Run.State.DONE, rows_due=0))) == ("erased", "nothing was due")


@pytest.mark.usefixtures("small")
def test_rows_that_turn_up_under_a_run_never_end_beyond_its_plan_and_planning_anew_frees_it() -> None:
    closed(3)
    limit(batch_size=2)

    def more(boundary: str) -> None:
        if boundary == "accounts.committed" and erased() == 2:
            closed(3, LONG_AGO + DAY)

    run = carried_out(reached=more)
    assert (run.state, run.last_error, run.rows_total, erased()) == ("waiting", "plan-drift", 2, 2)
    assert run.progress["drift"] == {"planned": 3, "tolerance": 0, "found": 6}
    assert carried_out(NOW + DAY) == run
    again = services.plan_anew(run, actor="staff:one", now=NOW)
    assert (again.state, again.needs_approval, again.rows_due) == ("running", False, 6)
    done = carried_out(NOW + DAY)
    assert (done.state, done.rows_total, done.cutoff) == (Run.State.DONE, 6, run.cutoff)


@pytest.mark.usefixtures("small")
def test_an_estimate_that_was_off_is_counted_and_the_run_goes_on_within_its_limits() -> None:
    owner = builders.account()
    for day in (5, 6, 7):
        builders.event(owner, datetime(2024, 3, day, tzinfo=UTC))
        builders.event(owner, datetime(2026, 3, day, tzinfo=UTC))
    run = carried_out(slug="usage")
    assert (run.state, run.rows_total, UsageEvent.objects.count()) == (Run.State.DONE, 3, 3)
    # The planner knows nothing yet of rows that were never committed: it was a drift, and no reason to stop.
    assert (run.progress["drift"]["planned"], run.rows_due) == (0, 3)


def test_the_plan_of_a_run_counts_apart_what_holds_keep() -> None:
    free, held = builders.account(), builders.account(on_hold=True)
    for owner, days in ((free, (5, 6, 7)), (held, (5, 6))):
        for day in days:
            builders.event(owner, datetime(2024, 3, day, tzinfo=UTC))
    builders.event(held, NOW - timedelta(days=735))  # in the month that the cut-off cuts through
    builders.event(free, NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_usageevent")  # so that the planner's figures are those of all five rows
    run = carried_out(slug="usage")
    assert run.planned is not None
    assert (run.planned["rows"], run.planned["deferred"], run.planned["exact"]) == (3, 3, False)
    assert (run.state, run.rows_total, run.counts["carried"]) == (Run.State.DONE, 3, 2)


def test_a_clock_that_jumps_a_year_meets_the_habits_of_the_rule(small: None) -> None:
    for day in range(3):
        closed(2, NOW - timedelta(days=91) + day * DAY)
        assert carried_out(NOW + day * DAY).state == Run.State.DONE
    closed(30, NOW)
    jumped = carried_out(NOW + timedelta(days=365))
    assert (jumped.state, erased()) == (Run.State.WAITING, 6)
    assert jumped.planned is not None
    assert [reason["why"] for reason in jumped.planned["reasons"]] == ["unusual"]
    assert "far more than its last runs: 20 rows" in wording.reasons(jumped.planned)[0]
    # The clock is set right: the run of the wrong year waits, and no other is begun. Nobody's data went early.
    assert carried_out(NOW + 3 * DAY) == jumped
    Run.objects.filter(pk=jumped.pk).update(state=Run.State.CANCELLED, finished_at=NOW)
    back = carried_out(NOW + 3 * DAY)
    assert (back.state, back.rows_total, back.cutoff) == (Run.State.DONE, 0, NOW + 3 * DAY - timedelta(days=90))
    # A clock that falls back to a day that has had its run does it no second time.
    assert services.run_rule(builders.rule("account-closed"), now=NOW, actor="system:test") is None


def test_the_first_run_of_a_shortened_rule_waits_for_what_the_old_one_kept(small: None) -> None:
    closed(3, NOW - timedelta(days=60))
    closed(2, NOW - timedelta(days=95))
    draft = drafts.succeed(builders.rule("account-closed"), actor="staff:author", now=NOW)
    draft.period = "P30D"
    drafts.save(draft, actor="staff:author", now=NOW)
    assert drafts.preview(draft, NOW).waits
    changing.put_in_force([draft], now=NOW, actor="staff:approver", version="2026.11")
    run = carried_out()
    assert run.planned is not None
    assert (run.state, run.planned["reasons"]) == (Run.State.WAITING, [{"why": "changed", "limit": 2}])
    assert wording.reasons(run.planned) == ["the rule was changed: before, 2 rows would have ended"]
    approve(run)
    assert carried_out().state == Run.State.DONE
    closed(4, NOW - timedelta(days=30))
    assert (carried_out(NOW + DAY).state, erased()) == (Run.State.DONE, 9)  # its own runs say now what is usual


def test_a_plan_that_was_changed_in_the_database_is_not_carried_out(small: None) -> None:
    closed(3)
    limit(max_rows=2)
    run = carried_out()
    approve(run)
    plan = Plan.objects.get()
    plan.lines[0]["tolerance"] = 10_000
    plan.save()
    again = carried_out(NOW + timedelta(minutes=1))
    assert (again.state, again.last_error, erased()) == ("stopped", "plan-altered", 0)
    anew = services.plan_anew(again, actor="staff:one", now=NOW)
    assert (anew.state, anew.approved_by, anew.rows_due) == ("waiting", "", 3)
    # Whoever had it drawn anew approved nothing by that: two people do, and it may be one of them.
    assert anew.plan is not None
    assert (anew.is_approved_once, anew.plan.made_by) == (False, "staff:one")
    with pytest.raises(SameHands):
        services.approve(anew, plan_hash=anew.plan.hash, actor="staff:second", now=NOW)
    with pytest.raises(PlanChanged):
        services.approve_first(anew, plan_hash=plan.hash, actor="staff:one", now=NOW)
    services.approve_first(anew, plan_hash=anew.plan.hash, actor="staff:one", now=NOW)
    with pytest.raises(SameHands):
        services.approve(anew, plan_hash=anew.plan.hash, actor="staff:one", now=NOW)
    first = Entry.objects.get(verb="retention.approved_first", actor="staff:one")
    assert first.facts["plan"] == anew.plan.hash
    approve(anew)
    assert carried_out(NOW + timedelta(minutes=2)).state == Run.State.DONE
    with pytest.raises(RunNotWaiting):
        services.plan_anew(anew, actor="staff:one", now=NOW)


def test_what_nobody_was_asked_about_stays_within_the_limit_of_its_rule() -> None:
    closed(2)
    limit(max_rows=3, batch_size=1)

    def more(boundary: str) -> None:
        if boundary == "accounts.committed" and erased() == 1:
            closed(4, LONG_AGO + DAY)

    run = carried_out(reached=more)
    assert (run.state, run.last_error, run.rows_total, erased()) == ("waiting", "plan-drift", 3, 3)
    assert run.planned is not None
    assert [reason["why"] for reason in run.planned["reasons"]] == ["rows"]


def test_the_database_itself_lets_no_run_over_its_limits_go_on_unapproved(small: None) -> None:
    closed(3)
    limit(max_rows=2)
    run = carried_out()
    with pytest.raises(IntegrityError, match="retention_run_approved_first"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(state=Run.State.RUNNING)
    # With a name but the hash of another plan it does not get by the engine.
    Run.objects.filter(pk=run.pk).update(
        state="running", requested_by="staff:y", approved_by="staff:x", approved_at=NOW, approved_hash="f" * 64
    )
    assert (carried_out().state, erased()) == (Run.State.WAITING, 0)


def test_batches_follow_what_the_last_one_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    one, sizes = Pace.of(10_000), []
    for rows_of, seconds, megabytes in ((1000, 0.1, 1), (2000, 0.4, 1), (4000, 0.8, 64), (2000, 80, 1), (5, 0.01, 0)):
        one.measured(rows_of, timedelta(seconds=seconds), megabytes << 20)
        sizes.append(one.rows)
    assert sizes == [2000, 4000, 2000, 1000, 1000]
    one.measured(1000, timedelta(0), 0)
    assert one.rows == 2000
    assert [Pace.of(3).rows, Pace.of(50_000, 7_000).rows, Pace.of(50, 7_000).rows, Pace.of(500, "?").rows] == [
        3, 7_000, 50, 500,
    ]  # fmt: skip
    one.rows = pace.FEWEST
    assert not one.halve()
    # Beside others the very next batch is a small one, and costs a quarter at most; afterwards it grows as before.
    one = Pace(10_000, 1000)
    sizes = []
    for gently in (True, True, False):
        one.beside_others(gently)
        sizes.append(one.rows)
        one.measured(one.rows, timedelta(seconds=0.2), 0)
    assert [*sizes, one.rows] == [250, 250, 250, 500]
    # A batch that the database cancelled is tried again with half the rows, and counts for nothing.
    for day in range(1, 8):
        builders.invoice(None, datetime(2019, 1, day, tzinfo=UTC).date())
    limit("billing", batch_size=7)
    monkeypatch.setattr(pace, "FEWEST", 1)
    cascade, asked = operations.cascade, []

    def slow(batch: Any) -> Any:
        if batch.model is not Invoice:  # what goes with it is asked for by the same function
            yield from cascade(batch)
            return
        asked.append(batch.count())
        yield from cascade(batch)
        if len(asked) == 1:
            raise OperationalError from QueryCanceled

    monkeypatch.setattr(rows.operations, "cascade", slow)
    run = carried_out(slug="billing")
    assert (run.state, run.rows_total, asked[:2]) == (Run.State.DONE, 7, [7, 3])


def test_whoever_kept_everybody_waiting_rests_for_much_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(Traffic, "sleep", lambda _self, seconds: rests.append(seconds))
    monkeypatch.setattr(traffic, "_others", lambda: 2)
    ours = Traffic()
    time.sleep(0.01)
    ours.rest()
    ours.blocks()
    time.sleep(0.01)
    ours.rest()
    ours.rest()
    worked, blocked, idle = rests
    assert worked >= 0.01 * traffic.REST
    assert blocked >= 0.01 * traffic.SELDOM
    assert idle < 0.01 * traffic.SELDOM


def test_beside_others_a_run_rests_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(Traffic, "sleep", lambda _self, seconds: rests.append(seconds))
    assert not Traffic().look()
    server, name = os.environ["DATABASE_URL"].rpartition("/")[0], connection.settings_dict["NAME"]
    with psycopg.connect(f"{server}/{name}") as one, psycopg.connect(f"{server}/{name}") as two:

        def both_work(_boundary: str = "") -> None:
            one.execute("SELECT 1")
            two.execute("SELECT 1")

        both_work()
        assert Traffic().look()
        monkeypatch.setattr(settings, "RETENTION_GIVES_WAY_TO", 3)
        assert not Traffic().look()
        monkeypatch.setattr(settings, "RETENTION_GIVES_WAY_TO", 2)
        closed(3)
        workers = []

        def look(boundary: str) -> None:
            both_work()
            if boundary == "accounts.erased":
                with connection.cursor() as cursor:
                    cursor.execute("SHOW max_parallel_workers_per_gather")
                    workers.append(cursor.fetchone()[0])

        run = services.run_rule(limit(batch_size=2), now=NOW, actor="staff:x", reached=look)
        assert run is not None
    assert (run.state, run.rows_total, set(workers)) == (Run.State.DONE, 3, {"0"})
    assert len(rests) >= 3
    assert all(traffic.SHORTEST <= seconds <= traffic.LONGEST for seconds in rests)
    # What was rested after the last batch committed is not noted any more.
    assert 0 < run.progress["rested"] <= round(sum(rests), 1)
    assert wording.rested(run) == f"rested {run.progress['rested']:,.1f} s for others at work"


def test_a_resumed_run_goes_on_after_its_watermark_and_still_finds_what_was_released_behind_it() -> None:
    accounts = closed(4)
    hold = builders.hold(holds.account(accounts[0].pk))
    rule = limit(batch_size=1)
    watch = services.Watch(NOW, timedelta(hours=1))

    def stop(boundary: str) -> None:
        if boundary == "accounts.committed":
            watch.budget = timedelta(0)

    watch.reached = stop
    run = services.runs.carry_out(rule, watch, actor="system:test")
    assert run is not None
    assert (run.state, run.progress["at"]["key"]) == (Run.State.RUNNING, str(accounts[1].pk))
    assert (run.share_done, run.time_left) == (33, run.busy * 2)
    holds.release(hold, actor="staff:test", now=NOW)
    done = carried_out(NOW + timedelta(minutes=1))
    assert (done.state, done.rows_total, erased(), "at" in done.progress) == (Run.State.DONE, 4, 4, False)


def test_what_many_rows_left_is_vacuumed_and_a_failure_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidy, "FEW", 1)
    closed(1)
    told: list[int] = []
    runs = services.run_due(NOW, told=lambda run: told.append(run.rows_total))
    (run,) = [run for run in runs if run.rule.slug == "account-closed"]
    assert (run.progress["vacuum"]["tables"], run.progress["vacuum"]["failed"], told) == (["crm_account"], [], [1])
    monkeypatch.setattr(tidy, "_tables", lambda *_args: ["no such table"])
    closed(1)
    (again,) = [run for run in services.run_due(NOW + DAY) if run.rule.slug == "account-closed"]
    assert (again.state, again.progress["vacuum"]["failed"]) == (Run.State.DONE, ["no such table"])


def test_a_batch_of_an_unknown_number_of_rows_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.invoice(None, datetime(2019, 1, 1, tzinfo=UTC).date())
    for number in (-1, float("nan")):
        monkeypatch.setattr(operations, "delete", lambda _rows, number=number: number)
        run = carried_out(NOW + DAY, slug="billing")
        assert (run.state, run.last_error, run.rows_total) == (Run.State.STOPPED, "unknown-count", 0)
        Run.objects.update(retry_at=None)


def test_a_row_that_stayed_is_no_part_of_what_went(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (builders.invoice(None, date(2019, 1, day)) for day in (1, 2))
    cascade = operations.cascade

    def kept_meanwhile(found: Any) -> Any:
        # As when something comes to keep a row between two statements.
        return cascade(found.exclude(pk=second.pk))

    monkeypatch.setattr(rows.operations, "cascade", kept_meanwhile)
    run = carried_out(slug="billing")
    batch = run.batches.order_by("number")[0]
    assert (run.rows_total, batch.rows, batch.digest) == (1, 1, digests.of_keys([first.pk]))
