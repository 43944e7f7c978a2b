"""A worker goes on with what is due; whoever is woken besides finds nothing lost and nothing done twice."""

from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone

from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy import wake
from privacy.correspondence import shift as mails
from privacy.models import Message, Request, Step
from privacy.services import approvals, plans
from privacy.states import State
from privacy.steps import runner, shift
from retention import residue
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_organisation,
    reviewed_request,
    submit_request,
)
from tests.mailbox import Mailbox

SOON = NOW + timedelta(seconds=1)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str, str]]]:
    """Every message that is handed to the broker: task, queue and id."""
    sent: list[tuple[str, str, str]] = []
    monkeypatch.setattr(wake, "_quiet_until", 0.0)
    monkeypatch.setattr(wake, "_waiting", lambda queue: 0)
    with mock.patch.object(wake, "current_app") as app:
        app.send_task.side_effect = lambda task, args, queue, **_: sent.append((task, queue, args[0]))
        yield sent


@pytest.mark.django_db(transaction=True)
def test_from_step_to_step_and_then_to_other_requests_without_a_message(published: list[tuple[str, str, str]]) -> None:
    make_account(email="ana@customer.example")
    first, second = confirm_request(submit_request()), confirm_request(submit_request("deletion"))
    published.clear()
    assert shift.work(first.steps.get().pk, now=SOON) == 6
    assert set(Step.objects.filter(kind="approval").values_list("request", flat=True)) == {first.pk, second.pk}
    assert not Step.objects.automatic().unfinished().exists()
    assert published == []
    assert shift.work(first.steps.earliest("created_at").pk, now=SOON) == 0


@pytest.mark.django_db(transaction=True)
def test_when_the_time_is_over_the_rest_is_announced(
    published: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shift, "SECONDS", -1.0)
    request = confirm_request(submit_request())
    published.clear()
    assert shift.work(request.steps.get().pk, now=SOON) == 1
    following = request.steps.get(state="due")
    assert published == [(wake.STEP, "celery", str(following.pk))]


@pytest.mark.django_db
def test_a_failure_does_not_end_the_shift(published: list[tuple[str, str, str]]) -> None:
    first, second = confirm_request(submit_request()), confirm_request(submit_request("complaint"))
    with mock.patch("privacy.services.people.locate", side_effect=[ZeroDivisionError, mock.DEFAULT]) as located:
        located.return_value = mock.Mock(account=None, contacts=0, regime="other")
        shift.work(first.steps.get().pk, now=SOON)
    assert first.steps.get().last_error == "error-zerodivisionerror"
    assert second.steps.filter(state="done").exists()


def test_where_enough_messages_wait_another_one_is_not_sent(
    published: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "_waiting", lambda queue: wake.ENOUGH if queue in ("mail", "webhooks") else 0)
    for task, queue in (wake.SEND, wake.WEBHOOK, (wake.STEP, "celery")):
        wake.publish(task, queue, "id")
    # A webhook's task does its own delivery only, so each has its message.
    assert [task for task, _queue, _id in published] == [wake.WEBHOOK[0], wake.STEP]


@pytest.mark.django_db(transaction=True)
def test_waiting_messages_are_counted_at_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "_quiet_until", 0.0)
    before = wake._waiting("nobody")
    wake.publish(wake.WEBHOOK[0], "nobody", "id")
    assert wake._waiting("nobody") == before + 1


@pytest.mark.django_db
def test_one_connection_carries_all_mails_that_are_due(mail_sink: Mailbox) -> None:
    for kind in ("access", "deletion", "complaint"):
        submit_request(kind)
    first = Message.objects.earliest("id")
    opening, opened = EmailBackend.open, []

    def watched(backend: EmailBackend) -> bool | None:
        opened.append(answer := opening(backend))
        return answer

    with mock.patch.object(EmailBackend, "open", watched):
        assert mails.work(first.pk, now=SOON) == 3
    assert len(mail_sink.wait(3)) == 3
    assert opened.count(True) == 1


@pytest.mark.django_db
def test_a_failed_mail_does_not_spoil_the_next_one(published: list[tuple[str, str, str]]) -> None:
    submit_request()
    submit_request("deletion")
    first = Message.objects.earliest("id")
    with mock.patch.object(mails, "send", side_effect=[False, True]) as sent, mock.patch.object(mails, "_due") as due:
        due.side_effect = [[Message.objects.latest("id").pk], [], []]
        with mock.patch.object(mails, "get_connection") as connect:
            assert mails.work(first.pk, now=SOON) == 1
    assert connect().close.call_count == 2
    assert sent.call_count == 2


@pytest.mark.django_db(transaction=True)
def test_under_load_a_search_waits_for_others_but_not_for_long(
    published: list[tuple[str, str, str]], agent: User, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_account(email="ana@customer.example")
    reviewed = reviewed_request("deletion", "ana@customer.example", now=timezone.now())
    step = executed(reviewed, agent, officer).steps.get(state="due")
    published.clear()
    monkeypatch.setattr(shift, "SECONDS", -1.0)
    assert shift.work(step.pk, now=step.next_attempt_at) == 0
    assert published == [(wake.STEP, "erasure", str(step.pk))]
    assert shift.work(step.pk, now=step.next_attempt_at + shift.GATHERING) == 1


@pytest.mark.django_db(transaction=True)
def test_erasures_are_searched_for_together_and_each_has_its_own_end(
    published: list[tuple[str, str, str]], agent: User, officer: User
) -> None:
    """Of three, one is found again; a fourth one has failed before and is searched for alone."""
    names = ("ana", "bob", "cy", "dee")
    for name in names:
        make_account(email=f"{name}@customer.example")
    reviewed = [reviewed_request("deletion", f"{name}@customer.example", now=timezone.now()) for name in names]
    requests = [executed(request, agent, officer) for request in reviewed]
    *_others, failing, failed = requests
    Step.objects.filter(pk=failed.steps.get(state="due").pk).update(attempts=1)
    make_organisation(business_address="Care of cy@customer.example")
    with mock.patch.object(residue, "search_many", wraps=residue.search_many) as searched:
        shift.work(failed.steps.get(state="due").pk, now=timezone.now())
    assert sorted(len(call.args[0]) for call in searched.call_args_list) == [1, 3]
    for request in requests:
        request.refresh_from_db()
        verified = request.steps.get(kind="verify")
        if request == failing:
            assert (request.state, verified.last_error) == (State.EXECUTING, "residue-found")
            assert verified.result == {"residue": {"crm.Organisation.business_address": 1}}
        else:
            assert (request.outcome, verified.state) == ("granted", "done")
            assert verified.done_by == "system:worker"
    assert Entry.objects.filter(verb="request.certified").count() == 3


def executed(request: Request, agent: User, officer: User) -> Request:
    """A deletion whose next step is to search for what must be gone."""
    plan, now = plans.current(request), timezone.now()
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=now)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=now)
    for kind in ("execute", "notify"):
        assert runner.run(request.steps.get(kind=kind).pk, now=timezone.now())
    return request
