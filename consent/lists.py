"""Lists of people who want no marketing, taken over from another system: addresses, or hashes that this one exported.

    address,scope,channel,reason          or          hash,scope,channel,reason

Only `address` (or `hash`) is needed; a row without a scope is about all marketing, one without a channel about every
channel, one without a reason is "imported". Whoever is on the list already stays as they are. An export has hashes.

What could go wrong: the file is a list of people that lies about afterwards. So each address is replaced by its hash
before anything is written (`hashed`), and what waits for the confirmation holds none. Or a typing error lets somebody
be written to: a file is taken whole or not at all, and each refusal names row, column and what to write there.
"""

from datetime import datetime
from itertools import batched
from typing import Any, ClassVar, Final

import tablib
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export import resources
from import_export.fields import Field
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import Result, RowResult
from import_export.widgets import Widget

from consent import topics, verbs
from consent.errors import ConsentError
from consent.models import Channel, Suppression
from consent.models.addresses import address_hash, current_version, is_address, is_hash, versions
from crasme.kit import outside
from crasme.ledger.services import record

MOST_ROWS: Final = 200_000
PREVIEWED: Final = 100
AT_ONCE: Final = 5_000
A_LINE: Final = 500  # rows in one line of the ledger outside, about 60 kB
ADDRESSES: Final = ("address", "email", "phone")
KNOWN: Final = ("hash", "scope", "channel", "reason")
# What an export of this system has besides, so that it can come back as it is.
READ_ONLY: Final = frozenset({"source", "created_at", "key_version"})  # the last counts for hashes alone
NOT_ONE: Final = "–"  # stands where an address should, and none was: the cell itself is not kept


class ListUnfit(ConsentError):
    code = "import-file"


def hashed(dataset: tablib.Dataset) -> tablib.Dataset:
    """The same rows with a hash in place of each address; ListUnfit for columns that nobody knows."""
    headers = [str(name).strip().lower() for name in dataset.headers or ()]
    given = [name for name in headers if name in (*ADDRESSES, "hash")]
    if len(given) != 1:
        raise ListUnfit(
            _("The file needs one column “address” (or “hash”)."), remedy=_("The first row names the columns.")
        )
    if unknown := [name for name in headers if name not in (*ADDRESSES, *KNOWN, *READ_ONLY)]:
        raise ListUnfit(
            _("There is no column “%(column)s”.") % {"column": unknown[0][:40]},
            remedy=_("Leave out what is not needed: address, scope, channel and reason are all."),
        )
    if len(dataset) > MOST_ROWS:
        raise ListUnfit(
            _("The file has more than %(rows)d rows.") % {"rows": MOST_ROWS}, remedy=_("Split it into several.")
        )
    column = headers.index(given[0])
    key = headers.index("key_version") if "key_version" in headers and given[0] != "hash" else None
    made = tablib.Dataset(headers=["hash" if name in ADDRESSES else name for name in headers])
    for row in dataset:
        cells = list(row)
        if key is not None:
            cells[key] = ""  # what is hashed now is hashed with the current one
        cells[column] = _hash_of(str(cells[column] or "").strip(), is_list_of_hashes=given[0] == "hash")
        made.append(cells)
    return made


def _hash_of(text: str, *, is_list_of_hashes: bool) -> str:
    if is_list_of_hashes:
        return text.lower() if is_hash(text.lower()) else NOT_ONE
    return address_hash(text) if is_address(text) else NOT_ONE


def _version_of(row: Any) -> int:
    """The key that made the hash: an export of before the key was exchanged says which."""
    named = str(row.get("key_version") or "").strip()
    return int(named) if named.isdigit() else current_version()


