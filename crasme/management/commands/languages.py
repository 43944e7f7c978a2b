"""`manage.py languages`: collect the texts of the public pages and the mails into locale/, and compile them.

Run it after changing such a text; the translators' files then show what is missing. Needs GNU gettext, which a running
product does not: the compiled catalogues are kept beside the sources, and a test compares the two.

What could go wrong: the data map's words are plain strings, which no collector sees, so their translations would be
thrown away as unused; and what can be corrected is called by its column's name, in files that are not collected. They
are written to a module for the time of the collection, with the choices of forms that people fill in.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.core.management.commands import makemessages
from django.utils import translation

from crasme.crm.services.corrections import CORRECTABLE
from crasme.kit import datamap
from privacy.models import RecipientNotice, Referral, Representative
from retention.schedule import FIRST_SCHEDULE

# Pages of staff stay English; what only they see is not collected.
STAFF_ONLY = (
    "*/admin/*",
    "*/commands/*",
    "consent/api.py",
    "consent/changes.py",
    "consent/fairness/*",
    "consent/lists.py",
    "consent/scanning/*",
    "consent/sheets.py",
    "crasme/crm/*",
    "crasme/dashboard/*",
    "crasme/demo/*",
    "crasme/ledger/*",
    "crasme/run/*",
    "crasme/staff/*",
    "privacy/models/*",
    "privacy/promises/*",
    "privacy/readable.py",
    "privacy/troubles.py",
    "retention/*",
    "templates/account/*",
    "templates/mfa/*",
)

# Declared in files that are not collected, and read by people all the same.
PUBLIC_CHOICES = (Referral.Outcome, RecipientNotice.Act, Representative.Mandate)


class Collector(makemessages.Command):
    # A guess at a translation would be shown to people as if somebody had written it.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]  # noqa: RUF012


class Command(BaseCommand):
    help = "Collect and compile the texts that the public reads."

    def handle(self, *args: Any, **options: Any) -> None:
        words = Path(settings.BASE_DIR) / "privacy" / "policy" / "_words_of_the_data_map.py"
        with translation.override(None):
            texts = dict.fromkeys([*_texts(), *_names()])
        words.write_text("".join(f"_({text!r})\n" for text in texts), encoding="utf-8")
        try:
            call_command(
                Collector(),
                locale=[code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE],
                ignore_patterns=[*STAFF_ONLY, ".*", "benchmarks", "tests", "staticfiles"],
                no_location=True,
                no_wrap=True,
                no_obsolete=True,
                extensions=["html", "txt", "py"],
            )
        finally:
            words.unlink()
        call_command("compilemessages", ignore_patterns=[".venv/*"])


def _texts() -> Iterator[str]:
    for table in datamap.tables():
        if table.category is not datamap.Category.STAFF:
            yield from (table.title, table.source)
            for declared in table.fields.values():
                yield from filter(None, (declared.meaning, declared.reason, declared.withheld))
    yield from (planned.legal_reason for planned in FIRST_SCHEDULE)


def _names() -> Iterator[str]:
    """What a person can correct is named on their page as its column is."""
    for model, names in CORRECTABLE.items():
        yield str(model._meta.verbose_name)
        for field in (each for each in model._meta.concrete_fields if each.name in names):
            yield str(field.verbose_name)
            yield from (str(label) for _value, label in field.flatchoices)
    yield from (str(label) for each in PUBLIC_CHOICES for label in each.labels)
