"""Words for what the data map only names: purposes, categories, sections. Everything here is marked for translation.

The data map stays free of prose; the policy page and the answer to an access request both take the words from here.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crasme.kit.datamap import Category, Purpose
from privacy.models.registers import Recipient


@dataclass(frozen=True, slots=True)
class Words:
    title: Promise
    text: Promise


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the policy: its anchor, its heading, and the template that writes it from the facts."""

    slug: str
    title: Promise

    @property
    def template(self) -> str:
        return f"portal/policy/{self.slug}.html"


SECTIONS = (
    Section("information", _("What we collect")),
    Section("purposes", _("What we use it for")),
    Section("sharing", _("Who else receives it")),
    Section("security", _("How we protect it")),
    Section("rights", _("Your rights")),
    Section("cookies", _("Cookies")),
    Section("integrations", _("Connected services")),
    Section("retention", _("How long we keep it")),
    Section("children", _("Children")),
    Section("changes", _("Changes to this policy")),
    Section("contact", _("How to reach us")),
)

CATEGORIES = {
    Category.ACCOUNT: Words(_("Account information"), _("What you give us when an account is made or changed.")),
    Category.BILLING: Words(
        _("Billing"),
        _("What an invoice needs. Payment details go to the payment processor; card data never reaches us."),
    ),
    Category.USAGE: Words(
        _("Usage data"),
        _("Collected as you use the product: pages, features, actions, time spent, searches, errors and performance."),
    ),
    Category.DEVICE: Words(_("Device information"), _("What your browser or device tells every site it visits.")),
    Category.COOKIES: Words(
        _("Cookies and choices"), _("Your cookie and mail choices, and what the cookies remember.")
    ),
    Category.CONTENT: Words(
        _("What you put into the product"), _("Contacts, deals and notes. They are yours; we only store and show them.")
    ),
    Category.INTEGRATION: Words(
        _("Connected services"), _("What a service that you connect needs in order to synchronise, and no more.")
    ),
    Category.RIGHTS: Words(
        _("Privacy requests"), _("What arises when you use one of your rights: we must be able to prove it.")
    ),
}

PURPOSES = {
    Purpose.SERVICE: Words(
        _("Providing the service"),
        _(
            "Contacts, deals, tickets and quotes; dispatch and scheduling; invoices, proposals and reports; working"
            " together in a team; accounts, roles and permissions."
        ),
    ),
    Purpose.IMPROVEMENT: Words(
        _("Improving the product"),
        _("New features, speed and reliability, finding and mending faults, research and analysis."),
    ),
    Purpose.COMMUNICATION: Words(
        _("Keeping in touch"),
        _(
            "Notices about the service, answers to your questions, billing and subscription mail, and, unless you"
            " object, announcements of features."
        ),
    ),
    Purpose.SECURITY: Words(
        _("Security and the law"),
        _(
            "Keeping out fraud and attacks, enforcing our terms, meeting legal duties, and protecting the rights,"
            " property and safety of people."
        ),
    ),
}

RECIPIENT_KINDS = {
    Recipient.Kind.HOSTING: Words(_("Hosting"), _("Runs the servers that hold the data.")),
    Recipient.Kind.PAYMENT: Words(_("Payment"), _("Takes payments and handles payment details itself.")),
    Recipient.Kind.EMAIL: Words(_("E-mail delivery"), _("Carries our mail to your mailbox.")),
    Recipient.Kind.ANALYTICS: Words(_("Analytics"), _("Measures how the product is used.")),
}
