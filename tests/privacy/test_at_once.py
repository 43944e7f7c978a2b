"""What the law leaves no choice about is done at once: an opt-out before anything is proven, a withdrawal after it."""

import re
import uuid
from datetime import datetime, timedelta

import pytest
import tablib
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consent import notices, services as consent, suppression
from consent.models import ConsentEvent, Suppression
from crasme.crm.models import Integration
from crasme.crm.sheets import AccountImport
from crasme.kit.datamap import Subject
from crasme.kit.ids import uuid7
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.errors import MoveNotAllowed
from privacy.models import Message, Person, Request, Step
from privacy.services import desk, intake, marketing, sweeping, verification
from privacy.services.intake import Submission
from privacy.states import Outcome, State
from privacy.views import timeline
from retention import erasure
from retention.erasureplan import ErasurePlan
from retention.errors import ErasureBlocked
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_integration,
    make_organisation,
    make_user,
    run_steps,
    sign_in,
    submit_request,
)
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"
NEW = reverse("request-new")
DAY = timedelta(days=1)


def letters(request: Request) -> list[str]:
    return list(Message.objects.filter(request=request).values_list("template", flat=True))


# --- opt-out ---------------------------------------------------------------------------------------------------------
def test_an_opt_out_shuts_the_gate_with_the_submission_for_known_and_unknown_alike() -> None:
    make_account(email=ADDRESS)
    seen = []
    for address in (ADDRESS, "nobody@elsewhere.example"):
        visitor = Client()
        answer = visitor.post(NEW, {"kind": "opt_out", "email": address})
        assert suppression.is_suppressed(address, "marketing.features")  # before any worker has run
        request = Request.objects.latest("id")
        assert (request.state, request.without_proof) == (State.EXECUTING, True)
        run_steps(timezone.now())
        request.refresh_from_db()
        assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
        assert request.person.account is None  # nothing was looked up
        (letter,) = deliver(timezone.now() + timedelta(minutes=1))
        there, _question, mark = answer["Location"].partition("?")  # the mark says when
        page = visitor.get(answer["Location"]).content.replace(mark.encode(), b"")
        told = str(letter).replace(request.reference, "").replace(address, "")
        told = re.sub(r"[0-9a-f-]{36}|={5,}\d+==|Date: .*", "", told)
        seen.append((there, page, letters(request), told))
    assert seen[0] == seen[1]
    assert seen[0][2] == ["opted-out"]
    assert "All marketing" in seen[0][3]
    bodies = Message.objects.filter(template="opted-out").values_list("body", flat=True)
    assert all("it mails you a link" in str(body) for body in bodies)  # the page itself has no such button yet
    by = Entry.objects.filter(verb="request.confirmed").values_list("facts__by", flat=True)
    assert set(by) == {"not-needed"}


@pytest.mark.parametrize(
    ("kind", "facts", "scope"),
    [
        ("opt_out", {"scope": "announcements"}, "marketing.announcements"),
        ("opt_out", {"scope": "features"}, "marketing.features"),
        ("opt_out", {}, "marketing"),
        ("objection", {"purpose": "marketing"}, "marketing"),
    ],
)
def test_as_much_is_stopped_as_was_asked(kind: str, facts: dict[str, str], scope: str) -> None:
    request = submit_request(kind, facts=facts, full_name="Somebody's joke")
    assert Suppression.objects.get().scope == scope
    assert (Suppression.objects.get().reason, Suppression.objects.get().source) == ("objected", "privacy-request")
    assert run_steps() == 2
    assert letters(request) == ["opted-out"]
    assert Person.objects.get().full_name == ""  # nobody has proven whose name it is
    assert Entry.objects.filter(verb="consent.suppressed").count() == 1


