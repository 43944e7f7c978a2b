"""What staff may write as a letter: read exactly, checked with its place named, filled in whole and escaped."""

from html.parser import HTMLParser
from itertools import product

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given, strategies as st

from privacy.correspondence import markup, sample, shipped
from privacy.correspondence.catalogue import CATALOGUE, Entry
from privacy.correspondence.checking import check
from privacy.correspondence.own import Own
from privacy.correspondence.render import compose, context_of
from privacy.correspondence.shipped import Shipped
from privacy.errors import LetterBroken
from privacy.models import Request
from tests.builders import NOW, submit_request

LANGUAGES = [code for code, _name in settings.LANGUAGES]
REFUSED, CONFIRM, ERASED, STARTED = (CATALOGUE[name] for name in ("refused", "confirm", "erased", "started"))
SIGNS = st.sampled_from("ab {}*-•\n\r\t\u2028\u202e\u00a0\x00") | st.characters(exclude_categories=[])


# --- reading ---------------------------------------------------------------------------------------------------------
@given(st.text(SIGNS))
def test_any_text_is_read_exactly_or_its_faults_have_a_place(text: str) -> None:
    tidied = markup.tidy(text)
    assert markup.tidy(tidied) == tidied
    try:
        blocks = markup.read(text)
    except markup.Unreadable as error:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # the places are those of what was typed
        for fault in error.faults:
            sign = lines[fault.line - 1][fault.column - 1]
            assert sign in "{}" or not sign.isprintable() or not sign.isascii()
    else:
        assert markup.write(blocks) == tidied
        assert all(slot.name.strip() and not set(slot.name) & set("{}") for block in blocks for slot in block.slots)


# --- checking --------------------------------------------------------------------------------------------------------
def problems(entry: Entry, body: str, subject: str = "Your request") -> dict[str, list[str]]:
    try:
        check(entry, subject, body)
    except ValidationError as error:
        return error.message_dict
    return {}


def test_an_unknown_placeholder_is_named_with_its_place_and_what_there_is() -> None:
    first, second = problems(STARTED, "\nDear reader,\n\n\n  -  you asked for {whish}.")["body"]
    assert first == "Line 5, character 20: {whish} cannot be used here. Did you mean {wish}?"
    assert "{wish} (What was asked for" in second
    assert "{link}" not in second  # it would prove nothing in this letter


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{{ request.person.email }}", "character 1: a brace that belongs to no placeholder"),
        ("a } b", "character 3: a brace"),
        ("a {} b", "character 3: a brace"),
        ("{% include 'x' %}", "{% include 'x' %} cannot be used here"),
        ("{wish.__class__}", "{wish.__class__} cannot be used here."),
        ("a\x00b", "an invisible control character"),
        ("\u202egpj.exe", "an invisible control character"),
        ("  \n ", "Write the text."),
        ("x" * 10_001, "at most 10000"),
    ],
)
def test_nothing_but_placeholders_stands_in_braces(body: str, words: str) -> None:
    assert words in " ".join(problems(STARTED, body)["body"])


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Hello\nBcc: all@evil.example", "one line"),
        ("Hello\r\nBcc: all@evil.example", "one line"),
        ("Code {code}", "{code} cannot be used here"),
        ("{written}", "{written} cannot be used here"),
        ("{first}", "{first} cannot be used here"),
        (" ", "Write a subject."),
        ("x" * 151, "at most 150"),
    ],
)
def test_a_subject_is_one_line_without_secrets(subject: str, words: str) -> None:
    assert words in " ".join(problems(CONFIRM, "{link} {code}", subject)["subject"])


def test_what_a_letter_must_say_cannot_be_left_out() -> None:
    whole = "No: {reason} {remedies} {authority}\n\n{written}"
    assert problems(REFUSED, whole) == {}
    for name in REFUSED.must:
        assert f"{{{name}}} is missing" in problems(REFUSED, whole.replace(f"{{{name}}}", "-"))["body"][0]
    assert "on a line of its own" in problems(REFUSED, "{reason} {remedies} {authority} {written}")["body"][0]
    hidden = problems(CONFIRM, "{link} {code} {first}")["body"]
    assert [text.partition(" stands in a paragraph")[0] for text in hidden] == ["{link}", "{code}"]


