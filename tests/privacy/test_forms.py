"""Choosing one right or several, and the few questions of each; all of it without JavaScript."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from privacy.models import Request, Right
from privacy.particulars import QUESTIONS, in_words

pytestmark = pytest.mark.django_db
NEW = reverse("request-new")
PERSON = {"email": "ana@customer.example"}


def page(client: Client, *kinds: str, status: int = 200, **more: str) -> str:
    response = client.get(NEW, {"kind": list(kinds)} | more)
    assert response.status_code == status
    return unescape(response.content.decode())


def refused(client: Client, **answers: object) -> str:
    response = client.post(NEW, PERSON | answers)
    assert response.status_code == 422
    assert not Request.objects.exists()
    return unescape(response.content.decode())


def test_the_choice_leads_to_the_questions_of_what_was_chosen_and_back(client: Client) -> None:
    choice = page(client)
    offered = re.findall(r'type="checkbox" name="kind" value="(\w+)"', choice)
    assert offered == list(Right.objects.open().values_list("kind", flat=True))
    assert 'method="get"' in choice
    assert "csrfmiddlewaretoken" not in choice  # nothing is stored yet, so there is nothing to forge

    form = page(client, "opt_out", "deletion")
    # Two wishes in the order of the register, each with its own words, and none of the others.
    assert re.findall(r'type="hidden" name="kind" value="(\w+)"', form) == ["deletion", "opt_out"]
    assert form.index("Your account is closed") < form.index("takes effect as soon as you send this form")
    assert "nobody analyses, exports or sends" not in form
    assert re.search(r'name="opt_out-scope" value="all"[^>]*checked', form)

    back = page(client, "opt_out", "deletion", choose="")
    assert re.findall(r'value="(\w+)"[^>]*checked', back) == ["deletion", "opt_out"]

    # "Go on" with nothing chosen says so, at the list; whoever has only come is told nothing of the kind.
    (button,) = re.findall(r'<button[^>]* name="(\w+)"', choice.partition('method="get"')[2].partition("</form>")[0])
    nothing = page(client, status=422, **{button: ""})
    assert (
        nothing.index('id="id_kind"')
        < nothing.rindex("Choose what you would like us to do.")
        < nothing.index('type="checkbox"')
    )
    assert '<a href="#id_kind">' in nothing
    assert "Choose what you would like us to do." not in choice + back
    assert 'type="hidden" name="kind" value="opt_out"' in page(client, "opt_out", **{button: ""})


def test_every_right_has_a_page_of_its_own_words(client: Client) -> None:
    texts = {kind: page(client, kind) for kind in Right.objects.open().values_list("kind", flat=True)}
    assert len(texts) == 9
    for kind, html in texts.items():
        section = html[html.index(f'id="{kind}-title"') : html.index('name="email"')]
        assert section.count("<p") >= 2
        names = set(re.findall(r'name="[a-z_]+-(\w+)"', section))
        assert names == {question.name for question in QUESTIONS.get(kind, ())}


def test_what_is_not_offered_is_an_error_at_the_choice_and_nothing_typed_is_lost(client: Client) -> None:
    Right.objects.filter(kind="restriction").update(open=False)
    for kinds in (["everything"], ["restriction"], ["child"]):
        assert "Choose one of the rights listed here." in page(client, *kinds, status=422)
        html = refused(client, kind=[*kinds, "access"], full_name="Ana Nováková")
        assert "Choose one of the rights listed here." in html
        assert 'value="Ana Nováková"' in html
        assert re.findall(r'value="(\w+)"[^>]*checked', html) == ["access"]
    twice = refused(client, kind=["access", "access"])
    assert "You have chosen the same thing twice." in twice
    assert 'href="#id_kind"' in twice
    assert 'id="id_kind"' in twice


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"kind": "objection"}, "Choose one of these."),
        ({"kind": "objection", "objection-purpose": "sale"}, "Choose one of these."),
        ({"kind": "objection", "objection-purpose": "other"}, "Say in your own words"),
        ({"kind": "restriction", "restriction-ground": "words"}, "Say in your own words"),
        ({"kind": "withdrawal"}, "Choose at least one."),
        ({"kind": ["withdrawal", "access"], "withdrawal-what": ["cookies", "<b>"]}, "Choose one of these."),
        ({"kind": "opt_out", "opt_out-scope": "everything"}, "Choose one of these."),
        ({"kind": "complaint"}, "Tell us in a few words what went wrong."),
    ],
)
def test_an_answer_that_is_missing_is_asked_for_at_its_field(
    client: Client, answers: dict[str, object], words: str
) -> None:
    html = refused(client, **answers)
    assert words in html
    (target,) = re.findall(r'<li><a href="#(\w[\w-]*)">', html)
    assert f'id="{target}"' in html


def test_several_wishes_arrive_as_linked_requests_with_their_codes(client: Client) -> None:
    kinds = ["access", "restriction", "objection", "withdrawal", "complaint"]
    answers = {
        "restriction-ground": "accuracy",
        "objection-purpose": "improvement",
        "withdrawal-what": ["services", "cookies"],
        "access-anything": "ignored",
        "details": "Mail went to my old address.",
    }
    assert client.post(NEW, PERSON | answers | {"kind": kinds, "place": "uk"}).status_code == 302
    asked = {request.kind: request for request in Request.objects.all()}
    assert set(asked) == set(kinds)
    assert {request.lead_id for request in asked.values()} == {None, asked["access"].pk}
    assert {kind: request.facts for kind, request in asked.items()} == {
        "access": {},
        "restriction": {"ground": "accuracy"},
        "objection": {"purpose": "improvement"},
        "withdrawal": {"what": ["services", "cookies"]},
        "complaint": {},
    }
    assert {(request.regime, request.details) for request in asked.values()} == {("uk", "Mail went to my old address.")}
    told = [(str(question), [str(answer) for answer in answers]) for question, answers in in_words(asked["withdrawal"])]
    assert told == [("Which consent do you take back?", ["Connected services", "Cookies"])]
    asked["withdrawal"].facts = {"what": ["services", "<script>", {}], "ground": "words"}
    assert [[str(answer) for answer in answers] for _question, answers in in_words(asked["withdrawal"])] == [
        ["Connected services"]
    ]
