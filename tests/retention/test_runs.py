"""The life of a run: once a day, measured, approved when it is large, never done before it is drained."""

from datetime import UTC, datetime, timedelta

import pymerkle
import pytest
from django.db import IntegrityError, transaction

from crasme.crm.models import Account
from crasme.kit import merkle
from crasme.ledger.models import Entry
from retention import changing, drafts, holds, proof, services
from retention.engine import checkpoint, digests
from retention.engine.watch import Watch
from retention.errors import NoSuchBatch, NotInSchedule, RunNotWaiting, SameHands
from retention.models import Plan, Rule, Run
from tests.builders import change_rule
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def closed(count: int) -> list[Account]:
    home = builders.organisation()
    return [builders.account(home, closed=LONG_AGO + timedelta(seconds=number)) for number in range(count)]


def limit(slug: str, **fields: object) -> Rule:
    return change_rule(slug, **fields)


def run_closed(now: datetime = NOW) -> Run | None:
    return services.run_rule(builders.rule("account-closed"), now=now, actor="system:retention")


def hash_of(run: Run) -> str:
    assert run.plan is not None
    return run.plan.hash


def test_a_tick_runs_every_acting_rule_once_a_day() -> None:
    closed(2)
    acting = set(Rule.objects.in_force(NOW).acting().values_list("slug", flat=True))
    assert {run.rule.slug for run in services.run_due(NOW)} == acting
    assert services.run_due(NOW + timedelta(minutes=1)) == []
    assert len(services.run_due(NOW + timedelta(days=1))) == len(acting)
    assert "suppression" not in acting


def test_a_missed_day_is_caught_up_once() -> None:
    closed(1)
    run_closed()
    builders.account(closed=NOW - timedelta(days=88))
    later = run_closed(NOW + timedelta(days=5))
    assert later is not None
    assert (later.rows_total, later.period_key) == (1, "2026-11-27")
    assert Run.objects.filter(rule=later.rule).count() == 2


def test_a_run_leaves_its_counts_its_digest_and_a_ledger_entry() -> None:
    accounts = [builders.furnish(account) for account in closed(3)]
    limit("account-closed", batch_size=2)
    run = run_closed()
    assert run is not None
    assert run.rows_total == 3
    assert {
        "crm.account": 3,
        "crm.contact": 3,
        "crm.credential": 3,
        "crm.syncedmessage": 3,
    }.items() <= run.counts.items()
    assert "crm.usageevent" not in run.counts
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for batch in (accounts[:2], accounts[2:]):
        digest = digests.of_keys([account.pk for account in batch])
        tree.append_entry(f"crm.account\n{len(batch)}\n{digest}".encode())
        # Whoever has the keys of a batch can show that these rows went; with a key too few or too many, nothing.
        shown = proof.prove(run, [str(account.pk) for account in reversed(batch)])
        assert (shown.rows, shown.root) == (len(batch), run.digest)
        with pytest.raises(NoSuchBatch):
            proof.prove(run, [account.pk for account in accounts])
    assert run.digest == tree.get_root().hex()
    # A batch that ended nothing proves nothing.
    checkpoint.note(run, Watch(NOW), rows=0, counts={"crm.account": 0}, label="crm.account", digest=digests.of_keys([]))
    assert (run.batches.count(), run.digest) == (2, tree.get_root().hex())
    assert run.wal_bytes > 0
    assert run.busy > timedelta(0)
    facts = Entry.objects.get(verb="retention.purged").facts
    assert (facts["rows"], facts["digest"], facts["cutoff"]) == (3, run.digest, run.cutoff.isoformat())


def test_every_leaf_of_a_tree_leads_to_its_root_and_no_other_does() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    leaves: list[str] = []
    for size in range(1, 18):
        tree.append_entry(f"t\n{size}\nd".encode())
        leaves.append(digests.leaf("t", size, "d"))
        root = merkle.whole(leaves)
        assert root == tree.get_root().hex()
        ways = [merkle.path(leaves, number) for number in range(size)]
        assert {merkle.climbed(leaf, way) for leaf, way in zip(leaves, ways, strict=True)} == {root}
        assert merkle.climbed(digests.leaf("t", size + 1, "d"), ways[0]) != root
    assert merkle.whole([]) == ""


