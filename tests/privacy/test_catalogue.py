"""Every letter is in the catalogue and has its files; nothing else can be queued."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy.correspondence.catalogue import CATALOGUE, Entry
from privacy.correspondence.placeholders import POOL, Form
from privacy.correspondence.queue import enqueue
from privacy.errors import NoSuchLetter
from privacy.models import Request
from tests.builders import NOW, submit_request

ROOT = Path(__file__).resolve().parents[2]
EMAILS = ROOT / "templates" / "emails"
FORMS = ("subject.txt", "text.txt", "html.html")
SHARED = {
    *("base-html.html", "foot-text.txt", "own-html.html", "own-text.txt"),
    *("told-html.html", "told-text.txt", "customers-html.html", "customers-text.txt"),
}


def queued() -> Iterator[str]:
    """Every template that is named where a mail is queued."""
    for path in (ROOT / "privacy").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
                "enqueue", "_letter",
            ):  # fmt: skip
                named = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "template")]
                yield from (each.value for each in named if isinstance(each, ast.Constant))


def test_the_catalogue_and_the_files_are_the_same_letters() -> None:
    expected = {f"{name}-{form}" for name in CATALOGUE for form in FORMS}
    assert {path.name for path in EMAILS.iterdir()} - SHARED == expected


def test_what_is_queued_by_name_is_in_the_catalogue() -> None:
    found = set(queued())
    assert len(found) > 3
    assert found <= set(CATALOGUE)


@pytest.mark.django_db
def test_nothing_else_can_be_queued() -> None:
    request = submit_request()
    with pytest.raises(NoSuchLetter):
        enqueue(request, "invented", period_key="1", now=NOW)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_an_entry_is_whole(entry: Entry) -> None:
    assert len(entry.name) <= 40
    assert set(entry.placeholders) == {*entry.must, *entry.may, *entry.common} <= set(POOL)
    assert set(entry.kinds) <= set(Request.Kind.values)
    assert ("code" in entry.must) == entry.linked
    assert ("link" in entry.must) == bool(entry.button)
    assert entry.unnamed == ("reference" not in entry.placeholders)
    buttons = [
        entry.button if name == "link" else found.button
        for name, found in entry.placeholders.items()
        if found.form is Form.LINK
    ]
    assert all(buttons)
    assert str(entry.title)
    assert str(entry.occasion).endswith(".")
