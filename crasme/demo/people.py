"""Names, addresses and texts, in five languages."""

import random
import unicodedata
from dataclasses import dataclass

from faker import Faker

LOCALES = {
    "de": ("de_AT", "AT", "Europe/Vienna"),
    "en": ("en_GB", "GB", "Europe/London"),
    "fr": ("fr_FR", "FR", "Europe/Paris"),
    "es": ("es_ES", "ES", "Europe/Madrid"),
    "ar": ("ar_EG", "EG", "Africa/Cairo"),
}
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
    time_zone: str
    full_name: str
    mailbox: str
    phone: str
    address: str
    job_title: str


class Population:
    """Makes people and companies. Faker's generators are made once a language: making one costs a tenth of a second."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.fakers = {}
        for language, (locale, _country, _zone) in LOCALES.items():
            faker = Faker(locale, use_weighting=False)
            faker.seed_instance(rng.getrandbits(32))
            self.fakers[language] = faker

    def language(self) -> str:
        return self.rng.choices(list(LANGUAGE_WEIGHTS), weights=list(LANGUAGE_WEIGHTS.values()))[0]

    def company(self, language: str) -> tuple[str, str, str]:
        """Name, country code, address."""
        faker = self.fakers[language]
        return faker.company()[:200], LOCALES[language][1], faker.address()

    def someone(self, language: str) -> Someone:
        faker = self.fakers[language]
        name = f"{faker.first_name()} {faker.last_name()}"
        return Someone(
            language=language,
            time_zone=LOCALES[language][2],
            full_name=name,
            mailbox=_mailbox(name) or f"user{self.rng.randrange(10**6)}",
            phone=faker.phone_number()[:40],
            address=faker.address(),
            job_title=faker.job()[:120],
        )


def _mailbox(name: str) -> str:
    """The name as the part before an @: ASCII letters and dots; empty for names in other scripts."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = ["".join(letter for letter in word if letter.isalpha()) for word in plain.split()]
    return ".".join(word for word in words if word)[:40]
