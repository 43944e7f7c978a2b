"""The little work of a public form: it keeps programs slow, and never a person out."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest import mock

import altcha
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from redis.exceptions import ConnectionError as CountersDown

from crasme.kit import limits
from privacy import puzzle, throttle
from privacy.models import Request

NEW = reverse("request-new")
ANSWERS = {"kind": "access", "email": "ana@customer.example", "place": "", "leave_empty": ""}


def solution(client: Client | None = None) -> str:
    """What a browser would send: the puzzle fetched and solved."""
    answer = (client or Client()).get(reverse("request-challenge"))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return solve(answer.json())


def solve(made: dict[str, Any]) -> str:
    challenge = altcha.Challenge.from_dict(made)
    found = altcha.solve_challenge(challenge)
    assert found is not None
    return str(altcha.Payload(challenge, found).to_base64())


def ask(number: int, **answers: str) -> int:
    return Client().post(NEW, ANSWERS | {"email": f"ana{number}@customer.example"} | answers).status_code


@pytest.mark.django_db
def test_without_it_fewer_go_through_and_with_it_more() -> None:
    plain = throttle.ASK_PLAIN_NETWORK.times
    assert [ask(number) for number in range(plain + 1)] == [302] * plain + [429]
    assert [ask(number, altcha=solution()) for number in range(10, 12)] == [302] * 2
    assert ask(20, altcha="-") == 429
    assert Request.objects.count() == plain + 2


@pytest.mark.django_db
def test_masses_without_it_use_up_nothing_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "ASK_PLAIN_ALL", limits.Limit("ask-plain-all", times=1, seconds=3600))
    assert [ask(1), ask(2), ask(3, altcha=solution())] == [302, 429, 302]


@pytest.mark.django_db
def test_a_mistake_in_the_form_costs_no_work() -> None:
    paid = solution()
    assert Client().post(NEW, ANSWERS | {"email": "", "altcha": paid}).status_code == 422
    assert puzzle.solved(paid, now=timezone.now())


def test_a_solution_counts_once_however_many_come_at_once_and_however_it_is_written() -> None:
    now = timezone.now()
    paid = solve(puzzle.make(now))
    spelled = base64.b64encode(json.dumps(json.loads(base64.b64decode(paid)), indent=2).encode()).decode()
    with ThreadPoolExecutor(8) as crowd:
        counted = list(crowd.map(lambda text: puzzle.solved(text, now=now), [paid, spelled] * 8))
    assert sorted(counted) == [False] * 15 + [True]


def test_what_is_not_ours_in_time_and_solved_is_worth_nothing() -> None:
    now = timezone.now()
    paid = json.loads(base64.b64decode(solve(puzzle.make(now))))

    def with_(**changes: Any) -> str:
        changed = json.loads(json.dumps(paid))
        for path, value in changes.items():
            place = changed
            *way, last = path.split("__")
            for step in way:
                place = place[step]
            place[last] = value
        return base64.b64encode(json.dumps(changed).encode()).decode()

    foreign = solve(altcha.create_challenge("SHA-256", 1, counter=1, hmac_secret="theirs").to_dict())
    worthless = [
        "", "-", "x" * 5_000, "äöü", "e30=", base64.b64encode(b"[" * 3_000).decode(), base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"challenge": {"parameters": null}, "solution": {}}').decode(), foreign,
        with_(challenge__parameters__expiresAt=int(now.timestamp()) + 86_400), with_(challenge__signature="0" * 64),
        with_(challenge__signature=None), with_(challenge__parameters__cost=1), with_(solution__derivedKey="00" * 32),
        with_(solution__derivedKey=7), with_(challenge__parameters__data={"__proto__": 1}),
        solve(puzzle.make(now - puzzle.LIFETIME - timedelta(seconds=1))),
    ]  # fmt: skip
    assert [text[:40] for text in worthless if puzzle.solved(text, now=now)] == []
    assert not puzzle.solved(with_(), now=now + puzzle.LIFETIME)
    assert puzzle.solved(with_(), now=now)


@pytest.mark.django_db
def test_while_the_counters_are_away_everybody_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_away_until", 0.0)
    paid = solution()
    with mock.patch("crasme.kit.limits.count", side_effect=CountersDown) as asked:
        assert [ask(number) for number in range(throttle.ASK_PLAIN_NETWORK.times + 2)] == [302] * 7
        assert ask(30, altcha=paid) == 302
    assert asked.call_count == 1  # nobody waits for them a second time
    monkeypatch.setattr(limits, "_away_until", 0.0)


@pytest.mark.django_db
def test_puzzles_are_not_handed_out_in_masses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "CHALLENGE_NETWORK", limits.Limit("challenge-network", times=1, seconds=3600))
    answers = [Client().get(reverse("request-challenge")).status_code for _ in range(2)]
    assert answers == [200, 429]
    assert Client().post(reverse("request-challenge")).status_code == 405


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_browser_does_the_work_and_sends_without_it_when_it_cannot(page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    sent: list[str] = []
    page.on(
        "request",
        lambda made: sent.append(made.post_data or "") if made.method == "POST" and "/requests/" in made.url else None,
    )
    for way in ("with", "without"):
        if way == "without":
            page.route("**/requests/challenge/", lambda route: route.abort())
        page.goto(f"{NEW}?kind=access")
        page.get_by_label("Your e-mail address").fill("ana@customer.example")
        page.get_by_role("button", name="Send the request").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    assert "altcha=ey" in sent[0]
    assert "altcha=-" in sent[1]
    assert [said for said in complaints if "ERR_FAILED" not in said] == []
