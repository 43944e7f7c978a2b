"""The pages of the letters: what each role sees and may do there, and that a preview neither acts nor shows anybody."""

import re
from dataclasses import replace
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from crasme.staff.models import User
from crasme.staff.roles import AUDITOR
from privacy.admin.forms import DeskForm
from privacy.correspondence.catalogue import CATALOGUE
from privacy.models import Letter, Message, Request, Verification
from privacy.services import letters
from privacy.states import State
from tests.builders import NOW, make_user, reviewed_request, run_steps, sign_in, submit_request

pytestmark = pytest.mark.django_db
LIST = reverse("admin:privacy_letter_changelist")
LINK = reverse("admin:privacy_letter_place", args=["link", "en"])
BODY = "Hello, about {wish}:\n\n{link}\n{code}"


def version(letter: Letter, act: str = "change") -> str:
    return reverse(f"admin:privacy_letter_{act}", args=[letter.pk])


def frames(html: str) -> list[str]:
    """The mails in the page's frames, as a browser would read them; every one may do nothing."""
    found = re.findall(r'<iframe sandbox="" srcdoc="([^"]*)"', html)
    assert len(found) == html.count("<iframe")
    return [unescape(each) for each in found]


def test_an_agent_writes_and_an_officer_puts_in_force(client: Client, agent: User, officer: User) -> None:
    sign_in(client, agent)
    page = client.get(LINK).content.decode()
    assert "Here is a fresh link to your request for {wish}" in page  # begins with what ships
    assert 'data-insert="{code}"' in page
    answer = client.post(LINK, {"subject": "A link", "body": BODY, "seen": "", "save": "1"})
    draft = Letter.objects.get()
    assert answer.url == version(draft)  # type: ignore[attr-defined]
    page = client.get(version(draft)).content.decode()
    assert version(draft, "put_in_force") not in page
    assert client.post(version(draft, "put_in_force"), {"seen": draft.sha256}).status_code == 403

    sign_in(client, officer)
    assert version(draft, "put_in_force") in client.get(version(draft)).content.decode()
    page = client.get(version(draft, "put_in_force")).content.decode()
    assert "Hello, about" in page
    assert draft.sha256 in page
    draft.refresh_from_db()
    assert draft.state == "draft"  # looking changes nothing
    client.post(version(draft, "put_in_force"), {"seen": "0" * 64})
    draft.refresh_from_db()
    assert draft.state == "draft"  # nor does an old page
    client.post(version(draft, "put_in_force"), {"seen": draft.sha256})
    draft.refresh_from_db()
    assert (draft.state, draft.version) == ("active", 1)
    assert "version 1" in client.get(LIST).content.decode()
    client.post(version(draft, "take_back"), {"seen": draft.sha256})
    draft.refresh_from_db()
    assert draft.state == "retired"
    assert "version 1" not in client.get(LIST).content.decode()
    assert version(draft) in client.get(LINK).content.decode()  # still in the history


def test_an_auditor_looks_and_changes_nothing(client: Client, agent: User) -> None:
    draft = letters.write("link", "", "en", subject="A", body=BODY, seen="", by=agent, now=NOW)
    sign_in(client, make_user(AUDITOR))
    page = client.get(LINK).content.decode()
    assert "letter-form" not in page
    assert len(frames(page)) == 2
    assert client.post(LINK, {"subject": "A", "body": BODY, "seen": draft.sha256, "save": "1"}).status_code == 403
    assert client.post(version(draft, "throw_away"), {"seen": draft.sha256}).status_code == 403


def test_a_preview_is_of_nobody_and_stores_nothing(client: Client, agent: User) -> None:
    submit_request(email="ana@customer.example", full_name="Ana Nováková")
    sign_in(client, agent)
    arabic = reverse("admin:privacy_letter_place", args=["link", "ar"])
    before = Verification.objects.count()
    page = client.post(arabic, {"subject": "رابط", "body": f"<b>مرحبا</b>\n\n{BODY}", "seen": "", "preview": "1"})
    html = page.content.decode()
    light, dark = frames(html)
    assert '<html lang="ar" dir="rtl">' in light
    assert "&lt;b&gt;مرحبا&lt;/b&gt;" in light
    assert ("@media not all {" in light, "@media all {" in dark) == (True, True)
    assert "PR-0000-0000" in html
    assert "Ana" not in html
    assert 'dir="rtl"' in html
    assert (Letter.objects.count(), Verification.objects.count()) == (0, before)


