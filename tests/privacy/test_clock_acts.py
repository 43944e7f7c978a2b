"""What agents do to a clock: only what the law gives, only when the letter has gone out, and never to the promise."""

import json
from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from crasme.kit.clock import controller_day
from crasme.ledger.models import Entry
from crasme.staff.models import User
from crasme.staff.roles import AUDITOR
from privacy.admin import acts_clock
from privacy.clock.rules import VERSION
from privacy.errors import Incomplete, MoveNotAllowed, NotYours
from privacy.models import Request
from privacy.services import clock, sweeping, timing
from privacy.words import EXTENSIONS
from tests.builders import NOW, make_user, reviewed_request, sign_in, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"
WHY = "Your data is in eleven mailboxes of your team."


def asked(regime: str = "eu", kind: str = "complaint") -> Request:
    """Confirmed and waiting for a person, under a known law."""
    request = reviewed_request(kind, ADDRESS)
    if request.regime != regime:
        clock.note(request, clock.Kind.REGIME, actor="system:test", now=NOW, regime=regime)
    return request


def happened(request: Request) -> list[tuple[str, date]]:
    return [(event.kind, event.on) for event in request.clock_events.all() if event.kind not in ("received", "regime")]


def later(days: float) -> datetime:
    return NOW + timedelta(days=days)


def test_an_extension_counts_from_the_day_on_which_its_letter_went_out(agent: User) -> None:
    request = asked("eu")
    promise, law = request.promise_due, request.law_due
    timing.extend(request, reason="complex", words=WHY, by=agent, now=later(3))
    request.refresh_from_db()
    assert (request.law_due, happened(request)) == (law, [])  # nobody has been told yet

    deliver(later(5))
    request.refresh_from_db()
    assert happened(request) == [("extended", controller_day(later(5)))]
    assert (request.law_due, request.promise_due) == (date(2027, 2, 22), promise)
    assert request.effective_due == promise
    body = str(mail.outbox[-1].body)
    assert WHY in body
    assert "take until 22 Feb 2027" in body
    assert "an answer by 22 Dec 2026" in body  # what was promised, and the letter says so
    assert clock.replay(request, controller_day(later(4))).law_due == law

    with pytest.raises(MoveNotAllowed, match="already"):
        timing.extend(request, reason="many", words=WHY, by=agent, now=later(6))


def test_a_notice_that_could_not_go_out_in_time_never_goes_out(agent: User) -> None:
    request = asked("eu")
    message = timing.extend(request, reason="many", words=WHY, by=agent, now=later(29))
    outbox = len(mail.outbox)
    deliver(later(31))  # the mail server was away for two days
    message.refresh_from_db()
    request.refresh_from_db()
    assert (message.state, happened(request)) == ("cancelled", [])
    assert not [sent for sent in mail.outbox[outbox:] if "more time" in sent.subject]
    assert Entry.objects.filter(verb="request.mail_void").count() == 1


def test_time_that_the_law_does_not_give_cannot_be_taken(agent: User) -> None:
    assert [code for code, _words in acts_clock.REASONS] == list(EXTENSIONS)
    for regime in ("br", "other"):
        with pytest.raises(MoveNotAllowed, match="knows no extension"):
            timing.extend(asked(regime), reason="many", words=WHY, by=agent, now=later(1))
    request = asked("eu")
    with pytest.raises(MoveNotAllowed, match="too late"):
        timing.extend(request, reason="many", words=WHY, by=agent, now=later(31))
    with pytest.raises(Incomplete):
        timing.extend(request, reason="many", words=" ", by=agent, now=later(1))
    with pytest.raises(Incomplete):
        timing.extend(request, reason="holidays", words=WHY, by=agent, now=later(1))
    with pytest.raises(NotYours):
        timing.extend(request, reason="many", words=WHY, by=make_user(AUDITOR), now=later(1))
    assert not request.messages.filter(template="extended").exists()


def test_a_question_stops_the_uk_clock_from_its_sending_to_the_answer(agent: User) -> None:
    request = asked("uk", kind="access")
    law, promise = request.law_due, request.promise_due
    timing.ask(request, about="what", words="Which of your three accounts do you mean?", by=agent, now=later(2))
    assert clock.open_question(request) is None
    deliver(later(3))
    assert "stand still" in str(mail.outbox[-1].body)
    assert clock.reply_arrived(request, later(7)) is not None
    assert clock.reply_arrived(request, later(7)) is None
    request.refresh_from_db()
    assert happened(request) == [("paused", controller_day(later(3))), ("resumed", controller_day(later(7)))]
    assert (request.law_due, request.promise_due) == (law + timedelta(days=5), promise)
    assert request.effective_due == promise
    as_of = {day: clock.replay(request, controller_day(later(day))).law_due for day in (2, 6, 7)}
    assert as_of == {2: law, 6: law, 7: law + timedelta(days=5)}


def test_an_answer_by_telephone_is_noted_for_the_day_on_which_it_came(agent: User) -> None:
    request = asked("uk", kind="access")
    with pytest.raises(MoveNotAllowed):
        timing.replied(request, on=controller_day(later(1)), by=agent, now=later(1))
    timing.ask(request, about="who", words="What is the number of your last invoice?", by=agent, now=later(2))
    deliver(later(2))
    for wrong in (1, 9):
        with pytest.raises(Incomplete):
            timing.replied(request, on=controller_day(later(wrong)), by=agent, now=later(8))
    timing.replied(request, on=controller_day(later(4)), by=agent, now=later(8))
    request.refresh_from_db()
    assert happened(request)[-1] == ("resumed", controller_day(later(4)))
    assert request.law_due == date(2026, 12, 26)  # a month from the day on which it was shown who asks


