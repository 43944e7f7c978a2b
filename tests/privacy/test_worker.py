"""The whole way with a real worker, a real broker and a real mail server; and a worker that dies in the middle."""

import io
import os
import re
import signal
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crasme.crm.models import Account
from crasme.embedded import processes
from crasme.ledger.models import Entry
from crasme.staff.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from privacy import tasks, wake
from privacy.models import Person, Request, Step
from privacy.services import approvals, plans
from privacy.states import Outcome, State
from privacy.steps import runner
from tests.builders import confirm_request, make_account, make_device, make_invoice, make_user, submit_request
from tests.mailbox import Mailbox

ADDRESS = "ana@customer.example"


@pytest.fixture(autouse=True)
def _same_folder_as_the_worker(settings: Settings) -> None:
    settings.PACKAGE_DIR = Path(os.environ["DATA_DIR"]) / "packages"
    wake._quiet_until = 0.0


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, list(Step.objects.values_list("kind", "state", "last_error"))
        time.sleep(0.05)


def reached(asked: Request, state: State) -> Callable[[], bool]:
    return lambda: Request.objects.filter(pk=asked.pk, state=state).exists()


def link_in(box: Mailbox, subject: str) -> str:
    until(lambda: any(subject in str(message["Subject"]) for message in box.messages))
    message = next(message for message in box.messages if subject in str(message["Subject"]))
    found = re.search(r"http://testserver(/requests/confirm/\S+)", message.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert found
    return found.group(1)


def asked_and_confirmed(client: Client, box: Mailbox, kind: str) -> Request:
    client.post(reverse("request-new"), {"kind": kind, "email": ADDRESS})
    asked = Request.objects.get(kind=kind)
    client.post(link_in(box, "Please confirm"))
    until(reached(asked, State.REVIEW))
    return asked


def test_access_from_the_form_to_the_file(client: Client, celery_worker_process: object, mail_sink: Mailbox) -> None:
    agent = make_user(SUPPORT_AGENT)
    make_invoice(make_account(email=ADDRESS))
    asked = asked_and_confirmed(client, mail_sink, "access")
    plan = plans.current(asked)
    assert plan is not None
    approvals.release(asked, plan_hash=plan.hash, by=agent, now=timezone.now())
    until(reached(asked, State.CLOSED))
    visitor = Client()
    visitor.post(link_in(mail_sink, "The copy of your data is ready"))
    response = visitor.post(reverse("request-download", args=[asked.reference]))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    assert "data/crm-invoice.csv" in archive.namelist()


def test_deletion_until_the_person_is_told_and_forgotten(
    client: Client, celery_worker_process: object, mail_sink: Mailbox
) -> None:
    agent, officer = make_user(SUPPORT_AGENT), make_user(PRIVACY_OFFICER)
    make_device(make_account(email=ADDRESS))
    asked = asked_and_confirmed(client, mail_sink, "deletion")
    plan = plans.current(asked)
    assert plan is not None
    approvals.propose_erasure(asked, plan_hash=plan.hash, by=agent, now=timezone.now())
    approvals.approve_erasure(asked, plan_hash=plan.hash, by=officer, now=timezone.now())
    until(lambda: any("has been deleted" in str(message["Subject"]) for message in mail_sink.messages))
    until(lambda: not asked.messages.exclude(state="done").exists())
    tasks.sweep()
    assert Person.objects.get().email == ""
    assert Account.objects.get().email == ""
    asked.refresh_from_db()
    assert asked.outcome == Outcome.GRANTED  # only the account's bare id stays
    assert Entry.objects.filter(verb="request.certified").count() == 1


def test_a_worker_killed_in_the_middle_leaves_nothing_half_done_and_another_resumes(
    transactional_db: None, tmp_path: Path
) -> None:
    wake._quiet_until = time.monotonic() + 600  # only the victim shall hear of the step
    make_account(email=ADDRESS)
    asked = confirm_request(submit_request(email=ADDRESS, now=timezone.now()), now=timezone.now())
    step = asked.steps.get()
    log = tmp_path / "victim.log"
    url, name = os.environ["DATABASE_URL"], str(connection.settings_dict["NAME"])
    victim = processes.spawn(
        [sys.executable, "-c", VICTIM.format(step=step.pk)],
        log=log,
        environment=os.environ | {"DATABASE_URL": f"{url.rpartition('/')[0]}/{name}"},
        folder=Path(__file__).parents[2],
    )
    try:
        with transaction.atomic():
            # The step's last transaction writes the person: it waits here, with its own end and effects not committed.
            Person.objects.select_for_update().get()
            until(_somebody_waits_for_a_lock)
            step.refresh_from_db()
            assert step.state == "leased"
            victim.send_signal(signal.SIGKILL)
            victim.wait(10)
    finally:
        victim.kill()
    step.refresh_from_db()
    assert (step.state, step.attempts, step.result) == ("leased", 1, {})
    assert not Entry.objects.filter(verb="request.located").exists()
    assert not runner.run(step.pk, now=timezone.now())  # the lease still holds
    assert runner.run(step.pk, now=timezone.now() + runner.LEASE + timedelta(seconds=1))
    step.refresh_from_db()
    assert (step.state, step.attempts) == ("done", 2)
    assert Entry.objects.filter(verb="request.located").count() == 1
    assert asked.steps.count() == 2


VICTIM = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "crasme.settings"
django.setup()
from uuid import UUID
from django.utils import timezone
from privacy.steps import runner
runner.run(UUID("{step}"), now=timezone.now())
"""


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # For what this session holds: the server is shared with other tests, whose sessions wait for each other.
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])