def test_an_opt_out_survives_every_way_in_which_an_address_comes_back() -> None:
    office = make_user("Privacy officer")
    submit_request("opt_out")
    gone = make_account(email=ADDRESS)
    gone.delete()

    def imported() -> None:
        sheet = tablib.Dataset(headers=["email", "full_name", "organisation"])
        sheet.append([ADDRESS.upper(), "Ana", str(organisation.pk)])
        result = AccountImport(actor=office.ref, now=NOW).import_data(sheet, dry_run=False)
        assert not result.has_validation_errors()
        assert not result.has_errors()

    organisation = make_organisation()
    for _time in range(2):
        imported()
        assert suppression.is_suppressed(ADDRESS)
        assert suppression.check_many([ADDRESS.title()]) == {ADDRESS.title()}
    # Nor does a colleague open it: the list can be added to, and a row has no form and no button to remove it.
    client = Client()
    sign_in(client, office)
    row = Suppression.objects.get()
    for path in ("delete", "change"):
        client.post(f"/admin/consent/suppression/{row.pk}/{path}/", {"post": "yes"})
    client.post("/admin/consent/suppression/", {"action": "delete_selected", "_selected_action": str(row.pk)})
    assert suppression.is_suppressed(ADDRESS)


def test_only_who_has_just_done_something_is_told_that_it_is_done(client: Client) -> None:
    assert b"No more marketing" not in client.get(f"{reverse('request-sent')}?done").content
    alone = client.post(NEW, {"kind": ["opt_out"], "email": ADDRESS})["Location"]
    assert b"That is done" in client.get(alone).content
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        later = client.get(alone)
    for page in (later, client.get(reverse("request-done")), client.get(f"{alone}x")):
        assert (page.status_code, b"That is done" in page.content) == (200, False)
        assert reverse("request-link") in page.content.decode()
    waits = client.post(NEW, {"kind": ["access"], "email": ADDRESS, "place": ""})["Location"]
    linked = client.post(reverse("request-link"), {"reference": "PR-0000-0000", "email": ADDRESS})["Location"]
    said = {b"We have stored what you sent": waits, b"If the reference and the address belong together": linked}
    for words, mine in said.items():
        for path in (waits, linked, reverse("request-sent"), f"{mine}x", alone.replace("done/", "sent/", 1)):
            page = client.get(path).content
            assert (words in page) is (path == mine)
            assert b'name="code"' in page
            assert (reverse("request-new").encode() + b'">Choose' in page) is (path not in said.values())
    assert ADDRESS not in waits + linked


@pytest.mark.parametrize(
    ("form", "sent", "answers", "words"),
    [
        (
            "request-child",
            "request-child-sent",
            {"about": ADDRESS, "relation": "other", "email": ""},
            b"Your report is stored",
        ),
        (
            "request-representative",
            "representative-sent",
            {
                "kind": ["access"],
                "email": ADDRESS,
                "rep_name": "Lena Law",
                "rep_email": "lena@law.example",
                "mandate": "lawyer",
            },
            b"We have stored what you sent",
        ),
        ("preferences", "preferences-sent", {"email": ADDRESS}, b"A mail with a link is on its way"),
    ],
)
def test_what_was_sent_is_said_to_nobody_who_only_opens_the_page(
    client: Client, form: str, sent: str, answers: dict[str, object], words: bytes
) -> None:
    def led(path: str) -> str:
        page = client.get(path)
        assert page.status_code in {302, 303}
        return str(page["Location"])

    mine = client.post(reverse(form), answers)["Location"]
    assert words in client.get(mine).content
    assert ADDRESS not in mine
    other = client.post(NEW, {"kind": ["opt_out"], "email": ADDRESS})["Location"].replace(
        reverse("request-done"), reverse(sent)
    )
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert led(mine) == reverse(form)
    for path in (reverse(sent), f"{mine}x", other):
        assert led(path) == reverse(form)


def test_beside_other_wishes_the_opt_out_does_not_wait_for_the_proof(client: Client) -> None:
    answer = client.post(
        NEW, {"kind": ["opt_out", "withdrawal", "access"], "email": ADDRESS, "withdrawal-what": "cookies"}
    )
    assert suppression.is_suppressed(ADDRESS)
    assert b"No more marketing: that is done already." in client.get(answer["Location"]).content
    found = {request.kind: request for request in Request.objects.all()}
    # A person looks at the copy only, so that leads; its mail asks for nothing that is done already.
    assert {request.lead for request in found.values()} == {None, found["access"]}
    assert (found["access"].state, found["withdrawal"].state) == (State.RECEIVED, State.RECEIVED)
    run_steps(timezone.now())
    mails = {mail["X-Request-Reference"]: str(mail) for mail in deliver(timezone.now() + timedelta(minutes=1))}
    assert "withdrawal of a consent" in mails[found["access"].reference]
    assert "no more marketing" not in mails[found["access"].reference]
    given = intake.submit_many([Submission("opt_out", ADDRESS), Submission("complaint", ADDRESS)], now=NOW)
    assert [request.kind for request in given] == ["opt_out", "complaint"]  # in the order given, whoever leads
    assert given[0].lead == given[1]


