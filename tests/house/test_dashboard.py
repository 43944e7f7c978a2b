"""The overview says what is true, shows it to those who may see it, and opens when there is nothing to say."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crasme.dashboard import environment, navigation
from crasme.dashboard.desk import WEEKS
from crasme.kit.clock import controller_day
from privacy.models import Message, Request, Step
from privacy.promises import Status
from retention import services as retention
from retention.models import Rule
from tests.builders import make_user, sign_in, submit_request

pytestmark = pytest.mark.django_db


def due_in(days: int, **fields: Any) -> Request:
    """A request whose effective day lies `days` from today."""
    request = submit_request(email=f"due{days}@customer.example", now=timezone.now() - timedelta(days=30))
    day = controller_day(timezone.now()) + timedelta(days=days)
    Request.objects.filter(pk=request.pk).update(effective_due=day, promise_due=day, law_due=day, **fields)
    return request


def dashboard(client: Client) -> dict[str, Any]:
    answer = client.get("/admin/")
    assert answer.status_code == 200
    return answer.context["dashboard"]


def numbers(shown: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {figure.title: (figure.value, figure.tone) for figure in shown["figures"]}


def test_an_empty_house_is_calm(client: Client) -> None:
    sign_in(client, make_user("Privacy officer"))
    shown = dashboard(client)
    assert numbers(shown) == {
        "Overdue": (0, "good"), "Due in 7 days": (0, "good"), "At risk": (0, "good"), "Will miss": (0, "good"),
        "Unassigned": (0, ""), "Open": (0, ""),
    }  # fmt: skip
    for card in ("next_due", "mine", "warnings", "weeks", "runs", "parked"):
        assert shown[card] == [], card


def test_the_last_day_is_in_time_and_the_next_is_late(client: Client) -> None:
    agent = sign_in(client, make_user("Support agent"))
    for days in (-3, -1, 0, 7, 8):
        due_in(days, **({"assignee": agent} if days == 0 else {}))
    shown = dashboard(client)
    assert numbers(shown) == {
        "Overdue": (2, "bad"), "Due in 7 days": (2, "warn"), "At risk": (2, "warn"), "Will miss": (0, "good"),
        "Unassigned": (4, ""), "Open": (5, ""),
    }  # fmt: skip
    assert [(clock.words, clock.tone) for clock in shown["next_due"]] == [
        ("3 days late", "bad"), ("1 day late", "bad"), ("due today", "warn"), ("7 days left", "warn"),
        ("8 days left", "good"),
    ]  # fmt: skip
    assert [clock.words for clock in shown["mine"]] == ["due today"]


def test_the_figures_lead_to_what_they_count(client: Client) -> None:
    sign_in(client, make_user("Support agent"))
    for days in (-3, 0, 20):
        due_in(days)
    for figure in dashboard(client)["figures"]:
        if figure.title in ("Overdue", "Due in 7 days", "At risk", "Will miss", "Unassigned", "Open"):
            assert client.get(figure.link).context["cl"].result_count == figure.value, figure.title


def test_the_weeks_count_what_came(client: Client) -> None:
    sign_in(client, make_user("Support agent"))
    for days in (0, 0, 7 * WEEKS + 10):
        submit_request(email=f"{days}@customer.example", now=timezone.now() - timedelta(days=days))
    weeks = dashboard(client)["weeks"]
    assert len(weeks) == WEEKS
    assert [week.received for week in weeks if week.received] == [2]
    assert weeks[-1].received_share == 100


def test_stopped_work_and_the_last_runs_are_seen(client: Client) -> None:
    sign_in(client, make_user("Privacy officer"))
    request = submit_request()
    Step.objects.create(
        request=request, kind="locate", created_at=timezone.now(), state="parked", last_error="source-away",
        next_attempt_at=timezone.now(), attempts=5,
    )  # fmt: skip
    retention.run_rule(Rule.objects.active().get(slug="billing"), now=timezone.now(), actor="system:test")
    shown = dashboard(client)
    Message.objects.create(
        request=request, template="link", direction="out", state="done", created_at=timezone.now(),
        next_attempt_at=timezone.now(), finished_at=timezone.now(), bounced_at=timezone.now(), period_key="test",
    )  # fmt: skip
    _steps, mails = dashboard(client)["parked"]
    assert (mails.title, mails.rows, mails.errors) == ("Messages", 1, "It was sent, and came back.")
    (parked,) = shown["parked"]
    assert (str(parked.title), parked.rows, parked.errors) == (
        "Steps", 1, "The system that holds the data could not be reached.",
    )  # fmt: skip
    assert client.get(parked.link).context["cl"].result_count == 1
    assert [(line.run.rule.slug, line.tone) for line in shown["runs"]] == [("billing", "good")]


def test_nobody_sees_cards_of_what_they_may_not_open(client: Client) -> None:
    sign_in(client, make_user("Operations"))
    assert set(dashboard(client)) == {"now", "behind", "measured", "runs", "all_runs", "parked"}


def test_the_overview_names_nobody(client: Client) -> None:
    sign_in(client, make_user("Privacy officer"))
    submit_request(email="canary-4711@customer.example")
    assert b"canary-4711" not in client.get("/admin/").content


def test_the_board_is_open_to_all_staff_and_counts_every_promise(client: Client) -> None:
    sign_in(client, make_user("Operations"))
    page = client.get("/admin/promises/")
    assert "<title> Promise board | Crasme privacy</title>" in page.content.decode()
    lines = page.context["lines"]
    assert sum(total["rows"] for total in page.context["totals"]) == len(lines) > 40
    assert {line.finding.status for line in lines} <= set(Status)
    card = client.get("/admin/promises/card/")
    assert card.status_code == 200
    assert b"<html" not in card.content


@pytest.mark.parametrize(
    ("demo", "debug", "words"), [(True, True, "Demo"), (False, True, "Development"), (False, False, "Production")]
)
def test_the_badge_says_where_one_is(settings: Settings, demo: bool, debug: bool, words: str) -> None:
    settings.DEMO_SIGN_INS, settings.DEBUG = demo, debug
    assert str(environment(RequestFactory().get("/"))[0]) == words


def test_operations_find_the_task_monitor_where_it_runs_and_how_to_sign_in(client: Client, settings: Settings) -> None:
    def links(role: str) -> set[str]:
        request = RequestFactory().get("/admin/")
        request.user = make_user(role)
        return {str(item["link"]) for group in navigation(request) for item in group["items"]}

    page = reverse("admin:task_monitor")
    settings.FLOWER_URL, settings.FLOWER_PASSWORD = "https://queue.crasme.example/", ""
    assert page in links("Operations")
    assert page not in links("Auditor")
    sign_in(client, make_user("Operations"))
    html = client.get(page).content.decode()
    assert settings.FLOWER_URL in html
    assert "FLOWER_PASSWORD" in html
    settings.FLOWER_USER, settings.FLOWER_PASSWORD = "operations", "local-one"  # as a local start has it
    assert "local-one" in client.get(page).content.decode()
    settings.FLOWER_URL = ""
    assert page not in links("Operations")
    assert client.get(page).status_code == 404
    sign_in(client, make_user("Auditor"))
    assert client.get(page).status_code == 403
