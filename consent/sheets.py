"""The registry's cookies as tables: our own columns, and those of the Open Cookie Database.

An import changes the draft only: what it means for visitors is seen and decided when the draft is published. A file is
taken whole or not at all; each refusal names the row, the column and what to write there.

What could go wrong: a row that is taken for something else. The Open Cookie Database's categories are not ours, and
three of them ("Functional", "Marketing", "Security") may mean either what a site needs or what it need not: whoever
imports says for the file what they are, and a category that nobody mapped is refused, never guessed.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext as _
from import_export import resources
from import_export.fields import Field
from import_export.widgets import BooleanWidget, ForeignKeyWidget, Widget

from consent import drafting, verbs
from consent.errors import ConsentError
from consent.models import Category, Cookie, Service
from crasme.ledger.services import record

MOST_ROWS: Final = 5_000
KEYS: Final = ("name", "kind", "domain", "path")
OWN: Final = (*KEYS, "service", "category", "lifetime", "purpose", "party", "http_only", "on_request")
# The Open Cookie Database's columns, in its order.
OCD: Final = (
    "ID", "Platform", "Category", "Cookie / Data Key name", "Domain", "Description", "Retention period",
    "Data Controller", "User Privacy & GDPR Rights Portals", "Wildcard match",
)  # fmt: skip
BY_HAND: Final = ("Functional", "Marketing", "Security")
_UNITS: Final = {"year": "P%dY", "month": "P%dM", "week": "P%dW", "day": "P%dD", "hour": "PT%dH", "minute": "PT%dM"}


class TableUnfit(ConsentError):
    code = "import-file"


class _Text(Widget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return "" if value is None else str(value).strip()


class _Named(ForeignKeyWidget):
    """A row of ours by its slug; says which there are."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        slug = "" if value is None else str(value).strip()
        found = self.model._default_manager.filter(slug=slug).first()
        if found is None:
            known = ", ".join(self.model._default_manager.order_by("slug").values_list("slug", flat=True)[:20])
            raise ValueError(_("No such row. Declare it, or write one of: %(known)s.") % {"known": known})
        return found


