"""Letters in the company's own words: who writes them, when they are sent, and that nothing of it is ever lost."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from crasme.ledger.models import Entry
from crasme.staff.models import User
from crasme.staff.roles import AUDITOR
from privacy.correspondence.catalogue import CATALOGUE
from privacy.correspondence.queue import enqueue
from privacy.errors import LetterChanged, NotYours
from privacy.models import Letter, Request
from privacy.services import desk, letters
from tests.builders import NOW, make_user, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
BODY = "Servus, du hast {wish} verlangt.\n\n{link}\n{code}"


def draft(by: User, body: str = BODY, *, kind: str = "", language: str = "en", seen: str = "") -> Letter:
    return letters.write("link", kind, language, subject="Ein Link", body=body, seen=seen, by=by, now=NOW)


def in_force(by: User, body: str = BODY, **place: str) -> Letter:
    letter = draft(by, body, **place)
    return letters.activate(letter, seen=letter.sha256, by=by, now=NOW)


def sent(request: Request, *, key: str = "1") -> str:
    """The text of a fresh link's mail, as it arrives."""
    enqueue(request, "link", period_key=key, now=NOW)
    return str(deliver(NOW)[-1].get_payload()[0].get_payload(decode=True).decode())  # type: ignore[union-attr]


def test_the_closest_text_is_sent_and_the_shipped_one_where_there_is_none(officer: User) -> None:
    request = submit_request("access", language="de")
    deliver(NOW)
    assert "Servus" not in sent(request, key="shipped")
    in_force(officer, language="en")
    in_force(officer, kind="deletion", language="de")
    assert "Servus" not in sent(request, key="other places")
    everywhere = in_force(officer, language="de")
    assert "Servus" in sent(request, key="every kind")
    closest = in_force(officer, BODY.replace("Servus", "Griaß di"), kind="access", language="de")
    assert "Griaß di" in sent(request, key="this kind")
    letters.retire(closest, by=officer, now=NOW)
    assert "Servus" in sent(request, key="again every kind")
    letters.retire(everywhere, by=officer, now=NOW)
    assert "Servus" not in sent(request, key="again shipped")


def test_an_own_text_keeps_its_secrets_out_of_the_record_and_its_id_in_the_evidence(officer: User) -> None:
    letter = in_force(officer)
    request = submit_request()
    deliver(NOW)
    text = sent(request)
    assert "/requests/confirm/" in text
    kept = request.messages.get(template="link")
    assert kept.body is not None
    assert "[link]\n[code]" in kept.body
    assert "/requests/confirm/" not in kept.body
    assert kept.subject == f"Ein Link [{request.reference}]"
    facts = Entry.objects.filter(verb="request.mail_sent").order_by("-id")[0].facts
    assert facts["letter"] == str(letter.pk)


def test_a_text_that_fits_no_more_parks_its_mails_at_once_and_is_seen(
    officer: User, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment took a placeholder away: nobody gets half a letter, and nobody waits half a day to learn of it."""
    request = submit_request()
    deliver(NOW)
    letter = in_force(officer, BODY + "\n\nFor {hours} hours.")
    monkeypatch.setitem(CATALOGUE, "link", replace(CATALOGUE["link"], may=()))
    message = enqueue(request, "link", period_key="1", now=NOW)
    assert message is not None
    assert deliver(NOW) == []
    message.refresh_from_db()
    assert (message.state, message.last_error, message.bounced_at) == ("parked", "letter-broken", None)
    assert Request.objects.with_undelivered_mail().get() == request
    letters.retire(letter, by=officer, now=NOW)
    desk.redrive_work(message, by=agent, now=NOW)
    assert len(deliver(NOW)) == 1


def test_who_may_do_what(agent: User, officer: User) -> None:
    auditor = make_user(AUDITOR)
    with pytest.raises(NotYours):
        draft(auditor)
    letter = draft(agent)
    with pytest.raises(NotYours):
        letters.activate(letter, seen=letter.sha256, by=agent, now=NOW)
    active = letters.activate(letter, seen=letter.sha256, by=officer, now=NOW)
    with pytest.raises(NotYours):
        letters.retire(active, by=agent, now=NOW)
    with pytest.raises(NotYours):
        letters.discard(found := draft(agent), seen=found.sha256, by=auditor)


def test_every_version_stays_with_who_and_when(agent: User, officer: User) -> None:
    first = in_force(officer)
    second = draft(agent, BODY + "\n\nMehr.")
    later = NOW + timedelta(days=3)
    letters.activate(second, seen=second.sha256, by=officer, now=later)
    shown = list(Letter.objects.same_place("link", "", "en"))
    assert [(each.version, each.state) for each in shown] == [(2, "active"), (1, "retired")]
    first.refresh_from_db()
    assert (first.activated_by, first.retired_by, first.retired_at) == (officer.ref, officer.ref, later)
    assert (shown[0].edited_by, shown[0].activated_by) == (agent.ref, officer.ref)
    proof = Entry.objects.filter(verb="letter.activated").order_by("id")
    assert [entry.facts["version"] for entry in proof] == [1, 2]
    for change in (
        lambda: Letter.objects.filter(pk=first.pk).update(body="Nie gesagt."),
        first.delete,
        lambda: Letter.objects.filter(pk=shown[0].pk).update(version=9),
    ):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            change()


def test_nobody_overwrites_or_activates_what_they_have_not_seen(agent: User, officer: User) -> None:
    letter = draft(agent)
    seen = letter.sha256
    with pytest.raises(LetterChanged):
        draft(officer, "{link} {code}")  # a page that was opened before there was a draft
    changed = draft(officer, "{link} {code}", seen=seen)
    assert changed.pk == letter.pk
    with pytest.raises(LetterChanged):
        letters.activate(letter, seen=seen, by=officer, now=NOW)
    with pytest.raises(LetterChanged):
        letters.discard(letter, seen=seen, by=agent)
    letters.activate(changed, seen=changed.sha256, by=officer, now=NOW)
    with pytest.raises(LetterChanged):
        letters.discard(letter, seen=changed.sha256, by=agent)
    with pytest.raises(LetterChanged):
        letters.activate(changed, seen=changed.sha256, by=officer, now=NOW)


def test_a_draft_must_be_a_letter(agent: User) -> None:
    with pytest.raises(ValidationError, match="no such letter"):
        letters.write("erased", "access", "en", subject="a", body="{kept}", seen="", by=agent, now=NOW)
    with pytest.raises(ValidationError, match="code"):
        draft(agent, "{link}")
    with pytest.raises(ValidationError):
        draft(agent, language="tlh")
    with pytest.raises(ValidationError, match="payment card"):
        draft(agent, BODY + " 4111 1111 1111 1111")
    assert not Letter.objects.exists()