# --- the shipped letters as a start ----------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.django_db
def test_every_shipped_letter_can_be_taken_over_and_says_the_same() -> None:
    for entry, language in product(CATALOGUE.values(), LANGUAGES):
        kind = entry.kinds[0] if entry.kinds else Request.Kind.ACCESS
        subject, body = shipped.to_start_from(entry, kind, language)
        check(entry, subject, body)
        own, original = Own(entry, subject, body), Shipped(entry)
        with translation.override(language):
            for sparse in (False, True):
                facts = {**sample.facts(entry, kind, sparse=sparse), "subject": ""}
                assert own.text(facts) == original.text(facts), (entry.name, language, body)
                assert own.subject(facts) == original.subject(facts)
        assert not set(subject + body) & {"\ue000", "\ue001"}, f"{entry.name} says something that no placeholder says"


@pytest.mark.django_db
def test_an_invented_request_has_all_the_facts_of_a_real_one() -> None:
    message = submit_request().messages.get()
    assert set(sample.facts(CONFIRM, "")) - {"link", "code", "whom"} == set(context_of(message, now=NOW))


# --- filling in ------------------------------------------------------------------------------------------------------
class Reader(HTMLParser):
    """What a mail program would make of it: elements and words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def composed(entry: Entry, body: str, language: str = "en", **facts: object) -> tuple[str, str]:
    with translation.override(language):
        known = sample.facts(entry, "") | facts
        secrets = {"link": "https://x.example/", "code": "1234 5678"}
        made = compose(Own(entry, "About {reference}", body), known, sent=secrets, kept={})
    return made.text, made.html


@pytest.mark.django_db
def test_values_are_escaped_and_never_read_again() -> None:
    nasty = '<script>alert(1)</script> {link} {{ x }} & "quotes"'
    text, html = composed(REFUSED, "<b>We</b> regret: {reason} {remedies}\n\n{written}", written=nasty)
    assert nasty in text
    assert nasty in Reader(html).words
    assert {"script", "b"} & set(Reader(html).tags) == set()
    assert "https://x.example/" not in text


@pytest.mark.django_db
def test_what_the_law_demands_is_added_to_every_text() -> None:
    for form in composed(REFUSED, "{reason} {remedies} {authority}\n\n{written}"):
        assert "You may complain to the data protection authority" in form
        assert "PR-0000-0000" in form
        assert "You can answer this mail" in form


@pytest.mark.django_db
def test_html_is_made_of_the_same_words_and_reads_in_the_languages_direction() -> None:
    body = "Yes:\n* {company}\n* two\n\nHere:\n{link}\n{code}\n\n{also}\n\nOr type {code}."
    text, html = composed(CONFIRM, body, "ar")
    assert '<html lang="ar" dir="rtl">' in html
    tags = Reader(html).tags
    assert (tags.count("ul"), tags.count("li"), tags.count("a")) == (2, 3, 1)
    assert '<a class="button" href="https://x.example/">' in html
    assert '<p class="code">1234 5678</p>' in html
    assert "type <bdi>1234 5678</bdi>." in html
    assert "\nhttps://x.example/\n1234 5678\n" in text


@pytest.mark.django_db
def test_a_paragraph_whose_optional_placeholder_is_empty_is_left_out() -> None:
    body = "One.\n\nBefore: {first}\n\nAlso:\n{also}\n\n* kept\n* {first}\n\nList:\n* {first}\n\n{link} {code}"
    facts = sample.facts(CONFIRM, "", sparse=True)
    text, _html = composed(CONFIRM, body, **facts)
    assert text.startswith("One.\n\n* kept\n\nhttps://x.example/ 1234 5678\n")


@pytest.mark.django_db
def test_half_a_letter_is_never_made() -> None:
    for body, facts in (("{vanished}", {}), ("{wish}", {"wish": ""}), ("{", {})):
        with pytest.raises(LetterBroken):
            composed(STARTED, body, **facts)