class CookieSheet(resources.ModelResource):
    """Cookies with our own columns, out and in. A known name, kind, domain and path is changed, another is declared."""

    name = Field(attribute="name", column_name="name", widget=_Text())
    kind = Field(attribute="kind", column_name="kind", widget=_Text(), default="cookie")
    domain = Field(attribute="domain", column_name="domain", widget=_Text(), default="")
    path = Field(attribute="path", column_name="path", widget=_Text(), default="/")
    service = Field(attribute="service", column_name="service", widget=_Named(Service, field="slug"))
    category = Field(attribute="category", column_name="category", widget=_Named(Category, field="slug"))
    lifetime = Field(attribute="lifetime", column_name="lifetime", widget=_Text())
    purpose = Field(attribute="purpose", column_name="purpose", widget=_Text())
    party = Field(attribute="party", column_name="party", widget=_Text(), default="first")
    http_only = Field(attribute="http_only", column_name="http_only", widget=BooleanWidget())
    on_request = Field(attribute="on_request", column_name="on_request", widget=BooleanWidget())

    class Meta:
        model = Cookie
        name = "Crasme"
        fields: ClassVar = OWN
        import_order = fields
        export_order = fields
        import_id_fields: ClassVar = KEYS
        skip_unchanged = True
        report_skipped = True
        use_transactions = True
        clean_model_instances = True

    required: ClassVar[tuple[str, ...]] = (*KEYS, "service", "category", "lifetime", "purpose")

    def __init__(self, *, actor: str = "", mapping: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.actor, self.mapping = actor, dict(mapping or {})
        self.first_row_of: dict[tuple[str, ...], int] = {}

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.select_related("service", "category")

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        headers = set(dataset.headers or ())
        if missing := [name for name in self.required if name not in headers]:
            dataset.wipe()
            raise TableUnfit(
                _("The column “%(column)s” is missing.") % {"column": missing[0]},
                remedy=_("The first row names the columns."),
            )
        if len(dataset) > MOST_ROWS:
            dataset.wipe()
            raise TableUnfit(
                _("The file has more than %(rows)d rows.") % {"rows": MOST_ROWS}, remedy=_("Split it into several.")
            )

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        key = tuple(str(row.get(name) or "").strip() for name in KEYS)
        if (first := self.first_row_of.setdefault(key, kwargs["row_number"])) != kwargs["row_number"]:
            raise ValidationError({"name": _("Row %(row)d declares it already. Keep one of the two.") % {"row": first}})

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        if result.has_errors() or result.has_validation_errors():
            return
        record(
            verbs.REGISTRY_CHANGED.name,
            actor=self.actor,
            table="consent.cookie",
            row="",
            change="imported",
            rows=len(dataset),
            registry=drafting.version(),
        )


class OpenCookieSheet(CookieSheet):
    """The Open Cookie Database's columns. `mapping` leads from its categories to slugs of ours."""

    class Meta(CookieSheet.Meta):
        name = "Open Cookie Database"

    required = OCD[1:]

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        super().before_import(dataset, **kwargs)
        for name in BY_HAND:
            if not self.mapping.get(name.casefold()):
                dataset.wipe()
                raise TableUnfit(
                    _("Nobody has said what the category “%(category)s” is here.") % {"category": name},
                    remedy=_("Choose one of our categories for it beside the file."),
                )
        for name in OWN:
            dataset.append_col([""] * len(dataset), header=name)

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        domain, third = _domain(str(row["Domain"] or ""))
        wildcard = str(row["Wildcard match"] or "").strip() in ("1", "1.0", "true", "True")
        name = str(row["Cookie / Data Key name"] or "").strip()
        row |= {
            "name": f"{name}*" if wildcard and not name.endswith("*") else name,
            "kind": "cookie",
            "domain": domain,
            "path": "/",
            "service": _service(row),
            "category": self._category(str(row["Category"] or "").strip()),
            "lifetime": lifetime(str(row["Retention period"] or "")),
            "purpose": str(row["Description"] or "").strip(),
            "party": "third" if third else "first",
            "http_only": "0",
            "on_request": "0",
        }
        super().before_import_row(row, **kwargs)

    def _category(self, theirs: str) -> str:
        slug = self.mapping.get(theirs.casefold()) or theirs.casefold()
        if not Category.objects.filter(slug=slug).exists():
            raise ValidationError({
                "category": _("Column “Category” says “%(theirs)s”: choose one of ours for it, or write: %(known)s.")
                % {"theirs": theirs[:40], "known": ", ".join(Category.objects.values_list("slug", flat=True))}
            })  # fmt: skip
        return slug


class OpenCookieExport(resources.ModelResource):
    """Our cookies in the Open Cookie Database's columns."""

    class Meta:
        model = Cookie
        name = "Open Cookie Database"
        fields: ClassVar = ()

    def get_export_fields(self, selected_fields: Any = None) -> list[Field]:
        return [_Column(name) for name in OCD]

    def get_export_order(self) -> tuple[str, ...]:
        return OCD

    def get_export_headers(self, selected_fields: Any = None) -> list[str]:
        return list(OCD)

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.select_related("service", "category")

    def export_resource(self, instance: Cookie, selected_fields: Any = None, **kwargs: Any) -> list[str]:
        service = instance.service
        return [
            str(instance.pk), service.name, instance.category.slug.capitalize(), instance.name.removesuffix("*"),
            instance.domain, instance.purpose, _words(instance.lifetime), service.controller or service.provider,
            service.policy_url, "1" if instance.name.endswith("*") else "0",
        ]  # fmt: skip


class _Column(Field):
    def __init__(self, name: str) -> None:
        super().__init__(column_name=name)


def lifetime(text: str) -> str:
    """ "2 years", "30 minutes", "session" as a lifetime of ours. ValidationError with what to write."""
    plain = text.strip().casefold()
    if plain in ("session", "persistent"):
        return plain
    found = re.fullmatch(r"(\d{1,5})\s*(year|month|week|day|hour|minute|second)s?", plain)
    if not found:
        raise ValidationError({
            "lifetime": _("Column “Retention period”: write “2 years”, “30 minutes”, “session” or “persistent”.")
        })  # fmt: skip
    number, unit = int(found[1]), found[2]
    if unit == "second":
        number, unit = max(1, -(-number // 60)), "minute"
    return _UNITS[unit] % number


def _words(text: str) -> str:
    """The other way round, in the English that the format has."""
    for unit, form in _UNITS.items():
        if found := re.fullmatch(form.replace("%d", r"(\d+)"), text):
            return f"{found[1]} {unit}{'' if found[1] == '1' else 's'}"
    return text


def _domain(text: str) -> tuple[str, bool]:
    """("google.com", True) of "google.com (3rd party)": the host ("" for the site's own), and if it is another's."""
    third = "3rd" in text or "third" in text.casefold()
    host = re.match(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text.strip())
    own = not host or "1st" in text
    return ("" if own else host[0].casefold().lstrip(".")), third or not own  # type: ignore[index]


def _service(row: Any) -> str:
    name = str(row["Platform"] or "").strip()
    slug = slugify(name)[:48]
    if not slug:
        raise ValidationError({"service": _("Column “Platform” is empty. Write who sets the cookie.")})
    controller = str(row["Data Controller"] or "").strip()[:120] or name[:120]
    portal = str(row["User Privacy & GDPR Rights Portals"] or "").strip()
    defaults = {
        "name": name[:80], "provider": controller, "controller": controller,
        "policy_url": portal if re.fullmatch(r"https?://[^\s]{1,190}", portal) else "",
    }  # fmt: skip
    Service.objects.get_or_create(slug=slug, defaults=defaults)
    return slug