def test_elsewhere_a_question_is_only_a_mail(agent: User) -> None:
    request = asked("eu")
    law = request.law_due
    timing.ask(request, about="what", words="Which ones?", by=agent, now=later(2))
    deliver(later(2))
    assert "goes on meanwhile" in str(mail.outbox[-1].body)
    assert clock.reply_arrived(request, later(4)) is None
    request.refresh_from_db()
    assert (happened(request), request.law_due) == ([], law)


def test_an_agent_says_whose_law_applies(agent: User) -> None:
    request = asked("eu", kind="access")
    timing.set_law(request, regime="br", by=agent, now=later(2))
    request.refresh_from_db()
    assert (request.regime, request.law_due) == ("br", request.received_on + timedelta(days=15))
    assert request.clock_events.last().facts == {"regime": "br", "was": "eu"}
    assert clock.replay(request, controller_day(later(1))).rules[0].rule in ("gdpr-one-month", "promise-30-days")
    with pytest.raises(MoveNotAllowed):
        timing.set_law(request, regime="br", by=agent, now=later(2))
    with pytest.raises(Incomplete):
        timing.set_law(request, regime="atlantis", by=agent, now=later(2))


def test_the_sweep_follows_new_rules_and_leaves_what_was_answered(agent: User) -> None:
    stale, closed = asked("br", kind="access"), submit_request("access", "bob@customer.example")
    Request.objects.update(law_due=stale.received_on + timedelta(days=99), rules_version="2020-01")
    Request.objects.filter(pk=closed.pk).update(state="closed", closed_at=NOW, outcome="unconfirmed")
    assert [sweeping.follow_the_rules(NOW) for _ in range(2)] == [1, 0]
    stale.refresh_from_db()
    assert (stale.law_due, stale.rules_version) == (stale.received_on + timedelta(days=15), VERSION)
    closed.refresh_from_db()
    assert closed.rules_version == "2020-01"


def test_the_desk_offers_what_can_be_done_and_shows_the_dates_as_they_followed(client: Client, agent: User) -> None:
    sign_in(client, agent)
    request = reviewed_request("access", ADDRESS, now=timezone.now())

    def act(name: str) -> str:
        return reverse(f"admin:privacy_request_{name}", args=[request.pk])

    def shown() -> str:
        return client.get(reverse("admin:privacy_request_change", args=[request.pk])).content.decode()

    def offered() -> list[str]:
        html = shown()
        return [name for name in ("ask", "replied", "extend", "set_law") if act(name) in html]

    assert offered() == ["ask", "set_law"]  # nobody knows whose law it is
    assert client.post(act("set_law"), {"regime": "uk"}).status_code == 302
    assert offered() == ["ask", "extend", "set_law"]
    assert client.post(act("ask"), {"about": "what", "words": "Which?"}).status_code == 302
    deliver(timezone.now())  # one after the other: an event is dated when its own mail has gone out
    assert client.post(act("extend"), {"reason": "many", "words": WHY}).status_code == 302
    deliver(timezone.now())
    assert offered() == ["ask", "replied", "set_law"]
    html = shown()
    assert "stands still" in html
    turns = clock.history(request)
    assert [turn.event.kind for turn in turns] == ["received", "regime", "paused", "extended"]
    assert len({turn.dates.law_due for turn in turns}) == 3
    for turn in turns:
        assert date_format(turn.dates.law_due) in html
    assert client.post(act("replied"), {"on": str(controller_day(timezone.now()))}).status_code == 302
    assert offered() == ["ask", "set_law"]
    sign_in(client, make_user(AUDITOR))
    assert client.post(act("set_law"), {"regime": "br"}).status_code == 403


def test_a_stored_clock_is_printed_as_of_any_day(agent: User) -> None:
    def printed(*args: str) -> str:
        out = StringIO()
        call_command("requests", "clock", *args, stdout=out)
        return out.getvalue()

    request = asked("eu")
    timing.extend(request, reason="many", words=WHY, by=agent, now=later(3))
    deliver(later(5))
    name = ("--reference", request.reference.lower())
    before = json.loads(printed(*name, "--as-of", str(controller_day(later(4))), "--json"))
    after = json.loads(printed(*name, "--as-of", str(controller_day(later(5))), "--json"))
    assert (before["law_due"], after["law_due"]) == ("2026-12-22", "2027-02-22")
    assert [event["event"] for event in after["events"]] == ["received", "regime", "extended"]
    assert "extended" in printed(*name, "--as-of", str(controller_day(later(5))))
    for wrong in (("--reference", "PR-0000-0000"), (*name, "--as-of", "2020-01-01"), (*name, "--regime", "uk")):
        with pytest.raises(CommandError):
            printed(*wrong)


def test_no_words_of_ours_go_to_a_mailbox_that_nobody_has_proven(agent: User) -> None:
    unproven = submit_request("complaint", "bob@customer.example", regime="eu")
    with pytest.raises(MoveNotAllowed, match="mailbox is theirs"):
        timing.ask(unproven, about="what", words="Which one?", by=agent, now=later(1))
    with pytest.raises(MoveNotAllowed, match="mailbox is theirs"):
        timing.extend(unproven, reason="many", words=WHY, by=agent, now=later(1))
    assert not unproven.messages.exclude(template="confirm").exists()