@pytest.mark.parametrize("changes", [{"kind": "access"}, {"kind": "objection"}, {"confirmed_at": None}])
def test_the_database_lets_nothing_else_begin_without_proof(changes: dict[str, object]) -> None:
    request = submit_request("opt_out")
    with pytest.raises(IntegrityError, match=r"unproven_is_harmless|work_needs_proof"), transaction.atomic():
        Request.objects.filter(pk=request.pk).update(**changes)


def test_only_a_proven_mailbox_takes_the_opt_out_back(client: Client) -> None:
    request = submit_request("opt_out", now=timezone.now())
    run_steps(timezone.now())
    with pytest.raises(MoveNotAllowed):
        marketing.resume(request, now=NOW)
    page = reverse("request-status", args=[request.reference])
    back = reverse("request-resume", args=[request.reference])
    client.post(back)
    assert suppression.is_suppressed(ADDRESS)

    client.post(reverse("request-confirm", args=[verification.issue(request, now=timezone.now()).token]))
    assert b"You get no more marketing" in client.get(page).content
    client.post(back)
    assert not suppression.is_suppressed(ADDRESS)
    assert b"You have asked for the mails again" in client.get(page).content
    assert Entry.objects.get(verb="consent.suppression_lifted").facts["scope"] == "marketing"


def test_an_address_that_nobody_proved_is_forgotten_and_a_proven_one_is_not() -> None:
    submit_request("opt_out", "stranger@elsewhere.example")
    confirm_request(submit_request("complaint", "known@customer.example"))
    submit_request("opt_out", "known@customer.example")
    submit_request("opt_out", "later@customer.example")
    run_steps()
    deliver(NOW + timedelta(minutes=1))
    assert sweeping.forget_people(NOW + 13 * DAY) == 0
    confirm_request(submit_request("access", "later@customer.example", now=NOW + 13 * DAY), now=NOW + 13 * DAY)
    assert sweeping.forget_people(NOW + 15 * DAY) == 1
    left = Person.objects.exclude(email="").order_by("email")
    assert list(left.values_list("email", "forget_from")) == [
        ("known@customer.example", None),
        ("later@customer.example", None),
    ]
    assert suppression.is_suppressed("stranger@elsewhere.example")  # the hash of the wish stays


def test_one_who_cannot_be_forgotten_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second", "third"):
        submit_request("opt_out", f"{name}@elsewhere.example")
    run_steps()
    deliver(NOW + timedelta(minutes=1))
    stuck = Person.objects.order_by("forget_from", "pk").first()
    preview = erasure.preview

    def blocked(subject: Subject, now: datetime) -> ErasurePlan:
        if subject.values["person"] == {stuck.pk}:
            raise ErasureBlocked("Something must stay.")
        return preview(subject, now)

    monkeypatch.setattr("retention.erasure.preview", blocked)
    with pytest.raises(ExceptionGroup) as failed:
        sweeping.forget_people(NOW + 15 * DAY)
    assert failed.group_contains(ErasureBlocked)
    assert Person.objects.exclude(email="").get() == stuck


# --- withdrawal of consent -------------------------------------------------------------------------------------------
def withdrawn(facts: dict[str, object]) -> Request:
    request = confirm_request(submit_request("withdrawal", facts=facts))
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
    assert letters(request) == ["confirm", "consent-withdrawn"]
    return request


def told(request: Request) -> str:
    (letter,) = [mail for mail in deliver(NOW + timedelta(minutes=1)) if "taken back" in str(mail["Subject"])]
    return " ".join(letter.get_payload()[0].get_payload(decode=True).decode().split())  # type: ignore[union-attr]


