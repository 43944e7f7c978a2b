"""Names, addresses and texts, in five languages."""

import random
import unicodedata
from dataclasses import dataclass

from faker import Faker


@dataclass(frozen=True, slots=True)
class Locale:
    """`phone` is a pattern; each # becomes a digit. Where a country keeps numbers for fiction, they are those."""

    faker: str
    country: str
    time_zone: str
    phone: str


LOCALES = {
    "de": Locale("de_AT", "AT", "Europe/Vienna", "+43 1 55 5## ###"),
    "en": Locale("en_GB", "GB", "Europe/London", "+44 113 496 0###"),
    "fr": Locale("fr_FR", "FR", "Europe/Paris", "+33 1 99 00 ## ##"),
    "es": Locale("es_ES", "ES", "Europe/Madrid", "+34 900 5## ###"),
    "ar": Locale("ar_EG", "EG", "Africa/Cairo", "+20 2 555 ####"),
}
LANGUAGE_OF = {locale.country: language for language, locale in LOCALES.items()}
LANGUAGE_WEIGHTS = {"de": 5, "en": 4, "fr": 2, "es": 2, "ar": 1}

NOTES = {
    "de": (
        "Rückruf am Donnerstag, möchte das Angebot mit zwei Standorten.",
        "Rechnung bitte künftig an die Buchhaltung in Graz.",
        "Sehr zufrieden mit der Einschulung, empfiehlt uns weiter.",
    ),
    "en": (
        "Wants the quote split into two sites; call back on Thursday.",
        "Send invoices to accounts payable from now on.",
        "Happy with the onboarding, offered to be a reference.",
    ),
    "fr": (
        "À rappeler jeudi, souhaite un devis pour deux agences.",
        "Envoyer désormais les factures à la comptabilité.",
        "Très satisfait de la formation, prêt à témoigner.",
    ),
    "es": (
        "Llamar el jueves, quiere el presupuesto para dos sedes.",
        "A partir de ahora enviar las facturas a contabilidad.",
        "Muy contento con la formación, nos recomienda.",
    ),
    "ar": (
        "يرغب في عرض سعر لفرعين، الاتصال يوم الخميس.",
        "ترسل الفواتير من الآن إلى قسم المحاسبة.",
        "راضٍ جدًا عن التدريب ومستعد للتوصية بنا.",
    ),
}
DEALS = {
    "de": ("Jahreslizenz 12 Plätze", "Erweiterung Einsatzplanung", "Wartungsvertrag"),
    "en": ("Annual licence, 12 seats", "Dispatch module upgrade", "Maintenance contract"),
    "fr": ("Licence annuelle, 12 postes", "Extension planification", "Contrat de maintenance"),
    "es": ("Licencia anual, 12 puestos", "Ampliación de planificación", "Contrato de mantenimiento"),
    "ar": ("ترخيص سنوي لاثني عشر مستخدمًا", "توسعة جدولة المهام", "عقد صيانة"),
}


@dataclass(frozen=True, slots=True)
class Someone:
    language: str
    full_name: str
    mailbox: str
    phone: str


class Population:
    """Makes people and companies. Faker's generators are made once a language: making one costs a tenth of a second."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.fakers = {}
        for language, locale in LOCALES.items():
            faker = Faker(locale.faker, use_weighting=False)
            faker.seed_instance(rng.getrandbits(32))
            self.fakers[language] = faker

    def language(self) -> str:
        return self.rng.choices(list(LANGUAGE_WEIGHTS), weights=list(LANGUAGE_WEIGHTS.values()))[0]

    def company(self, language: str) -> str:
        return str(self.fakers[language].company())[:200]

    def address(self, language: str) -> str:
        return str(self.fakers[language].address())

    def job_title(self, language: str) -> str:
        return str(self.fakers[language].job())[:120]

    def someone(self, language: str) -> Someone:
        faker = self.fakers[language]
        name = f"{faker.first_name()} {faker.last_name()}"
        return Someone(
            language=language,
            full_name=name,
            mailbox=_mailbox(name) or f"user{self.rng.randrange(10**6)}",
            phone="".join(str(self.rng.randrange(10)) if c == "#" else c for c in LOCALES[language].phone),
        )


def _mailbox(name: str) -> str:
    """The name as the part before an @: ASCII letters and dots; empty for names in other scripts."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = ["".join(letter for letter in word if letter.isalpha()) for word in plain.split()]
    return ".".join(word for word in words if word)[:40]
