"""The public pages speak five languages: the compiled catalogues are the written ones, and no placeholder is lost."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import override

from crasme.kit.calendar import Period
from privacy.policy.words import CATEGORIES, PURPOSES, SECTIONS

LANGUAGES = [code for code, _name in settings.LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\((\w+)\)|<(a|strong)\b|\{(\w+)\}")
# Forms of a language that stand for one number, or for none, and may do without it ("one day", "يومان").
SAYS_ITSELF = {"ar": 3}


def catalogue(language: str, suffix: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / f"django.{suffix}"


def written(language: str) -> dict[tuple[str, str], list[str]]:
    """(msgid, its plural or "") → the translations, of every entry that has one."""
    found: dict[tuple[str, str], list[str]] = {}
    for block in catalogue(language, "po").read_text("utf-8").split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if matched := re.match(r"(msg\w+(?:\[\d\])?) (\".*\")$", line):
                name, fields[matched[1]] = matched[1], ast.literal_eval(matched[2])
            elif line.startswith('"'):
                fields[name] += ast.literal_eval(line)
        texts = [text for key, text in fields.items() if key.startswith("msgstr")]
        if fields.get("msgid") and any(texts):
            found[fields["msgid"], fields.get("msgid_plural", "")] = texts
    return found


def test_no_text_hides_in_an_f_string_where_no_collector_looks() -> None:
    rooms = (Path(settings.BASE_DIR) / room for room in ("privacy", "consent", "retention", "crasme"))
    hidden = re.compile(r"""\bf(["']).*?\{(?:_|n?gettext|pgettext)\(""")
    files = [file for room in rooms for file in room.rglob("*.py")]
    assert len(files) > 300
    assert [str(file) for file in files if hidden.search(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language: str) -> None:
    with catalogue(language, "mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    entries = written(language)
    assert len(entries) > 600
    for (msgid, _plural), (first, *rest) in entries.items():
        assert (compiled.ngettext(msgid, msgid, 1) in {first, *rest}) if rest else (compiled.gettext(msgid) == first), (
            msgid
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_placeholders_and_the_links(language: str) -> None:
    for (msgid, plural), texts in written(language).items():
        wanted = set(PLACEHOLDER.findall(plural or msgid))
        for form, text in enumerate(texts):
            found = set(PLACEHOLDER.findall(text))
            short = bool(plural) and form < SAYS_ITSELF.get(language, 1)
            assert found == wanted or (short and found < wanted), (language, msgid, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_purposes_and_categories_are_translated(language: str) -> None:
    words = [*SECTIONS, *PURPOSES.values(), *CATEGORIES.values()]
    same = [_in("en", word) for word in words if _in(language, word) == _in("en", word)]
    assert set(same) <= {"Cookies"}


@pytest.mark.parametrize(
    ("language", "words"), [("de", "24 Monate"), ("fr", "24 mois"), ("es", "24 meses"), ("ar", "24 شهرًا")]
)
@pytest.mark.django_db
def test_periods_are_said_in_the_readers_language(client: Client, language: str, words: str) -> None:
    html = client.get("/policy/", headers={"accept-language": language}).content.decode()
    assert words in html
    with override(language):
        assert Period.parse("P24M").words() == words


def _in(language: str, word: object) -> str:
    with override(language):
        return str(word.title)  # type: ignore[attr-defined]
