"""Accounts from an uploaded table: checked as a whole, taken as a whole or not at all.

A row whose address is new makes an account; a known address updates it; a row that changes nothing is passed over. A
column that the file lacks is left alone, an empty cell empties its field (role, language, time zone and organisation
keep their value).

What could go wrong: a misspelt column is ignored and its data lost; ten thousand rows cost seventy thousand queries;
an import changes somebody who is restricted, closed or under a legal hold; between preview and confirmation another
person changes the same rows; a list that somebody bought brings back people who want no advertising, and nobody hears
of it. So unknown columns are refused, organisations and accounts are read in one query each, such accounts are refused
by name of the reason, the known rows are locked while the file is taken, and the gate of marketing is asked about all
addresses at once (UNWANTED_AT): its "no" stays, and no import is refused for it, because an account is no permission.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from import_export import resources
from import_export.fields import Field
from import_export.instance_loaders import CachedInstanceLoader
from import_export.results import Result, RowResult

from crasme.crm import verbs
from crasme.crm.errors import CrmError
from crasme.crm.models import Account, Organisation
from crasme.crm.sheets.cells import Mailbox, Optional, OrganisationCell, Role, Text, as_uuid
from crasme.kit import cards
from crasme.ledger.services import record

MOST_ROWS: Final = 20_000
PREVIEWED: Final = 200
# An export carries these; a file that was exported, corrected and comes back must not be refused for them.
READ_ONLY: Final = frozenset({"id", "status", "created_at", "closed_at"})


class FileUnfit(CrmError):
    code = "import-file"


class _Changed(resources.Diff):
    """What a row changes, shown for the first rows only: a page of 20,000 helps nobody."""

    def __init__(self, resource: "AccountImport", instance: Account, new: bool) -> None:
        super().__init__(resource, instance, new)
        # Whoever may not look at accounts sees what they upload, and nothing that was stored before.
        self.shown = resource.row_number <= PREVIEWED and (new or resource.may_look)

    def as_html(self) -> list[Any]:
        if not self.shown:
            return []
        cells: list[Any] = super().as_html()
        return cells


class _Result(Result):
    unwanted: int | None = None  # rows whose addresses want no marketing; None where nobody was asked

    def valid_rows(self) -> list[RowResult]:
        rows: list[RowResult] = super().valid_rows()
        return rows[:PREVIEWED]

    def append_invalid_row(self, number: int, row: Any, validation_error: ValidationError) -> None:
        if len(self.invalid_rows) < PREVIEWED:
            shown = {name: "•••" if cards.find_in(cell) else cell for name, cell in row.items()}
            super().append_invalid_row(number, shown, validation_error)


class AccountImport(resources.ModelResource):
    """`actor` and `now` (aware) are for what is written; `may_look` lets a preview show what was stored before."""

    email = Field(attribute="email", column_name="email", widget=Mailbox())
    full_name = Field(attribute="full_name", column_name="full_name", widget=Text())
    organisation = Field(
        attribute="organisation", column_name="organisation", widget=OrganisationCell(), saves_null_values=False
    )
    phone = Field(attribute="phone", column_name="phone", widget=Text())
    business_address = Field(attribute="business_address", column_name="business_address", widget=Text())
    job_title = Field(attribute="job_title", column_name="job_title", widget=Text())
    role = Field(attribute="role", column_name="role", widget=Role(), saves_null_values=False)
    language = Field(attribute="language", column_name="language", widget=Optional(), saves_null_values=False)
    time_zone = Field(attribute="time_zone", column_name="time_zone", widget=Optional(), saves_null_values=False)

    class Meta:
        model = Account
        name = "accounts"
        fields: ClassVar = (
            "email",
            "full_name",
            "organisation",
            "phone",
            "business_address",
            "job_title",
            "role",
            "language",
            "time_zone",
        )
        import_order = fields
        import_id_fields: ClassVar = ("email",)
        instance_loader_class = CachedInstanceLoader
        skip_unchanged = True
        report_skipped = True
        use_bulk = True
        use_transactions = True
        batch_size = 1_000

    def __init__(self, *, actor: str, now: datetime, may_look: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.actor, self.now, self.may_look = actor, now, may_look
        self.row_number = 0
        self.first_row_of: dict[str, int] = {}

    @classmethod
    def get_diff_class(cls) -> type[_Changed]:
        return _Changed

    @classmethod
    def get_result_class(cls) -> type[_Result]:
        return _Result

    def get_queryset(self) -> Any:
        return Account.objects.select_related("organisation").select_for_update(of=("self",)).order_by("pk")

    # --- the file ----------------------------------------------------------------------------------------------------
    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        try:
            self._refuse_unfit(dataset)
        except FileUnfit:
            dataset.wipe()  # the rows of a refused file are not looked at
            raise
        self.fields["organisation"].widget = OrganisationCell(_organisations(dataset))

    def _refuse_unfit(self, dataset: Any) -> None:
        headers = set(dataset.headers or ())
        known = {field.column_name for field in self.get_import_fields()}
        if "email" not in headers:
            raise FileUnfit(_("The column “email” is missing."), remedy=_("The first row names the columns."))
        if unknown := sorted(headers - known - READ_ONLY):
            raise FileUnfit(
                _("There is no column “%(column)s”.") % {"column": unknown[0]},
                remedy=_("Rename or remove it. The columns are: %(columns)s.") % {"columns": ", ".join(sorted(known))},
            )
        if len(dataset) > MOST_ROWS:
            raise FileUnfit(
                _("The file has more than %(rows)d rows.") % {"rows": MOST_ROWS}, remedy=_("Split it into several.")
            )

    def after_import(self, dataset: Any, result: _Result, **kwargs: Any) -> None:
        if result.has_errors() or result.has_validation_errors():
            return
        result.unwanted = len(_unwanted(self.first_row_of))
        if kwargs["dry_run"]:
            return
        record(
            verbs.ACCOUNTS_IMPORTED,
            actor=self.actor,
            created=result.totals[RowResult.IMPORT_TYPE_NEW],
            updated=result.totals[RowResult.IMPORT_TYPE_UPDATE],
            unchanged=result.totals[RowResult.IMPORT_TYPE_SKIP],
            unwanted=result.unwanted,
        )

    def handle_import_error(self, result: Result, error: Exception, raise_errors: bool = False) -> None:
        if isinstance(error, IntegrityError):
            # The database's own message quotes the row.
            error = CrmError(_("Somebody changed these accounts at the same time. Upload the file again."))
        super().handle_import_error(result, error, raise_errors)

    # --- a row -------------------------------------------------------------------------------------------------------
    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        self.row_number = kwargs["row_number"]
        try:
            email = self.fields["email"].clean(row)
        except ValueError as error:
            raise ValidationError({"email": str(error)}) from None
        if not email:
            raise ValidationError({"email": _("Every row needs an e-mail address.")})
        if (first := self.first_row_of.setdefault(email, self.row_number)) != self.row_number:
            raise ValidationError(
                {"email": _("Row %(row)d has the same address already. Keep one of the two.") % {"row": first}}
            )

    def init_instance(self, row: Any = None) -> Account:
        return Account(created_at=self.now)

    def validate_instance(
        self, instance: Account, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Without the queries of `full_clean`: what they would ask was looked up for the whole file at once."""
        errors = dict(import_validation_errors or {})
        if reason := _untouchable(instance):
            raise ValidationError({"email": reason})
        if not instance.organisation_id and "organisation" not in errors:
            errors["organisation"] = ValidationError(_("A new account needs its organisation, by name or id."))
        try:
            instance.clean_fields(exclude={*errors, "organisation"})
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)