def test_a_withdrawal_ends_what_it_names_and_says_so() -> None:
    notices.forget()
    account = make_account(email=ADDRESS)
    make_integration(account, messages=2)
    make_integration(account, provider="other")
    make_integration(make_account())
    visitor, refuser = uuid.uuid4(), uuid.uuid4()
    for who, action in ((visitor, "accept-all"), (refuser, "refuse-all")):
        consent.record_choice(
            event_id=uuid7(), visitor=who, choices={}, action=action, surface="banner", language="en", gpc=False,
            notice_sha=notices.current("en")["sha256"], decided_at=NOW - DAY, now=NOW - DAY, account=account.pk,
        )  # fmt: skip
    before = submit_request("withdrawal", facts={"what": ["services", "cookies"]})
    assert Integration.objects.count() == 3  # nothing is done before the mailbox is proven
    confirm_request(before)
    run_steps()
    before.refresh_from_db()

    assert before.outcome == Outcome.GRANTED
    assert Integration.objects.exclude(account=account).count() == Integration.objects.count() == 1
    latest = ConsentEvent.objects.of_visitor(visitor).first()
    assert latest is not None
    assert (latest.action, latest.surface) == ("withdraw", "request")
    assert not any(yes for slug, yes in latest.choices.items() if slug != "essential")
    assert ConsentEvent.objects.filter(visitor=refuser).count() == 1
    assert not suppression.is_suppressed(ADDRESS)
    result = before.steps.get(kind=Step.Kind.APPLY).result
    assert result == {"outcome": "granted", "services": 2, "kept": 0, "cookies": 1}
    text = told(before)
    assert "2 were disconnected" in text
    assert "1 browser in which you were signed in" in text
    assert "Firefox: Settings" in text
    assert "/cookies/" in text
    assert "Marketing" not in text


def test_a_hold_keeps_what_it_must_of_a_disconnected_service() -> None:
    make_integration(make_account(email=ADDRESS, on_hold=True), messages=1)
    text = told(withdrawn({"what": ["services"]}))
    assert Integration.objects.get().access_token == ""
    assert "The keys are gone at once" in text


def test_a_withdrawal_that_names_nothing_waits_for_somebody_who_reads_it(client: Client, agent: User) -> None:
    """By mail or telephone nobody ticks anything: what is meant is noted by a colleague, and nothing more is ended."""
    make_integration(make_account(email=ADDRESS))
    request = confirm_request(submit_request("withdrawal", facts={"what": ["everything"]}))
    run_steps()
    request.refresh_from_db()
    assert request.state == State.REVIEW
    sign_in(client, agent)
    act = reverse("admin:privacy_request_particulars", args=[request.pk])
    assert act in client.get(reverse("admin:privacy_request_change", args=[request.pk])).content.decode()
    client.post(act, {"what": []})
    request.refresh_from_db()
    assert (request.state, request.round) == (State.REVIEW, 1)
    client.post(act, {"what": ["cookies", "marketing"]})
    run_steps(timezone.now())
    request.refresh_from_db()
    assert (request.state, request.facts) == (State.CLOSED, {"what": ["marketing", "cookies"]})
    assert suppression.is_suppressed(ADDRESS)
    assert Integration.objects.exists()
    entry = Entry.objects.get(verb="request.particulars")
    assert (entry.actor, entry.facts["answers"]) == (agent.ref, {"what": ["marketing", "cookies"]})

    objection = confirm_request(submit_request("objection"))
    run_steps()
    desk.note_particulars(objection, facts={"purpose": "marketing"}, by=agent, now=timezone.now())
    run_steps(timezone.now())
    objection.refresh_from_db()
    assert (objection.state, objection.without_proof) == (State.CLOSED, False)
    assert "opted-out" in letters(objection)


def test_somebody_without_an_account_can_withdraw_as_well() -> None:
    text = told(withdrawn({"what": ["services", "marketing"]}))
    assert "none was connected" in text
    assert "Marketing: we send none to this address any more." in text
    assert "Firefox" not in text


# --- every way -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [State.COLLECTING, State.EXECUTING, State.ANSWERING])
def test_the_page_has_words_for_every_way(state: State) -> None:
    for kind in Request.Kind.values:
        for facts in ({}, {"purpose": "marketing"}, {"purpose": "improvement"}, {"what": ["cookies"]}):
            asked = Request(
                kind=kind, facts=facts, state=state, received_at=NOW, confirmed_at=NOW, received_on=NOW.date(),
                promise_due=NOW.date(), law_due=NOW.date(), effective_due=NOW.date(),
            )  # fmt: skip
            stages = timeline.of(asked)
            assert len(stages) >= 3
            assert all(str(stage.title) for stage in stages)
