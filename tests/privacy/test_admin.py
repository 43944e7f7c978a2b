"""The desk: what each role sees and may do, and that its pages cost the same however much there is."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from crasme.staff.models import AccessEntry, User
from crasme.staff.roles import AUDITOR, OPERATIONS
from privacy.admin import unread
from privacy.errors import UnreadMail
from privacy.mailroom import replies
from privacy.models import Request, Step
from privacy.services import approvals, plans, sweeping
from privacy.states import Outcome, State
from tests.builders import NOW, make_account, make_user, reviewed_request, run_steps, sign_in, submit_request

pytestmark = pytest.mark.django_db
LIST = reverse("admin:privacy_request_changelist")


def page(asked: Request) -> str:
    return reverse("admin:privacy_request_change", args=[asked.pk])


def act(asked: Request, name: str) -> str:
    return reverse(f"admin:privacy_request_{name}", args=[asked.pk])


def said(response: object) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))  # type: ignore[attr-defined]


def queries(client: Client, address: str) -> int:
    """The smaller of two counts: the restore gate looks again every few seconds, and may do so in one of them."""
    client.get(address)  # whatever is read once a process or a session
    counts = []
    for _time in range(2):
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        counts.append(len(seen))
    return min(counts)


def test_the_list_shows_open_requests_with_their_clocks_and_masked_people(client: Client, agent: User) -> None:
    sign_in(client, agent)
    asked = submit_request(email="ana@customer.example")
    html = client.get(LIST).content.decode()
    assert asked.reference in html
    assert "a…@c….example" in html
    assert "ana@customer.example" not in html
    assert "desk-clock" in html
    assert f"{date_format(asked.received_on)}<small>Web form</small>" in html
    columns = re.findall(r"(?:field|column)-(\w+)", html.partition('id="result_list"')[2])
    assert [name for name in columns if name != "action-checkbox"][:2] == ["name", "clock"]  # a phone shows no more


def test_an_agent_finds_by_reference_and_by_whole_address_only(client: Client, agent: User) -> None:
    sign_in(client, agent)
    asked, other = submit_request(email="ana@customer.example"), submit_request(email="bob@customer.example")
    for term in (asked.reference, asked.reference.lower().replace("-", ""), "ANA@customer.example"):
        html = client.get(LIST, {"q": term}, follow=True).content.decode()
        assert page(asked) in html
        assert page(other) not in html
    assert page(asked) not in client.get(LIST, {"q": "ana@"}, follow=True).content.decode()


@pytest.mark.parametrize(
    ("choice", "expected"), [({"clock": "overdue"}, 1), ({"clock": "all"}, 3), ({}, 2), ({"who": "me"}, 0)]
)
def test_filters(client: Client, agent: User, choice: dict[str, str], expected: int) -> None:
    sign_in(client, agent)
    submit_request(email="old@customer.example", now=NOW - timedelta(days=2000))
    sweeping.lapse_unconfirmed(NOW)
    submit_request(email="new@customer.example", now=timezone.now())
    submit_request(email="late@customer.example", now=timezone.now() - timedelta(days=40))
    response = client.get(LIST, choice)
    assert response.context["cl"].result_count == expected


def test_what_is_open_comes_by_urgency_and_an_archive_newest_first(client: Client, agent: User) -> None:
    sign_in(client, agent)
    now = timezone.now()
    days = [submit_request(email=f"d{age}@customer.example", now=now - timedelta(days=age)) for age in (1, 9, 5)]
    newest, oldest, between = days
    assert list(client.get(LIST).context["cl"].result_list) == [oldest, between, newest]
    assert list(client.get(LIST, {"clock": "all"}).context["cl"].result_list) == [newest, between, oldest]


def test_lists_and_pages_take_a_fixed_number_of_queries(client: Client, agent: User) -> None:
    sign_in(client, agent)
    make_account(email="p0@customer.example")
    first = reviewed_request("access", "p0@customer.example")
    few_list, few_page = queries(client, LIST), queries(client, page(first))
    for number in range(1, 4):
        reviewed_request("access", f"p{number}@customer.example")
    assert queries(client, LIST) == few_list
    assert queries(client, page(first)) == few_page
    assert few_list < 20
    assert few_page < 45


def test_a_page_says_what_is_not_known_yet_how_late_it_is_and_opens_its_menus_by_keyboard(
    client: Client, agent: User
) -> None:
    sign_in(client, agent)
    asked = submit_request(now=timezone.now() - timedelta(days=33))
    html = client.get(page(asked)).content.decode()
    assert "No end yet: kept for 3 years, counted from “closed at”, which is still open" in html
    assert "not looked for yet" in html
    assert "none under this address" not in html
    assert "days late" in html
    menus = html.count('<button type="button" aria-haspopup="true"')
    assert menus
    assert html.count('x-trap="actionDropdownOpen"') == menus


def test_every_look_at_a_request_is_logged_without_naming_the_person(client: Client, agent: User) -> None:
    sign_in(client, agent)
    asked = submit_request()
    client.get(page(asked))
    entry = AccessEntry.objects.get(table="privacy.request", action="view")
    assert entry.user == agent
    assert entry.subject_ref.startswith("person:")


def test_whoever_may_not_read_messages_is_shown_none_by_a_button(client: Client) -> None:
    hand = make_user()
    hand.user_permissions.set(Permission.objects.filter(codename__in=("view_request", "work_request")))
    sign_in(client, hand)
    asked = reviewed_request()
    assert client.get(act(asked, "mark_read")).status_code == 200
    replies.reply(asked, text="I take it back.", file=None, now=NOW)
    answer = client.get(act(asked, "mark_read"))
    assert (answer.status_code, "I take it back." in answer.content.decode()) == (403, False)
    assert client.post(act(asked, "mark_read"), {"seen": str(asked.messages.get(direction="in").pk)}).status_code == 403
    assert asked.messages.unread().exists()


def test_an_agent_works_an_access_request_from_the_buttons(
    client: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, agent)
    make_account(email="ana@customer.example")
    asked = reviewed_request("access", "ana@customer.example")
    html = client.get(page(asked)).content.decode()
    assert act(asked, "take") in html
    assert act(asked, "release") in html
    assert act(asked, "approve") not in html
    assert act(asked, "refuse") not in html
    assert "A privacy officer can do that" in html
    assert html.count(act(asked, "hand_over")) == 2  # beside that sentence, and in the menu
    assert "crm.Account" in html

    assert client.get(act(asked, "take")).status_code == 200
    asked.refresh_from_db()
    assert asked.assignee is None  # looking changes nothing
    client.post(act(asked, "take"))
    asked.refresh_from_db()
    assert asked.assignee == agent
    story = client.get(page(asked)).content.decode().partition("desk-story")[2]
    assert f"Assignee: {agent}" in story
    assert str(agent.pk) not in story
    assert date_format(asked.received_on) in story
    client.post(act(asked, "note"), {"body": "Called back."})
    assert asked.notes.get().body == "Called back."
    plan = plans.current(asked)
    assert plan is not None
    replies.reply(asked, text="I take it back.", file=None, now=NOW)
    html = client.get(act(asked, "release")).content.decode()
    for words in ("Approve the release", "nobody has read it", f"{page(asked)}#messages", "I have read it."):
        assert words in html
    looks = AccessEntry.objects.filter(table="privacy.message")
    assert [(each.user, each.action, each.rows) for each in looks] == [(agent, "view", 1)]
    assert looks.get().subject_ref.startswith("person:")
    first = asked.messages.get(direction="in")
    assert "I take it back." in html  # it stands there, so that the tick can be true
    back = client.get(act(asked, "write")).content.decode()
    assert str(first.pk) in back
    assert looks.all().count() == 2
    broken = client.post(act(asked, "mark_read"), {"seen": "x"}).content.decode()
    assert "Reload the page and try again." in broken  # a field that nobody sees says what is wrong with it
    replies.reply(asked, text="Or not.", file=None, now=NOW + timedelta(seconds=1))
    with monkeypatch.context() as patch:
        patch.setattr(unread, "MOST", 1)
        oldest = client.get(act(asked, "write")).content.decode()
        assert "Only the oldest 1 are shown." in oldest
        assert "Or not." not in oldest
    assert "Only the oldest" not in client.get(act(asked, "write")).content.decode()
    with pytest.raises(UnreadMail) as refused:  # by whichever door
        approvals.release(asked, plan_hash=plan.hash, by=agent, now=NOW)
    for tick in ({}, {"have_read": str(first.pk)}):  # not read; read, but for the one that came in since
        page_again = client.post(act(asked, "release"), {"plan_hash": plan.hash} | tick)
        assert page_again.status_code == 200
        assert str(refused.value) in page_again.content.decode()
    asked.refresh_from_db()
    assert asked.state == State.REVIEW
    newest = asked.messages.filter(direction="in").latest("created_at")
    real = unread.settle

    def late(form: Any, row: Any, *, now: datetime) -> None:
        replies.reply(asked, text="And not this.", file=None, now=NOW + timedelta(seconds=2))
        real(form, row, now=now)

    with monkeypatch.context() as patch:  # one more while the button is being answered
        patch.setattr(unread, "settle", late)
        client.post(act(asked, "release"), {"plan_hash": plan.hash, "have_read": str(newest.pk)})
    asked.refresh_from_db()
    newest = asked.messages.unread().get()
    assert asked.state == State.REVIEW
    client.post(act(asked, "release"), {"plan_hash": plan.hash, "have_read": str(newest.pk)})
    assert not asked.messages.unread().exists()
    again = client.get(act(asked, "release")).content.decode()
    assert 'name="plan_hash"' not in again  # it says what was approved, by whom and when
    assert f"{agent}, " in again
    assert plan.hash in again
    run_steps(timezone.now())
    asked.refresh_from_db()
    assert (asked.state, asked.outcome) == (State.CLOSED, Outcome.GRANTED)
    html = client.get(page(asked)).content.decode()
    assert "Nothing is left to do." in html
    assert "A privacy officer can do that" not in html
    replies.reply(asked, text="Thank you.", file=None, now=NOW)
    html = client.get(page(asked)).content.decode()
    assert "Nothing is left to do." not in html
    assert act(asked, "reopen") in html
    assert act(asked, "refuse") not in html


def test_a_stale_page_is_answered_with_words(client: Client, agent: User) -> None:
    sign_in(client, agent)
    asked = reviewed_request()
    response = client.post(act(asked, "release"), {"plan_hash": "0" * 64})
    assert response.status_code == 302
    assert "not the plan that you were looking at" in said(response)


def test_a_card_number_in_a_note_is_refused_at_its_field(client: Client, agent: User) -> None:
    sign_in(client, agent)
    asked = submit_request()
    response = client.post(act(asked, "note"), {"body": "paid with 4111 1111 1111 1111"})
    assert response.status_code == 200
    assert "card number" in response.content.decode()
    assert not asked.notes.exists()


def test_approving_an_erasure_needs_another_person_who_signed_in_recently(
    client: Client, agent: User, officer: User
) -> None:
    make_account(email="ana@customer.example")
    asked = reviewed_request("deletion", "ana@customer.example")
    plan = plans.current(asked)
    assert plan is not None
    sign_in(client, agent)
    assert client.post(act(asked, "propose"), {"plan_hash": plan.hash}).status_code == 302
    assert client.post(act(asked, "approve"), {"plan_hash": plan.hash}).status_code == 403
    other = Client()
    sign_in(other, officer)
    response = other.post(act(asked, "approve"), {"plan_hash": plan.hash})
    assert response.status_code == 302
    assert "reauthenticate" in response["Location"]
    plan.refresh_from_db()
    assert plan.approved_by is None


@pytest.mark.parametrize("role", [AUDITOR, OPERATIONS])
def test_who_does_not_work_requests_has_no_buttons_and_no_back_doors(client: Client, role: str) -> None:
    sign_in(client, make_user(role))
    asked = reviewed_request()
    sees = role == AUDITOR
    assert client.get(LIST).status_code == (200 if sees else 403)
    response = client.get(page(asked))
    assert response.status_code == (200 if sees else 403)
    for name in ("take", "release", "note", "refuse", "hand_over", "look_again", "answer", "propose", "reopen"):
        assert act(asked, name) not in response.content.decode()
        assert client.post(act(asked, name), {"body": "x"}).status_code == 403
    asked.refresh_from_db()
    assert asked.assignee is None
    assert not asked.notes.exists()


def test_a_parked_step_is_seen_and_put_back(client: Client, agent: User) -> None:
    sign_in(client, agent)
    asked = reviewed_request()
    step = Step.objects.filter(request=asked).first()
    assert step is not None
    Step.objects.filter(pk=step.pk).update(state="parked", finished_at=None, last_error="error-oserror")
    html = client.get(page(asked)).content.decode()
    redrive = reverse("admin:privacy_step_redrive", args=[step.pk])
    assert redrive in html
    assert Request.objects.at_risk(asked.received_on).filter(pk=asked.pk).exists()
    client.post(redrive)
    step.refresh_from_db()
    assert (step.state, step.attempts) == ("due", 0)


@pytest.mark.parametrize("model", ["step", "message", "plan", "package", "person"])
def test_the_rows_behind_have_lists_and_pages(client: Client, agent: User, model: str) -> None:
    sign_in(client, agent)
    asked = reviewed_request("access")
    plan = plans.current(asked)
    assert plan is not None
    approvals.release(asked, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps()
    assert (
        client.get(reverse(f"admin:privacy_{model}_changelist"), {"q": asked.reference}, follow=True).status_code == 200
    )
    row = {"person": lambda: asked.person}.get(model, lambda: getattr(asked, f"{model}s").first())()
    assert client.get(reverse(f"admin:privacy_{model}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("name", ["step", "message"])
def test_an_id_that_is_none_leads_back_instead_of_failing(client: Client, agent: User, name: str) -> None:
    sign_in(client, agent)
    assert client.get(f"/admin/privacy/{name}/abc/change/").status_code == 302
