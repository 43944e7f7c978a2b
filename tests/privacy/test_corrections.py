"""A correction from the proposal on the person's page to the value written, and every way it can end."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.crm.models import Account
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy import throttle
from privacy.errors import Incomplete, LinkSpent, MoveNotAllowed, NotYours, ProposalsChanged
from privacy.models import Correction, Request
from privacy.services import copies, corrections, decisions, desk, holdings, mailboxes, people
from privacy.services.decisions import Verdict
from privacy.states import Outcome, State
from privacy.views import proof
from retention import residue
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_billing_profile,
    make_organisation,
    reviewed_request,
    run_steps,
    sign_in,
    submit_request,
)
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"
OLD_PHONE, NEW_PHONE = "+43 1 5550100", "+43 1 5550199"


@pytest.fixture
def account() -> Account:
    return make_account(email=ADDRESS, full_name="Ana Novak", phone=OLD_PHONE)


@pytest.fixture
def asked(account: Account) -> Request:
    return reviewed_request("correction", ADDRESS)


def key(row: Account, name: str) -> str:
    return holdings.Held(row, name).key


def propose(asked: Request, row: Account, now: object = NOW, **values: str) -> None:
    named = {key(row, name): value for name, value in values.items()}
    corrections.propose(asked, named, actor="person:x", now=now)  # type: ignore[arg-type]


def decide(asked: Request, by: User, *rejected: str, settled: str = "") -> Request:
    """Everything is accepted, save the fields named."""
    verdicts = {
        line.correction.pk: Verdict(
            accept=line.correction.field not in rejected,
            seen=line.fingerprint,
            reason="accurate" if line.correction.field in rejected else "",
            words="We rang you." if line.correction.field in rejected else "",
            settled=settled,
        )
        for line in corrections.lines(asked)
    }
    return decisions.decide(asked, verdicts, by=by, now=NOW)


def ended(asked: Request, now: object = NOW) -> Request:
    run_steps(now)  # type: ignore[arg-type]
    asked.refresh_from_db()
    return asked


def letter(now: object = NOW + timedelta(minutes=1)) -> str:
    """The plain text of the last mail that goes out."""
    deliver(now)  # type: ignore[arg-type]
    return str(mail.outbox[-1].body)


# --- from the proposal to the value ----------------------------------------------------------------------------------
def test_what_is_accepted_is_written_and_the_old_value_is_readable_nowhere(
    client: Client, asked: Request, account: Account, agent: User
) -> None:
    propose(asked, account, phone=NEW_PHONE, job_title="Head of dispatch")
    decide(asked, agent, "job_title")
    assert ended(asked).state == State.CLOSED
    assert asked.outcome == Outcome.PARTLY
    account.refresh_from_db()
    assert (account.phone, account.job_title) == (NEW_PHONE, "Dispatcher")

    assert residue.search([OLD_PHONE], kept=True) == []
    assert {hit.label for hit in residue.search([NEW_PHONE], kept=True)} == {"crm.Account"}
    assert residue.search(["Head of dispatch"], kept=True) == []
    written = Correction.objects.get(field="phone")
    assert written.old_digest == holdings.Held(account, "phone").digest(OLD_PHONE)
    assert written.new_digest == holdings.Held(account, "phone").digest(NEW_PHONE)
    assert Entry.objects.get(verb="crm.corrected").facts == {"table": "crm.account", "fields": ["phone"]}
    assert "55501" not in str(list(Entry.objects.values_list("facts", flat=True)))

    text = letter()
    assert "Phone number: corrected" in text
    assert "Job title: not changed. We looked into it, and what we hold is right." in text
    assert "We rang you." in text
    assert "data protection authority" in text
    assert NEW_PHONE not in text
    assert asked.messages.filter(template="corrected").count() == 1
    page = client.get(visit(client, asked)).content.decode()
    assert "for each value that was not changed you find the reason" in page
    assert "We rang you." in page
    assert NEW_PHONE not in page


def test_rejecting_everything_is_a_refusal_with_a_reason_for_each(
    asked: Request, account: Account, agent: User, officer: User
) -> None:
    propose(asked, account, phone=NEW_PHONE)
    with pytest.raises(NotYours):
        decide(asked, agent, "phone")
    decide(asked, officer, "phone")
    ended(asked)
    assert (asked.state, asked.outcome, asked.refusal_reason) == (State.CLOSED, Outcome.REFUSED, "not_covered")
    account.refresh_from_db()
    assert account.phone == OLD_PHONE
    assert not asked.notices.exists()
    assert "Phone number: not changed." in letter()
    assert not asked.messages.filter(template="refused").exists()


def test_a_value_that_changed_after_the_decision_is_looked_at_again(
    asked: Request, account: Account, agent: User
) -> None:
    propose(asked, account, phone=NEW_PHONE, job_title="Driver")
    decide(asked, agent, "job_title")
    Account.objects.filter(pk=account.pk).update(phone="+43 1 7777777")
    ended(asked)
    assert (asked.state, asked.round) == (State.REVIEW, 2)
    account.refresh_from_db()
    assert account.phone == "+43 1 7777777"
    assert set(asked.corrections.values_list("decision", "reason", "old_digest")) == {("open", "", "")}
    assert {line.held.stored for line in corrections.lines(asked) if line.held} == {"+43 1 7777777", "Dispatcher"}
    decide(asked, agent)
    ended(asked, NOW + timedelta(minutes=1))
    account.refresh_from_db()
    assert (asked.outcome, account.phone, account.job_title) == (Outcome.GRANTED, NEW_PHONE, "Driver")


def test_an_account_that_left_the_mailbox_is_neither_shown_nor_written(
    asked: Request, account: Account, agent: User, officer: User
) -> None:
    propose(asked, account, phone=NEW_PHONE)
    Account.objects.filter(pk=account.pk).update(email="somebody@else.example")
    assert holdings.held(asked) == []
    (line,) = corrections.lines(asked)
    assert line.held is None
    with pytest.raises(Incomplete, match="no longer held"):
        decide(asked, agent)
    decisions.decide(
        asked,
        {line.correction.pk: Verdict(accept=False, seen=line.fingerprint, reason="gone")},
        by=officer,
        now=NOW,
    )
    assert ended(asked).outcome == Outcome.REFUSED


def test_what_was_on_the_screen_is_what_is_decided(asked: Request, account: Account, agent: User) -> None:
    propose(asked, account, phone=NEW_PHONE)
    (line,) = corrections.lines(asked)
    seen = {line.correction.pk: Verdict(accept=True, seen=line.fingerprint)}
    propose(asked, account, phone="+43 1 0000001")
    with pytest.raises(ProposalsChanged):
        decisions.decide(asked, seen, by=agent, now=NOW)
    propose(asked, account, phone=NEW_PHONE)
    propose(asked, account, job_title="Driver")
    with pytest.raises(ProposalsChanged):
        decisions.decide(asked, seen, by=agent, now=NOW)
    assert set(asked.corrections.values_list("decision", flat=True)) == {"open"}
    decide(asked, agent)
    with pytest.raises(MoveNotAllowed):
        decisions.decide(asked, seen, by=agent, now=NOW)
    with pytest.raises(MoveNotAllowed):
        propose(asked, account, phone="+43 1 0000002")


def test_role_and_organisation_are_words_until_a_colleague_chooses(
    asked: Request, account: Account, agent: User
) -> None:
    other = make_organisation(name="Neue Spedition")
    propose(asked, account, role="I run the place, make me owner", organisation="Neue Spedition")
    with pytest.raises(Incomplete, match="Choose the value"):
        decide(asked, agent)
    with pytest.raises(Incomplete, match="not a valid choice"):
        decide(asked, agent, "organisation", settled="emperor")
    decide(asked, agent, "role", settled=str(other.pk))
    ended(asked)
    account.refresh_from_db()
    assert (account.role, account.organisation) == ("member", other)
    assert residue.search(["I run the place"], kept=True) == []


def test_proposals_can_be_changed_and_taken_back(asked: Request, account: Account) -> None:
    for value in (NEW_PHONE, NEW_PHONE, "+43 1 0000001"):
        propose(asked, account, phone=value)
    assert asked.corrections.get().proposed == "+43 1 0000001"
    assert Entry.objects.filter(verb="request.correction_proposed").count() == 2
    propose(asked, account, phone=OLD_PHONE)
    assert not asked.corrections.exists()
    with pytest.raises(ValidationError, match="payment card"):
        propose(asked, account, phone="4111 1111 1111 1111")


def test_taking_the_request_back_empties_what_was_proposed(asked: Request, account: Account) -> None:
    propose(asked, account, phone=NEW_PHONE, email="ana@new.example")
    desk.withdraw(asked, actor="person:x", now=NOW)
    assert residue.search([NEW_PHONE, "ana@new.example"], kept=True) == []
    deliver(NOW + timedelta(minutes=1))
    assert all("ana@new.example" not in message.to for message in mail.outbox)


# --- somebody else's rows --------------------------------------------------------------------------------------------
def test_rows_of_others_are_never_reached(asked: Request, account: Account) -> None:
    other = make_account(email="bob@customer.example", phone="+43 1 2222222")
    theirs = make_billing_profile(other, billing_email=ADDRESS)  # it names Ana, and is Bob's
    own = make_billing_profile(account)
    assert {each.row for each in holdings.held(asked)} == {account, own}
    for row, name in ((other, "phone"), (theirs, "billing_name")):
        with pytest.raises(ProposalsChanged):
            corrections.propose(asked, {holdings.Held(row, name).key: "x"}, actor="person:x", now=NOW)
    with pytest.raises(ProposalsChanged):
        corrections.propose(asked, {f"account-{account.pk}-status": "erased"}, actor="person:x", now=NOW)
    assert not Correction.objects.exists()


# --- a new mailbox ---------------------------------------------------------------------------------------------------
def mailed_link() -> str:
    found = re.search(r"http://\S+(/requests/new-mailbox/\S+)", str(mail.outbox[-1].body))
    assert found
    return found.group(1)


def test_a_new_address_counts_once_its_own_mailbox_was_proven(
    client: Client, asked: Request, account: Account, agent: User
) -> None:
    now = timezone.now()
    copy = reviewed_request("portability", ADDRESS)
    propose(asked, account, now=now, email="Ana@New.example")
    with pytest.raises(Incomplete, match="Nobody has proven"):
        decide(asked, agent)
    (sent,) = [each for each in deliver(now + timedelta(minutes=1)) if each["To"] == "ana@new.example"]
    for secret in (asked.reference, str(asked.pk), ADDRESS, "Novak", "References", "In-Reply-To"):
        assert secret not in sent.as_string()
    link = mailed_link()
    record = asked.messages.get(template="new-mailbox")
    assert link not in str(record.body)

    assert client.get(link).status_code == 200
    assert asked.corrections.get().proven_at is None  # looking changes nothing
    for _ in range(2):
        page = client.post(link)
        assert b"Thank you" in page.content
        assert asked.reference.encode() not in page.content
        assert not page.cookies
    assert asked.corrections.get().proven_at is not None
    # It opens nothing else.
    token = link.split("/")[-2]
    assert client.post(reverse("request-confirm", args=[token])).status_code == 410

    decide(asked, agent)
    ended(asked, now)
    account.refresh_from_db()
    assert account.email == "ana@new.example"
    deliver(timezone.now() + timedelta(minutes=5))
    assert mail.outbox[-1].to == [ADDRESS]  # the answer goes to whoever asked
    assert "new.example" not in str(mail.outbox[-1].body)
    assert client.get(link).status_code == 410
    # What the person asked for besides is still theirs, although the account has moved.
    asked.person.refresh_from_db()
    assert people.still_theirs(asked)
    assert people.locate(asked).account == account
    then = timezone.now() + timedelta(minutes=6)
    deletion = reviewed_request("deletion", "ana@new.example", now=then)  # so a copy of it comes before its deletion
    wait = copies.awaited(deletion, now=then)
    assert wait is not None
    assert (wait.copy, wait.copy.person == deletion.person) == (copy, False)
    # Whoever reads the old mailbox from now on has no claim to it.
    later = confirm_request(submit_request(kind=Request.Kind.ACCESS), now=timezone.now() + timedelta(minutes=6))
    assert people.locate(later).account is None
    later.account = account
    assert not people.still_theirs(later)
    assert holdings.held(later) == []
    Account.objects.filter(pk=account.pk).update(email="third@else.example")
    assert not people.still_theirs(asked)
    assert copies.awaited(deletion, now=then) is None


def test_another_value_needs_another_proof_and_an_own_address_none(asked: Request, account: Account) -> None:
    profile = make_billing_profile(account, billing_email="buero@customer.example")
    propose(asked, account, email="ana@new.example")
    proposal = asked.corrections.get()
    first = mailboxes.token(proposal)
    mailboxes.prove(first, now=NOW)
    propose(asked, account, email="ana@newer.example")
    proposal.refresh_from_db()
    assert proposal.proven_at is None
    with pytest.raises(LinkSpent):
        mailboxes.prove(first, now=NOW)
    with pytest.raises(LinkSpent):
        mailboxes.prove(mailboxes.token(proposal), now=NOW + mailboxes.LIFETIME)
    deliver(NOW + timedelta(minutes=1))
    assert [message.to for message in mail.outbox][-1] == ["ana@newer.example"]
    assert ["ana@new.example"] not in [message.to for message in mail.outbox]  # proven when its turn came

    corrections.propose(asked, {holdings.Held(profile, "billing_email").key: ADDRESS}, actor="x", now=NOW)
    (own,) = [line for line in corrections.lines(asked) if line.correction.field == "billing_email"]
    assert not own.needs_proof()


def test_an_address_of_somebody_else_is_told_to_the_desk_alone(
    client: Client, asked: Request, account: Account, agent: User
) -> None:
    make_account(email="bob@customer.example")
    propose(asked, account, email="bob@customer.example")  # no hint that it is known
    mailboxes.prove(mailboxes.token(asked.corrections.get()), now=NOW)
    with pytest.raises(Incomplete, match="exists already"):
        decide(asked, agent)
    sign_in(client, agent)
    (line,) = corrections.lines(asked)
    answers = {f"verdict-{line.correction.pk.hex}": "accept", f"seen-{line.correction.pk.hex}": line.fingerprint}
    page = client.post(reverse("admin:privacy_request_decide", args=[asked.pk]), answers)
    assert b"exists already" in page.content
    asked.refresh_from_db()
    assert asked.state == State.REVIEW


# --- the person's page -----------------------------------------------------------------------------------------------
def visit(client: Client, asked: Request) -> str:
    """The page, opened with its proof."""
    path = reverse("request-status", args=[asked.reference])
    client.cookies[proof.COOKIE] = proof._signer.sign(str(asked.pk))
    return path


def form_of(html: str) -> dict[str, str]:
    """What a browser would send when nothing is touched."""
    found = {}
    html = html.partition('id="corrections"')[2].partition("</form>")[0]
    for tag in re.findall(r"<input[^>]+>", html):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found[name.group(1)] = value.group(1) if value else ""
    found |= dict(re.findall(r'<select name="([^"]+)".*?<option value="([^"]*)" selected>', html, re.DOTALL))
    return found | dict(re.findall(r'<textarea name="([^"]+)"[^>]*>\s*(.*?)</textarea>', html, re.DOTALL))


def test_the_person_proposes_on_their_page_and_errors_stand_at_their_field(client: Client, account: Account) -> None:
    make_billing_profile(account)
    Account.objects.filter(pk=account.pk).update(time_zone="Mars/Olympus")  # wrong before, and not touched
    asked = confirm_request(submit_request("correction", ADDRESS, now=timezone.now()), now=timezone.now())
    run_steps(timezone.now())
    path = visit(client, asked)
    html = client.get(path).content.decode()
    assert "Ana Novak" in html
    assert OLD_PHONE in html
    assert "Billing address" in html
    sent = form_of(html)
    post = reverse("request-corrections", args=[asked.reference])

    assert client.post(post, sent).status_code == 302
    assert not asked.corrections.exists()  # nothing was touched
    for name, value, words in (
        ("phone", "4111 1111 1111 1111", "payment card number"),
        ("phone", "1" * 41, "at most 40"),
        ("full_name", "a\x1bb", "control character"),
        ("full_name", "a\x00b", "Null characters"),
        ("language", "Klingon!", "valid choice"),
        ("email", "no address", "valid email"),
        ("email", "", "required"),
    ):
        page = client.post(post, sent | {key(account, name): value})
        assert page.status_code == 422, name
        assert words in page.content.decode(), name
    assert not asked.corrections.exists()

    changed = sent | {key(account, "phone"): NEW_PHONE, key(account, "role"): "admin, please"}
    for _ in range(3):
        assert client.post(post, changed | {"account-x-phone": "9"}).status_code == 302
    assert set(asked.corrections.values_list("field", flat=True)) == {"phone", "role"}
    html = client.get(path).content.decode()
    assert "admin, please" in html
    assert client.post(post, form_of(html) | {"take_back": key(account, "phone")}).status_code == 302
    assert asked.corrections.get().field == "role"

    stranger = Client()
    assert stranger.post(post, changed)["Location"] == path
    assert asked.corrections.count() == 1


def test_the_form_mails_few_strangers(client: Client, asked: Request, account: Account) -> None:
    visit(client, asked)
    post = reverse("request-corrections", args=[asked.reference])
    answers = [
        client.post(post, {key(account, "email"): f"victim{number}@new.example"}).status_code
        for number in range(throttle.MAILBOX_REQUEST.times + 1)
    ]
    assert answers == [302] * throttle.MAILBOX_REQUEST.times + [429]


def test_without_an_account_there_is_a_way_on(client: Client, agent: User, officer: User) -> None:
    asked = reviewed_request("correction", "nobody@customer.example")
    page = client.get(visit(client, asked))
    assert b"found no account" in page.content
    sign_in(client, agent)
    shown = client.get(reverse("admin:privacy_request_change", args=[asked.pk])).content.decode()
    assert reverse("admin:privacy_request_answer", args=[asked.pk]) in shown
    assert reverse("admin:privacy_request_decide", args=[asked.pk]) not in shown
    desk.answer(asked, outcome="granted", words="We changed the newsletter's greeting.", by=agent, now=NOW)
    ended(asked)
    assert (asked.state, asked.outcome) == (State.CLOSED, Outcome.GRANTED)
    assert "newsletter" in letter()
    assert asked.messages.filter(template="corrected").count() == 0
    other = reviewed_request("correction", "nobody2@customer.example")
    desk.refuse(other, reason="not_covered", words="", by=officer, now=NOW)
    assert ended(other).outcome == Outcome.REFUSED
    assert other.messages.filter(template="refused").exists()


# --- the desk --------------------------------------------------------------------------------------------------------
def test_an_agent_enters_and_decides_from_the_desk(
    client: Client, asked: Request, account: Account, agent: User
) -> None:
    sign_in(client, agent)
    page = reverse("admin:privacy_request_change", args=[asked.pk])
    enter = reverse("admin:privacy_request_enter", args=[asked.pk])
    html = client.get(page).content.decode()
    assert "has proposed no value yet" in html
    assert client.post(reverse("admin:privacy_request_ask_values", args=[asked.pk])).status_code == 302
    assert "what is right" in letter(timezone.now() + timedelta(minutes=1))
    assert OLD_PHONE in client.get(enter).content.decode()
    client.post(
        enter,
        {key(account, "phone"): NEW_PHONE, key(account, "role"): "Administrator", key(account, "organisation"): "Neue"},
    )
    assert set(asked.corrections.values_list("entered_by", flat=True)) == {agent.pk}
    with pytest.raises(MoveNotAllowed, match="proposed"):
        desk.answer(asked, outcome="granted", words="Done.", by=agent, now=NOW)

    html = client.get(page).content.decode()
    assert OLD_PHONE in html
    assert NEW_PHONE in html
    decision = reverse("admin:privacy_request_decide", args=[asked.pk])
    assert NEW_PHONE in client.get(decision).content.decode()
    answers, keys = {}, {}
    for line in corrections.lines(asked):
        pk = keys[line.correction.field] = line.correction.pk.hex
        answers |= {f"seen-{pk}": line.fingerprint, f"verdict-{pk}": "accept"}
    role, home, other = keys["role"], f"settled-{keys['organisation']}", make_organisation(name="Neue Spedition")
    assert "not a valid UUID" in client.post(decision, answers | {home: "no-key"}).content.decode()
    answers[home] = str(other.pk)
    assert b"Choose the value" in client.post(decision, answers).content
    assert b"Give a reason" in client.post(decision, answers | {f"verdict-{role}": "reject"}).content
    assert client.post(decision, answers | {f"settled-{role}": "admin"}).status_code == 302
    ended(asked, timezone.now())
    account.refresh_from_db()
    assert (asked.outcome, account.phone, account.role) == (Outcome.GRANTED, NEW_PHONE, "admin")
    assert account.organisation == other
    assert "Accounts · Phone number" in client.get(page).content.decode()