def _untouchable(account: Account) -> str:
    """Why an import must leave this account alone; "" when it need not."""
    if account.restricted_at is not None:
        return _("Processing of this account is restricted. Remove the row or lift the restriction.")
    if account.on_hold:
        return _("A legal hold lies on this account. Remove the row.")
    if account.status != Account.Status.ACTIVE:
        return _("This account is closed. Remove the row or open the account again.")
    return ""


def _unwanted(addresses: Iterable[str]) -> set[str]:
    """Whom the gate of marketing refuses; nobody, in an installation without one."""
    refused: set[str] = import_string(settings.UNWANTED_AT)(addresses) if settings.UNWANTED_AT else set()
    return refused


def _organisations(dataset: Any) -> dict[str, list[Organisation]]:
    """Every organisation that the file may mean, by lower-case name and by id, in one query."""
    if "organisation" not in dataset.headers:
        return {}
    named = {str(cell).strip().lower() for cell in dataset["organisation"] if cell not in (None, "")}
    ids = {found for name in named if (found := as_uuid(name))}
    known: dict[str, list[Organisation]] = {}
    for organisation in Organisation.objects.alias(lower=Lower("name")).filter(Q(lower__in=named) | Q(pk__in=ids)):
        for key in {organisation.name.lower(), str(organisation.pk)}:
            known.setdefault(key, []).append(organisation)
    return known
