"""The demo: complete, the same for one seed, made once, resumed where it stopped, and never among real people."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from crasme.crm.models import Account, Invoice, Organisation, UsageEvent
from crasme.demo import build, customers, others, plan, usage
from crasme.demo.plan import Demo, Size
from crasme.kit.calendar import Period, cutoff
from crasme.kit.clock import controller_day
from crasme.management.commands.demo import Command
from privacy.models import Package, Referral, Representative, Request
from privacy.packages import files
from privacy.promises import Status, board
from privacy.states import State
from retention.models import BackupSet, Hold
from tests import builders

TINY = Size(organisations=3, accounts=110, events=1_200, requests=14, consents=20)
SECTIONS = {section.title: section for section in build.SECTIONS}


@pytest.fixture(autouse=True)
def _local_start(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG = True
    settings.BACKUP_DIR, settings.PACKAGE_DIR = tmp_path / "backups", tmp_path / "packages"
    monkeypatch.setitem(plan.SIZES, "tiny", TINY)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fill(out: io.StringIO) -> str:
    call_command("demo", size="tiny", stdout=out)
    return out.getvalue()


def rows_by_table() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in apps.get_models() if model._meta.managed}


def quiet(made: int, total: int) -> None:
    """Draws nothing."""


@pytest.mark.slow
@pytest.mark.django_db
def test_makes_everything_that_the_promises_are_tried_on_and_makes_it_once() -> None:
    said = fill(io.StringIO())
    assert "█" not in said  # a log file gets no bar
    now = timezone.now()

    ages = {
        (now - closed).days for closed in Account.objects.filter(status="closed").values_list("closed_at", flat=True)
    }
    assert ages == {10, 89, 91, 400}
    assert Account.objects.filter(restricted_at__isnull=False).exists()
    assert Account.objects.filter(on_hold=True, closed_at__lt=now - timedelta(days=90)).exists()
    assert Hold.objects.filter(released_at=None).count() == 2
    assert "1,200 usage events" in said
    assert UsageEvent.objects.expired(cutoff(now, Period(months=24))).exists()
    assert UsageEvent.objects.earliest("occurred_at").occurred_at < cutoff(now, Period(months=29))
    seven_years = cutoff(now, Period(months=84)).date()
    assert Invoice.objects.filter(issued_on__lt=seven_years).exists()
    assert Invoice.objects.filter(issued_on__gte=seven_years).exists()
    assert Request.objects.count() == TINY.requests + others.REQUESTS
    assert Request.objects.filter(kind="child", state=State.CLOSED, about__isnull=True).count() == 1
    assert Referral.objects.overdue(controller_day(now)).count() == 1
    assert Representative.objects.get(release_to="rep").document.size > 100
    assert set(Request.objects.values_list("state", flat=True)) == set(State.values)
    assert Request.objects.overdue(controller_day(now)).exists()
    packages = Package.objects.available(now)
    assert packages
    assert all(files.path_of(package.file_name).stat().st_size > package.size for package in packages)
    assert [(backup.made_at < now - timedelta(days=30)) for backup in BackupSet.objects.overdue(now)] == [True, True]
    assert [finding.status for finding in board(now, ["P7.2"])] == [Status.KEPT]

    before = rows_by_table()
    assert fill(io.StringIO()).count("there already") == len(build.SECTIONS)
    assert rows_by_table() == before


@pytest.mark.django_db
def test_every_event_lies_in_the_time_of_its_account() -> None:
    demo = Demo(TINY, timezone.now())
    for title in ("customers", "usage"):
        SECTIONS[title].fill(demo, quiet)
    accounts = Account.objects.in_bulk()
    for event in UsageEvent.objects.all():
        account = accounts[event.account_id]
        over = [moment for moment in (account.closed_at, account.restricted_at) if moment]
        assert account.created_at <= event.occurred_at <= min(over, default=demo.now)


@pytest.mark.django_db
def test_one_seed_makes_the_same_people_on_any_day() -> None:
    def people(seed: int, now: datetime) -> list[tuple[Any, ...]]:
        with transaction.atomic():
            customers.make(Demo(TINY, now, seed), quiet)
            found = list(
                Account.objects.order_by("email").values_list("email", "full_name", "phone", "job_title", "status")
            )
            transaction.set_rollback(True)
        return found

    first = people(1, datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
    assert len(first) == TINY.accounts
    assert people(1, datetime(2028, 2, 29, 23, 59, tzinfo=UTC)) == first
    assert people(2, datetime(2026, 11, 22, 9, 30, tzinfo=UTC)) != first


class PulledOut(Exception):
    pass


def pull_out(made: int, total: int) -> None:
    raise PulledOut


@pytest.mark.django_db
def test_a_section_that_is_cut_off_leaves_nothing_or_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = Demo(TINY, timezone.now())
    with pytest.raises(PulledOut):
        SECTIONS["customers"].fill(demo, pull_out)
    assert not Organisation.objects.exists()
    assert not SECTIONS["customers"].is_done()

    SECTIONS["customers"].fill(demo, quiet)
    monkeypatch.setattr(usage, "CHUNK", 500)
    with pytest.raises(PulledOut):
        SECTIONS["usage"].fill(demo, pull_out)
    assert UsageEvent.objects.count() == 500
    kept = set(UsageEvent.objects.values_list("pk", flat=True))
    assert not SECTIONS["usage"].is_done()

    later = Demo(TINY, demo.now + timedelta(minutes=5))
    assert SECTIONS["usage"].fill(later, quiet) == {"usage events": TINY.events}
    assert UsageEvent.objects.count() == TINY.events
    assert UsageEvent.objects.filter(pk__in=kept).count() == 500
    assert SECTIONS["usage"].is_done()


def test_draws_its_progress_on_a_terminal() -> None:
    screen = Terminal()
    Command(stdout=screen)._progress("usage")(50, 200)
    assert f"[{'█' * 6}{'·' * 18}] 50 of 200" in screen.getvalue()


@pytest.mark.django_db
def test_keeps_away_from_accounts_that_it_did_not_make() -> None:
    builders.make_account(email="ana@customer.example")
    with pytest.raises(CommandError, match="no demo data"):
        fill(io.StringIO())


@pytest.mark.django_db
def test_keeps_away_from_a_demo_that_real_people_have_joined() -> None:
    SECTIONS["customers"].fill(Demo(TINY, timezone.now()), quiet)
    assert not build.has_accounts_of_others()
    builders.make_account(email="ana@company.at")
    with pytest.raises(CommandError, match="no demo data"):
        fill(io.StringIO())


@pytest.mark.django_db
def test_never_publishes_passwords_in_production(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG=1"):
        fill(io.StringIO())