def test_a_run_that_finds_nothing_is_recorded_too() -> None:
    run = run_closed()
    assert run is not None
    assert (run.state, run.rows_total, run.digest) == (Run.State.DONE, 0, "")
    assert Entry.objects.filter(verb="retention.purged").count() == 1


def test_more_rows_than_allowed_wait_for_a_second_person() -> None:
    closed(3)
    limit("account-closed", max_rows=2)
    run = run_closed()
    assert run is not None
    assert (run.state, run.rows_due) == (Run.State.WAITING, 3)
    assert Account.objects.filter(status="erased").count() == 0
    # It waits, and no second run is begun meanwhile.
    assert run_closed(NOW + timedelta(days=1)) == run
    # The beat is no person: one approves, and then another.
    with pytest.raises(SameHands):
        services.approve(run, plan_hash=hash_of(run), actor="staff:somebody", now=NOW)
    with pytest.raises(IntegrityError, match="retention_run_asked_for"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(state=Run.State.RUNNING, approved_by="staff:somebody", approved_at=NOW)
    services.approve_first(run, plan_hash=hash_of(run), actor="staff:first", now=NOW)
    with pytest.raises(RunNotWaiting):
        services.approve_first(run, plan_hash=hash_of(run), actor="staff:somebody", now=NOW)
    with pytest.raises(SameHands):
        services.approve(run, plan_hash=hash_of(run), actor="staff:first", now=NOW)
    services.approve(run, plan_hash=hash_of(run), actor="staff:somebody", now=NOW)
    again = run_closed(NOW + timedelta(days=1))
    assert again is not None
    assert (again.pk, again.state, again.rows_total) == (run.pk, Run.State.DONE, 3)
    assert again.cutoff == run.cutoff
    assert Entry.objects.get(verb="retention.purged").facts["approved_by"] == "staff:somebody"
    with pytest.raises(RunNotWaiting):
        services.approve(run, plan_hash=hash_of(run), actor="staff:somebody", now=NOW)


def test_a_share_counts_only_where_there_are_rows_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    closed(3)
    limit("account-closed", max_share="0.5")
    monkeypatch.setattr("retention.engine.limits.FEW", 2)
    run = run_closed()
    assert run is not None
    assert (run.state, run.share_due) == (Run.State.WAITING, 1)


def test_the_database_itself_refuses_an_approval_by_whoever_asked() -> None:
    run = run_closed()
    assert run is not None
    with pytest.raises(IntegrityError, match="retention_run_two_people"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(approved_by=run.requested_by, approved_at=NOW)


def test_the_database_itself_refuses_a_second_run_of_the_day_and_a_second_active_rule() -> None:
    run = run_closed()
    assert run is not None
    twin = Run(
        rule=run.rule, period_key=run.period_key, cutoff=NOW, started_at=NOW, busy=timedelta(0), requested_by="x"
    )
    with pytest.raises(IntegrityError, match="retention_run_once_a_period"), transaction.atomic():
        twin.save(force_insert=True)
    copy = builders.rule("account-closed")
    copy.pk = None
    copy._state.adding = True
    with pytest.raises(IntegrityError, match="retention_rule_one_active"), changing.publication():
        copy.save(force_insert=True)


def test_a_failure_stops_one_rule_says_so_and_is_tried_again_later() -> None:
    closed(1)

    def fail(boundary: str) -> None:
        if boundary == "accounts.erased":
            raise OSError("the network is away")

    rule = builders.rule("account-closed")
    run = services.run_rule(rule, now=NOW, actor="system:test", reached=fail)
    assert run is not None
    assert (run.state, run.last_error, run.attempts, run.rows_total) == (Run.State.STOPPED, "oserror", 1, 0)
    assert Account.objects.get().status == "closed"
    assert run.retry_at is not None
    too_soon = run_closed(NOW + timedelta(seconds=10))
    assert too_soon is not None
    assert too_soon.state == Run.State.STOPPED
    later = run_closed(run.retry_at + timedelta(seconds=1))
    assert later is not None
    assert (later.pk, later.state, later.rows_total, later.last_error) == (run.pk, Run.State.DONE, 1, "")


def test_a_run_without_progress_stops_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    closed(1)
    monkeypatch.setitem(services.runs.ACTIONS, Rule.Action.ERASE_ACCOUNT, lambda run, watch: True)
    run = run_closed()
    assert run is not None
    assert (run.state, run.last_error) == (Run.State.STOPPED, "not-drained")


def test_when_time_runs_out_the_next_tick_goes_on() -> None:
    closed(3)
    limit("account-closed", batch_size=1)
    rule = builders.rule("account-closed")
    watch = services.Watch(NOW, timedelta(hours=1))

    def stop_after_the_first(boundary: str) -> None:
        if boundary == "accounts.committed":
            watch.budget = timedelta(0)

    watch.reached = stop_after_the_first
    run = services.runs.carry_out(rule, watch, actor="system:test")
    assert run is not None
    assert (run.state, run.rows_total) == (Run.State.RUNNING, 1)
    (again,) = [run for run in services.run_due(NOW + timedelta(minutes=1)) if run.rule == rule]
    assert (again.pk, again.state, again.rows_total) == (run.pk, Run.State.DONE, 3)
    assert again.cutoff == run.cutoff


def test_a_rule_that_changes_cancels_its_open_run() -> None:
    closed(3)
    limit("account-closed", max_rows=2)
    waiting = run_closed()
    assert waiting is not None
    old = builders.rule("account-closed")
    new = drafts.succeed(old, actor="staff:author", now=NOW)
    new.period, new.max_rows = "P10Y", None
    drafts.save(new, actor="staff:author", now=NOW)
    changing.put_in_force([new], now=NOW, actor="staff:approver", version="2026.11")
    runs = services.run_due(NOW)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.last_error) == (Run.State.CANCELLED, "rule-changed")
    assert [run.rows_total for run in runs if run.rule == new] == [0]
    assert Account.objects.filter(status="erased").count() == 0


def test_a_rule_that_changes_under_a_run_at_work_stops_it_before_the_next_batch() -> None:
    closed(3)
    rule = limit("account-closed", batch_size=1)

    def publish(boundary: str) -> None:
        if boundary == "accounts.committed":
            draft = drafts.succeed(rule, actor="staff:author", now=NOW)
            changing.put_in_force([draft], now=NOW, actor="staff:approver", version="2026.11")

    run = services.run_rule(rule, now=NOW, actor="system:test", reached=publish)
    assert run is not None
    assert (run.state, run.last_error, run.rows_total) == (Run.State.CANCELLED, "rule-changed", 1)
    assert Account.objects.filter(status="erased").count() == 1
    assert Entry.objects.get(verb="retention.purged").facts["rows"] == 1


def test_only_active_rules_that_end_something_can_be_run() -> None:
    with pytest.raises(NotInSchedule):
        services.run_rule(builders.rule("suppression"), now=NOW, actor="system:test")
    with pytest.raises(NotInSchedule):
        services.run_rule(Rule(slug="x", state=Rule.State.DRAFT), now=NOW, actor="system:test")


def test_a_plan_for_a_future_day_counts_what_will_go_and_what_stays() -> None:
    builders.account(closed=NOW - timedelta(days=60))
    builders.hold(holds.account(builders.account(closed=NOW - timedelta(days=60)).pk))
    before = {line.rule: line for line in services.plan(NOW)}
    after = {line.rule: line for line in services.plan(NOW + timedelta(days=40))}
    assert (before["account-closed"].rows, after["account-closed"].rows) == (0, 1)
    assert (before["account-closed"].deferred, after["account-closed"].deferred) == (0, 1)
    assert after["account-closed"].cutoff == NOW - timedelta(days=50)
    assert Run.objects.count() == 0


def test_runs_and_plans_end_themselves_once_nobody_will_ask() -> None:
    def carry_out(slug: str, now: datetime) -> Run:
        done = services.run_rule(builders.rule(slug), now=now, actor="system:retention")
        assert done is not None
        assert done.state == Run.State.DONE
        return done

    old = carry_out("account-closed", NOW)
    drawn = services.draw_plan(NOW, actor="staff:one", now=NOW)
    later = NOW + timedelta(days=8 * 366)
    assert carry_out("runs", later).counts == {"retention.run": 1}
    assert not Run.objects.filter(pk=old.pk).exists()
    # The plans of runs that are still there stay; those of nobody, and of runs that went, go.
    assert carry_out("plans", later).rows_total == 2
    assert not Plan.objects.filter(pk__in=[old.plan_id, drawn.pk]).exists()
    assert Plan.objects.count() == 2