class _Text(Widget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return "" if value is None else str(value).strip()


class _Never(BaseInstanceLoader):
    """Rows are never changed by a list: those that are there already are passed over."""

    def get_instance(self, row: Any) -> None:
        return None


class _Result(Result):
    def valid_rows(self) -> list[RowResult]:
        rows: list[RowResult] = super().valid_rows()
        return rows[:PREVIEWED]

    def append_invalid_row(self, number: int, row: Any, validation_error: ValidationError) -> None:
        if len(self.invalid_rows) < PREVIEWED:
            super().append_invalid_row(number, row, validation_error)


class SuppressionSheet(resources.ModelResource):
    """`actor` and `now` (aware) are for what is written."""

    address = Field(attribute="address", column_name="hash", widget=_Text())
    scope = Field(attribute="scope", column_name="scope", widget=_Text())
    channel = Field(attribute="channel", column_name="channel", widget=_Text())
    reason = Field(attribute="reason", column_name="reason", widget=_Text())
    key_version = Field(attribute="key_version", column_name="key_version")

    class Meta:
        model = Suppression
        name = "suppression"
        fields: ClassVar = ("address", "scope", "channel", "reason", "key_version")
        import_order = fields
        export_order = fields
        import_id_fields: ClassVar = ("address",)
        instance_loader_class = _Never
        use_bulk = True
        use_transactions = True
        batch_size = AT_ONCE
        skip_diff = True
        report_skipped = True
        clean_model_instances = False  # each cell is looked at below, and the database has the last word

    def __init__(self, *, actor: str = "", now: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.actor, self.now = actor, now
        self.there: set[tuple[str, str, str]] = set()
        self.new = 0

    @classmethod
    def get_result_class(cls) -> type[_Result]:
        return _Result

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        found = Suppression.objects.filter(address__among=list(dataset["hash"]))
        self.there = set(found.values_list("address", "scope", "channel"))

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        row["scope"] = str(row.get("scope") or "").strip() or Suppression.Scope.MARKETING
        row["channel"] = str(row.get("channel") or "").strip().lower()
        row["reason"] = str(row.get("reason") or "").strip().lower() or Suppression.Reason.IMPORTED
        row["key_version"] = _version_of(row)
        faults = {}
        if row["hash"] == NOT_ONE:
            faults["address"] = _(
                "This is no address. Write name@example.com, or a telephone number with +country code."
            )
        if row["key_version"] not in versions():
            faults["address"] = _("This hash was made with a key that is not in use any more: it would never be found.")
        if not topics.is_known(row["scope"]):
            faults["scope"] = _("There is no such topic. Write one of: %(known)s.") % {
                "known": ", ".join(scope for scope, _title in topics.choices())
            }
        if row["channel"] and row["channel"] not in Channel.values:
            faults["channel"] = _("Write one of: %(known)s; or nothing, for all of them.") % {
                "known": ", ".join(Channel.values)
            }
        if row["reason"] not in Suppression.Reason.values:
            faults["reason"] = _("Write one of: %(known)s.") % {"known": ", ".join(Suppression.Reason.values)}
        if faults:
            raise ValidationError(faults)

    def skip_row(self, instance: Suppression, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        key = (instance.address, instance.scope, instance.channel)
        if key in self.there:
            return True
        self.there.add(key)
        self.new += 1
        return False

    def before_save_instance(self, instance: Suppression, row: Any, **kwargs: Any) -> None:
        instance.source, instance.created_at = Suppression.Source.IMPORT, self.now  # type: ignore[assignment]

    def bulk_create(
        self, using_transactions: Any, dry_run: Any, raise_errors: Any, batch_size: Any = None, result: Any = None
    ) -> None:
        """Somebody who opted out meanwhile is there already."""
        if not dry_run or using_transactions:
            Suppression.objects.bulk_create(self.create_instances, batch_size=batch_size, ignore_conflicts=True)
            self._outlive_a_restore(self.create_instances)
        self.create_instances.clear()

    def _outlive_a_restore(self, rows: list[Suppression]) -> None:
        """A database from before the import must not forget it: the rows go to the ledger outside, many a line."""
        if self.now is not None:
            for some in batched(rows, A_LINE):
                outside.note(
                    "suppress",
                    now=self.now,
                    source=str(Suppression.Source.IMPORT),
                    rows=[[row.address, row.key_version, row.scope, row.channel, row.reason] for row in some],
                )

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        if not result.has_errors() and not result.has_validation_errors():
            record(verbs.SUPPRESSION_IMPORTED.name, actor=self.actor, rows=len(dataset), new=self.new)
