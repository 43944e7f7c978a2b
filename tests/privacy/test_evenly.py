"""Known or unknown, everybody causes the same work: not only the page but also the time it takes tells nothing."""

import re
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crasme.kit import statements
from privacy.models import LinkAsk, Message, Person, Request
from privacy.models.verification import MAX_ATTEMPTS
from privacy.services import links, verification
from tests.builders import confirm_request, make_account, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
CUSTOMER, ASKER, STRANGER = "ana@customer.example", "asked@before.example", "nobody@elsewhere.example"


@pytest.fixture
def asked() -> Request:
    """A request of somebody who is a customer and has asked before; its first mail is out."""
    now = timezone.now() - timedelta(minutes=20)
    make_account(email=CUSTOMER)
    made = submit_request(email=CUSTOMER, now=now)
    submit_request("deletion", ASKER, now=now)
    deliver(now)
    return made


def work(path: str, answers: dict[str, str]) -> tuple[list[str], HttpResponse]:
    """Every statement without its values, and the answer; each as a visitor who was never here."""
    visitor, made_once = Client(), []

    def executed(sql: str, *rest: Any) -> Any:  # these go past what Django captures
        made_once.append(sql)
        return run(sql, *rest)

    run = statements.executed
    with patch.object(statements, "executed", executed), CaptureQueriesContext(connection) as made:
        response = visitor.post(path, answers)
    without = [re.sub(r"'[^']*'|\b\d+\b|\"s\d+_x\d+\"|NULL|true|false", "?", query["sql"]) for query in made]
    return [re.sub(r"\?(::\w+)?", "?", statement) for statement in without] + made_once, response


def test_asking_is_the_same_work_for_customers_for_whoever_asked_before_and_for_strangers(asked: Request) -> None:
    path, seen = reverse("request-new"), []
    for address in ("warm@up.example", CUSTOMER, ASKER, STRANGER):
        asked_for, response = work(path, {"kind": "access", "email": address, "place": "", "leave_empty": ""})
        assert (response.status_code, response["Location"].partition("?")[0]) == (302, reverse("request-sent"))
        seen.append(asked_for)
    customer, before, stranger = seen[1:]
    assert [text for text in customer if text not in stranger] == []
    assert len(customer) == len(before) == len(stranger) > 8
    assert customer == before == stranger
    assert Person.objects.filter(email=CUSTOMER).count() == 1


def test_wanting_a_link_is_the_same_work_whoever_wants_it_for_whatever(asked: Request) -> None:
    seen = []
    for reference, address in (
        ("PR-0000-0000", "warm@up.example"),
        (asked.reference, CUSTOMER),
        (asked.reference, STRANGER),
        (asked.reference, ASKER),
        ("PR-0000-0000", CUSTOMER),
    ):
        asked_for, response = work(reverse("request-link"), {"reference": reference, "email": address})
        assert (response.status_code, response["Location"].partition("?")[0]) == (302, reverse("request-sent"))
        seen.append(asked_for)
    assert all(made == seen[1] for made in seen[1:])
    assert [statement.split()[0] for statement in seen[1]] == ["SAVEPOINT", "INSERT", "RELEASE"]
    typed = LinkAsk.objects.values_list("digest", flat=True)
    assert len(set(typed)) == 5
    assert not [digest for digest in typed if "@" in digest]
    deliver(timezone.now() + timedelta(seconds=1))
    assert [sent.to for sent in mail.outbox[-1:]] == [[CUSTOMER]]
    assert Message.objects.filter(period_key__startswith="link-").count() == 1
    assert not LinkAsk.objects.exists()


def test_a_wrong_code_is_the_same_work_whether_or_not_there_is_such_a_request(asked: Request) -> None:
    issued = verification.issue(asked, now=timezone.now())
    assert issued.code != "0000 0000"
    seen = []
    for reference in ("PR-0000-0000", "PR-1111-1111", asked.reference):
        asked_for, response = work(reverse("request-code"), {"reference": reference, "code": "0000 0000"})
        assert response.status_code == 422
        assert "has been used, has run out, or does not exist" in response.content.decode()
        seen.append(asked_for)
    assert seen[1] == seen[2]
    assert seen[1][0].startswith("\nUPDATE privacy_verification")
    assert asked.verifications.filter(attempts=1).exists()
    for _ in range(MAX_ATTEMPTS):
        work(reverse("request-code"), {"reference": asked.reference, "code": "0000 0000"})
    spent = work(reverse("request-code"), {"reference": asked.reference, "code": issued.code})
    assert spent[1].status_code == 422  # five wrong ones spend the right one too


def test_what_no_worker_was_woken_for_is_found_and_answered_once(asked: Request) -> None:
    now = timezone.now()
    links.ask(asked.reference, CUSTOMER, now=now)
    assert links.answer_all(now) == 0  # it was announced a moment ago
    later = now + timedelta(minutes=1)
    waiting = LinkAsk.objects.get().pk
    assert links.answer_all(later) == 1
    assert links.answer_all(later) == 0
    assert not links.answer(waiting, now=later)
    assert Message.objects.filter(period_key__startswith="link-").count() == 1
    confirm_request(asked, now=now)
    links.ask(asked.reference, CUSTOMER, now=now)
    links.answer_all(later)
    assert set(Message.objects.filter(period_key__startswith="link-").values_list("template", flat=True)) == {
        "confirm", "link",
    }  # fmt: skip
