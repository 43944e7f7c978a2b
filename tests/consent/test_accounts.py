"""One account, several browsers: which of all the choices counts, in whatever order they arrive."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from hypothesis import given, settings, strategies as st

from consent import accounts, choice, notices, registry, services
from consent.models import Category, ConsentEvent, VisitorAccount
from tests.consent.conftest import Choose
from tests.consent.test_events_view import event

SLUGS = ("functional", "analytics")
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


@st.composite
def decision(draw: Any) -> ConsentEvent:
    asked = draw(st.none() | st.lists(st.sampled_from(SLUGS), unique=True))
    return ConsentEvent(
        id=draw(st.uuids()),
        visitor=draw(st.sampled_from([uuid.UUID(int=1), uuid.UUID(int=2)])),
        choices={slug: draw(st.booleans()) for slug in SLUGS},
        asked=asked,
        # Few instants, so that there are ties.
        decided_at=BEGIN + timedelta(seconds=draw(st.integers(0, 3))),
    )


def outcome(decisions: Any) -> dict[str, bool]:
    return {slug: answer.granted for slug, answer in accounts.merged(decisions).items()}


@settings(max_examples=150, deadline=None)
@given(st.lists(decision(), max_size=4, unique_by=lambda each: each.id), st.data())
def test_order_repetition_and_delay_change_nothing(decisions: list[ConsentEvent], data: Any) -> None:
    expected = outcome(decisions)
    assert all(outcome(order) == expected for order in permutations(decisions))
    assert outcome([*decisions, *decisions]) == expected
    # Merging what was merged elsewhere with the rest is merging all at once: no server needs to have seen everything.
    part = data.draw(st.integers(0, len(decisions)))
    winners = {answer.by.id: answer.by for answer in accounts.merged(decisions[:part]).values()}
    assert outcome([*winners.values(), *decisions[part:]]) == expected
    for slug, granted in expected.items():
        theirs = [each for each in decisions if each.asks(slug)]
        last = max(each.decided_at for each in theirs)
        newest = [each.choices[slug] for each in theirs if each.decided_at == last]
        assert granted is all(newest)  # of the same instant, one refusal is enough
    assert set(expected) == {slug for slug in SLUGS if any(each.asks(slug) for each in decisions)}


def test_an_account_keeps_its_choice_from_one_browser_to_the_next(choose: Choose, now: datetime) -> None:
    account, laptop, phone = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    choose(visitor=laptop, action="accept-all", decided_at=now - timedelta(days=2))
    choose(visitor=phone, action="refuse-all", decided_at=now - timedelta(days=1))
    choose(visitor=uuid.uuid4(), action="accept-all")  # a stranger
    assert accounts.join(laptop, account, now=now)
    assert not accounts.join(laptop, account, now=now)
    assert all(answer.granted for answer in accounts.current(account).values())
    response = HttpResponse()
    accounts.carry(response, phone, account, gpc=False, now=now)
    kept = choice.parse(response.cookies[choice.NAME].value)
    assert kept is not None
    assert (kept.mask, kept.visitor) == (registry.snapshot().essential, phone)
    # Silence takes nothing away: a browser in which nobody chose gets what counts, and changes nothing.
    fresh = uuid.uuid4()
    accounts.carry(HttpResponse(), fresh, account, gpc=False, now=now)
    assert not any(answer.granted for slug, answer in accounts.current(account).items() if slug != "essential")
    assert set(accounts.visitors_of(account)) == {laptop, phone, fresh}
    # A shared computer: what was chosen there may be somebody else's, so a copy of the data leaves it out.
    accounts.join(phone, uuid.uuid4(), now=now)
    assert set(accounts.visitors_of(account, alone=True)) == {laptop, fresh}
    assert services.withdraw_of_account(account, language="en", now=now) == 1  # the laptop's cookie still grants
    assert VisitorAccount.objects.filter(account=account).count() == 3


def test_a_banner_that_comes_back_asks_what_changed_and_keeps_the_rest(
    client: Client, choose: Choose, now: datetime
) -> None:
    visitor, known = uuid.uuid4(), registry.snapshot()
    choose(visitor=visitor, choices={"functional": True, "performance": True}, decided_at=now - timedelta(days=3))
    notices.publish(actor="staff:1", now=now, asks_again=["analytics"])
    registry.forget()
    notices.forget()
    old = choice.Choice(known.bits["functional"] | known.bits["performance"] | 1, 1, False, visitor)
    client.cookies[choice.NAME] = old.value()
    assert choice.still_open(old, registry.snapshot()) == ["analytics"]
    assert choice.still_open(None, registry.snapshot()) is None
    sheet = client.get("/consent/state.css").content.decode()
    assert 'data-category="functional"' in sheet
    assert 'data-category="analytics"' not in sheet
    sent = {"surface": "no-js", "action": "refuse-all"}
    answer = client.post("/cookies/", sent, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303
    event = services.current(visitor)
    assert event is not None
    assert event.asked == ["analytics"]
    assert event.choices == {"essential": True, "functional": True, "analytics": False, "performance": True}
    assert (event.state, event.computed_digest()) == ("given", event.digest)
    kept = choice.parse(client.cookies[choice.NAME].value)
    assert kept is not None
    assert choice.still_open(kept, registry.snapshot()) == []
    assert client.get("/consent/state.css").content.decode() == ".consent{display:none}"


def test_what_was_not_asked_is_not_granted_by_saying_so(choose: Choose, now: datetime) -> None:
    event, _created = choose(action="accept-all", asked=["analytics"], shown_at=now - timedelta(seconds=9))
    assert [slug for slug, yes in event.choices.items() if yes] == ["essential", "analytics"]
    assert event.shown_at == now - timedelta(seconds=9)
    assert event.state_at(now) == "given"
    assert event.state_at(event.valid_until) == "expired"
    assert choose(action="withdraw")[0].state == "withdrawn"
    assert choose(action="close")[0].state == "refused"


@pytest.mark.parametrize("answered", [True, False])
def test_a_cookie_of_an_account_asks_what_nobody_answered(choose: Choose, now: datetime, answered: bool) -> None:
    account, visitor = uuid.uuid4(), uuid.uuid4()
    choose(visitor=visitor, action="accept-all", decided_at=now - timedelta(days=1))
    accounts.join(visitor, account, now=now)
    notices.publish(actor="staff:1", now=now, asks_again=["analytics"])
    registry.forget()
    notices.forget()
    if answered:
        choose(visitor=visitor, action="refuse-all", asked=["analytics"], notice_sha=notices.current("en")["sha256"])
    known = registry.snapshot()
    kept = accounts.cookie_of(accounts.current(account), visitor, known)
    granted = choice.granted(kept, gpc=False, registry=known)
    assert not granted & known.bits["analytics"]
    assert choice.still_open(kept, known) == ([] if answered else ["analytics"])
    assert bool(granted & known.bits["functional"])
    assert Category.objects.filter(essential=True).count() == 1


def test_an_answer_about_one_thing_brings_nothing_else_back(client: Client, choose: Choose, now: datetime) -> None:
    """A later answer about one category: the others keep their own day, their own signal and their own refusal."""
    known, visitor, begun = registry.snapshot(), uuid.uuid4(), now - timedelta(days=100)
    signalled = next(slug for slug, bit in known.bits.items() if bit & known.off_under_gpc)
    other = next(slug for slug, bit in known.bits.items() if not bit & (known.off_under_gpc | known.essential))
    choose(visitor=visitor, action="accept-all", decided_at=begun)
    notices.publish(actor="staff:1", now=now, asks_again=[other])
    registry.forget()
    notices.forget()
    known = registry.snapshot()
    old = choice.Choice(known.everything, 1, False, visitor)
    assert not choice.granted(old, gpc=True, registry=known) & known.off_under_gpc
    client.cookies[choice.NAME] = old.value()
    headers = {"sec-fetch-site": "same-origin", "sec-gpc": "1"}
    client.post("/cookies/", {"surface": "no-js", "action": "accept-all"}, headers=headers)
    morsel = client.cookies[choice.NAME]
    kept = choice.parse(morsel.value)
    assert kept is not None
    granted = choice.granted(kept, gpc=True, registry=known)
    assert granted & known.bits[other]
    assert not granted & known.bits[signalled], "what was allowed without the signal in sight stands against it"
    assert int(morsel["max-age"]) < 90 * 86400, "the first answer is kept for longer than half a year"
    # A refusal of everything that was made before, and comes late, takes back what the partial answer left alone.
    choose(visitor=visitor, action="refuse-all", decided_at=now - timedelta(hours=1))
    assert accounts.of_visitor(visitor)[other].granted
    assert not accounts.of_visitor(visitor)[signalled].granted
    answers = accounts.of_visitor(visitor)
    assert set(accounts.fresh_of(answers, now + timedelta(days=400))) == set()


def test_an_answer_about_one_thing_answers_nothing_else(client: Client, choose: Choose, now: datetime) -> None:
    """Somebody who has not chosen allows one frame: the others are neither granted nor refused."""
    sent, headers = (
        event(choices={"analytics": True}, asked=["analytics"], surface="api"),
        {"Sec-Fetch-Site": "same-origin"},
    )
    answer = client.post("/consent/events/", json.dumps(sent), "application/json", headers=headers)
    made, known = choice.parse(answer.cookies[choice.NAME].value), registry.snapshot()
    assert made is not None
    assert known.choices(choice.granted(made, gpc=False, registry=known)) == {
        "essential": True, "functional": False, "analytics": True, "performance": False,
    }  # fmt: skip
    assert choice.still_open(made, known) == ["functional", "performance"]
    assert choice.parse(made.value()) == made
    shown = client.get("/consent/state.css").content.decode()
    assert '[data-category="analytics"]' in shown
    assert '[data-category="functional"]' not in shown
    for page in ("/cookies/", "/cookies/receipt/"):  # and nobody says that they were refused
        html = client.get(page).content.decode()
        assert (html.count("not answered"), html.count("refused<"), "refused <small" in html) == (2, 0, False), page
    sent = event(visitor=sent["visitor"], choices={"functional": True}, asked=["functional", "performance"])
    answer = client.post("/consent/events/", json.dumps(sent), "application/json", headers=headers)
    assert answer.cookies[choice.NAME].value == f"1.7.1.-.{sent['visitor']}"


def test_a_permission_stands_against_the_signal_only_where_it_was_in_sight(choose: Choose, now: datetime) -> None:
    known, seen, unseen = registry.snapshot(), uuid.uuid4(), uuid.uuid4()
    (first, *_rest) = [slug for slug, bit in known.bits.items() if bit & known.off_under_gpc]
    plain = [slug for slug, bit in known.bits.items() if not bit & known.essential and slug != first]
    account = uuid.uuid4()
    choose(visitor=unseen, choices={first: True}, decided_at=now - timedelta(days=1))
    choose(visitor=seen, choices=dict.fromkeys(plain, True), asked=plain, gpc=True)
    for visitor in (seen, unseen):
        accounts.join(visitor, account, now=now)
    answers = accounts.current(account)
    here = accounts.cookie_of(answers, seen, known, gpc=True)
    assert not choice.granted(here, gpc=True, registry=known) & known.bits[first]
    there = accounts.cookie_of(answers, unseen, known, gpc=False)
    assert choice.granted(there, gpc=False, registry=known) & known.bits[first]
    assert not choice.granted(there, gpc=True, registry=known) & known.bits[first]