def test_faults_are_shown_and_nothing_typed_is_lost(client: Client, agent: User) -> None:
    sign_in(client, agent)
    html = client.post(LINK, {"subject": "A", "body": "Mine: {lnik}", "seen": "", "save": "1"}).content.decode()
    assert "Line 1, character 7: {lnik} cannot be used here. Did you mean {link}?" in html
    assert "Mine: {lnik}" in html
    assert frames(html) == []
    letters.write("link", "", "en", subject="B", body=BODY, seen="", by=agent, now=NOW)
    html = client.post(LINK, {"subject": "A", "body": f"Mine {BODY}", "seen": "", "save": "1"}).content.decode()
    assert "A colleague has changed this text" in html
    assert "Mine Hello" in html
    assert Letter.objects.get().subject == "B"
    html = client.post(LINK, {"subject": "A", "body": "gone", "seen": "", "shipped": "1"}).content.decode()
    assert "Here is a fresh link to your request for {wish}" in html


@pytest.mark.parametrize("path", ["of/invented/en/", "of/link/tlh/", "of/erased/en/?kind=access", "of/link/en/?kind=x"])
def test_a_place_that_there_is_not_is_not_found(client: Client, agent: User, path: str) -> None:
    sign_in(client, agent)
    assert client.get(f"{LIST}{path}").status_code == 404


def test_a_text_that_fits_no_more_is_marked_in_the_list(
    client: Client, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = letters.write("link", "", "en", subject="A", body=BODY + "\n{hours}", seen="", by=officer, now=NOW)
    letters.activate(letter, seen=letter.sha256, by=officer, now=NOW)
    monkeypatch.setitem(CATALOGUE, "link", replace(CATALOGUE["link"], may=()))
    sign_in(client, officer)
    assert "does not fit" in client.get(LIST).content.decode()
    for path in (version(letter), LINK, version(letter, "take_back")):
        assert client.get(path).status_code == 200


def test_the_letter_of_an_act_can_be_seen_before_it_is_sent(client: Client, officer: User) -> None:
    """In the person's language, in the text that is in force, with the words typed; and nothing has happened."""
    sign_in(client, officer)
    asked = reviewed_request("correction")
    Request.objects.filter(pk=asked.pk).update(language="de")
    own = letters.write(
        "refused",
        "",
        "de",
        subject="Nein",
        body="Leider: {reason} {remedies} {authority}\n\n{written}",
        seen="",
        by=officer,
        now=NOW,
    )
    letters.activate(own, seen=own.sha256, by=officer, now=NOW)
    refuse, answer = (reverse(f"admin:privacy_request_{name}", args=[asked.pk]) for name in ("refuse", "answer"))
    mails = Message.objects.count()
    html = client.post(refuse, {"reason": "unfounded", "words": "Weil <i>so</i>.", "preview": "1"}).content.decode()
    assert "The person&#x27;s language is German." in html or "The person's language is German." in html
    assert 'formaction="#preview"' in html  # the page opens where the letter is
    light, _dark = frames(html)
    assert "Leider" in light
    assert "Weil &lt;i&gt;so&lt;/i&gt;." in light
    assert '<html lang="de" dir="ltr">' in light
    assert asked.reference in light
    assert "Weil &lt;i&gt;so" in html  # and the form still holds what was typed

    html = client.post(answer, {"outcome": "granted", "words": "Erledigt.", "preview": "1"}).content.decode()
    assert "Erledigt." in frames(html)[0]
    assert frames(client.post(answer, {"outcome": "granted", "words": "", "preview": "1"}).content.decode()) == []
    asked.refresh_from_db()
    assert (asked.state, asked.refusal_reason, Message.objects.count()) == (State.REVIEW, "", mails)
    take = client.get(reverse("admin:privacy_request_take", args=[asked.pk])).content.decode()
    assert 'name="preview"' not in take


def test_whoever_may_learn_nothing_is_previewed_nothing(client: Client, officer: User) -> None:
    sign_in(client, officer)
    asked = submit_request(
        "child", email="teacher@school.example", about="timmy@customer.example", facts={"relation": "teacher"}
    )
    run_steps()
    refuse = reverse("admin:privacy_request_refuse", args=[asked.pk])
    html = client.post(refuse, {"reason": "unfounded", "words": "", "preview": "1"}).content.decode()
    assert "We tell nobody whether somebody has an account with us." in frames(html)[0]


def test_every_act_that_writes_words_to_somebody_shows_its_letter_first() -> None:
    """A new form with words either names its letter, or says here that they are for colleagues."""
    todo, silent = [DeskForm], set()
    while todo:
        form = todo.pop()
        todo += form.__subclasses__()
        if "words" in form.base_fields and not form.letter:
            silent.add(form.__name__)
    assert silent == {"GoOnForm", "JudgeForm", "MandateForm"}
