"""kill -9 at every boundary, then the next tick: nothing lost, nothing twice, the same cut-off, whole evidence."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from crasme.crm.models import Account, Contact, HeldUsageEvent, Invoice, UsageEvent
from crasme.crm.partitions import TABLE
from crasme.kit import partitions
from crasme.ledger.models import Entry
from retention import gate, holds, rebuilding, services
from retention.models import BackupSet, Plan, Rule, Run
from retention.outside import writing
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db(transaction=True)

LATER = NOW + timedelta(hours=3)


class Victim:
    def __init__(self, folder: Path) -> None:
        url, name = os.environ["DATABASE_URL"], str(connection.settings_dict["NAME"])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.retention.victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"DATABASE_URL": f"{url.rpartition('/')[0]}/{name}", "BACKUP_DIR": str(folder)}
            | {"DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "crasme.settings")},
            cwd=Path(__file__).parent.parent.parent,
        )
        self.folder = folder
        self._answer("ready")

    def dies(self, slug: str, boundary: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{slug} {boundary}\n")
        self.process.stdin.flush()
        self._answer("killed")

    def _answer(self, wanted: str) -> None:
        assert self.process.stdout is not None
        answer = self.process.stdout.readline().strip()
        assert answer == wanted, f"the victim said {answer!r}"


@pytest.fixture(scope="module")
def victim(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    victim = Victim(tmp_path_factory.mktemp("backups"))
    yield victim
    assert victim.process.stdin is not None
    victim.process.stdin.close()
    victim.process.wait(10)


def resumed(slug: str) -> Run:
    """The next tick, three hours later: one run, done, by the cut-off of the first attempt."""
    rule = builders.rule(slug)
    run = services.run_rule(rule, now=LATER, actor="system:test")
    assert run is not None
    assert Run.objects.filter(rule=rule).count() == 1
    assert (run.state, run.cutoff) == (Run.State.DONE, rule.cutoff(NOW))
    assert Entry.objects.filter(verb="retention.purged").count() == 1
    return run


def test_rows(victim: Victim) -> None:
    home = builders.organisation()
    for day in range(1, 8):
        builders.invoice(None, date(2019, 1, day), organisation=home)
    held = builders.invoice(None, date(2019, 1, 1), organisation=home)
    builders.hold(holds.one_record("crm.invoice", held.pk))
    # Over by the time of the resumption, but not by the cut-off that was stored.
    later = builders.invoice(None, date(2019, 11, 22), organisation=home)
    Rule.objects.filter(slug="billing").update(batch_size=2)
    left = []
    for boundary in ("run.begun", "rows.deleted", "rows.committed", "rows.deleted", "rows.committed", "run.drained"):
        victim.dies("billing", boundary)
        left.append(Invoice.objects.count() - 2)
        assert Run.objects.get(rule__slug="billing").rows_total == 7 - left[-1]
    assert left == [7, 7, 5, 5, 3, 0]
    assert resumed("billing").rows_total == 7
    assert set(Invoice.objects.values_list("pk", flat=True)) == {held.pk, later.pk}


def test_a_plan_an_approval_and_a_vacuum(victim: Victim) -> None:
    builders.invoice(None, date(2019, 1, 1))
    Rule.objects.filter(slug="billing").update(max_rows=0)
    victim.dies("billing", "run.planned")
    assert (Run.objects.count(), Plan.objects.count()) == (0, 0), "a plan without its run"
    victim.dies("billing", "run.begun")
    run = Run.objects.select_related("plan").get()
    victim.dies("approval", "record")
    run.refresh_from_db()
    assert (run.state, run.approved_by, run.plan is not None) == (Run.State.WAITING, "", True)
    assert not Entry.objects.filter(verb="retention.approved").exists()
    assert run.plan is not None
    services.approve(run, plan_hash=run.plan.hash, actor="staff:second", now=NOW)
    done = resumed("billing")
    assert (done.rows_total, done.approved_hash) == (1, run.plan.hash)
    done.progress["vacuum_wanted"] = ["crm.invoice"]
    done.save()
    victim.dies("tick", "vacuum.begun")
    done.refresh_from_db()
    assert "vacuum" not in done.progress
    services.run_due(NOW + timedelta(minutes=1))
    done.refresh_from_db()
    assert (done.progress["vacuum"]["tables"], "vacuum_wanted" in done.progress) == (["crm_invoice"], False)


def test_accounts(victim: Victim) -> None:
    home = builders.organisation()
    for _number in range(5):
        builders.furnish(builders.account(home, closed=datetime(2026, 1, 1, tzinfo=UTC)), events=0)
    # Still inside its 90 days by the stored cut-off, outside three hours later.
    young = builders.furnish(builders.account(home, closed=NOW - timedelta(days=90) + timedelta(hours=1)), events=0)
    Rule.objects.filter(slug="account-closed").update(batch_size=2)
    for boundary, erased in (("accounts.erased", 0), ("accounts.committed", 2), ("accounts.erased", 2)):
        victim.dies("account-closed", boundary)
        assert Account.objects.filter(status="erased").count() == erased
        # Half an account is never seen: either it has its contact and its name, or neither.
        for account in Account.objects.all():
            assert bool(account.full_name) == Contact.objects.filter(owner=account).exists()
    run = resumed("account-closed")
    assert (run.rows_total, run.counts["crm.contact"]) == (5, 5)
    young.refresh_from_db()
    assert young.full_name


def test_partitions(victim: Victim) -> None:
    held, other = builders.account(), builders.account()
    builders.hold(holds.account(held.pk))
    kept = set()
    for month in (3, 4):
        kept.add(builders.event(held, datetime(2024, month, 5, tzinfo=UTC)).pk)
        builders.event(other, datetime(2024, month, 6, tzinfo=UTC))
    builders.event(other, datetime(2024, 11, 22, 11, tzinfo=UTC))
    stays = builders.event(other, datetime(2024, 11, 22, 13, tzinfo=UTC))
    for boundary, gone in (
        ("partition.carried", 0),
        ("partition.counted", 0),
        ("partition.dropped", 0),
        ("partition.committed", 2),
        ("slice.deleted", 2),
        ("slice.committed", 3),
    ):
        victim.dies("usage", boundary)
        # Whatever the moment: a held event is to be seen in exactly one of the two places.
        seen = [*UsageEvent.objects.filter(account=held), *HeldUsageEvent.objects.all()]
        assert sorted(event.pk for event in seen) == sorted(kept)
        assert UsageEvent.objects.filter(account=other).count() == 4 - gone
        assert Run.objects.get(rule__slug="usage").rows_total == gone
    run = resumed("usage")
    assert set(HeldUsageEvent.objects.values_list("pk", flat=True)) == kept
    assert list(UsageEvent.objects.all()) == [stays]
    assert (run.rows_total, run.counts["carried"]) == (3, 2)
    names = {each.name for each in partitions.existing(connection, TABLE)}
    assert not {"crm_usageevent_y2024m03", "crm_usageevent_y2024m04"} & names


def test_backup_files(victim: Victim, settings: Settings) -> None:
    settings.BACKUP_DIR = victim.folder
    for name in ("a", "b", "c"):
        (victim.folder / name).write_text("rows")
        services.register_backup(name=name, kind="database", location=name, made_at=NOW - timedelta(days=40))
    victim.dies("backups", "file.deleted")
    assert (len(list(victim.folder.iterdir())), BackupSet.objects.present().count()) == (2, 3)
    victim.dies("backups", "file.committed")
    assert (len(list(victim.folder.iterdir())), BackupSet.objects.present().count()) == (2, 2)
    assert resumed("backups").rows_total == 3
    assert list(victim.folder.iterdir()) == []
    assert not BackupSet.objects.present().exists()


def test_the_erasure_ledger(victim: Victim) -> None:
    """One erasure, killed at one boundary after the other: never half of it, and ledger and database agree again."""
    leaver = builders.furnish(builders.account(full_name="Leaver"))
    for boundary in ("ledger.unwritten", "ledger.torn", "ledger.written", "ledger.committed"):
        victim.dies("erasure", boundary)
        erased = Account.objects.get(pk=leaver.pk).status == "erased"
        assert (erased, Contact.objects.filter(owner=leaver).exists()) == (
            boundary == "ledger.committed",
            boundary != "ledger.committed",
        )
        gate.forget()
        assert gate.is_open(), f"{boundary}: a crash shuts no gate"
    assert gate.look().unsettled == 2, "the first act of all also says whose the ledger is"
    assert writing.settle() == 2
    found = rebuilding.verify()
    assert (found.entries, found.head.number, found.void, found.problem) == (2, 4, 2, "")
    assert gate.look().unsettled == 0
